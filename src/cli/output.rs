//! Standard output: writing, colours, width.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};

use sockeye::runtime::process::stdio::RetryWriter;
use sockeye::runtime::terminal::SHOWS_ALL;
use sockeye::theme::{Depth, Glyphs};
use sockeye::ui::in_ascii;

/// Whether the reader has read all of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    Whole,
    /// The reader closed the pipe, which is not an error.
    Cut,
}

/// Writes to standard output, and flushes.
pub fn print(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<Printed> {
    let mut out = BufWriter::new(RetryWriter(io::stdout().lock()));
    let is_ascii = io::stdout().is_terminal() && glyphs() == Glyphs::Ascii;
    let written = if is_ascii {
        write(&mut InAscii {
            out: &mut out,
            partial: Vec::new(),
        })
    } else {
        write(&mut out)
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Printed::Whole),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::Cut),
        Err(error) => {
            let message = format!("standard output: {error}");
            Err(io::Error::new(error.kind(), message))
        }
    }
}

/// A writer for a terminal that shows ASCII only.
struct InAscii<'a> {
    out: &'a mut dyn io::Write,
    /// The first bytes of a character that is not complete yet.
    partial: Vec<u8>,
}

impl io::Write for InAscii<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend(bytes);
        let whole = match std::str::from_utf8(&self.partial) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let text: Vec<u8> = self.partial.drain(..whole).collect();
        let text = in_ascii(&String::from_utf8_lossy(&text));
        self.out.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether the environment allows colours: `NO_COLOR` is empty or not set, and the terminal is not a dumb one.
pub fn allows_colour() -> bool {
    variable("NO_COLOR").is_empty() && variable("TERM") != "dumb"
}

/// Colour depth of the terminal. A Windows terminal shows all colours without saying so.
pub fn depth() -> Depth {
    if SHOWS_ALL {
        Depth::Full
    } else {
        Depth::of(&variable("TERM"), &variable("COLORTERM"))
    }
}

/// The characters of the locale; on Windows all of them can be written in any locale.
pub fn glyphs() -> Glyphs {
    if SHOWS_ALL {
        Glyphs::Unicode
    } else {
        Glyphs::of(&["LC_ALL", "LC_CTYPE", "LANG"].map(variable))
    }
}

/// A variable of the environment; empty if it is not set.
fn variable(name: &str) -> String {
    let value = std::env::var_os(name).unwrap_or_default();
    value.to_string_lossy().into_owned()
}

/// Width of the terminal that standard output goes to; `None` for a file or a pipe, in which nothing is cut.
pub fn output_width() -> Option<u16> {
    terminal_width().filter(|_| io::stdout().is_terminal())
}

/// Width of the terminal that started the program, if known.
pub fn terminal_width() -> Option<u16> {
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
                partial: Vec::new(),
            };
            for bytes in text.as_bytes().chunks(piece) {
                out.write_all(bytes).unwrap();
            }
            let shown = String::from_utf8(shown).unwrap();
            assert_eq!(shown, "nginx x3 > ?? ? e - 80~\n", "{piece}");
        }
    }
}
