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

/// The open dialog.
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
    /// The line of text being typed.
    pub const fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Prompt(prompt) => Some(prompt),
            Self::Palette(palette) => Some(&palette.prompt),
            Self::None | Self::GoTo(_) | Self::Menu(_) | Self::Question(_) | Self::Help { .. } => {
                None
            }
        }
    }

    /// Edits the line of text being typed, if there is one.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Prompt) -> Edited) -> Edited {
        match self {
            Self::Prompt(prompt) => edit(prompt),
            Self::Palette(palette) => palette.edit(edit),
            Self::None | Self::GoTo(_) | Self::Menu(_) | Self::Question(_) | Self::Help { .. } => {
                Edited::Nothing
            }
        }
    }
}
