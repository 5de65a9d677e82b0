//! What takes the keys instead of the table: a line being typed, a menu, the palette, a question, the help.

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
use prompt::Prompt;

/// What takes the keys instead of the table.
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
