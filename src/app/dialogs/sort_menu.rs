//! The menu of the columns to sort by.

use crate::app::dialogs::menu::{Menu, MenuChoice, MenuItem};
use crate::app::{App, Dialog};
use crate::columns::{Column, ColumnId};
use crate::model::Moment;
use crate::query::Sort;

impl Menu {
    /// These columns; the current one has the arrow of its heading, and the cursor.
    fn sorts(columns: &[&Column], sort: Sort) -> Self {
        let item = |column: &&Column| {
            let arrow = match (column.id == sort.by, sort.descending) {
                (false, _) => " ",
                (true, false) => "▲",
                (true, true) => "▼",
            };
            let label = format!("{arrow} {:<14} {}", column.title, column.description);
            MenuItem::new(label, None, MenuChoice::Sort(column.id))
        };
        let at = columns.iter().position(|column| column.id == sort.by);
        Self::of("sort by", columns.iter().map(item), at.unwrap_or(0))
    }
}

impl App {
    pub(crate) fn open_sort_menu(&mut self) {
        let columns: Vec<_> = self.rows.columns.all().collect();
        self.dialog = Dialog::Menu(Menu::sorts(&columns, self.rows.criteria.sort));
    }

    /// The current column keeps its direction.
    pub(crate) fn choose_sort(&mut self, column: ColumnId, now: Moment) {
        if self.rows.criteria.sort.by != column {
            self.sort_by(column, now);
        }
    }
}
