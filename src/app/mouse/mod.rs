//! Mouse state: dragging and double clicks. The view has the targets.

pub(crate) mod clicks;
mod update;

use std::time::Duration;

use crate::app::view::Part;
use crate::model::Moment;

/// Two clicks on a cell within this time are a double click. No one reads and answers a question that fast.
const DOUBLE_CLICK: Duration = Duration::from_millis(500);

/// The last actions of the mouse.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MouseState {
    drag: Option<Drag>,
    /// The cell where another click would be a double click.
    first: Option<(u16, u16)>,
    pressed: Option<Moment>,
}

/// The timing of a click after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClickKind {
    /// The first click, or later than a double click.
    Single,
    /// Within that time, on another cell or as the third on the same one.
    Rapid,
    /// Within that time, as the second on the same cell.
    Double,
}

/// A scrollbar that is dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drag {
    part: Part,
    /// How far the pointer is below the first cell of the thumb.
    below: u16,
}

impl MouseState {
    /// The button went down. A third click on a cell is not another double click.
    fn press(&mut self, column: u16, row: u16, now: Moment) -> ClickKind {
        self.drag = None;
        let is_soon = self.pressed.is_some_and(|at| at.age(now) <= DOUBLE_CLICK);
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

    /// Ends dragging.
    pub const fn release(&mut self) {
        self.drag = None;
    }
}
