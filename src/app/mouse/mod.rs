//! What the hand on the mouse holds, and how soon its clicks follow each other.

pub(crate) mod clicks;
mod update;

use std::time::Duration;

use crate::app::view::Part;
use crate::model::Moment;

/// Two clicks on a cell within this time are one double click. Nobody reads what came up and answers it
/// within it either.
const DOUBLE: Duration = Duration::from_millis(500);

/// The hand on the mouse.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hand {
    /// The scrollbar that is dragged.
    held: Option<Grip>,
    /// Where a click makes a double click.
    first: Option<(u16, u16)>,
    pressed: Option<Moment>,
}

/// How soon a click came after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// After a while, or the first.
    Calm,
    /// At once, on another cell or as the third on the same.
    Hasty,
    /// At once, as the second on the same cell.
    Double,
}

/// A scrollbar in the hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grip {
    pub part: Part,
    /// How far below the first cell of its thumb it is held.
    pub below: u16,
}

impl Hand {
    /// The button went down. A third click on a cell is no second double click.
    pub fn press(&mut self, column: u16, row: u16, now: Moment) -> Pace {
        self.held = None;
        let is_soon = self.pressed.is_some_and(|at| at.age(now) <= DOUBLE);
        self.pressed = Some(now);
        let here = Some((column, row));
        let is_second = is_soon && self.first == here;
        self.first = here.filter(|_| !is_second);
        match (is_soon, is_second) {
            (_, true) => Pace::Double,
            (true, false) => Pace::Hasty,
            (false, false) => Pace::Calm,
        }
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
