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
pub(crate) struct MouseState {
    /// The scrollbar that is dragged.
    held: Option<Drag>,
    /// Where a click makes a double click.
    first: Option<(u16, u16)>,
    pressed: Option<Moment>,
}

/// How soon a click came after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClickKind {
    /// After a while, or the first.
    Single,
    /// At once, on another cell or as the third on the same.
    Rapid,
    /// At once, as the second on the same cell.
    Double,
}

/// A scrollbar in the hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drag {
    pub part: Part,
    /// How far below the first cell of its thumb it is held.
    pub below: u16,
}

impl MouseState {
    /// The button went down. A third click on a cell is no second double click.
    pub fn press(&mut self, column: u16, row: u16, now: Moment) -> ClickKind {
        self.held = None;
        let is_soon = self.pressed.is_some_and(|at| at.age(now) <= DOUBLE);
        self.pressed = Some(now);
        let here = Some((column, row));
        let is_second = is_soon && self.first == here;
        self.first = here.filter(|_| !is_second);
        match (is_soon, is_second) {
            (_, true) => ClickKind::Double,
            (true, false) => ClickKind::Rapid,
            (false, false) => ClickKind::Single,
        }
    }

    pub const fn hold(&mut self, grip: Drag) {
        self.held = Some(grip);
    }

    pub const fn held(&self) -> Option<Drag> {
        self.held
    }

    pub const fn let_go(&mut self) {
        self.held = None;
    }
}
