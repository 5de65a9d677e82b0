//! The overlay of a menu.

use crate::app::dialogs::menu::{Menu, MenuItem};
use crate::app::layout::Size;
use crate::app::view::sheet::Sheet;
use crate::app::view::{Line, Role, cut_line, span};

/// Each choice takes one line, so that the one under the cursor is always visible.
pub(crate) fn menu_sheet(menu: &Menu, size: Size, height: usize) -> Sheet {
    let columns = size.overlay_width();
    let line = |item: &MenuItem| -> Line {
        let check = match item.is_on {
            None => "",
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
        };
        let line = vec![
            span(check, Role::Accent),
            span(item.label.clone(), Role::Plain),
        ];
        cut_line(line, columns)
    };
    Sheet {
        top: menu.at.saturating_sub(height - 1),
        height,
        choices: menu.items.len(),
        selected: Some(menu.at),
        ..Sheet::of(&menu.title, menu.items.iter().map(line).collect())
    }
}
