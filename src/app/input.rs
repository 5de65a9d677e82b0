//! What a person does at the terminal, free of any terminal library's types.

use crate::keymap::Key;

/// A mouse action at a cell, counted from 0 at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "column and row of the cell")]
pub enum Mouse {
    /// The left button went down.
    Click { column: u16, row: u16 },
    /// It moved to another cell while down.
    Drag { column: u16, row: u16 },
    /// It was released anywhere.
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
