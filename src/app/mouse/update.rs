//! What the mouse does. What is under it, the view says.

use crate::app::Effects;
use crate::app::dialogs::help::last_help_scroll;
use crate::app::mouse::{ClickKind, Drag};
use crate::app::table::cursor::Step;
use crate::app::view::{Click, Part, Scrollbar};
use crate::app::{App, Dialog, Mouse, Pane};
use crate::keymap::Action;
use crate::keymap::DialogAction;
use crate::model::Moment;

/// Lines that a notch of the wheel moves.
const NOTCH: isize = 3;

impl App {
    pub(crate) fn point(&mut self, mouse: Mouse, now: Moment) -> Effects {
        if self.ends_going(mouse, now) {
            self.dialog = Dialog::None;
        }
        match mouse {
            Mouse::Click { column, row } => return self.click(column, row, now),
            Mouse::Drag { row, .. } => self.drag(row, now),
            Mouse::Release => self.mouse.let_go(),
            Mouse::WheelUp { column, row } => self.wheel(-NOTCH, column, row, now),
            Mouse::WheelDown { column, row } => self.wheel(NOTCH, column, row, now),
        }
        Vec::new()
    }

    /// Whether it leaves the port that is being typed: all does but a click on what stands beside it.
    fn ends_going(&self, mouse: Mouse, now: Moment) -> bool {
        let is_beside = match mouse {
            Mouse::Click { column, row } => {
                matches!(self.view(now).click_at(column, row), Some(Click::Do(_)))
            }
            Mouse::Release => true,
            _ => false,
        };
        matches!(self.dialog, Dialog::GoTo(_)) && !is_beside
    }

    fn click(&mut self, column: u16, row: u16, now: Moment) -> Effects {
        let how_soon = self.mouse.press(column, row, now);
        let click = self.view(now).click_at(column, row);
        if matches!(self.dialog, Dialog::Question(_)) && !answers(click, how_soon) {
            return Vec::new();
        }
        match click {
            Some(Click::Do(action)) => return self.perform(action, now),
            Some(Click::Row(place)) => self.click_on_row(place, how_soon == ClickKind::Double),
            Some(Click::Sort(column)) => self.sort_by(column, now),
            Some(Click::Show(place)) => self.show_place(place, now),
            Some(Click::Choose(at)) => return self.choose_by_click(at, now),
            Some(Click::GoTo(at)) => self.go_to_blocker(at, now),
            Some(Click::Scroll(part)) => self.take_hold(part, row, now),
            Some(Click::Dismiss) => self.dismiss_notices(),
            Some(Click::Nothing) | None => {}
        }
        Vec::new()
    }

    /// A click selects, a second one shows more of the row.
    fn click_on_row(&mut self, place: usize, is_double: bool) {
        let was_selected = self.rows.cursor.place() == place;
        self.step(Step::To(place));
        // The rows may have moved between the two.
        if is_double && was_selected && !matches!(self.dock.pane, Some(Pane::Details)) {
            self.set_pane(Some(Pane::Details));
        }
    }

    fn choose_by_click(&mut self, at: usize, now: Moment) -> Effects {
        let is_switch = match &mut self.dialog {
            Dialog::Menu(menu) if at < menu.items.len() => {
                menu.at = at;
                menu.items[at].is_on.is_some()
            }
            Dialog::Palette(palette) if at < palette.found().len() => {
                palette.go_to(at);
                false
            }
            _ => return Vec::new(),
        };
        self.perform(
            if is_switch {
                Action::Dialog(DialogAction::Toggle)
            } else {
                Action::Dialog(DialogAction::Accept)
            },
            now,
        )
    }

    /// The thumb of a scrollbar comes to where it is clicked, and stays in the hand.
    fn take_hold(&mut self, part: Part, row: u16, now: Moment) {
        if let Some(bar) = self.scrollbar(part, now) {
            let below = bar.grab_offset(row);
            self.mouse.hold(Drag { part, below });
            self.drag_to(row, below, bar, now);
        }
    }

    fn drag(&mut self, row: u16, now: Moment) {
        let Some(Drag { part, below }) = self.mouse.held() else {
            return;
        };
        if let Some(bar) = self.scrollbar(part, now) {
            self.drag_to(row, below, bar, now);
        }
    }

    fn scrollbar(&self, part: Part, now: Moment) -> Option<Scrollbar> {
        let mut bars = self.view(now).scrollbars.into_iter();
        bars.find(|bar| bar.part == part)
    }

    /// The cell of the thumb that is held comes to this row.
    fn drag_to(&mut self, row: u16, below: u16, bar: Scrollbar, now: Moment) {
        self.scroll(bar.part, bar.top_at(row.saturating_sub(below)), now);
    }

    /// Brings this line of a part to its top.
    fn scroll(&mut self, part: Part, top: usize, now: Moment) {
        // What is in sight of a menu follows from where its cursor is.
        let in_menu = if top == 0 {
            0
        } else {
            top + self.menu_height() - 1
        };
        match (part, &mut self.dialog) {
            (Part::Table, _) => self.step(Step::Scroll(top)),
            (Part::Pane, _) => {
                self.stop_following_in_pane();
                self.dock.scroll = top.min(self.last_pane_scroll(now));
            }
            (Part::Overlay, Dialog::Help { scroll }) => *scroll = top,
            (Part::Overlay, Dialog::Menu(menu)) => {
                menu.at = in_menu.min(menu.items.len().saturating_sub(1));
            }
            (Part::Overlay, Dialog::Palette(palette)) => palette.go_to(in_menu),
            (Part::Overlay, _) => {}
        }
    }

    fn wheel(&mut self, by: isize, column: u16, row: u16, now: Moment) {
        let is_over_pane = self.layout().pane.contains(column, row);
        match &mut self.dialog {
            Dialog::Help { scroll } => {
                let last = last_help_scroll(self.size, &self.settings.keymap);
                *scroll = scroll.saturating_add_signed(by).min(last);
            }
            Dialog::Menu(menu) => {
                let last = menu.items.len().saturating_sub(1);
                menu.at = menu.at.saturating_add_signed(by.signum()).min(last);
            }
            Dialog::Palette(palette) => palette.step(by.signum()),
            Dialog::Question(_) | Dialog::GoTo(_) => {}
            Dialog::None | Dialog::Prompt(_) if is_over_pane => {
                self.stop_following_in_pane();
                let last = self.last_pane_scroll(now);
                let scroll = self.dock.scroll.min(last).saturating_add_signed(by);
                self.dock.scroll = scroll.min(last);
            }
            Dialog::None | Dialog::Prompt(_) => self.step(Step::By(by)),
        }
    }
}

/// Whether a click on a question counts. It may have come up under the pointer since the last click, and
/// hands shake: the second of a double click says nothing, and no click that comes so soon says yes.
const fn answers(click: Option<Click>, how_soon: ClickKind) -> bool {
    match how_soon {
        ClickKind::Single => true,
        ClickKind::Rapid => !matches!(
            click,
            Some(Click::Do(Action::Dialog(DialogAction::Confirm)))
        ),
        ClickKind::Double => false,
    }
}
