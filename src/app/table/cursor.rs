//! Which line is selected and which part of the table is visible.
//!
//! The cursor follows its socket, not its position: when rows above it come and go, it stays on its socket, and if
//! possible at its height on the screen.

use crate::query::Listing;
use crate::track::{RowId, Table};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    selected: Option<RowId>,
    /// Its index in the listing, used if its row disappears.
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
    pub const fn selected(&self) -> Option<RowId> {
        self.selected
    }

    pub const fn place(&self) -> usize {
        self.place
    }

    pub const fn top(&self) -> usize {
        self.top
    }

    /// Finds the selected line in the listing, or else the line at its index. A scrolled table moves along, so that the
    /// selection keeps its height on the screen; a table at its top stays there.
    pub fn follow(&mut self, listing: &Listing, table: &Table, height: usize) {
        let line = self.place.saturating_sub(self.top);
        let found = self.selected.and_then(|id| listing.place(id, table));
        self.place = found.unwrap_or(self.place);
        self.place = self.place.min(listing.len().saturating_sub(1));
        if self.top > 0 {
            self.top = self.place.saturating_sub(line);
        }
        self.select(listing, table, height);
    }

    pub fn go(&mut self, step: Step, listing: &Listing, table: &Table, height: usize) {
        let last = listing.len().saturating_sub(1);
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
