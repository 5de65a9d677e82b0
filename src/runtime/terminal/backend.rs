//! The backend for ratatui: crossterm's, with less output.
//!
//! crossterm's own backend writes colour resets and a hide-cursor sequence for every draw, flushes
//! in the middle of a frame, and queries the cursor's position, which hangs while
//! another thread reads the terminal. This one writes nothing when nothing changed, sends each
//! frame in one piece as a synchronized update, and never queries the terminal.

use std::io::{self, BufWriter, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Room for a full frame of a usual terminal with its colours.
const FRAME_BYTES: usize = 64 * 1024;

/// A backend that writes only changes.
pub struct QuietBackend<W: Write> {
    inner: CrosstermBackend<BufWriter<W>>,
    /// Whether a synchronized update has begun that the next flush ends.
    is_updating: bool,
    /// `None` while it is unknown.
    cursor_is_visible: Option<bool>,
    /// `None` while it is unknown.
    cursor: Option<Position>,
}

impl<W: Write> QuietBackend<W> {
    /// A backend that writes to `out`, whose state is unknown.
    pub fn new(out: W) -> Self {
        let out = BufWriter::with_capacity(FRAME_BYTES, out);
        Self {
            inner: CrosstermBackend::new(out),
            is_updating: false,
            cursor_is_visible: None,
            cursor: None,
        }
    }

    /// To be called after another part of the program wrote to the terminal and left the cursor visible or hidden.
    pub const fn forget_cursor(&mut self, cursor_is_visible: bool) {
        self.cursor_is_visible = Some(cursor_is_visible);
        self.cursor = None;
    }

    /// Adds the output of `change` to the frame.
    fn update(
        &mut self,
        change: impl FnOnce(&mut CrosstermBackend<BufWriter<W>>) -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.is_updating {
            queue!(self.inner, BeginSynchronizedUpdate)?;
            self.is_updating = true;
        }
        change(&mut self.inner)
    }

    fn show_or_hide(&mut self, visible: bool) -> io::Result<()> {
        if self.cursor_is_visible == Some(visible) {
            return Ok(());
        }
        self.cursor_is_visible = Some(visible);
        self.update(|inner| {
            if visible {
                queue!(inner, Show)
            } else {
                queue!(inner, Hide)
            }
        })
    }
}

impl<W: Write> Backend for QuietBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.cursor = None;
        self.update(|inner| inner.draw(content))
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.show_or_hide(false)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.show_or_hide(true)
    }

    /// The last position set by this backend, or the top left: the terminal is never queried.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) {
            return Ok(());
        }
        self.cursor = Some(position);
        self.update(|inner| queue!(inner, MoveTo(position.x, position.y)))
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        use crossterm::terminal::ClearType as Region;
        let region = match region {
            ClearType::All => Region::All,
            ClearType::AfterCursor => Region::FromCursorDown,
            ClearType::BeforeCursor => Region::FromCursorUp,
            ClearType::CurrentLine => Region::CurrentLine,
            ClearType::UntilNewLine => Region::UntilNewLine,
        };
        // A terminal clears with the current colours, which another program may have left.
        self.update(|inner| queue!(inner, SetAttribute(Attribute::Reset), Clear(region)))
    }

    fn size(&self) -> io::Result<Size> {
        super::size().map(Size::from)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    /// Ends the frame and sends it; does nothing for a frame in which nothing changed.
    fn flush(&mut self) -> io::Result<()> {
        if !self.is_updating {
            return Ok(());
        }
        self.is_updating = false;
        queue!(self.inner, EndSynchronizedUpdate)?;
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ratatui::layout::Rect;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::*;

    /// Remembers each write, as a terminal would see it.
    #[derive(Clone, Default)]
    struct Writes(Rc<RefCell<Vec<String>>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.borrow_mut().push(text);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Writes {
        fn take(&self) -> Vec<String> {
            self.0.take()
        }
    }

    fn terminal() -> (Writes, Terminal<QuietBackend<Writes>>) {
        let writes = Writes::default();
        let viewport = Viewport::Fixed(Rect::new(0, 0, 10, 2));
        let backend = QuietBackend::new(writes.clone());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport }).unwrap();
        (writes, terminal)
    }

    fn draw(terminal: &mut Terminal<QuietBackend<Writes>>, text: &str) {
        terminal
            .draw(|frame| frame.render_widget(text, frame.area()))
            .unwrap();
    }

    #[test]
    fn a_frame_is_one_write_and_a_synchronized_update() {
        let (writes, mut terminal) = terminal();
        draw(&mut terminal, "ports");
        let written = writes.take();
        assert_eq!(written.len(), 1);
        assert!(written[0].starts_with("\x1b[?2026h"), "{written:?}");
        assert!(written[0].contains("ports"), "{written:?}");
        assert!(written[0].ends_with("\x1b[?2026l"), "{written:?}");
    }

    #[test]
    fn a_draw_without_a_change_writes_nothing() {
        let (writes, mut terminal) = terminal();
        draw(&mut terminal, "ports");
        writes.take();
        draw(&mut terminal, "ports");
        assert_eq!(writes.take(), [""; 0]);
    }

    #[test]
    fn a_cursor_that_stays_where_it_is_writes_nothing() {
        let (writes, mut terminal) = terminal();
        let prompt = |frame: &mut ratatui::Frame<'_>| frame.set_cursor_position((3, 1));
        terminal.draw(prompt).unwrap();
        let written = writes.take().concat();
        assert!(written.contains("\x1b[?25h\x1b[2;4H"), "{written:?}");
        terminal.draw(prompt).unwrap();
        assert_eq!(writes.take(), [""; 0]);
    }

    #[test]
    fn clearing_never_queries_the_terminal_and_redraws_everything() {
        let (writes, mut terminal) = terminal();
        draw(&mut terminal, "ports");
        writes.take();
        terminal.clear().unwrap();
        draw(&mut terminal, "ports");
        let written = writes.take().concat();
        assert!(!written.contains("\x1b[6n"), "{written:?}");
        assert!(written.contains("ports"), "{written:?}");
    }
}
