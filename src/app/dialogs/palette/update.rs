//! What the keys do in the command palette.

use crate::app::{App, Dialog, Effects};
use crate::keymap::Action;
use crate::keymap::{DialogAction, MoveAction};
use crate::model::Moment;

impl App {
    pub(crate) fn act_in_palette(&mut self, action: Action, now: Moment) -> Effects {
        let page = isize::try_from(self.menu_height()).unwrap_or(isize::MAX);
        let Dialog::Palette(palette) = &mut self.dialog else {
            return Vec::new();
        };
        match action {
            Action::Move(MoveAction::Down) => palette.step(1),
            Action::Move(MoveAction::Up) => palette.step(-1),
            Action::Move(MoveAction::PageDown) => palette.step(page),
            Action::Move(MoveAction::PageUp) => palette.step(-page),
            Action::Dialog(DialogAction::Accept) => {
                let Some(action) = palette.chosen() else {
                    return Vec::new();
                };
                self.dialog = Dialog::None;
                return self.perform(action, now);
            }
            _ => self.dialog = Dialog::None,
        }
        Vec::new()
    }
}
