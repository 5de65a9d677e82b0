//! What a person does at the terminal, free of any terminal library's types.

use std::fmt;

/// A key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the key of that name")]
pub enum Key {
    /// A character as typed, with Shift applied.
    Char(char),
    /// A lower-case letter with Ctrl held.
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    /// A function key, from 1.
    F(u8),
}

impl fmt::Display for Key {
    /// The key as help and documentation write it: `j`, `Space`, `Ctrl-C`, `PgDn`, `↑`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Char(' ') => "Space",
            Self::Char(c) => return write!(f, "{c}"),
            Self::Ctrl(c) => return write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            Self::F(number) => return write!(f, "F{number}"),
            Self::Enter => "Enter",
            Self::Esc => "Esc",
            Self::Tab => "Tab",
            Self::BackTab => "Shift-Tab",
            Self::Backspace => "Backspace",
            Self::Delete => "Del",
            Self::Up => "↑",
            Self::Down => "↓",
            Self::Left => "←",
            Self::Right => "→",
            Self::PageUp => "PgUp",
            Self::PageDown => "PgDn",
            Self::Home => "Home",
            Self::End => "End",
        };
        f.write_str(name)
    }
}

/// A mouse action at a cell, counted from 0 at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "column and row of the cell")]
pub enum Mouse {
    /// The left button went down.
    Click { column: u16, row: u16 },
    /// It moved to another cell while down.
    Drag { column: u16, row: u16 },
    /// It went up, wherever.
    Release,
    /// One notch up.
    WheelUp { column: u16, row: u16 },
    /// One notch down.
    WheelDown { column: u16, row: u16 },
}

/// Anything that comes from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed or repeated.
    Key(Key),
    /// The mouse was used.
    Mouse(Mouse),
    /// Text was pasted in one piece (bracketed paste).
    Paste(String),
    /// The terminal now has this many columns and rows.
    Resized {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
}
