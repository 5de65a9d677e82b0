//! The cursor's bar and the scrollbars, drawn over what is there.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::rect;
use super::style::style;
use crate::app::view::{Part, View};
use crate::theme::Role;

/// Draws the cursor over a line: one even bar from edge to edge, whatever the styles of the texts on it. A style that swaps
/// the colours would make a bar of as many colours as the texts have, so they lose theirs, and a text that was swapped
/// before is underlined.
pub(super) fn draw_cursor_bar(frame: &mut Frame<'_>, view: &View, line: Rect) {
    let selected = style(view, Role::Selected);
    let is_swapped = selected.add_modifier.contains(Modifier::REVERSED);
    for position in line.positions() {
        let cell = &mut frame.buffer_mut()[position];
        let was_swapped = cell.modifier.contains(Modifier::REVERSED);
        cell.modifier.remove(Modifier::DIM | Modifier::REVERSED);
        if is_swapped {
            (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
        }
        if was_swapped {
            cell.modifier.insert(Modifier::UNDERLINED);
        }
        cell.set_style(selected);
    }
}

/// Draws the scrollbar of this part, if it has one. Outside the thumb it looks like a border.
pub(super) fn draw_scrollbar(frame: &mut Frame<'_>, view: &View, part: Part) {
    let mut bars = view.scrollbars.iter();
    let Some(bar) = bars.find(|bar| bar.part == part) else {
        return;
    };
    let thumb = bar.thumb();
    for position in rect(bar.area, frame).positions() {
        let (glyph, role) = if thumb.contains(position.x, position.y) {
            ("┃", Role::Plain)
        } else {
            ("│", Role::Border)
        };
        frame.buffer_mut()[position]
            .set_symbol(glyph)
            .set_style(style(view, role));
    }
}
