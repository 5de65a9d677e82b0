//! The command line: one folder or file for each command.

mod check;
mod config;
mod definition;
mod end;
mod errors;
mod free;
mod global;
mod history;
mod list;
mod live;
mod mine;
mod namespace;
mod output;
mod project;
mod reference;
mod run;
mod usage;
mod wait;
mod watch;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use anyhow::bail;
use sockeye::config::{read, read_services};
use sockeye::model::Services;
use sockeye::runtime::panic;
use sockeye::settings::Settings;

use definition::{Cli, Command};
use errors::{print_error, print_error_chain};
use history::{diff, record, who};
use reference::{completions, keys, man};
use usage::usage_error;

/// The answer is no: nothing matches, a port can't be bound.
const EXIT_NO: u8 = 1;
/// Bad usage, or there is no answer.
const EXIT_ERROR: u8 = 2;
const EXIT_BUG: u8 = 101;
/// The command to start does not exist, or can't be executed: as POSIX says for `env`.
const EXIT_NOT_FOUND: u8 = 127;
const EXIT_NOT_EXECUTABLE: u8 = 126;

/// Runs the program, prints the error if there is one, and returns the exit code.
pub fn main() -> ExitCode {
    if let Some(code) = sockeye::source::run_namespace_helper() {
        return code.into();
    }
    panic::install_hook();
    let code = run().unwrap_or_else(|error| {
        print_error_chain(&error);
        EXIT_ERROR
    });
    code.into()
}

fn run() -> anyhow::Result<u8> {
    let mut cli = match Cli::parsed_from(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            print_error(&usage_error(error));
            return Ok(EXIT_ERROR);
        }
        Err(help_or_version) => {
            let text = help_or_version.render();
            let is_styled = io::stdout().is_terminal() && output::allows_colour();
            let styled = is_styled.then(|| text.ansi().to_string());
            let text = styled.unwrap_or_else(|| text.to_string());
            output::print(|out| out.write_all(text.as_bytes()))?;
            return Ok(0);
        }
    };
    let is_recorder = matches!(cli.command, Some(Command::Record(_)));
    cli.global.check(is_recorder)?;
    if let Some(refusal) = cli.mistyped_command(std::env::args_os()) {
        bail!(refusal);
    }
    if cli.linear && cli.command.is_some() {
        bail!("--linear is a form of the live table; commands print lines anyway");
    }
    let groups = matches!(cli.command, None | Some(Command::List(_)));
    if !groups && !cli.group.is_empty() {
        bail!("--group works with the live table and list only");
    }
    if cli.command.is_some() && (cli.at.is_some() || cli.store.is_named()) {
        bail!("--at and --dir go after the command: sockeye list --at 3am");
    }
    // The config file is read from here on. Its folder may hang (a home on a network), so help, version and usage
    // errors come first.
    cli.global.services = own_services(&cli);
    // Every command refuses a named config file with an error in it; only the live table uses the settings.
    let named = cli.global.config.as_deref().map(read).transpose()?;
    run_command(cli, named)
}

/// Runs the command, or without one the live table.
fn run_command(cli: Cli, named: Option<Settings>) -> anyhow::Result<u8> {
    match cli.command {
        Some(Command::List(mut list)) => {
            if list.group.is_empty() {
                list.group = cli.group;
            }
            list::run(&cli.global, &list)
        }
        Some(Command::Watch(watch)) => watch::run(&cli.global, &watch),
        Some(Command::Check(check)) => check::run(&cli.global, &check),
        Some(Command::End(end)) => end::run(&cli.global, &end),
        Some(Command::Free(free)) => free::run(&cli.global, &free),
        Some(Command::Wait(wait)) => wait::run(&cli.global, &wait),
        Some(Command::Record(record)) => record::run(&cli.global, &record),
        Some(Command::Diff(diff)) => diff::run(&cli.global, &diff),
        Some(Command::Who(who)) => who::run(&cli.global, &who),
        Some(Command::Run(run)) => run::run(&cli.global, run),
        Some(Command::Completions(completions)) => {
            Ok(completions::run(&completions, &Cli::definition())?)
        }
        Some(Command::Man(man)) => man::run(&man, Cli::definition()),
        Some(Command::Keys(keys)) => keys::run(named, &keys),
        Some(Command::Config(config)) => config::run(&cli.global, &config),
        None => {
            let form = if cli.linear {
                live::Form::Lines
            } else {
                live::Form::Screen
            };
            let group = list::groups::fields(&cli.group)?;
            let args = live::HistoryArgs {
                at: cli.at,
                store: cli.store,
            };
            live::run(&cli.global, named, &cli.filter, (form, group), &args)
        }
    }
}

/// The user's names for ports, which a filter or a target may use. An error in the default file is a warning to the
/// commands; the live table, or `--config`, reads the whole file and refuses it.
fn own_services(cli: &Cli) -> Services {
    let uses_none = matches!(
        cli.command,
        Some(Command::Completions(_) | Command::Man(_) | Command::Keys(_) | Command::Config(_))
    );
    if uses_none {
        return Services::default();
    }
    let named = cli.global.config.as_deref();
    read_services(named).unwrap_or_else(|error| {
        if cli.command.is_some() && named.is_none() {
            let error = error.brief();
            print_error(&format!("{error}; your own service names are not used"));
        }
        Services::default()
    })
}
