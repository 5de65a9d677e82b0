//! The menu of the columns in their order, which says of each that is on but not on the screen why it is not.

use crate::app::dialogs::menu::{Menu, MenuChoice, MenuItem};
use crate::app::table::widths::Absent;
use crate::app::{App, Dialog};
use crate::columns::Column;

impl App {
    /// With the columns that are on checked.
    pub(crate) fn columns_menu(&self, at: usize) -> Menu {
        let item = |column: &Column| {
            let note = match self.absence(column.id) {
                None if !column.is_optional() => "always on · ",
                None => "",
                Some(Absent::NoRoom) => "no room · ",
                Some(Absent::NoText) => "nothing to show · ",
            };
            let label = format!("{:<14} {note}{}", column.title, column.description);
            let is_on = !self.rows.columns.is_hidden(column.id);
            MenuItem::new(label, Some(is_on), MenuChoice::Column(column.id))
        };
        Menu::of(TITLE, self.rows.columns.all().map(item), at)
    }

    /// Moves the column under the cursor of its menu; in another menu nothing moves.
    pub(super) fn move_column(&mut self, is_right: bool) {
        if let Some(at) = self.column_in_menu() {
            let at = self.rows.columns.shift(at, is_right);
            self.dialog = Dialog::Menu(self.columns_menu(at));
        }
    }

    /// The place of the column under the cursor, while the menu of columns is open.
    pub(crate) fn column_in_menu(&self) -> Option<usize> {
        let Dialog::Menu(menu) = &self.dialog else {
            return None;
        };
        let first = menu.items.first()?;
        matches!(first.choice, MenuChoice::Column(_)).then_some(menu.at)
    }

    /// Renews an open menu of columns after their widths changed.
    pub(crate) fn refresh_columns_menu(&mut self) {
        if let Some(at) = self.column_in_menu() {
            self.dialog = Dialog::Menu(self.columns_menu(at));
        }
    }
}

const TITLE: &str = "columns, from left to right";
