//! Dialogs, which get the keys instead of the table: a prompt, a menu, the palette, a question, the help.

pub(crate) mod end_process;
pub(crate) mod go_to;
pub(crate) mod help;
pub(crate) mod menu;
pub(crate) mod palette;
pub(crate) mod prompt;

use end_process::Question;
use go_to::GoTo;
use menu::Menu;
use palette::Palette;
use prompt::{Edited, Prompt};

use crate::app::App;
use crate::app::view::{OverlayView, Scrollbar};

#[derive(Clone, Debug)]
pub(crate) enum Dialog {
    None,
    Prompt(Prompt),
    GoTo(GoTo),
    Menu(Menu),
    Palette(Palette),
    Question(Box<Question>),
    Help { scroll: usize },
}

impl Dialog {
    /// Edits the line of text being typed, if there is one.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Prompt) -> Edited) -> Edited {
        match self {
            Self::Prompt(prompt) => edit(prompt),
            Self::Palette(palette) => {
                let edited = edit(&mut palette.prompt);
                if edited == Edited::Text {
                    // The cursor goes to the best match.
                    palette.go_to(0);
                }
                edited
            }
            _ => Edited::Nothing,
        }
    }
}

impl App {
    pub(crate) fn overlay(&self) -> Option<(OverlayView, Option<Scrollbar>)> {
        let sheet = match &self.dialog {
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_) => return None,
            Dialog::Help { scroll } => help::sheet(*scroll, self.size, &self.settings.keymap),
            Dialog::Menu(menu) => menu::sheet(menu, self.size, self.menu_height()),
            Dialog::Palette(palette) => palette::sheet(palette, self.size, self.menu_height()),
            Dialog::Question(question) => end_process::text::sheet(question, self.size),
        };
        Some(sheet.place(self.size, self.layout().footer.y))
    }

    pub(crate) fn menu_height(&self) -> usize {
        let room = if self.size.is_compact() {
            self.layout().footer.y
        } else {
            self.size.height.saturating_sub(6)
        };
        usize::from(room).max(1)
    }
}
