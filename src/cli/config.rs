//! `sockeye config`: a config file to start with, and where it belongs.

use anyhow::Context as _;
use clap::Args;
use sockeye::config::{default_file, default_path};

use super::global::GlobalArgs;
use super::output::print;

const EXAMPLES: &str = "\
Examples:
  file=$(sockeye config --path)
  [ -e \"$file\" ] || { mkdir -p \"${file%/*}\" && sockeye config >\"$file\"; }
                                        a file to begin with
  sockeye --config ./sockeye.toml       another one";

/// Print the settings of the live table with their defaults
///
/// The output is a config file to start with: every setting, explained in comments. Save it where --path says. The live
/// table reads it, and doesn't start if it has an error. Options override it; `--config /dev/null` is an empty one.
/// `sockeye keys` shows the keys it sets. The other commands use only its service names, so that a script does the same
/// for every user; a file named with --config is checked all the same. No setting runs a program or names a file.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct PrintConfig {
    /// Print the path of the config file instead
    #[arg(long)]
    path: bool,
}

pub(super) fn run(global: &GlobalArgs, wanted: &PrintConfig) -> anyhow::Result<u8> {
    if !wanted.path {
        print(|out| out.write_all(default_file().as_bytes()))?;
        return Ok(0);
    }
    let path = global.config.clone().or_else(default_path);
    let path = path.context("no home directory, so there is no path for a config file")?;
    // Not cleaned: the path is there to be opened.
    let line = [path.as_os_str().as_encoded_bytes(), b"\n"].concat();
    print(|out| out.write_all(&line))?;
    Ok(0)
}
