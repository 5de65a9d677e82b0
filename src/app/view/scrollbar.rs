//! Scrollbars: area, thumb, and the line for a position.
//!
//! Drawing and dragging use the same numbers, so that the thumb stays under the pointer.

use crate::app::layout::Area;

/// The part that a scrollbar scrolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The rows of the table.
    Table,
    /// The open pane.
    Pane,
    /// The menu or help that covers the table.
    Overlay,
}

/// A scrollbar: it exists only if there are more lines than fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrollbar {
    /// The part that it scrolls.
    pub part: Part,
    /// One column of cells.
    pub area: Area,
    lines: usize,
    visible: usize,
    top: usize,
}

impl Scrollbar {
    pub(crate) fn new(
        part: Part,
        area: Area,
        lines: usize,
        visible: usize,
        top: usize,
    ) -> Option<Self> {
        let last = lines.checked_sub(visible).filter(|&last| last > 0)?;
        let top = top.min(last);
        (area.height > 1 && area.width == 1).then_some(Self {
            part,
            area,
            lines,
            visible,
            top,
        })
    }

    /// The cells of the visible lines. They touch an end only if the first or last line is visible.
    pub fn thumb(&self) -> Area {
        let height = self.thumb_height();
        let free = u64::from(self.area.height - height);
        let (top, last) = (self.top as u64, self.last() as u64);
        let at = (top * free + last / 2) / last;
        let at = match (free, top) {
            (_, 0) => 0,
            (2.., top) if top < last => at.clamp(1, free - 1),
            _ => at,
        };
        Area {
            y: self.area.y + u16::try_from(at).unwrap_or(0),
            height,
            ..self.area
        }
    }

    fn thumb_height(&self) -> u16 {
        let cells = usize::from(self.area.height) * self.visible / self.lines;
        let cells = u16::try_from(cells).unwrap_or(u16::MAX);
        cells.clamp(1, self.area.height - 1)
    }

    fn last(&self) -> usize {
        self.lines - self.visible
    }

    /// The first visible line when the thumb starts at this row of the screen, or as near as possible.
    pub(crate) fn top_at(&self, row: u16) -> usize {
        let free = self.area.height - self.thumb_height();
        let at = row.saturating_sub(self.area.y).min(free);
        let (at, free, last) = (u64::from(at), u64::from(free), self.last() as u64);
        usize::try_from((at * last + free / 2) / free).unwrap_or(usize::MAX)
    }

    /// How far below its first cell the thumb is grabbed. A click beside the thumb moves its middle there.
    pub(crate) fn grab_offset(&self, row: u16) -> u16 {
        let thumb = self.thumb();
        match row.checked_sub(thumb.y) {
            Some(below) if below < thumb.height => below,
            _ => thumb.height / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(lines: usize, visible: usize, top: usize, height: u16) -> Scrollbar {
        let area = Area {
            x: 79,
            y: 3,
            width: 1,
            height,
        };
        Scrollbar::new(Part::Table, area, lines, visible, top).expect("there is more than fits")
    }

    #[test]
    fn there_is_none_where_everything_is_visible_or_there_is_no_room() {
        let area = |width, height| Area {
            x: 0,
            y: 0,
            width,
            height,
        };
        for (lines, visible, area) in [
            (0, 0, area(1, 10)),
            (10, 10, area(1, 10)),
            (3, 10, area(1, 10)),
            (10, 1, area(1, 1)),
            (10, 0, area(1, 0)),
            (10, 5, area(0, 5)),
        ] {
            let bar = Scrollbar::new(Part::Table, area, lines, visible, 0);
            assert_eq!(bar, None, "{lines} {visible} {area:?}");
        }
    }

    #[test]
    fn the_thumb_is_on_the_bar_and_touches_its_ends_only_where_the_lines_end() {
        for (lines, height) in [(11, 10), (30, 10), (100, 20), (100_000, 5), (9, 3)] {
            let visible = usize::from(height);
            for top in 0..=(lines - visible) {
                let bar = bar(lines, visible, top, height);
                let thumb = bar.thumb();
                let (begin, end) = (thumb.y - bar.area.y, thumb.y + thumb.height - bar.area.y);
                assert!(thumb.height > 0 && end <= height, "{bar:?} {thumb:?}");
                if height - thumb.height > 1 {
                    assert_eq!(begin == 0, top == 0, "{bar:?} {thumb:?}");
                    assert_eq!(end == height, top == lines - visible, "{bar:?} {thumb:?}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_bar_are_the_ends_of_the_lines() {
        for (lines, height) in [(11, 10), (30, 10), (100_000, 5)] {
            let bar = bar(lines, usize::from(height), 0, height);
            assert_eq!(bar.top_at(0), 0);
            assert_eq!(bar.top_at(u16::MAX), lines - usize::from(height));
        }
    }

    #[test]
    fn a_grabbed_thumb_does_not_move_until_the_pointer_does() {
        for top in [0, 1, 7, 40, 80] {
            let bar = bar(100, 20, top, 20);
            let thumb = bar.thumb();
            for row in thumb.y..thumb.y + thumb.height {
                let taken = bar.top_at(row - bar.grab_offset(row));
                let there = self::bar(100, 20, taken, 20).thumb();
                assert_eq!(there, thumb, "from {top} at {row}");
            }
        }
    }
}
