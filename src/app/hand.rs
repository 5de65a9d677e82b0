//! What the hand on the mouse holds, and whether a click of it is the second of two.

use std::time::Duration;

use super::view::Part;
use crate::model::Moment;

/// Two clicks on a cell within this time are one double click.
const DOUBLE: Duration = Duration::from_millis(500);

/// The hand on the mouse.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hand {
    /// The scrollbar that is dragged.
    held: Option<Grip>,
    last: Option<(u16, u16, Moment)>,
}

/// A scrollbar in the hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grip {
    pub part: Part,
    /// How far below the first cell of its thumb it is held.
    pub below: u16,
}

impl Hand {
    /// The button went down. Whether that makes a double click; a third one begins anew.
    pub fn press(&mut self, column: u16, row: u16, now: Moment) -> bool {
        self.held = None;
        let is_second = self
            .last
            .is_some_and(|(x, y, at)| (x, y) == (column, row) && at.age(now) <= DOUBLE);
        self.last = (!is_second).then_some((column, row, now));
        is_second
    }

    pub const fn hold(&mut self, grip: Grip) {
        self.held = Some(grip);
    }

    pub const fn held(&self) -> Option<Grip> {
        self.held
    }

    pub const fn let_go(&mut self) {
        self.held = None;
    }
}
