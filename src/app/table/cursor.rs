//! Which row is selected and which part of the table is in sight.
//!
//! The selection is a socket, not a line: when rows come and go above it, it stays on its socket,
//! and where it can, on its line of the screen.

use crate::track::{RowId, Table};

/// Selected row and scroll position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The selected socket.
    selected: Option<RowId>,
    /// Its place among the rows shown; where to go on if it is gone.
    place: usize,
    /// The first row in sight.
    top: usize,
}

/// Where to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    By(isize),
    First,
    Last,
    To(usize),
    /// This row shall be the first in sight, and the selection no further away than that takes.
    Scroll(usize),
}

impl Cursor {
    pub const fn selected(&self) -> Option<RowId> {
        self.selected
    }

    pub const fn place(&self) -> usize {
        self.place
    }

    pub const fn top(&self) -> usize {
        self.top
    }

    /// Whether the selected row is among so many lines from the top.
    pub const fn is_in_sight(&self, height: usize) -> bool {
        let height = if height == 0 { 1 } else { height };
        self.place < self.top + height
    }

    /// Finds the selected socket among the rows now shown, or takes the row at its place. A table
    /// that was scrolled moves along, so that the selection keeps its line; one that stands at its
    /// top stays there.
    pub fn follow(&mut self, table: &Table, shown: &[usize], height: usize) {
        let line = self.place.saturating_sub(self.top);
        let selected = self.selected.and_then(|id| table.position(id));
        let found = selected.and_then(|at| shown.iter().position(|&index| index == at));
        self.place = found
            .unwrap_or(self.place)
            .min(shown.len().saturating_sub(1));
        self.selected = shown.get(self.place).map(|&index| table.rows[index].id);
        if self.top > 0 {
            self.top = self.place.saturating_sub(line);
        }
        self.keep_in_sight(shown.len(), height);
    }

    /// Moves the selection.
    pub fn go(&mut self, step: Step, table: &Table, shown: &[usize], height: usize) {
        let last = shown.len().saturating_sub(1);
        if let Step::Scroll(top) = step {
            self.top = top.min(shown.len().saturating_sub(height));
        }
        self.place = match step {
            Step::By(by) => self.place.saturating_add_signed(by),
            Step::First => 0,
            Step::Last => last,
            Step::To(place) => place,
            Step::Scroll(_) => self.place.clamp(self.top, self.top + height.max(1) - 1),
        }
        .min(last);
        self.selected = shown.get(self.place).map(|&index| table.rows[index].id);
        self.keep_in_sight(shown.len(), height);
    }

    fn keep_in_sight(&mut self, rows: usize, height: usize) {
        let height = height.max(1);
        self.top = self.top.min(rows.saturating_sub(height)).min(self.place);
        if self.place >= self.top + height {
            self.top = self.place + 1 - height;
        }
    }
}
