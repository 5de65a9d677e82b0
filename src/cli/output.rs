//! Standard output: writing, colours, width.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};

use sockeye::runtime::process::stdio::RetryWriter;
use sockeye::runtime::terminal::SHOWS_ALL;
use sockeye::theme::{Depth, Glyphs};
use sockeye::ui::in_ascii;

/// Writes to standard output, and flushes. `false` if the reader has closed the pipe, which is not an error.
pub fn print(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<bool> {
    let mut out = BufWriter::new(RetryWriter(io::stdout().lock()));
    let written = if io::stdout().is_terminal() && glyphs() == Glyphs::Ascii {
        let mut text = Vec::new();
        write(&mut text).and_then(|()| {
            let text = in_ascii(&String::from_utf8_lossy(&text));
            out.write_all(text.as_bytes())
        })
    } else {
        write(&mut out)
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            let message = format!("standard output: {error}");
            Err(io::Error::new(error.kind(), message))
        }
    }
}

/// Whether the environment allows colours: `NO_COLOR` is empty or not set, and the terminal is not a dumb one.
pub fn allows_colour() -> bool {
    variable("NO_COLOR").is_empty() && variable("TERM") != "dumb"
}

/// Colour depth of the terminal. A Windows terminal supports all colours without an environment variable for it.
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
    // Without a terminal, crossterm would start a program to find out.
    io::stdout().is_terminal().then(terminal_width).flatten()
}

/// Width of the terminal that started the program, if known.
pub fn terminal_width() -> Option<u16> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    (columns > 0).then_some(columns)
}
