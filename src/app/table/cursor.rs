//! Which line is selected and which part of the table is visible.
//!
//! The cursor follows its row or group, not its position: when lines above it come and go, it stays on its line, and if
//! possible at its height on the screen. A row whose group closes leaves it on the group.

use crate::query::{LineId, Listing};
use crate::track::{RowId, Table};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    selected: Option<LineId>,
    /// The row that was selected before its group closed.
    row: Option<RowId>,
    /// Its index in the listing, used if its line disappears.
    place: usize,
    /// The first visible line.
    top: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    By(isize),
    To(usize),
    /// Makes this line the first visible one, and moves the selection only as far as needed.
    Scroll(usize),
}

impl Cursor {
    /// The selected row; `None` on a group.
    pub const fn selected(&self) -> Option<RowId> {
        match &self.selected {
            Some(LineId::Row(id)) => Some(*id),
            Some(LineId::Group(_)) | None => None,
        }
    }

    /// The selected row, or the one that was selected until the group under the cursor closed.
    pub fn last_row(&self) -> Option<RowId> {
        self.selected().or(self.row)
    }

    pub const fn place(&self) -> usize {
        self.place
    }

    pub const fn top(&self) -> usize {
        self.top
    }

    /// Selects a row or group. Where its line is, [`Self::follow`] finds.
    pub fn set_selected(&mut self, line: LineId) {
        self.selected = Some(line);
    }

    /// Finds the selected line in the listing, or else the line at its index. A scrolled table moves along, so that the
    /// selection keeps its height on the screen; a table at its top stays there.
    pub fn follow(&mut self, listing: &Listing, table: &Table, height: usize) {
        let line = self.place.saturating_sub(self.top);
        self.row = self.last_row();
        let is_there = listing.id(self.place, table) == self.selected;
        let found = self.selected.as_ref().filter(|_| !is_there);
        let found = found.and_then(|id| listing.place(id, table));
        self.place = found.unwrap_or(self.place);
        self.place = self.place.min(listing.len().saturating_sub(1));
        if self.top > 0 {
            self.top = self.place.saturating_sub(line);
        }
        self.select(listing, table, height);
    }

    pub fn go(&mut self, step: Step, listing: &Listing, table: &Table, height: usize) {
        let last = listing.len().saturating_sub(1);
        self.row = None;
        if let Step::Scroll(top) = step {
            self.top = top.min(listing.len().saturating_sub(height));
        }
        let place = match step {
            Step::By(by) => self.place.saturating_add_signed(by),
            Step::To(place) => place,
            Step::Scroll(_) => self.place.clamp(self.top, self.top + height.max(1) - 1),
        };
        self.place = place.min(last);
        self.select(listing, table, height);
    }

    fn select(&mut self, listing: &Listing, table: &Table, height: usize) {
        self.selected = listing.id(self.place, table);
        let height = height.max(1);
        self.top = (self.top.min(listing.len().saturating_sub(height))).min(self.place);
        self.top = self.top.max((self.place + 1).saturating_sub(height));
    }
}
