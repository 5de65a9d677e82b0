//! What covers the middle of the screen: a menu, a question, the help.

use crate::app::dialogs::end_process::view::question_sheet;
use crate::app::dialogs::help;
use crate::app::dialogs::menu::view::menu_sheet;
use crate::app::dialogs::palette::view::palette_sheet;
use crate::app::layout::{Area, Size};
use crate::app::view::scrollbar::{Part, Scrollbar};
use crate::app::view::{Line, OverlayView, line_width, widest};
use crate::app::{App, Dialog};

/// Everything that an overlay would show if there were room.
pub(crate) struct Sheet {
    pub title: String,
    pub lines: Vec<Line>,
    /// The first line in sight, and how many are at most.
    pub top: usize,
    pub height: usize,
    /// How many of the lines, from the first, are choices; and the one under the cursor.
    pub choices: usize,
    pub selected: Option<usize>,
}

impl App {
    /// The menu, question or help that covers the table.
    pub(crate) fn overlay(&self) -> Option<(OverlayView, Option<Scrollbar>)> {
        let sheet = match &self.dialog {
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_) => return None,
            Dialog::Help { scroll } => help::sheet(*scroll, self.size, &self.settings.keymap),
            Dialog::Menu(menu) => menu_sheet(menu, self.size, self.menu_height()),
            Dialog::Palette(palette) => palette_sheet(palette, self.size, self.menu_height()),
            Dialog::Question(question) => question_sheet(question, self.size),
        };
        Some(sheet.laid_on(self.size, self.layout().footer.y))
    }

    /// How many choices of a menu are in sight.
    pub(crate) fn menu_height(&self) -> usize {
        let room = if self.size.is_compact() {
            self.layout().footer.y
        } else {
            self.size.height.saturating_sub(6)
        };
        usize::from(room).max(1)
    }
}

impl Sheet {
    fn laid_on(self, size: Size, footer: u16) -> (OverlayView, Option<Scrollbar>) {
        // Width of its longest line, in sight or not: scrolling shall not resize it.
        let (columns, lines) = (widest(&self.lines), self.lines.len());
        let in_sight = self.lines.into_iter().skip(self.top).take(self.height);
        let in_sight: Vec<Line> = in_sight.collect();
        let area = place(size, footer, &in_sight, columns);
        let bar = (!size.is_compact())
            .then(|| {
                Scrollbar::new(
                    Part::Overlay,
                    area.right_edge(),
                    lines,
                    self.height,
                    self.top,
                )
            })
            .flatten();
        let view = OverlayView {
            title: self.title,
            lines: in_sight,
            area,
            selected: self.selected.map(|at| at.saturating_sub(self.top)),
            choices: self.top..self.choices.min(self.top.saturating_add(self.height)),
        };
        (view, bar)
    }
}

/// As wide as its longest line and as high as its lines need, in the middle; the whole screen but
/// the lines at the bottom where there is no room for borders.
fn place(screen: Size, footer: u16, lines: &[Line], longest: usize) -> Area {
    if screen.is_compact() {
        return Area {
            height: footer.max(1).min(screen.height),
            ..screen.area()
        };
    }
    let columns = u16::try_from(longest.max(20) + 2)
        .unwrap_or(u16::MAX)
        .min(screen.width - 4);
    let room = usize::from(columns.saturating_sub(2).max(1));
    let widths = lines.iter().map(|line| line_width(line));
    let lines: usize = widths.map(|cells| cells.div_ceil(room).max(1)).sum();
    // A wrapped line breaks at words: it may need one line more than its cells say.
    let slack = usize::from(longest > room);
    let height = u16::try_from(lines + slack + 2)
        .unwrap_or(u16::MAX)
        .min(screen.height - 2);
    Area {
        x: (screen.width - columns) / 2,
        y: (screen.height - height) / 2,
        width: columns,
        height,
    }
}
