//! The command line: what was asked, and one file for each command.

mod check;
mod duration;
mod list;
mod live;
mod options;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use options::{Cli, Command};

/// What was asked is not so: nothing matches, a port can't be bound.
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
        Err(error) if error.use_stderr() => {
            complain(&one_line(&error));
            return Ok(trouble());
        }
        // Help and version, which were asked for.
        Err(help) => {
            let _ = help.print();
            return Ok(ExitCode::SUCCESS);
        }
    };
    let code = match cli.command {
        Some(Command::List(list)) => list::run(&cli.shared, &list)?,
        Some(Command::Check(check)) => check::run(&cli.shared, &check)?,
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

/// A usage error without clap's paragraphs: what was wrong, and the tip if there is one.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned();
    match lines.find_map(|line| line.strip_prefix("tip: ")) {
        Some(tip) => format!("{what}; {tip} (see --help)"),
        None => format!("{what} (see --help)"),
    }
}
