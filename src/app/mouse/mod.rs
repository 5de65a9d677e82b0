//! The mouse: clicks, double clicks and dragging. The view has the targets.

pub(crate) mod clicks;

use std::time::Duration;

use crate::app::table::cursor::Step;
use crate::app::view::{Click, Part, View};
use crate::app::{App, Dialog, Effect, Mouse, Pane};
use crate::keymap::{Action, DialogAction};
use crate::model::Moment;

/// Two clicks on a cell within this time are a double click. No one reads and answers a question that fast.
const DOUBLE_CLICK: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MouseState {
    pub drag: Option<Drag>,
    /// The cell where another click would be a double click.
    first: Option<(u16, u16)>,
    pressed: Option<Moment>,
}

/// What is dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drag {
    /// The thumb of a scrollbar.
    Thumb {
        part: Part,
        /// How far the pointer is below its first cell.
        below: u16,
    },
    /// The moment on the timeline.
    Timeline,
}

/// The timing of a click after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClickKind {
    /// The first click, or later than a double click.
    Single,
    /// Within that time, on another cell or as the third on the same one.
    Rapid,
    /// Within that time, as the second on the same cell.
    Double,
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
}

/// The thumb of a scrollbar, which moves to where it is clicked and is dragged from there.
fn grabbed(view: &View, part: Part, row: u16) -> Option<Drag> {
    let bar = view.scrollbars.iter().find(|bar| bar.part == part)?;
    let below = bar.grab_offset(row);
    Some(Drag::Thumb { part, below })
}

/// Lines that a notch of the wheel moves.
const NOTCH: isize = 3;

impl App {
    /// Leaves the mouse to the terminal, or uses it again.
    pub(crate) fn toggle_mouse(&mut self, now: Moment) {
        self.set_mouse(!self.settings.mouse);
        let text = if self.settings.mouse {
            "the mouse works in the table again"
        } else {
            "the mouse is left to the terminal: select text with it"
        };
        self.report(text, now);
    }

    pub(crate) fn set_mouse(&mut self, is_used: bool) {
        self.settings.mouse = is_used;
        self.mouse = MouseState::default();
        self.request(Effect::SetMouse(is_used));
    }

    pub(crate) fn point(&mut self, mouse: Mouse, now: Moment) {
        if matches!(self.dialog, Dialog::GoTo(_)) {
            // Everything but a click on the keys beside it closes the port that is being typed.
            let stays = match mouse {
                Mouse::Click { column, row } => {
                    matches!(self.view(now).click_at(column, row), Some(Click::Do(_)))
                }
                Mouse::Release => true,
                Mouse::Drag { .. } | Mouse::WheelUp { .. } | Mouse::WheelDown { .. } => false,
            };
            if !stays {
                self.dialog = Dialog::None;
            }
        }
        match mouse {
            Mouse::Click { column, row } => self.click(column, row, now),
            Mouse::Drag { column, row } => self.drag(column, row, now),
            Mouse::Release => self.mouse.drag = None,
            Mouse::WheelUp { column, row } => self.wheel(-NOTCH, column, row, now),
            Mouse::WheelDown { column, row } => self.wheel(NOTCH, column, row, now),
        }
    }

