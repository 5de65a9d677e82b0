//! Scrollbars, one column of cells each.

use ratatui::Frame;

use super::{rect, style};
use crate::app::view::{Part, View};
use crate::theme::Role;

/// Draws the scrollbar of this part, if it has one. Outside the thumb it looks like a border.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, part: Part) {
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
