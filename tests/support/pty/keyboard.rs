//! What xterm sends for keys, the mouse and a paste.

use sockeye::keymap::Key;

use super::Pty;

impl Pty {
    /// Presses a key as xterm sends it.
    pub fn send_key(&mut self, key: Key) {
        let sequence = match key {
            Key::Char(c) => c.to_string(),
            Key::Ctrl(c) => char::from(c as u8 & 0x1f).to_string(),
            Key::Enter => "\r".to_owned(),
            Key::Esc => "\x1b".to_owned(),
            Key::Tab => "\t".to_owned(),
            Key::BackTab => "\x1b[Z".to_owned(),
            Key::Backspace => "\x7f".to_owned(),
            Key::Delete => "\x1b[3~".to_owned(),
            Key::Up => "\x1b[A".to_owned(),
            Key::Down => "\x1b[B".to_owned(),
            Key::Right => "\x1b[C".to_owned(),
            Key::Left => "\x1b[D".to_owned(),
            Key::PageUp => "\x1b[5~".to_owned(),
            Key::PageDown => "\x1b[6~".to_owned(),
            Key::Home => "\x1b[H".to_owned(),
            Key::End => "\x1b[F".to_owned(),
            Key::F(number @ 1..=4) => format!("\x1bO{}", char::from(b'O' + number)),
            Key::F(number) => {
                let codes = [15, 17, 18, 19, 20, 21, 23, 24];
                format!("\x1b[{}~", codes[usize::from(number) - 5])
            }
        };
        self.send(&sequence);
    }

    /// Presses and releases the left button on a cell, counted from 0.
    pub fn click(&mut self, column: u16, row: u16) {
        self.send_mouse(0, column, row, 'M');
        self.send_mouse(0, column, row, 'm');
    }

    /// Clicks twice on a cell, so fast that both arrive at once.
    pub fn double_click(&mut self, column: u16, row: u16) {
        let click = ['M', 'm'].map(|end| mouse(0, column, row, end)).concat();
        self.send(&click.repeat(2));
    }

    /// Presses the left button on one cell and moves to another with it down.
    pub fn drag(&mut self, from: (u16, u16), to: (u16, u16)) {
        self.hold(from.0, from.1);
        self.drag_on(to);
    }

    /// Presses the left button on a cell and does not release it.
    pub fn hold(&mut self, column: u16, row: u16) {
        self.send_mouse(0, column, row, 'M');
    }

    /// Moves to a cell with the left button down.
    pub fn drag_on(&mut self, to: (u16, u16)) {
        self.send_mouse(32, to.0, to.1, 'M');
    }

    /// Releases the left button.
    pub fn release(&mut self, column: u16, row: u16) {
        self.send_mouse(0, column, row, 'm');
    }

    /// Turns the wheel one notch up over a cell.
    pub fn wheel_up(&mut self, column: u16, row: u16) {
        self.send_mouse(64, column, row, 'M');
    }

    /// Turns the wheel one notch down over a cell.
    pub fn wheel_down(&mut self, column: u16, row: u16) {
        self.send_mouse(65, column, row, 'M');
    }

    fn send_mouse(&mut self, button: u8, column: u16, row: u16, end: char) {
        self.send(&mouse(button, column, row, end));
    }

    /// Pastes text as a terminal does for a program that enabled bracketed paste.
    pub fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }
}

/// What a terminal reports of the mouse at a cell, counted from 0.
fn mouse(button: u8, column: u16, row: u16, end: char) -> String {
    format!("\x1b[<{button};{};{}{end}", column + 1, row + 1)
}
