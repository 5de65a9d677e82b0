//! What the keys do in the help.

use crate::app::dialogs::help::last_help_scroll;
use crate::app::{App, Modal};
use crate::keymap::Action;
use crate::keymap::MoveAction;

impl App {
    pub(crate) fn act_in_help(&mut self, action: Action) {
        let page = usize::from(self.size.height / 2);
        let last = last_help_scroll(self.size, &self.settings.keymap);
        let Modal::Help { scroll } = &mut self.modal else {
            return;
        };
        match action {
            Action::Move(MoveAction::Down) => *scroll = (*scroll + 1).min(last),
            Action::Move(MoveAction::Up) => *scroll = scroll.saturating_sub(1),
            Action::Move(MoveAction::PageDown) => *scroll = (*scroll + page).min(last),
            Action::Move(MoveAction::PageUp) => *scroll = scroll.saturating_sub(page),
            _ => self.modal = Modal::None,
        }
    }
}
