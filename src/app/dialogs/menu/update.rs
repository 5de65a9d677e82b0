//! What the keys do in a menu, and what a choice does.

use crate::app::dialogs::menu::{Menu, MenuChoice};
use crate::app::{App, Dialog, Effect, Effects, NoticeKind, Written};
use crate::columns::{cut, cut_middle, width};
use crate::keymap::Action;
use crate::keymap::{DialogAction, MoveAction};
use crate::model::{Moment, clean, counted};

/// Cells of a text that are told on the smallest terminal.
const LEAST_TOLD: usize = 12;

impl App {
    pub(crate) fn act_in_menu(&mut self, action: Action, now: Moment) -> Effects {
        let Dialog::Menu(menu) = &mut self.dialog else {
            return Vec::new();
        };
        let last = menu.items.len().saturating_sub(1);
        match action {
            Action::Move(MoveAction::Down) => menu.at = (menu.at + 1).min(last),
            Action::Move(MoveAction::Up) => menu.at = menu.at.saturating_sub(1),
            Action::Dialog(DialogAction::Accept) | Action::Dialog(DialogAction::Toggle) => {
                let (at, choice) = (menu.at, menu.items[menu.at].choice.clone());
                return self.choose(at, choice, action, now);
            }
            _ => self.dialog = Dialog::None,
        }
        Vec::new()
    }

    pub(crate) fn choose(
        &mut self,
        at: usize,
        choice: MenuChoice,
        how: Action,
        now: Moment,
    ) -> Effects {
        match choice {
            MenuChoice::Copy(text) => {
                self.dialog = Dialog::None;
                self.tell_copied(&text, now);
                vec![Effect::Copy(text)]
            }
            MenuChoice::Write(format) => {
                self.dialog = Dialog::None;
                let shown = self.rows.selection.shown().iter();
                let shown: Vec<_> = shown.map(|&at| self.rows.table.rows[at].id).collect();
                let doing = format!("writing {}…", counted(shown.len(), "row", "rows"));
                self.notify(NoticeKind::Pending, doing, now);
                vec![Effect::Write(format, shown)]
            }
            MenuChoice::Column(_) | MenuChoice::Kind(_)
                if how == Action::Dialog(DialogAction::Accept) =>
            {
                self.dialog = Dialog::None;
                Vec::new()
            }
            MenuChoice::Kind(protocol) => {
                let effects = self.toggle_kind(protocol, now);
                self.dialog = Dialog::Menu(Menu::kinds(self.rows.criteria.kinds, at));
                effects
            }
            MenuChoice::Column(id) => {
                if let Some(hidden) = self.rows.hidden_columns.iter().position(|&one| one == id) {
                    self.rows.hidden_columns.remove(hidden);
                } else {
                    self.rows.hidden_columns.push(id);
                }
                self.dialog = Dialog::Menu(Menu::columns(&self.rows.hidden_columns, at));
                Vec::new()
            }
        }
    }

    /// What was copied is cut, and not what is said of it. Whether the terminal did as it was asked, it
    /// does not tell.
    pub(crate) fn tell_copied(&mut self, text: &str, now: Moment) {
        const BY: &str = " to the clipboard (by the terminal)";
        let said = width("copied ") + width(BY) + 1;
        let room = usize::from(self.size.width).saturating_sub(said);
        let text = cut(&clean(text), room.max(LEAST_TOLD));
        self.report(format!("copied {text}{BY}"), now);
    }

    /// Where the rows went. A long path is cut in its middle: the folder and the ending are told.
    pub(crate) fn tell_written(&mut self, written: &Written, now: Moment) {
        let said = format!("wrote {} to ", counted(written.rows, "row", "rows"));
        let room = usize::from(self.size.width).saturating_sub(width(&said) + 1);
        let path = cut_middle(&clean(&written.path), room.max(LEAST_TOLD));
        let why = written.not_in.as_ref();
        let why = why.map_or_else(String::new, |why| format!(", not to {why}"));
        self.report(format!("{said}{path}{why}"), now);
    }
}
