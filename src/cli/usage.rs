//! Usage errors in one line.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use sockeye::model::Text;

use super::definition::{Cli, meant_command};

/// A usage error of clap in one line: what is wrong, a tip, the accepted values.
pub fn usage_error(error: clap::Error) -> String {
    // clap repeats the words as they are. Parsing cleaned words gives the same error in safe text.
    let words =
        std::env::args_os().map(|word| Text::new(&word.to_string_lossy()).to_string().into());
    let error = Cli::parsed_from(words).err().unwrap_or(error);
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    let mut message = match error.kind() {
        // Only of `sockeye help`: any other word would be a filter.
        ErrorKind::InvalidSubcommand => unknown_command(&error),
        _ => message.to_owned(),
    };
    let rest: Vec<_> = lines.collect();
    if message.ends_with(':') {
        // The arguments that are missing, or contradict each other, follow on lines of their own.
        let arguments = rest.iter().take_while(|line| !line.starts_with("Usage:"));
        let arguments: Vec<_> = arguments
            .filter(|line| !line.starts_with("tip:"))
            .copied()
            .collect();
        message = format!("{message} {}", arguments.join(", "));
    }
    let mut tips = rest.iter().filter_map(|line| line.strip_prefix("tip: "));
    // The tip "to pass '-x' as a value, use '-- -x'" misleads.
    if let Some(tip) = tips.find(|tip| !tip.starts_with("to pass")) {
        message.push_str("; ");
        message.push_str(tip);
    }
    if is_run_without_dashes(&error) {
        "the program comes after `--`: sockeye run -- CMD".clone_into(&mut message);
    }
    if let Some(values) = rest.iter().find(|line| line.starts_with("[possible")) {
        message.push(' ');
        message.push_str(values);
    }
    format!("{message} (see --help)")
}

/// Whether it is `sockeye run CMD`: the first argument of `run` that it does not know is a word.
fn is_run_without_dashes(error: &clap::Error) -> bool {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return false;
    };
    let is_run = std::env::args().nth(1).is_some_and(|word| word == "run");
    is_run && error.kind() == ErrorKind::UnknownArgument && !unknown.starts_with('-')
}

/// The message for `sockeye help lsit`.
fn unknown_command(error: &clap::Error) -> String {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return "unknown command".to_owned();
    };
    match meant_command(word) {
        Some(name) => format!("unknown command `{word}`; did you mean `sockeye help {name}`?"),
        None => format!("unknown command `{word}`"),
    }
}
