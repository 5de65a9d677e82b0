//! The option `-N` of the commands that bind: the network namespace to bind in.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use sockeye::inspect::{NamespaceAccess, run_in};
use sockeye::model::{Inside, clean};
use sockeye::runtime::panic;

/// The option.
#[derive(Debug, Args)]
pub struct NamespaceArgs {
    /// Bind in another network namespace: of a container (its name or the beginning of its id), of `ip netns` (its name)
    /// or of a process (its PID); `own` is the one that sockeye runs in
    ///
    /// Entering another one takes root, or the capabilities `CAP_SYS_ADMIN` and `CAP_SYS_PTRACE`.
    #[arg(short = 'N', long = "namespace", value_name = "NAME|PID")]
    namespace: Option<String>,
}

impl NamespaceArgs {
    /// Runs a command of this name in the namespace; its argument is `None` in that of this program.
    pub fn run(
        &self,
        name: &str,
        command: impl FnOnce(Option<&Arc<Inside>>) -> anyhow::Result<u8> + Send,
    ) -> anyhow::Result<u8> {
        let found = match self.namespace.as_deref() {
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
}
