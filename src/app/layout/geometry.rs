//! The current layout: lines of the pane and of the footer.

use crate::app::layout::{Layout, layout};
use crate::app::{App, Dialog, Pane};

impl App {
    /// The areas of the parts of the screen.
    pub(crate) fn layout(&self) -> Layout {
        layout(self.size, self.pane_lines(), self.footer_lines())
    }

    /// Lines of the pane: fixed for each kind, so that the table does not move when the content grows.
    const fn pane_lines(&self) -> u16 {
        match self.dock.pane {
            None => 0,
            Some(Pane::Details) => 14,
            Some(Pane::Events | Pane::Stats) => 10,
            Some(Pane::Bind(_)) => 20,
        }
    }

    fn footer_lines(&self) -> u16 {
        match self.dialog {
            Dialog::Prompt(_) | Dialog::Palette(_) => 2,
            // The keys of the question must be visible, even on a small terminal.
            Dialog::GoTo(_) | Dialog::Menu(_) | Dialog::Question(_) | Dialog::Help { .. } => 1,
            Dialog::None if !self.notices.alerts.is_empty() => 1,
            Dialog::None => {
                let notice = self.notices.current.as_ref();
                notice.map_or(0, |notice| notice.height(self.size))
            }
        }
    }

    /// Rows of the table that fit on the screen.
    pub(crate) fn rows_in_sight(&self) -> usize {
        usize::from(self.layout().rows.height)
    }

    /// Keeps the selected row visible after the screen changed.
    pub(crate) fn scroll_to_cursor(&mut self) {
        let height = self.rows_in_sight();
        self.rows
            .cursor
            .follow(self.rows.selection.shown(), &self.rows.table, height);
    }
}
