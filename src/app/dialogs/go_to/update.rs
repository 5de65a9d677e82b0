//! What the keys do while a port to go to is typed.

use crate::app::dialogs::go_to::{Found, GoTo};
use crate::app::table::cursor::Step;
use crate::app::{App, Dialog, Effects};
use crate::keymap::DialogAction;
use crate::keymap::{Action, Key};
use crate::model::Moment;

impl App {
    /// Goes to the first row, and to a port if its number is typed next.
    pub(crate) fn begin_to_go(&mut self) {
        let from = self.rows.cursor;
        self.step(Step::First);
        self.dialog = Dialog::GoTo(GoTo::new(from));
    }

    /// Takes a digit in; any other key ends it, and means what it means in the table.
    pub(crate) fn press_to_go(&mut self, key: Key, now: Moment) -> Effects {
        let Dialog::GoTo(going) = &mut self.dialog else {
            return Vec::new();
        };
        if going.press(key) {
            self.seek();
            return Vec::new();
        }
        self.dialog = Dialog::None;
        self.press(key, now)
    }

    /// Pasted digits count as typed.
    pub(crate) fn paste_to_go(&mut self, text: &str) {
        if let Dialog::GoTo(going) = &mut self.dialog {
            for c in text.trim().chars().take_while(char::is_ascii_digit) {
                going.press(Key::Char(c));
            }
            self.seek();
        }
    }

    fn seek(&mut self) {
        let Dialog::GoTo(going) = &mut self.dialog else {
            return;
        };
        if let Some(place) = going.seek(&self.rows.table, self.rows.selection.shown()) {
            self.step(Step::To(place));
        }
    }

    pub(crate) fn end_going(&mut self, action: Action, now: Moment) {
        let Dialog::GoTo(going) = std::mem::replace(&mut self.dialog, Dialog::None) else {
            return;
        };
        match (action, going.found) {
            (Action::Dialog(DialogAction::Accept), Found::Hidden(id)) => {
                match self.rows.table.position(id) {
                    Some(at) => self.show_row(at, now),
                    None => self.warn("its row is not in the table any more", now),
                }
            }
            (Action::Dialog(DialogAction::Accept), _) => {}
            _ => {
                self.rows.cursor = going.from;
                self.scroll_to_cursor();
            }
        }
    }
}
