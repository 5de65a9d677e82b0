//! The overlay of the palette.

use crate::app::dialogs::palette::{Entry, Palette};
use crate::app::layout::Size;
use crate::app::view::sheet::Sheet;
use crate::app::view::{Line, Role, cut_line, span};
use crate::columns::pad;

/// Its size fits the whole list, so it stays the same while you type.
pub(crate) fn palette_sheet(palette: &Palette, size: Size, height: usize) -> Sheet {
    let keys = palette.keys_width();
    let columns = size.overlay_width().min(keys + 2 + palette.help_width());
    let line = |entry: &Entry| -> Line {
        let line = vec![
            span(pad(&entry.keys, keys), Role::Accent),
            span(format!("  {}", entry.help), Role::Plain),
        ];
        cut_line(line, columns)
    };
    let mut lines: Vec<Line> = palette.found().into_iter().map(line).collect();
    let found = lines.len();
    if found == 0 {
        let nothing = vec![span("no matching action", Role::Dim)];
        lines.push(cut_line(nothing, columns));
    }
    let rest = palette
        .entries
        .len()
        .min(height)
        .saturating_sub(lines.len());
    let blank = vec![span(" ".repeat(columns), Role::Plain)];
    lines.extend(std::iter::repeat_n(blank, rest));
    Sheet {
        top: palette.at().saturating_sub(height - 1),
        height,
        choices: found,
        selected: (found > 0).then(|| palette.at()),
        ..Sheet::of("actions", lines)
    }
}
