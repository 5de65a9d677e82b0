//! Dialogs, which get the keys instead of the table: a prompt, a menu, the palette, a question, the help.

mod columns;
pub(crate) mod end_process;
pub(crate) mod go_to;
pub(crate) mod help;
pub(crate) mod menu;
pub(crate) mod palette;
pub(crate) mod prompt;

use crate::app::App;
use crate::app::layout::Area;
use crate::app::view::{Line, OverlayView, Part, Scrollbar, widest};
use end_process::Question;
use go_to::GoTo;
use menu::Menu;
use palette::Palette;
use prompt::{Edited, Prompt};

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
    /// The line of text being typed, if there is one.
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
            Self::Palette(palette) => {
                let edited = edit(&mut palette.prompt);
                if edited == Edited::Text {
                    // The cursor goes to the best match.
                    palette.go_to(0);
                }
                edited
            }
            Self::None | Self::GoTo(_) | Self::Menu(_) | Self::Question(_) | Self::Help { .. } => {
                Edited::Nothing
            }
        }
    }
}

impl App {
    /// The menu, question or help in the middle of the screen with its border; on a compact screen it covers all but
    /// the footer. The width is that of all lines, visible or not, so that scrolling does not change it.
    pub(crate) fn overlay(&self) -> Option<(OverlayView, Option<Scrollbar>)> {
        let screen = self.size;
        let sheet = match &self.dialog {
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_) => return None,
            Dialog::Help { scroll } => help::sheet(*scroll, screen, &self.settings.keymap),
            Dialog::Menu(menu) => menu::sheet(menu, screen, self.menu_height()),
            Dialog::Palette(palette) => palette::sheet(palette, screen, self.menu_height()),
            Dialog::Question(question) => end_process::text::sheet(question, screen),
        };
        let (top, height, count) = (sheet.top, sheet.height, sheet.lines.len());
        let area = if screen.is_compact() {
            Area {
                height: self.layout().footer.y.max(1).min(screen.height),
                ..screen.area()
            }
        } else {
            let cells = |content: usize| u16::try_from(content + 2).unwrap_or(u16::MAX);
            let width = cells(widest(&sheet.lines).max(20)).min(screen.width - 4);
            let visible = (count - top.min(count)).min(height);
            let height = cells(visible).min(screen.height - 2);
            Area {
                x: (screen.width - width) / 2,
                y: (screen.height - height) / 2,
                width,
                height,
            }
        };
        let bar = || Scrollbar::new(Part::Overlay, area.right_edge(), count, height, top);
        let bar = (!screen.is_compact()).then(bar).flatten();
        let view = OverlayView {
            title: sheet.title,
            lines: sheet.lines.into_iter().skip(top).take(height).collect(),
            area,
            selected: sheet.selected.map(|at| at.saturating_sub(top)),
            choices: top..sheet.choices.min(top.saturating_add(height)),
        };
        Some((view, bar))
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

/// Everything that an overlay shows if there is room.
pub(crate) struct Sheet {
    pub title: String,
    /// At most as wide as [`Size::overlay_width`](crate::app::Size::overlay_width).
    pub lines: Vec<Line>,
    /// The first visible line.
    pub top: usize,
    /// How many lines are visible at most.
    pub height: usize,
    /// How many lines, from the first, are choices.
    pub choices: usize,
    pub selected: Option<usize>,
}

impl Sheet {
    /// Without choices or scrolling.
    pub fn of(title: &str, lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            lines,
            top: 0,
            height: usize::MAX,
            choices: 0,
            selected: None,
        }
    }
}
