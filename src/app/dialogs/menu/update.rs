//! Handles keys in a menu, and carries out a choice.

use super::{Menu, MenuChoice};
use crate::app::{App, Dialog, Effect, NoticeKind, Written};
use crate::columns::{ColumnId, cut, cut_middle, width};
use crate::keymap::{Action, DialogAction};
use crate::model::{Moment, clean, counted};

/// Cells of a text that a notice on the smallest terminal shows.
const LEAST_SHOWN: usize = 12;

impl App {
    /// Handles keys in a menu; any other action closes it.
    pub(crate) fn act_in_menu(&mut self, action: Action, now: Moment) {
        let page = self.menu_height();
        let Dialog::Menu(menu) = &mut self.dialog else {
            return;
        };
        if let Action::Move(action) = action {
            menu.go_to(menu.at.saturating_add_signed(action.lines(page)));
            return;
        }
        let (at, choice) = (menu.at, menu.items[menu.at].choice.clone());
        self.dialog = Dialog::None;
        if action == Action::Dialog(DialogAction::Accept) {
            self.confirm_choice(choice, now);
        } else if action == Action::Dialog(DialogAction::Toggle) {
            self.toggle_choice(at, choice, now);
        }
    }

    /// Carries out a choice; a switch is not changed.
    fn confirm_choice(&mut self, choice: MenuChoice, now: Moment) {
        match choice {
            MenuChoice::Copy(text) => {
                self.notify_copied(&text, now);
                self.request(Effect::Copy(text));
            }
            MenuChoice::Write(format) => {
                let rows = self.rows.selection.shown().rows(&self.rows.table);
                let ids: Vec<_> = rows.map(|row| row.id).collect();
                let pending = format!("writing {}…", counted(ids.len(), "row", "rows"));
                self.notify(NoticeKind::Pending, pending, now);
                self.request(Effect::Write(format, ids));
            }
            MenuChoice::Column(_) | MenuChoice::Kind(_) => {}
        }
    }

    /// Switches a choice on or off, and keeps the menu open.
    fn toggle_choice(&mut self, at: usize, choice: MenuChoice, now: Moment) {
        let menu = match choice {
            MenuChoice::Copy(_) | MenuChoice::Write(_) => return self.confirm_choice(choice, now),
            MenuChoice::Kind(protocol) => {
                self.toggle_kind(protocol, now);
                Menu::kinds(self.rows.criteria.kinds, at)
            }
            MenuChoice::Column(id) => {
                self.toggle_column(id);
                Menu::columns(&self.rows.hidden_columns, at)
            }
        };
        self.dialog = Dialog::Menu(menu);
    }

    fn toggle_column(&mut self, id: ColumnId) {
        let hidden = &mut self.rows.hidden_columns;
        let count = hidden.len();
        hidden.retain(|&one| one != id);
        if hidden.len() == count {
            hidden.push(id);
        }
    }

    /// A long text is cut, but not the words around it. We don't know whether the terminal copied it.
    pub(crate) fn notify_copied(&mut self, text: &str, now: Moment) {
        const BY: &str = " to the clipboard (by the terminal)";
        let words = width("copied ") + width(BY) + 1;
        let room = usize::from(self.size.width).saturating_sub(words);
        let text = cut(&clean(text), room.max(LEAST_SHOWN));
        self.report(format!("copied {text}{BY}"), now);
    }

    /// Reports where the rows were written. A long path is cut in the middle, so folder and extension stay.
    pub(crate) fn notify_written(&mut self, written: &Written, now: Moment) {
        let words = format!("wrote {} to ", counted(written.rows, "row", "rows"));
        let room = usize::from(self.size.width).saturating_sub(width(&words) + 1);
        let path = cut_middle(&clean(&written.path), room.max(LEAST_SHOWN));
        let why = written.not_in.as_ref();
        let why = why.map_or_else(String::new, |why| format!(", not to {why}"));
        self.report(format!("{words}{path}{why}"), now);
    }
}
