//! Scrolls long command lines sideways, all rows together.

use crate::app::App;
use crate::columns::ColumnId;
use crate::keymap::{Action, TableAction};
use crate::model::Moment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl App {
    /// Scrolls by half of the column, so that a part of the text stays in sight.
    pub(crate) fn scroll_commands(&mut self, side: Side, now: Moment) {
        let Some((width, last)) = self.command_room() else {
            let key = self.key(Action::Table(TableAction::ChooseColumns));
            let remedy = key.map_or(String::new(), |key| format!(": {key} chooses columns"));
            return self.warn(format!("there is no room for the command{remedy}"), now);
        };
        let (skipped, step) = (self.rows.skipped.min(last), (width / 2).max(1));
        let (next, end) = match side {
            Side::Left => (skipped.saturating_sub(step), "begin"),
            Side::Right => ((skipped + step).min(last), "end"),
        };
        if next == skipped {
            self.report(format!("the command lines {end} here"), now);
        }
        self.rows.skipped = next;
    }

    /// Cells of the command lines that are out of sight at the left.
    pub(crate) fn skipped_cells(&self) -> usize {
        if self.rows.skipped == 0 {
            return 0;
        }
        let last = self.command_room().map_or(0, |(_, last)| last);
        self.rows.skipped.min(last)
    }

    /// The width of the command column, and the cells to skip for the end of the longest command line.
    fn command_room(&self) -> Option<(usize, usize)> {
        let columns = self.fitted_columns();
        let column = columns
            .iter()
            .find(|one| one.column.id == ColumnId::Command)?;
        let longest = self.rows.widths.widest(ColumnId::Command);
        let last = longest.saturating_sub(column.width);
        Some((column.width.into(), last.into()))
    }
}
