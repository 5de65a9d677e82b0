//! What the commands print on standard output, and into what.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};

use sockeye::runtime::process::stdio::RetryWriter;
use sockeye::runtime::terminal::SHOWS_ALL;
use sockeye::theme::{Depth, Glyphs};
use sockeye::ui::in_ascii;

/// Prints something whole; whoever closes the pipe has had enough of it, which is no error.
pub(super) fn print(
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<Printed> {
    let mut out = BufWriter::new(RetryWriter(io::stdout().lock()));
    let mut reduced = InAscii {
        out: &mut out,
        held: Vec::new(),
    };
    let is_ascii = io::stdout().is_terminal() && glyphs() == Glyphs::Ascii;
    let written = if is_ascii {
        write(&mut reduced)
    } else {
        write(reduced.out)
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Printed::Whole),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::Cut),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("standard output: {error}"),
        )),
    }
}

/// Text on its way to a terminal that shows ASCII only.
struct InAscii<'a> {
    out: &'a mut dyn io::Write,
    /// The beginning of a character whose end is still to come.
    held: Vec<u8>,
}

impl io::Write for InAscii<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend(bytes);
        let whole = match std::str::from_utf8(&self.held) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.held.len(),
        };
        let rest = self.held.split_off(whole);
        let text = std::mem::replace(&mut self.held, rest);
        let text = in_ascii(&String::from_utf8_lossy(&text));
        self.out.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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
    if SHOWS_ALL {
        Depth::Full
    } else {
        Depth::of(&variable("TERM"), &variable("COLORTERM"))
    }
}

/// Which characters the locale has; on Windows they are written as such, whatever it is.
pub(super) fn glyphs() -> Glyphs {
    if SHOWS_ALL {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_as_wide_as_the_text_wherever_it_is_cut_into_pieces() {
        let text = "nginx ×3 → ジ é e\u{301} – 80…\n";
        for piece in 1..text.len() {
            let mut shown = Vec::new();
            let mut out = InAscii {
                out: &mut shown,
                held: Vec::new(),
            };
            for bytes in text.as_bytes().chunks(piece) {
                out.write_all(bytes).unwrap();
            }
            let shown = String::from_utf8(shown).unwrap();
            assert_eq!(shown, "nginx x3 > ?? ? e - 80~\n", "{piece}");
        }
    }
}
