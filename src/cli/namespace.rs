//! The option `-N` of the commands that bind: the network namespace to bind in.

use std::sync::Arc;

use anyhow::bail;
use sockeye::inspect::{NamespaceAccess, run_in};
use sockeye::model::{Inside, clean};
use sockeye::runtime::panic;

/// Runs a command of this name in the namespace of the option; its argument is `None` in that of this program.
pub fn run(
    namespace: Option<&str>,
    name: &str,
    command: impl FnOnce(Option<&Arc<Inside>>) -> anyhow::Result<u8> + Send,
) -> anyhow::Result<u8> {
    let found = match namespace {
        None => None,
        Some("all") => {
            bail!("-N all: {name} binds in one network namespace at a time; name one")
        }
        Some(namespace) => match NamespaceAccess::find(namespace) {
            Ok(found) => found,
            Err(why) => bail!("-N {}: {why}", clean(namespace)),
        },
    };
    let inside = found.as_ref().map(NamespaceAccess::inside);
    let run = || {
        if inside.is_some() {
            // This thread is the main one from here on: a crash prints its line.
            panic::install_hook();
        }
        command(inside)
    };
    match run_in(found.as_ref(), run) {
        Ok(answer) => answer,
        Err(why) => bail!("{why}"),
    }
}
