//! The content of an overlay, and its area on the screen.

use crate::app::layout::{Area, Size};
use crate::app::view::scrollbar::{Part, Scrollbar};
use crate::app::view::{Line, OverlayView, widest};

/// Everything that an overlay shows if there is room.
pub(crate) struct Sheet {
    pub title: String,
    /// At most as wide as [`Size::overlay_width`].
    pub lines: Vec<Line>,
    pub top: usize,
    pub height: usize,
    /// How many lines, from the first, are choices.
    pub choices: usize,
    pub selected: Option<usize>,
}

impl Sheet {
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

    /// In the middle of the screen with its border; on a compact screen all of it but the footer. The width is that of
    /// all lines, visible or not, so that scrolling does not change it.
    pub fn place(self, screen: Size, footer: u16) -> (OverlayView, Option<Scrollbar>) {
        let (top, height, count) = (self.top, self.height, self.lines.len());
        let area = if screen.is_compact() {
            Area {
                height: footer.max(1).min(screen.height),
                ..screen.area()
            }
        } else {
            let cells = |content: usize| u16::try_from(content + 2).unwrap_or(u16::MAX);
            let width = cells(widest(&self.lines).max(20)).min(screen.width - 4);
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
            title: self.title,
            lines: self.lines.into_iter().skip(top).take(height).collect(),
            area,
            selected: self.selected.map(|at| at.saturating_sub(top)),
            choices: top..self.choices.min(top.saturating_add(height)),
        };
        (view, bar)
    }
}
