//! Going to a port by its number while that is typed: where the cursor goes, and what is to be said.

mod update;
mod view;

use crate::app::table::cursor::Cursor;
use crate::keymap::Key;
use crate::track::{Row, RowId, Table};

/// The digits of the largest port.
const MAX_DIGITS: usize = 5;

/// A port being typed.
#[derive(Clone, Debug)]
pub(crate) struct GoTo {
    digits: String,
    /// Where the cursor was before.
    pub from: Cursor,
    pub found: Found,
}

/// What came of the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The port, one that begins so, or nothing was typed.
    It,
    /// The port is in the table, but not among the rows shown.
    Hidden(RowId),
    /// No port shown begins so; this one is the next above.
    Above(u16),
    /// No port shown begins so, and none is above.
    Nothing,
}

impl GoTo {
    pub const fn new(from: Cursor) -> Self {
        Self {
            digits: String::new(),
            from,
            found: Found::It,
        }
    }

    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// Takes in a digit, or takes the last one back; whether the key was meant for the number.
    pub fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) if c.is_ascii_digit() => {
                if self.digits.len() < MAX_DIGITS {
                    self.digits.push(c);
                }
            }
            Key::Backspace => drop(self.digits.pop()),
            _ => return false,
        }
        true
    }

    /// Among the rows shown, the place of the port that is typed, or else of the lowest that begins so, or
    /// else of the next above. Notes what came of it.
    pub fn seek(&mut self, table: &Table, shown: &[usize]) -> Option<usize> {
        self.found = Found::It;
        let Ok(wanted) = self.digits.parse::<u32>() else {
            return Some(0);
        };
        let rows = shown.iter().map(|&at| &*table.rows[at]).enumerate();
        let ranked = rows.filter_map(|(place, row)| {
            let port = row.socket.port()?;
            let nearness = nearness(port, wanted, &self.digits)?;
            Some((nearness, port, row.is_closed(), place))
        });
        let best = ranked.min();
        let is_wanted =
            |row: &&Row| row.socket.port().map(u32::from) == Some(wanted) && !row.is_closed();
        let hidden = || table.rows.iter().map(|row| &**row).find(is_wanted);
        self.found = match best {
            Some((Nearness::Exact, ..)) => Found::It,
            best => match (hidden(), best) {
                (Some(row), _) => Found::Hidden(row.id),
                (None, Some((Nearness::Above, port, ..))) => Found::Above(port),
                (None, Some(_)) => Found::It,
                (None, None) => Found::Nothing,
            },
        };
        best.map(|(.., place)| place)
    }
}

/// How near a port is to the one that is typed, the nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Exact,
    Beginning,
    Above,
}

fn nearness(port: u16, wanted: u32, digits: &str) -> Option<Nearness> {
    if u32::from(port) == wanted {
        Some(Nearness::Exact)
    } else if port.to_string().starts_with(digits) {
        Some(Nearness::Beginning)
    } else {
        (u32::from(port) > wanted).then_some(Nearness::Above)
    }
}
