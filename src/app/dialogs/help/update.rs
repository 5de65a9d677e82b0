//! What the keys do in the help.

use crate::app::dialogs::help::last_help_scroll;
use crate::app::{App, Dialog};
use crate::keymap::Action;
use crate::keymap::MoveAction;

impl App {
    pub(crate) fn act_in_help(&mut self, action: Action) {
        let page = usize::from(self.size.height / 2);
        let last = last_help_scroll(self.size, &self.settings.keymap);
        let Dialog::Help { scroll } = &mut self.dialog else {
            return;
        };
        match action {
            Action::Move(MoveAction::Down) => *scroll = (*scroll + 1).min(last),
            Action::Move(MoveAction::Up) => *scroll = scroll.saturating_sub(1),
            Action::Move(MoveAction::PageDown) => *scroll = (*scroll + page).min(last),
            Action::Move(MoveAction::PageUp) => *scroll = scroll.saturating_sub(page),
            _ => self.dialog = Dialog::None,
        }
    }
}
