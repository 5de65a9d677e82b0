//! What the mouse does.

use super::super::cursor::Step;
use super::super::{Action, App, Modal, Mouse};
use super::Effects;
use crate::model::Moment;

impl App {
    pub(super) fn point(&mut self, mouse: Mouse, now: Moment) -> Effects {
        if matches!(self.modal, Modal::GoTo(_)) {
            self.modal = Modal::None;
        }
        let layout = self.layout();
        let (Mouse::Click { column, row }
        | Mouse::WheelUp { column, row }
        | Mouse::WheelDown { column, row }) = mouse;
        let by = match mouse {
            Mouse::WheelUp { .. } => -3,
            Mouse::WheelDown { .. } => 3,
            Mouse::Click { .. } => 0,
        };
        if let Modal::Help { .. } = self.modal {
            self.act_in_help(if by < 0 { Action::Up } else { Action::Down });
        } else if !matches!(self.modal, Modal::None) {
            // Menus and questions are answered with keys.
        } else if by == 0 && layout.pane.contains(column, row) {
            return self.click_in_pane(row, now);
        } else if by != 0 && layout.pane.contains(column, row) {
            self.stop_following_in_pane();
            let last = self.last_pane_scroll(now);
            self.pane_scroll = self.pane_scroll.saturating_add_signed(by).min(last);
        } else if by != 0 {
            self.step(Step::By(by));
        } else if layout.rows.contains(column, row) {
            let place = self.cursor.top() + usize::from(row - layout.rows.y);
            if place < self.selection.shown().len() {
                self.step(Step::To(place));
            }
        } else if layout.titles.contains(column, row) {
            if let Some(id) = self.column_at(column, now) {
                self.sort_by(id, now);
            }
        } else if layout.tabs.contains(column, row)
            && let Some(place) = self.tab_at(column)
        {
            self.show_place(place, now);
        }
        Vec::new()
    }
}
