//! The menu of the columns, which says of each that is on but not on the screen why it is not.

use crate::app::dialogs::menu::{Menu, MenuChoice, MenuItem};
use crate::app::table::widths::Absent;
use crate::app::{App, Dialog};
use crate::columns::{self, Column};

impl App {
    /// With the columns that are on checked.
    pub(crate) fn columns_menu(&self, at: usize) -> Menu {
        let items = columns::ALL.iter().filter(|column| column.priority > 0);
        let item = |column: &Column| {
            let note = match self.absence(column.id) {
                None => "",
                Some(Absent::NoRoom) => "no room · ",
                Some(Absent::NoText) => "nothing to show · ",
            };
            let label = format!("{:<14} {note}{}", column.title, column.description);
            let is_on = !self.rows.hidden_columns.contains(&column.id);
            MenuItem::new(label, Some(is_on), MenuChoice::Column(column.id))
        };
        let title = "columns (port, state and process always stay)";
        Menu::of(title, items.map(item), at)
    }

    /// Renews an open menu of columns after their widths changed.
    pub(crate) fn refresh_columns_menu(&mut self) {
        let Dialog::Menu(menu) = &self.dialog else {
            return;
        };
        let (at, first) = (menu.at, menu.items.first());
        if first.is_some_and(|item| matches!(item.choice, MenuChoice::Column(_))) {
            self.dialog = Dialog::Menu(self.columns_menu(at));
        }
    }
}
