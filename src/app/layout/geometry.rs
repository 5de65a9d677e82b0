//! Where things are: what the mouse hit, how many rows are in sight.

use crate::app::layout::{Layout, layout};
use crate::app::{App, Dialog, Pane};

impl App {
    /// Where the parts of the screen are.
    pub(crate) fn layout(&self) -> Layout {
        layout(self.size, self.pane_lines(), self.footer_lines())
    }

    /// How many lines a pane takes: a fixed number for each kind, so that the table does not jump
    /// when what is in the pane grows.
    const fn pane_lines(&self) -> u16 {
        match self.dock.pane {
            None => 0,
            Some(Pane::Details) => 14,
            Some(Pane::Events | Pane::Stats) => 10,
            Some(Pane::Bind(_)) => 20,
        }
    }

    /// A menu or question without a word on the keys that answer it would be a trap.
    fn footer_lines(&self) -> u16 {
        match self.dialog {
            Dialog::Prompt(_) | Dialog::Palette(_) => 2,
            // Whoever is asked must see which keys answer, on a small terminal too.
            Dialog::GoTo(_) | Dialog::Menu(_) | Dialog::Question(_) | Dialog::Help { .. } => 1,
            Dialog::None if !self.notices.alerts.is_empty() => 1,
            Dialog::None => self
                .notices
                .current
                .as_ref()
                .map_or(0, |notice| notice.height(self.size)),
        }
    }

    /// Rows of the table that fit on the screen.
    pub(crate) fn rows_in_sight(&self) -> usize {
        usize::from(
            layout(self.size, self.pane_lines(), self.footer_lines())
                .rows
                .height,
        )
    }

    /// After the screen changed: the selected row shall be in sight again.
    pub(crate) fn scroll_to_cursor(&mut self) {
        let height = self.rows_in_sight();
        self.rows
            .cursor
            .follow(&self.rows.table, self.rows.selection.shown(), height);
    }
}
