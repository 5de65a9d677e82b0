//! What the commands print on standard output, and into what.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};

use sockeye::runtime::output::Patient;
use sockeye::theme::{Depth, Glyphs};

/// Prints something whole; whoever closes the pipe has had enough of it, which is no error.
pub(super) fn print(
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Printed> {
    let mut out = BufWriter::new(Patient(io::stdout().lock()));
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(Printed::Whole),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::Cut),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("standard output: {error}"),
        )),
    }
}

/// Whether all that was printed was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    Whole,
    /// The reader closed the pipe.
    Cut,
}

/// Whether the environment takes colours: `NO_COLOR` is not set to anything but nothing, and the terminal
/// is not a dumb one.
pub(super) fn takes_colour() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !unwanted && !is_dumb
}

/// How many colours the terminal says that it shows; that of Windows shows all, and says nothing.
pub(super) fn depth() -> Depth {
    if cfg!(windows) {
        Depth::Full
    } else {
        Depth::of(&variable("TERM"), &variable("COLORTERM"))
    }
}

/// Which characters the locale has; on Windows they are written as such, whatever it is.
pub(super) fn glyphs() -> Glyphs {
    if cfg!(windows) {
        Glyphs::Unicode
    } else {
        Glyphs::of(&["LC_ALL", "LC_CTYPE", "LANG"].map(variable))
    }
}

/// A variable of the environment; empty where it is not set.
fn variable(name: &str) -> String {
    let value = std::env::var_os(name).unwrap_or_default();
    value.to_string_lossy().into_owned()
}

/// How wide the terminal is that the output goes to; into a file or a pipe nothing is cut.
pub(super) fn terminal_width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    columns_of_terminal()
}

/// How wide the terminal is that we were started from, where it says so.
pub(super) fn columns_of_terminal() -> Option<u16> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    (columns > 0).then_some(columns)
}
