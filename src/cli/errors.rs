//! Errors and notes on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use sockeye::model::{Owner, Problem, ProblemCode, clean};
use sockeye::theme::Glyphs;
use sockeye::track::Row;
use sockeye::ui::in_ascii;

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
