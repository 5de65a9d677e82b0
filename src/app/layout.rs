//! The areas of the parts of the screen, for any size from 1×1.
//!
//! A wide terminal has its pane at the right of the table, others below it. A small one has no tabs, hints and borders, and
//! its pane replaces the table.

use crate::app::{App, Dialog, Pane};

/// A rectangle of terminal cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "cells, counted from 0 at the top left")]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    /// Whether it contains a cell.
    pub const fn contains(&self, column: u16, row: u16) -> bool {
        column >= self.x
            && column - self.x < self.width
            && row >= self.y
            && row - self.y < self.height
    }

    /// The intersection with another area.
    pub(crate) fn within(self, other: Self) -> Self {
        let end = |from: u16, cells: u16| from.saturating_add(cells);
        let (last_x, last_y) = (end(other.x, other.width), end(other.y, other.height));
        let x = self.x.clamp(other.x, last_x);
        let y = self.y.clamp(other.y, last_y);
        let right = end(self.x, self.width).min(last_x);
        let bottom = end(self.y, self.height).min(last_y);
        Self {
            x,
            y,
            width: right.saturating_sub(x),
            height: bottom.saturating_sub(y),
        }
    }

    /// The right side of its border, without the corners.
    pub(crate) fn right_edge(self) -> Self {
        Self {
            x: self.x + self.width.saturating_sub(1),
            y: self.y.saturating_add(1),
            width: self.width.min(1),
            height: self.height.saturating_sub(2),
        }
    }

    /// The area inside a border of one cell.
    pub(crate) const fn inside_border(self) -> Self {
        Self {
            x: self.x.saturating_add(1),
            y: self.y.saturating_add(1),
            width: self.width.saturating_sub(2),
            height: self.height.saturating_sub(2),
        }
    }

    /// The same without its first and last column.
    pub(crate) const fn padded(self) -> Self {
        Self {
            x: self.x.saturating_add(1),
            width: self.width.saturating_sub(2),
            ..self
        }
    }

    /// Its lines, from the top.
    pub fn lines(self) -> impl Iterator<Item = Self> {
        let rows = self.y..self.y.saturating_add(self.height);
        rows.map(move |y| Self {
            y,
            height: 1,
            ..self
        })
    }
}

/// Size of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "cells")]
pub struct Size {
    pub width: u16,
    pub height: u16,
}

impl Size {
    /// Whether it is too small for borders, or a pane beside the table.
    pub const fn is_compact(self) -> bool {
        self.width < 60 || self.height < 12
    }

    /// The whole terminal.
    pub const fn area(self) -> Area {
        Area {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }

    /// The widest line of an overlay: without its border, padding and a margin of two cells on either side, or the whole
    /// width on a terminal without borders.
    pub fn overlay_width(self) -> usize {
        let border = if self.is_compact() { 0 } else { 8 };
        usize::from(self.width.saturating_sub(border))
    }
}

/// The areas of the parts of the screen; a part without room has no height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name, counts, problems.
    pub header: Area,
    /// The timeline of the history, at a moment of it.
    pub timeline: Area,
    /// What is in trouble, while something is.
    pub trouble: Area,
    /// Views and filter.
    pub tabs: Area,
    /// Headings of the columns.
    pub titles: Area,
    /// The rows of the table.
    pub rows: Area,
    /// The open pane, its border included.
    pub pane: Area,
    /// Hints, a notice, or typed text.
    pub footer: Area,
    /// Whether the pane has a border.
    pub has_borders: bool,
}

/// The required lines of the parts that are not always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// Whether there is a timeline.
    pub has_timeline: bool,
    /// Whether something is in trouble.
    pub has_trouble: bool,
    /// The lines of the open pane; 0: none is open.
    pub pane: u16,
    /// Whether the pane takes the place of tabs and table.
    pub is_zoomed: bool,
    /// The lines at the bottom; 0: only hints, which a small terminal omits.
    pub footer: u16,
}

/// A terminal with fewer lines has none for trouble.
const MIN_HEIGHT_FOR_TROUBLE: u16 = 6;

/// From this width on the pane is at the right of the table.
const MIN_WIDTH_FOR_RIGHT: u16 = 140;

/// A wider pane at the right would only have emptier lines.
const MAX_RIGHT_WIDTH: u16 = 96;

/// Where the open pane is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PanePlace {
    None,
    Below,
    Right,
    /// In place of the table.
    Instead,
}

impl PanePlace {
    const fn of(size: Size, required: Required) -> Self {
        if required.pane == 0 {
            Self::None
        } else if size.is_compact() || required.is_zoomed {
            Self::Instead
        } else if size.width >= MIN_WIDTH_FOR_RIGHT {
            Self::Right
        } else {
            Self::Below
        }
    }
}

