//! The command line: what was asked, and one file for each command.

mod duration;
mod list;
mod live;
mod options;

use std::process::ExitCode;

use clap::Parser as _;

use options::{Cli, Command};

/// What was asked is not so: nothing matches.
const EXIT_NOT_SO: u8 = 1;
/// Bad usage, or it could not be found out.
const EXIT_TROUBLE: u8 = 2;
/// A bug.
const EXIT_BUG: u8 = 101;

/// Runs the program and says with which code it ends.
///
/// # Errors
/// What could not be done, in words for the user; the code is then 2.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for, and go to stdout; clap knows which is which.
            let code = if error.use_stderr() { EXIT_TROUBLE } else { 0 };
            let _ = error.print();
            return Ok(code.into());
        }
    };
    let code = match cli.command {
        Some(Command::List(list)) => list::run(&cli.shared, &list)?,
        None => live::run(&cli.shared, &cli.filter)?,
    };
    Ok(code.into())
}

/// One line on standard error, in the program's name.
#[expect(
    clippy::print_stderr,
    reason = "the command line speaks on standard error"
)]
pub fn complain(what: &str) {
    eprintln!("sockeye: {what}");
}

/// The code for an error that ends the program.
pub fn trouble() -> ExitCode {
    EXIT_TROUBLE.into()
}
