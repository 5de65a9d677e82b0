//! Dialogs, which get the keys instead of the table: a prompt, a menu, the palette, a question, the help.

pub(crate) mod browser;
mod columns;
pub(crate) mod end_process;
pub(crate) mod go_to;
mod group_menu;
pub(crate) mod help;
pub(crate) mod menu;
pub(crate) mod palette;
pub(crate) mod prompt;
pub(crate) mod save;
mod sort_menu;

use crate::app::layout::Area;
use crate::app::view::{Line, OverlayView, Part, Scrollbar, widest};
use crate::app::{App, Pane, PromptKind};
use end_process::{Question, Several};
use go_to::GoTo;
use help::HelpPage;
use menu::Menu;
use palette::Palette;
use prompt::{Edited, Prompt};
use save::SaveQuestion;

#[derive(Clone, Debug)]
pub(crate) enum Dialog {
    None,
    Prompt(Prompt),
    GoTo(GoTo),
    Menu(Menu),
    Palette(Palette),
    Question(Box<Question>),
    EndSeveral(Box<Several>),
    /// Whether to open this URL in the browser.
    OpenUrl(String),
    /// Whether to save these settings.
    Save(SaveQuestion),
    Help(Box<HelpPage>),
}

impl Dialog {
    /// The line of text being typed, if there is one.
    pub const fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Prompt(prompt) => Some(prompt),
            Self::Palette(palette) => Some(&palette.prompt),
            Self::Help(help) if help.is_typing => Some(&help.search),
            Self::None
            | Self::GoTo(_)
            | Self::Menu(_)
            | Self::Question(_)
            | Self::EndSeveral(_)
            | Self::OpenUrl(_)
            | Self::Save(_)
            | Self::Help(_) => None,
        }
    }

    /// Whether it would act on what there is now: ends a process, tests a bind, opens an address.
    pub fn acts_on_now(&self) -> bool {
        match self {
            Self::Question(_) | Self::EndSeveral(_) | Self::OpenUrl(_) => true,
            Self::Prompt(prompt) => prompt.kind == PromptKind::Target,
            Self::None
            | Self::GoTo(_)
            | Self::Menu(_)
            | Self::Palette(_)
            | Self::Save(_)
            | Self::Help(_) => false,
        }
    }

    /// Edits the line of text being typed, if there is one.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Prompt) -> Edited) -> Edited {
        match self {
            Self::Prompt(prompt) => edit(prompt),
            Self::Palette(palette) => palette.edit(edit),
            Self::Help(help) if help.is_typing => {
                let edited = edit(&mut help.search);
                if edited != Edited::Nothing {
                    help.scroll = 0;
                }
                edited
            }
            Self::None
            | Self::GoTo(_)
            | Self::Menu(_)
            | Self::Question(_)
            | Self::EndSeveral(_)
            | Self::OpenUrl(_)
            | Self::Save(_)
            | Self::Help(_) => Edited::Nothing,
        }
    }
}

impl App {
    /// The menu, question or help in the middle of the screen with its border; on a compact screen it covers all but
    /// the footer. The width is that of all lines, visible or not, so that scrolling does not change it.
    pub(crate) fn overlay(&self) -> Option<(OverlayView, Option<Scrollbar>)> {
        let screen = self.size;
        let acts_on_marks = match &self.dialog {
            Dialog::EndSeveral(_) => true,
            Dialog::Question(_) => !matches!(self.dock.pane, Some(Pane::Bind(_))),
            Dialog::Menu(menu) => menu.is_about_rows(),
            _ => false,
        };
        let sheet = match &self.dialog {
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_) => return None,
            Dialog::Help(help) => self.help_sheet(help),
            Dialog::Menu(menu) => menu::sheet(menu, screen, self.menu_height()),
            Dialog::Palette(palette) => palette::sheet(palette, screen, self.menu_height()),
            Dialog::Save(question) => save::sheet(question, screen, self.menu_height()),
            Dialog::OpenUrl(url) => browser::sheet(url, self.environment.opener, screen),
            Dialog::Question(question) => end_process::sheet(question, screen, self.menu_height()),
            Dialog::EndSeveral(several) => several.sheet(screen, self.menu_height()),
        };
        let (top, height, count) = (sheet.top, sheet.height, sheet.lines.len());
        let area = if screen.is_compact() {
            Area {
                height: self.layout().footer.y.max(1).min(screen.height),
                ..screen.area()
            }
        } else {
            // With the border; a line also has a cell of padding on both sides.
            let cells = |content: usize| u16::try_from(content + 2).unwrap_or(u16::MAX);
            let width = cells(widest(&sheet.lines).max(20) + 2).min(screen.width - 4);
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
            title: match self.hidden_marks_text() {
                Some(hidden) if acts_on_marks => format!("{} · {hidden}", sheet.title),
                _ => sheet.title,
            },
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
