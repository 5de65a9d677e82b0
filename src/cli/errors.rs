//! Errors and notes on standard error, and usage errors in one line.

use std::io::{self, IsTerminal as _, Write as _};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use sockeye::model::{Owner, Problem, ProblemCode, Text, clean};
use sockeye::theme::Glyphs;
use sockeye::track::Row;
use sockeye::ui::in_ascii;

use super::definition::{Cli, meant_command};
use super::output;

/// Prints one line, `sockeye: …`, on standard error. It is cleaned: it may repeat text of the command line, of paths
/// and of system errors.
pub fn print_error(message: &str) {
    let mut message = clean(message);
    if io::stderr().is_terminal() && output::glyphs() == Glyphs::Ascii {
        message = in_ascii(&message).into();
    }
    // If standard error is closed, there is nowhere to report that.
    let _ = writeln!(io::stderr(), "sockeye: {message}");
}

/// Prints an error with its context in one line, or one line for each error in a config file.
pub fn print_error_chain(error: &anyhow::Error) {
    match error.downcast_ref::<sockeye::config::ConfigError>() {
        Some(errors) => errors.to_string().lines().for_each(print_error),
        None => print_error(&format!("{error:#}")),
    }
}

/// Whether a problem matters for these rows. Hidden owners of other rows don't.
pub fn is_relevant<'a>(problem: &Problem, mut rows: impl Iterator<Item = &'a Row>) -> bool {
    problem.code != ProblemCode::HiddenOwners || rows.any(|row| row.socket.owner == Owner::Hidden)
}

/// A usage error of clap in one line: what is wrong, a tip, the accepted values.
pub fn usage_error(error: clap::Error) -> String {
    // clap repeats the words as they are. Parsing cleaned words gives the same error in safe text.
    let words =
        std::env::args_os().map(|word| Text::new(&word.to_string_lossy()).to_string().into());
    let error = Cli::parsed_from(words).err().unwrap_or(error);
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default();
    let message = message.trim_start_matches("error: ");
    let mut message = match error.kind() {
        // Only of `sockeye help`: any other word would be a filter.
        ErrorKind::InvalidSubcommand => match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(word)) => {
                let meant = meant_command(word);
                let hint = meant.map(|name| format!("; did you mean `sockeye help {name}`?"));
                format!("unknown command `{word}`{}", hint.unwrap_or_default())
            }
            _ => "unknown command".to_owned(),
        },
        _ => message.to_owned(),
    };
    let rest: Vec<_> = lines.collect();
    if message.ends_with(':') {
        // The arguments that are missing, or contradict each other, follow on lines of their own.
        let arguments = rest.split(|line| line.starts_with("Usage:")).next();
        let mut arguments = arguments.unwrap_or_default().to_vec();
        arguments.retain(|line| !line.starts_with("tip:"));
        message = format!("{message} {}", arguments.join(", "));
    }
    let mut tips = rest.iter().filter_map(|line| line.strip_prefix("tip: "));
    // The tip "to pass '-x' as a value, use '-- -x'" misleads.
    if let Some(tip) = tips.find(|tip| !tip.starts_with("to pass")) {
        message.push_str("; ");
        message.push_str(tip);
    }
    if let Some(values) = rest.iter().find(|line| line.starts_with("[possible")) {
        message.push(' ');
        message.push_str(values);
    }
    format!("{message} (see --help)")
}
