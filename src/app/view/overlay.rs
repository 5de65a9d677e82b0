//! The overlay in the middle of the screen: a menu, a question, the help.

use crate::app::dialogs::end_process::view::question_sheet;
use crate::app::dialogs::help;
use crate::app::dialogs::menu::view::menu_sheet;
use crate::app::dialogs::palette::view::palette_sheet;
use crate::app::view::{OverlayView, Scrollbar};
use crate::app::{App, Dialog};

impl App {
    /// The menu, question or help over the table.
    pub(crate) fn overlay(&self) -> Option<(OverlayView, Option<Scrollbar>)> {
        let sheet = match &self.dialog {
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_) => return None,
            Dialog::Help { scroll } => help::sheet(*scroll, self.size, &self.settings.keymap),
            Dialog::Menu(menu) => menu_sheet(menu, self.size, self.menu_height()),
            Dialog::Palette(palette) => palette_sheet(palette, self.size, self.menu_height()),
            Dialog::Question(question) => question_sheet(question, self.size),
        };
        Some(sheet.place(self.size, self.layout().footer.y))
    }

    /// How many choices of a menu are visible.
    pub(crate) fn menu_height(&self) -> usize {
        let room = if self.size.is_compact() {
            self.layout().footer.y
        } else {
            self.size.height.saturating_sub(6)
        };
        usize::from(room).max(1)
    }
}
