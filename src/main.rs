//! The `sockeye` command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().unwrap_or_else(|error| {
        cli::complain(&format!("{error:#}"));
        cli::trouble()
    })
}
