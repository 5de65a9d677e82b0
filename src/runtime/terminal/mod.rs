//! The terminal: set up when the program shows its screen, and restored exactly as it was.
//!
//! Every way out of the program leads through [`restore`]: leaving, dropping the [`Screen`], the panic
//! hook. Only the first call does anything.

mod backend;
pub(super) mod background;
pub mod input;
pub(super) mod notification;

use std::io::{self, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{Command, cursor, queue};
use ratatui::{Frame, Terminal};

pub use self::backend::QuietBackend;
use super::process::stdio::RetryWriter;

/// Whether the terminal supports all colours and characters without an environment variable for it, as on Windows.
pub const SHOWS_ALL: bool = cfg!(windows);

/// Whether the terminal is in our modes. A static, as there is one terminal for the process and the panic
/// hook cannot reach the [`Screen`].
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Switches to the alternate screen without saving the cursor, for a terminal that already is
/// there: saving again would lose the place to which the shell's cursor returns.
const ALTERNATE_SCREEN_AGAIN: &[u8] = b"\x1b[?47h";

/// The terminal while it shows the program: raw mode, alternate screen, no cursor, mouse buttons
/// and wheel, bracketed paste. Dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<QuietBackend<RetryWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If there is no terminal to read or write; then nothing stays changed.
    pub fn enter() -> io::Result<Self> {
        let entered = take().and_then(|()| {
            // This makes crossterm watch for a new size from before the first size is read,
            // and not only from when the input thread reads: one in between would go unnoticed.
            event::poll(Duration::ZERO)?;
            Terminal::new(QuietBackend::new(RetryWriter(stdout())))
        });
        let terminal = entered.inspect_err(|_| restore())?;
        let mut screen = Self { terminal };
        screen.forget_picture()?;
        Ok(screen)
    }

    /// Draws one frame: writes only what differs from the frame before. After [`Screen::leave`] it draws
    /// nothing.
    ///
    /// # Errors
    /// If the terminal cannot be written: it is gone.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if IS_TAKEN.load(Ordering::SeqCst) {
            self.terminal.draw(render)?;
        }
        Ok(())
    }

    /// Gives the terminal back. Errors are ignored: they come from a terminal that is gone.
    pub fn leave(&mut self) {
        if IS_TAKEN.load(Ordering::SeqCst) {
            background::wait_for_reply();
        }
        restore();
        self.terminal.backend_mut().forget_cursor(true);
    }

    /// Takes the terminal again, after [`Screen::leave`] or after the process was stopped without
    /// a chance to leave it. The next draw writes the whole picture.
    ///
    /// # Errors
    /// If the terminal cannot be written: it is gone.
    pub fn enter_again(&mut self) -> io::Result<()> {
        take()?;
        self.forget_picture()
    }

    /// Makes the next draw write the whole screen.
    pub(crate) fn repaint(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// The backend never queries the cursor, so this is safe while another thread reads the terminal.
    fn forget_picture(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget_cursor(false);
        self.repaint()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The most cells that are drawn: 2,048 × 512, or 65,535 × 16. An 8K screen with the smallest font has 1,536 × 540.
/// ratatui keeps two pictures in memory, 96 bytes for each cell: these take 100 MB, and a terminal that claims
/// 65,535 of both would take 400 GB.
const MAX_CELLS: u32 = 1 << 20;

/// The size of a terminal that does not know its own, as on a serial line.
const USUAL: (u16, u16) = (80, 24);

/// Columns and lines of the terminal, as far as they are drawn.
pub(crate) fn size() -> io::Result<(u16, u16)> {
    let (columns, lines) = crossterm::terminal::size()?;
    Ok(used(columns, lines))
}

/// The drawn part of a size: without lines beyond [`MAX_CELLS`].
pub(super) fn used(columns: u16, lines: u16) -> (u16, u16) {
    if columns == 0 || lines == 0 {
        return USUAL;
    }
    let most = MAX_CELLS / u32::from(columns);
    (columns, lines.min(u16::try_from(most).unwrap_or(u16::MAX)))
}

/// Sets our modes, also if they were set already: after a stop that we did not see coming the shell has
/// changed them.
fn take() -> io::Result<()> {
    let was_taken = IS_TAKEN.swap(true, Ordering::SeqCst);
    if was_taken {
        // crossterm assumes that raw mode is still set and would do nothing.
        disable_raw_mode()?;
    }
    enable_raw_mode()?;
    let mut out = RetryWriter(stdout().lock());
    if was_taken {
        out.write_all(ALTERNATE_SCREEN_AGAIN)?;
    } else {
        queue!(out, EnterAlternateScreen)?;
    }
    queue!(out, cursor::Hide, Mouse::On, EnableBracketedPaste)?;
    out.flush()
}

/// Gives the terminal back if it is taken: once, as leaving the alternate screen twice would put
/// the cursor back over what was printed since. Also ends an update that was cut short.
pub fn restore() {
    if !IS_TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = RetryWriter(stdout().lock());
    // The terminal may be gone (hangup): then there is nothing to give back.
    let _ = queue!(
        out,
        EndSynchronizedUpdate,
        Mouse::Off,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Reports of mouse buttons, wheel and motion while a button is down, in SGR coordinates. crossterm's own
/// mouse capture also enables every other motion of the pointer, a flood of input that nothing here uses.
/// A terminal without mode 1002 stays with 1000: clicks without dragging.
#[derive(Clone, Copy)]
enum Mouse {
    On,
    Off,
}

impl Command for Mouse {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        f.write_str(match self {
            Self::On => "\x1b[?1000h\x1b[?1002h\x1b[?1006h",
            Self::Off => "\x1b[?1006l\x1b[?1002l\x1b[?1000l",
        })
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
        match self {
            Self::On => EnableMouseCapture.execute_winapi(),
            Self::Off => DisableMouseCapture.execute_winapi(),
        }
    }

    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_used_whole_until_its_cells_are_too_many() {
        for whole in [
            (1025, 513),
            (1536, 540),
            (2048, 512),
            (u16::MAX, 1),
            (1, u16::MAX),
        ] {
            assert_eq!(used(whole.0, whole.1), whole);
        }
        assert_eq!(used(u16::MAX, u16::MAX), (u16::MAX, 16));
        assert_eq!(used(3000, 1000), (3000, 349));
    }

    #[test]
    fn a_terminal_that_does_not_know_its_size_has_the_usual_one() {
        for unknown in [(0, 0), (0, 24), (80, 0)] {
            assert_eq!(used(unknown.0, unknown.1), USUAL);
        }
    }

    #[test]
    fn a_cell_takes_as_much_memory_as_the_limit_assumes() {
        assert!(2 * size_of::<ratatui::buffer::Cell>() <= 96);
    }
}
