//! The command line: what was asked, and one file for each command.

mod args;
mod check;
mod config;
mod free;
mod list;
mod live;
mod output;
mod reference;
mod wait;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use clap::error::ErrorKind;
use sockeye::config as config_file;
use sockeye::model::{Owner, Problem, ProblemCode, clean};
use sockeye::runtime::panic;
use sockeye::theme::Glyphs;
use sockeye::track::Row;
use sockeye::ui::in_ascii;

use args::{Cli, Command};
use reference::{completions, keys, man};

/// What was asked is not so: nothing matches, a port can't be bound.
const EXIT_NOT_SO: u8 = 1;
/// Bad usage, or it could not be found out.
const EXIT_TROUBLE: u8 = 2;
/// A bug.
const EXIT_BUG: u8 = 101;
/// A command that we were to start is not there, or can't be executed: as POSIX has it for `env`.
const EXIT_NOT_FOUND: u8 = 127;
const EXIT_NOT_EXECUTABLE: u8 = 126;

/// Runs the program and says with which code it ends.
///
/// # Errors
/// What could not be done, in words for the user; the code is then 2.
pub fn run() -> anyhow::Result<ExitCode> {
    panic::install_hook();
    let cli = match Cli::parsed_from(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            complain(&one_line(&harmless(error)));
            return Ok(trouble());
        }
        // Help and version, which were asked for.
        Err(help) => {
            let is_styled = io::stdout().is_terminal() && output::takes_colour();
            let text = help.render();
            output::print(|out| {
                if is_styled {
                    write!(out, "{}", text.ansi())
                } else {
                    write!(out, "{text}")
                }
            })?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    cli.shared.check()?;
    if let Some(refusal) = cli.mistyped_command(std::env::args_os()) {
        bail!(refusal);
    }
    // From here on the file of settings counts. Its folder may hang (a home on a network), so what needs
    // nothing of it has been done before: help, version, usage that is wrong.
    if cli.names_services() {
        use_own_services(&cli);
    }
    // Every command refuses a file that was named and is wrong; what it says is for the live table.
    let named = cli.shared.config.as_deref();
    let named = named.map(sockeye::config::read).transpose()?;
    let code = match cli.command {
        Some(Command::List(list)) => list::run(&cli.shared, &list)?,
        Some(Command::Watch(watch)) => watch::run(&cli.shared, &watch)?,
        Some(Command::Check(check)) => check::run(&cli.shared, &check)?,
        Some(Command::Free(free)) => free::run(&cli.shared, &free)?,
        Some(Command::Wait(wait)) => wait::run(&cli.shared, &wait)?,
        Some(Command::Completions(completions)) => completions::run(&completions)?,
        Some(Command::Man(man)) => man::run(&man)?,
        Some(Command::Keys(keys)) => keys::run(named, &keys)?,
        Some(Command::Config(wanted)) => config::run(&cli.shared, &wanted)?,
        None => live::run(&cli.shared, named, &cli.filter)?,
    };
    Ok(code.into())
}

/// Takes the user's names of ports into use, before a filter or a target is read that may have one. A file
/// that is wrong is a warning to the commands; the live table, or `--config`, reads all of it and refuses it.
fn use_own_services(cli: &Cli) {
    let named = cli.shared.config.as_deref();
    match config_file::read_services(named) {
        Ok(services) => services.use_everywhere(),
        Err(error) if cli.command.is_some() && named.is_none() => complain(&format!(
            "{}; services have no names of your own",
            error.brief()
        )),
        Err(_) => {}
    }
}

/// One line on standard error, in the program's name. What it repeats of the command line, of paths and of
/// errors of the system is text from outside like any other.
pub fn complain(what: &str) {
    // Who can't be told can't be told that either; what was asked for is done all the same.
    let mut what = clean(what);
    if io::stderr().is_terminal() && output::glyphs() == Glyphs::Ascii {
        what = in_ascii(&what).into();
    }
    let _ = writeln!(io::stderr(), "sockeye: {what}");
}

/// Says what ended the program: in one line, or, of a configuration, in one for each that is wrong there.
pub fn complain_of(error: &anyhow::Error) {
    match error.downcast_ref::<sockeye::config::ConfigError>() {
        Some(faults) => faults.to_string().lines().for_each(complain),
        None => complain(&format!("{error:#}")),
    }
}

/// Whether a problem is to be told beside these rows: owners that nobody asked about are not.
fn is_of_concern<'a>(problem: &Problem, mut rows: impl Iterator<Item = &'a Row>) -> bool {
    problem.code != ProblemCode::HiddenOwners || rows.any(|row| row.socket.owner == Owner::Hidden)
}

/// The code for an error that ends the program.
pub fn trouble() -> ExitCode {
    EXIT_TROUBLE.into()
}

/// The same error about the same words without what a terminal would act on, or what would break the
/// line: clap repeats them as they are.
fn harmless(error: clap::Error) -> clap::Error {
    let words = std::env::args_os().map(|word| {
        let word = sockeye::model::Text::new(&word.to_string_lossy());
        word.to_string().into()
    });
    Cli::parsed_from(words).err().unwrap_or(error)
}

/// A usage error without clap's paragraphs: what was wrong, and the tip if there is one.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or_default();
    let what = what.trim_start_matches("error: ").to_owned();
    let what = match error.kind() {
        ErrorKind::InvalidSubcommand => what.replacen("subcommand", "command", 1),
        _ => what,
    };
    let rest: Vec<_> = lines.collect();
    let what = match what.strip_suffix(':') {
        // What is missing, or contradicts, stands on lines of its own.
        Some(_) => {
            let named = rest.iter().take_while(|line| !line.starts_with("Usage:"));
            let named: Vec<_> = named
                .filter(|line| !line.starts_with("tip:"))
                .copied()
                .collect();
            format!("{what} {}", named.join(", "))
        }
        None => what,
    };
    let mut tips = rest.iter().filter_map(|line| line.strip_prefix("tip: "));
    // How to pass an option as a value is what nobody meant.
    let tip = tips.find(|tip| !tip.starts_with("to pass"));
    let accepted = rest.iter().find(|line| line.starts_with("[possible"));
    let tip = tip.map_or(String::new(), |tip| format!("; {tip}"));
    let accepted = accepted.map_or(String::new(), |values| format!(" {values}"));
    format!("{what}{tip}{accepted} (see --help)")
}

/// The commands that a user is told of.
fn commands(cli: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    let all = cli.get_subcommands();
    all.filter(|command| command.get_name() != "help" && !command.is_hide_set())
}