/// Lays out a terminal.
pub fn layout(size: Size, required: Required) -> Layout {
    let (pane_lines, footer_lines) = (required.pane, required.footer);
    let (compact, place) = (size.is_compact(), PanePlace::of(size, required));
    let mut left = size.height;
    let footer = footer_lines.max(u16::from(!compact));
    let footer = take(&mut left, footer.min(size.height.saturating_sub(1)));
    let header = take(&mut left, 1);
    let timeline = take(&mut left, u16::from(required.has_timeline));
    let has_trouble = required.has_trouble && size.height >= MIN_HEIGHT_FOR_TROUBLE;
    let trouble = take(&mut left, u16::from(has_trouble));
    let has_tabs = !compact && place != PanePlace::Instead;
    let tabs = take(&mut left, u16::from(has_tabs));
    let has_titles = size.height > 3 && place != PanePlace::Instead;
    let titles = take(&mut left, u16::from(has_titles));
    // A pane below takes its lines and border, but leaves the table at least a third and four rows.
    let pane = match place {
        PanePlace::None | PanePlace::Right => 0,
        PanePlace::Instead => left,
        PanePlace::Below => {
            (pane_lines.saturating_add(2)).min(left.saturating_sub((left / 3).max(4)))
        }
    };
    left -= pane;
    let lines = [header, timeline, trouble, tabs, titles, left, pane, footer];
    let mut y = 0;
    let [header, timeline, trouble, tabs, titles, rows, pane, footer] = lines.map(|height| {
        let area = Area {
            x: 0,
            y,
            width: size.width,
            height,
        };
        y += height;
        area
    });
    let layout = Layout {
        header,
        timeline,
        trouble,
        tabs,
        titles,
        rows,
        pane,
        footer,
        has_borders: !compact,
    };
    match place {
        PanePlace::Right => layout.with_pane_at_right(),
        PanePlace::None | PanePlace::Below | PanePlace::Instead => layout,
    }
}

impl Layout {
    /// The pane gets two fifths of the width over the whole height of the table. A column between them stays empty.
    fn with_pane_at_right(mut self) -> Self {
        let width = (self.rows.width / 5 * 2).min(MAX_RIGHT_WIDTH);
        let x = self.rows.width - width;
        self.pane = Area {
            x,
            y: self.titles.y,
            width,
            height: self.titles.height + self.rows.height,
        };
        (self.titles.width, self.rows.width) = (x - 1, x - 1);
        self
    }

    /// The area of the pane's lines: inside its border with a cell of padding on both sides. Without a border the first
    /// of these lines is the title.
    pub(crate) const fn pane_lines(&self) -> Area {
        if self.has_borders {
            self.pane.inside_border().padded()
        } else {
            self.pane
        }
    }

    /// The area of the lines of an overlay: inside its border with a cell of padding on both sides.
    pub(crate) const fn lines_of_overlay(&self, overlay: Area) -> Area {
        if self.has_borders {
            overlay.inside_border().padded()
        } else {
            overlay
        }
    }

    /// The lines of an overlay from border to border: so wide is the cursor on a choice, and its click.
    pub(crate) const fn choices_of_overlay(&self, overlay: Area) -> Area {
        if self.has_borders {
            overlay.inside_border()
        } else {
            overlay
        }
    }
}

fn take(left: &mut u16, lines: u16) -> u16 {
    let taken = lines.min(*left);
    *left -= taken;
    taken
}

impl App {
    pub(crate) fn layout(&self) -> Layout {
        // Fixed for each kind, so that the table does not move when the content grows.
        let pane_lines = match self.dock.pane {
            None => 0,
            Some(Pane::Details) => 14,
            Some(Pane::Events) => 10,
            Some(Pane::Stats) => 18,
            Some(Pane::Bind(_)) => 20,
        };
        let footer_lines = match self.dialog {
            Dialog::Prompt(_) | Dialog::Palette(_) => 2,
            Dialog::Help(ref help) if help.is_typing => 2,
            // The keys of the question must be visible, even on a small terminal.
            Dialog::GoTo(_)
            | Dialog::Menu(_)
            | Dialog::Question(_)
            | Dialog::EndSeveral(_)
            | Dialog::OpenUrl(_)
            | Dialog::Save(_)
            | Dialog::Help(_) => 1,
            Dialog::None => {
                let notice = self.notices.current.as_ref();
                let lines = notice.map_or(0, |notice| notice.height(self.size));
                lines.max(u16::from(self.rows.find.is_some()))
            }
        };
        let required = Required {
            has_timeline: self.has_timeline(),
            has_trouble: self.rows.trouble_line.is_shown(),
            pane: pane_lines,
            footer: footer_lines + self.alert_lines(),
            is_zoomed: self
                .dock
                .focus
                .as_ref()
                .is_some_and(|focus| focus.is_zoomed),
        };
        layout(self.size, required)
    }

    pub(crate) fn rows_in_sight(&self) -> usize {
        usize::from(self.layout().rows.height)
    }

