//! `sockeye config`: the file that holds the settings, to begin one with, and where it is looked for.

use std::io;

use anyhow::Context as _;
use clap::Args;
use sockeye::config::{default_file, default_path};

use super::args::Shared;
use super::args::examples;
use super::output::print;

/// Print the settings of the live table with their defaults
///
/// What is printed is a file to begin with: every key, and what it means, in comments. It belongs where
/// --path says. The live table reads it, and does not start while something in it is wrong; an option
/// counts more than the file, and `--config /dev/null` is no file at all. `sockeye keys` tells the keys that
/// it gives. Of all this the other commands take the names of services alone, so that a script does the same for
/// everybody; one that is named with --config they check all the same. No key of it starts a program or names a file.
#[derive(Debug, Args)]
#[command(after_long_help = examples::CONFIG)]
pub(super) struct PrintConfig {
    /// Print where the file is looked for instead
    #[arg(long)]
    path: bool,
}

/// Prints the file, or its path.
pub(super) fn run(shared: &Shared, wanted: &PrintConfig) -> anyhow::Result<u8> {
    if !wanted.path {
        print(|out| out.write_all(default_file().as_bytes()))?;
        return Ok(0);
    }
    let path = shared.config.clone().or_else(default_path);
    let path = path.context("there is no home directory to look for it in")?;
    // As the system has it: it is there to be opened.
    print(|out| write_line(out, path.as_os_str().as_encoded_bytes()))?;
    Ok(0)
}

fn write_line(out: &mut dyn io::Write, line: &[u8]) -> io::Result<()> {
    out.write_all(line)?;
    out.write_all(b"\n")
}
