//! Scrollbars: where each is, what part of it is the thumb, and what a place on it means.
//!
//! Drawing and dragging use the same numbers, so that the thumb is under the pointer that holds it.

use crate::app::layout::Area;

/// What a scrollbar scrolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The rows of the table.
    Table,
    /// The open pane.
    Pane,
    /// The menu or help that covers the table.
    Overlay,
}

/// One scrollbar. There is more than fits, and room to show it, or there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrollbar {
    /// What it scrolls.
    pub part: Part,
    /// One column of cells.
    pub area: Area,
    /// Lines that there are.
    lines: usize,
    /// How many of them are in sight.
    in_sight: usize,
    /// The first of these.
    top: usize,
}

impl Scrollbar {
    /// The scrollbar of these lines in this column, if they need one.
    pub(crate) fn new(
        part: Part,
        area: Area,
        lines: usize,
        in_sight: usize,
        top: usize,
    ) -> Option<Self> {
        let last = lines.checked_sub(in_sight).filter(|&last| last > 0)?;
        let top = top.min(last);
        (area.height > 1 && area.width == 1).then_some(Self {
            part,
            area,
            lines,
            in_sight,
            top,
        })
    }

    /// The cells that stand for what is in sight. They touch an end only where the lines do.
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
        let cells = usize::from(self.area.height) * self.in_sight / self.lines;
        let cells = u16::try_from(cells).unwrap_or(u16::MAX);
        cells.clamp(1, self.area.height - 1)
    }

    fn last(&self) -> usize {
        self.lines - self.in_sight
    }

    /// Which line is the first in sight when the thumb begins at this row of the screen, or as near
    /// to it as it can.
    pub(crate) fn top_at(&self, row: u16) -> usize {
        let free = self.area.height - self.thumb_height();
        let at = row.saturating_sub(self.area.y).min(free);
        let (at, free, last) = (u64::from(at), u64::from(free), self.last() as u64);
        usize::try_from((at * last + free / 2) / free).unwrap_or(usize::MAX)
    }

    /// How far below the thumb's first cell a hand takes hold of it. Beside the thumb it is taken in its
    /// middle, and goes there.
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

    fn bar(lines: usize, in_sight: usize, top: usize, height: u16) -> Scrollbar {
        let area = Area {
            x: 79,
            y: 3,
            width: 1,
            height,
        };
        Scrollbar::new(Part::Table, area, lines, in_sight, top).expect("there is more than fits")
    }

    #[test]
    fn there_is_none_where_everything_is_in_sight_or_there_is_no_room() {
        let area = |width, height| Area {
            x: 0,
            y: 0,
            width,
            height,
        };
        for (lines, in_sight, area) in [
            (0, 0, area(1, 10)),
            (10, 10, area(1, 10)),
            (3, 10, area(1, 10)),
            (10, 1, area(1, 1)),
            (10, 0, area(1, 0)),
            (10, 5, area(0, 5)),
        ] {
            let bar = Scrollbar::new(Part::Table, area, lines, in_sight, 0);
            assert_eq!(bar, None, "{lines} {in_sight} {area:?}");
        }
    }

    #[test]
    fn the_thumb_lies_on_the_bar_and_touches_its_ends_only_where_the_lines_end() {
        for (lines, height) in [(11, 10), (30, 10), (100, 20), (100_000, 5), (9, 3)] {
            let in_sight = usize::from(height);
            for top in 0..=(lines - in_sight) {
                let bar = bar(lines, in_sight, top, height);
                let thumb = bar.thumb();
                let (begin, end) = (thumb.y - bar.area.y, thumb.y + thumb.height - bar.area.y);
                assert!(thumb.height > 0 && end <= height, "{bar:?} {thumb:?}");
                if height - thumb.height > 1 {
                    assert_eq!(begin == 0, top == 0, "{bar:?} {thumb:?}");
                    assert_eq!(end == height, top == lines - in_sight, "{bar:?} {thumb:?}");
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
    fn a_thumb_that_is_held_does_not_move_until_the_hand_does() {
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