    fn click(&mut self, column: u16, row: u16, now: Moment) {
        let kind = self.mouse.press(column, row, now);
        let view = self.view(now);
        let click = view.click_at(column, row);
        // A question may have opened under the pointer since the last click, and people double-click by accident: the
        // second of a double click never counts there, and no rapid click says yes.
        let is_yes = click == Some(Click::Do(Action::Dialog(DialogAction::Confirm)));
        let is_accident = match kind {
            ClickKind::Single => false,
            ClickKind::Rapid => is_yes,
            ClickKind::Double => true,
        };
        if matches!(
            self.dialog,
            Dialog::Question(_) | Dialog::EndSeveral(_) | Dialog::OpenUrl(_) | Dialog::Save(_)
        ) && is_accident
        {
            return;
        }
        match click {
            Some(Click::Do(action)) => self.perform(action, now),
            Some(Click::Row(place)) => {
                self.leave_pane();
                let was_selected = self.rows.cursor.place() == place;
                self.step(Step::To(place));
                // The rows may have moved between the two clicks.
                let is_double = kind == ClickKind::Double && was_selected;
                if is_double && self.toggle_group_at_cursor(now) {
                    return;
                }
                if is_double && !matches!(self.dock.pane, Some(Pane::Details)) {
                    self.set_pane(Some(Pane::Details));
                }
            }
            Some(Click::Group(place)) => self.toggle_group(place, now),
            Some(Click::Sort(column)) => self.sort_by(column, now),
            Some(Click::Show(view)) => self.show_view(view, now),
            Some(Click::Choose(at)) => self.choose_by_click(at, now),
            Some(Click::GoTo(at)) => self.go_to_blocker(at, now),
            Some(Click::GoToRow(id)) if kind == ClickKind::Double => self.go_to_row(id, now),
            Some(Click::GoToRow(_)) => self.focus_line_at(row, now),
            Some(Click::Scroll(part)) => {
                self.mouse.drag = grabbed(&view, part, row);
                self.drag(column, row, now);
            }
            Some(Click::Timeline) => {
                self.mouse.drag = Some(Drag::Timeline);
                self.drag(column, row, now);
            }
            Some(Click::Dismiss) => self.dismiss_notices(),
            Some(Click::Nothing)
                if matches!(self.dialog, Dialog::None)
                    && view.layout.pane.contains(column, row) =>
            {
                self.focus_line_at(row, now);
            }
            Some(Click::Nothing) | None => {}
        }
    }

    fn choose_by_click(&mut self, at: usize, now: Moment) {
        let action = match &mut self.dialog {
            Dialog::Menu(menu) if at < menu.items.len() => {
                menu.at = at;
                match menu.items[at].is_on {
                    Some(_) => DialogAction::Toggle,
                    None => DialogAction::Accept,
                }
            }
            Dialog::Palette(palette) if at < palette.found().len() => {
                palette.go_to(at);
                DialogAction::Accept
            }
            _ => return,
        };
        self.perform(Action::Dialog(action), now);
    }

    fn drag(&mut self, column: u16, row: u16, now: Moment) {
        match self.mouse.drag {
            Some(Drag::Thumb { part, below }) => {
                self.drag_thumb(part, row.saturating_sub(below), now);
            }
            Some(Drag::Timeline) => self.seek_column(self.layout().timeline, column, now),
            None => {}
        }
    }

    /// Moves the thumb of a scrollbar so that its first cell is in this row.
    fn drag_thumb(&mut self, part: Part, row: u16, now: Moment) {
        let bars = self.view(now).scrollbars;
        let Some(bar) = bars.iter().find(|bar| bar.part == part) else {
            return;
        };
        let top = bar.top_at(row);
        // The cursor of a menu decides which of its lines are in sight.
        let last_in_sight = top + self.menu_height() - 1;
        let at = if top == 0 { 0 } else { last_in_sight };
        match (part, &mut self.dialog) {
            (Part::Table, _) => self.step(Step::Scroll(top)),
            (Part::Pane, _) => self.scroll_pane_to(top, now),
            (Part::Overlay, Dialog::Help(help)) => help.scroll = top,
            (Part::Overlay, Dialog::Menu(menu)) => menu.go_to(at),
            (Part::Overlay, Dialog::Palette(palette)) => palette.go_to(at),
            (Part::Overlay, Dialog::Question(_) | Dialog::EndSeveral(_) | Dialog::Save(_)) => {
                self.scroll_question(|_| top);
            }
            (Part::Overlay, _) => {}
        }
    }

    fn wheel(&mut self, by: isize, column: u16, row: u16, now: Moment) {
        let is_over_pane = self.layout().pane.contains(column, row);
        match &mut self.dialog {
            Dialog::Help(_) => self.scroll_help(by),
            Dialog::Menu(menu) => menu.go_to(menu.at.saturating_add_signed(by.signum())),
            Dialog::Palette(palette) => palette.step(by.signum()),
            Dialog::Question(_) | Dialog::EndSeveral(_) | Dialog::Save(_) => {
                self.scroll_question(|top| top.saturating_add_signed(by.signum()));
            }
            Dialog::OpenUrl(_) | Dialog::GoTo(_) => {}
            Dialog::None | Dialog::Prompt(_) if is_over_pane => self.scroll_pane(by, now),
            Dialog::None | Dialog::Prompt(_) => self.step(Step::By(by)),
        }
    }
}
