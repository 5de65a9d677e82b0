//! Goes to a port while its number is typed.

use crate::app::table::cursor::{Cursor, Step};
use crate::app::view::{Line, Role, cut_line, span};
use crate::app::{App, Dialog};
use crate::columns::width;
use crate::keymap::{Action, DialogAction, Key, Mode};
use crate::model::Moment;
use crate::query::Listing;
use crate::track::{Row, RowId, Table};

const MAX_DIGITS: usize = 5;

#[derive(Clone, Debug)]
pub(crate) struct GoTo {
    pub digits: String,
    /// Where the cursor was before.
    from: Cursor,
    pub found: Found,
    /// The row that was found, perhaps in a closed group.
    row: Option<RowId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The port, a port that begins with the digits, or nothing was typed.
    Port,
    /// The port is in the table, but not among the rows shown.
    Hidden(RowId),
    /// No port shown begins with the digits; this one is the next above.
    Above(u16),
    /// No port shown begins with the digits, and none is above.
    Nothing,
}

/// How well a port matches the digits, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Exact,
    Beginning,
    Above,
}

impl GoTo {
    /// Adds a digit, or removes the last one; returns whether the key was one of these.
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

    /// Finds the line of the typed port, or else of the lowest port with these first digits, or else of the next port
    /// above: of its row, or of the closed group that it is in.
    fn seek(&mut self, listing: &Listing, table: &Table) -> Option<usize> {
        let Ok(wanted) = self.digits.parse::<u32>() else {
            (self.found, self.row) = (Found::Port, None);
            return Some(0);
        };
        let rows = listing.row_indices().enumerate();
        let ranked = rows.filter_map(|(order, at)| {
            let row = &table.rows[at];
            let port = row.socket.port()?;
            let nearness = match u32::from(port) {
                number if number == wanted => Nearness::Exact,
                _ if port.to_string().starts_with(&self.digits) => Nearness::Beginning,
                number if number > wanted => Nearness::Above,
                _ => return None,
            };
            Some((nearness, port, row.is_closed(), order, at))
        });
        let best = ranked.min();
        let hidden = || {
            let is_wanted = |row: &Row| row.socket.port().map(u32::from) == Some(wanted);
            let rows = table.rows.iter();
            let rows = rows.filter(|row| is_wanted(row) && !row.is_closed());
            // The first of our own, or else of another namespace.
            let row = rows.min_by_key(|row| !row.socket.is_own())?;
            Some(Found::Hidden(row.id))
        };
        self.found = match best {
            Some((Nearness::Exact, ..)) => Found::Port,
            Some((Nearness::Beginning, ..)) => hidden().unwrap_or(Found::Port),
            Some((Nearness::Above, port, ..)) => hidden().unwrap_or(Found::Above(port)),
            None => hidden().unwrap_or(Found::Nothing),
        };
        let at = best.map(|(.., at)| at);
        self.row = at.map(|at| table.rows[at].id);
        listing.place_of_row(at?)
    }
}

impl App {
    /// Goes to the first row, and to a port if its number is typed next.
    pub(crate) fn open_go_to(&mut self) {
        let from = self.rows.cursor.clone();
        self.step(Step::To(0));
        self.dialog = Dialog::GoTo(GoTo {
            digits: String::new(),
            from,
            found: Found::Port,
            row: None,
        });
    }

    /// Pasted digits count as typed.
    pub(crate) fn paste_port(&mut self, text: &str) {
        if let Dialog::GoTo(go_to) = &mut self.dialog {
            for c in text.trim().chars().take_while(char::is_ascii_digit) {
                go_to.press(Key::Char(c));
            }
            self.seek();
        }
    }

    pub(crate) fn seek(&mut self) {
        let rows = &self.rows;
        if let Dialog::GoTo(go_to) = &mut self.dialog
            && let Some(place) = go_to.seek(rows.selection.shown(), &rows.table)
        {
            self.step(Step::To(place));
        }
    }

    /// Enter confirms, and shows a hidden row; any other key returns.
    pub(crate) fn close_go_to(&mut self, action: Action, now: Moment) {
        let Dialog::GoTo(go_to) = std::mem::replace(&mut self.dialog, Dialog::None) else {
            return;
        };
        if action != Action::Dialog(DialogAction::Accept) {
            self.rows.cursor = go_to.from;
            self.scroll_to_cursor();
        } else if let Found::Hidden(id) = go_to.found {
            match self.rows.table.position(id) {
                Some(at) => self.show_row(at, now),
                None => self.warn("its row is not in the table any more", now),
            }
        } else if let Some(at) = go_to.row.and_then(|id| self.rows.table.position(id))
            && let Some(place) = self.reveal(at, now)
        {
            self.step(Step::To(place));
        }
    }

    /// The typed digits with the result, and the column of the text cursor.
    pub(crate) fn go_to_line(&self, going: &GoTo, columns: usize) -> (Line, u16) {
        let label = " go to port ";
        let digits = going.digits.as_str();
        let x = width(label) + width(digits);
        let mut line = vec![
            span(label, Role::Accent),
            span(format!("{digits}   "), Role::Plain),
        ];
        let result = match going.found {
            Found::Port => None,
            Found::Hidden(_) => {
                let accept = Action::Dialog(DialogAction::Accept);
                let key = self.settings.keymap.keys(Mode::Digits, accept).first();
                let remedy = key.map_or(String::new(), |key| format!(": {key} shows it"));
                Some((format!("{digits} is not shown{remedy}"), Role::Warning))
            }
            Found::Above(port) => {
                let text = format!("no port starts with {digits}; {port} is the next");
                Some((text, Role::Warning))
            }
            Found::Nothing => Some((format!("no port starts with {digits}"), Role::Bad)),
        };
        match result {
            Some((text, role)) => line.push(span(text, role)),
            None => line.extend(self.hints(Mode::Digits, columns.saturating_sub(x + 3))),
        }
        (
            cut_line(line, columns),
            u16::try_from(x).unwrap_or(u16::MAX),
        )
    }
}