    /// Keeps the selected row visible after the screen changed.
    pub(crate) fn scroll_to_cursor(&mut self) {
        let height = self.rows_in_sight();
        let rows = &mut self.rows;
        let listing = rows.selection.shown();
        rows.cursor.follow(listing, &rows.table, height);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn required(pane: u16, footer: u16) -> Required {
        Required {
            has_timeline: false,
            has_trouble: false,
            pane,
            is_zoomed: false,
            footer,
        }
    }

    /// Every size around those at which something changes, with everything that a layout depends on.
    fn layouts() -> impl Iterator<Item = (Size, Required, Layout)> {
        let widths = [0, 1, 20, 59, 60, 139, 140, 160, 300, u16::MAX];
        let sizes = (0..60).flat_map(move |height| widths.map(|width| Size { width, height }));
        sizes.flat_map(|size| {
            let each = [0, 1, 10, 1000].into_iter().flat_map(move |pane| {
                [0, 1, 2].into_iter().flat_map(move |footer| {
                    [false, true].into_iter().flat_map(move |has_trouble| {
                        [false, true].map(move |is_zoomed| Required {
                            has_timeline: is_zoomed ^ has_trouble,
                            has_trouble,
                            is_zoomed,
                            ..required(pane, footer)
                        })
                    })
                })
            });
            each.map(move |required| (size, required, layout(size, required)))
        })
    }

    const fn parts(l: &Layout) -> [Area; 8] {
        [
            l.header, l.timeline, l.trouble, l.tabs, l.titles, l.rows, l.pane, l.footer,
        ]
    }

    #[test]
    fn the_parts_fill_every_terminal_without_overlap() {
        for (size, required, l) in layouts() {
            let cells = |area: &Area| u32::from(area.width) * u32::from(area.height);
            let each: u32 = parts(&l).iter().map(cells).sum();
            let between = u32::from(l.pane.x > 0) * u32::from(l.titles.height + l.rows.height);
            let all = cells(&size.area());
            assert_eq!(each + between, all, "{size:?} {required:?} {l:?}");
            let parts = parts(&l);
            for (at, one) in parts.iter().enumerate() {
                assert_eq!(one.within(size.area()), *one, "{size:?} {required:?} {l:?}");
                for other in &parts[at + 1..] {
                    let both = cells(&one.within(*other));
                    assert_eq!(both, 0, "{one:?} {other:?} of {size:?} {required:?}");
                }
            }
        }
    }

    #[test]
    fn a_pane_is_at_the_right_from_140_columns_over_the_height_of_the_table() {
        for (width, is_right) in [(139, false), (140, true), (160, true), (400, true)] {
            let size = Size { width, height: 45 };
            let (with, without) = (layout(size, required(10, 0)), layout(size, required(0, 0)));
            assert_eq!(with.pane.x > 0, is_right, "{width}");
            if is_right {
                assert_eq!(with.rows.height, without.rows.height);
                assert_eq!((with.pane.y, with.pane.height), (with.titles.y, 42));
                assert!((56..=96).contains(&with.pane.width), "{with:?}");
                assert!(with.rows.width >= 83, "{with:?}");
                assert_eq!(with.tabs.width, width);
            }
        }
    }

    #[test]
    fn a_zoomed_pane_leaves_only_header_trouble_and_footer() {
        for (width, height) in [(160, 45), (80, 24), (60, 12)] {
            let size = Size { width, height };
            let zoomed = Required {
                is_zoomed: true,
                ..required(10, 1)
            };
            let l = layout(size, zoomed);
            assert_eq!((l.pane.width, l.pane.height), (width, height - 2));
            assert_eq!((l.tabs.height, l.titles.height, l.rows.height), (0, 0, 0));
        }
    }

    #[test]
    fn trouble_takes_one_line_of_the_table() {
        let size = |width, height| Size { width, height };
        let rows = |size, has_trouble| {
            let required = Required {
                has_trouble,
                ..Required::default()
            };
            layout(size, required).rows.height
        };
        for (width, height) in [(160, 45), (80, 24), (40, 10), (40, 6)] {
            let size = size(width, height);
            assert_eq!(rows(size, true) + 1, rows(size, false), "{size:?}");
        }
        assert_eq!(rows(size(40, 5), true), rows(size(40, 5), false));
    }

    #[test]
    fn an_open_pane_leaves_visible_rows() {
        let size = Size {
            width: 80,
            height: 24,
        };
        let l = layout(size, required(100, 0));
        assert!(l.rows.height >= 4 && l.pane.height >= 10, "{l:?}");
    }

    #[test]
    fn a_small_terminal_gives_everything_to_the_table() {
        let size = Size {
            width: 40,
            height: 10,
        };
        let l = layout(size, required(0, 0));
        assert_eq!((l.rows.height, l.footer.height, l.tabs.height), (8, 0, 0));
    }
}
