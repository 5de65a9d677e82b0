//! Scrollbars, one column of cells each.

use ratatui::Frame;

use super::{Theme, rect};
use crate::app::view::{Part, Role, View};

/// What is in sight.
const THUMB: &str = "┃";

/// What is not. In a border it looks like the border.
const TROUGH: &str = "│";

/// Draws the scrollbar of this part, if it has one.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View, part: Part, theme: Theme) {
    let mut bars = view.scrollbars.iter();
    let Some(bar) = bars.find(|bar| bar.part == part) else {
        return;
    };
    let area = rect(bar.area, frame);
    let thumb = bar.thumb();
    for y in area.top()..area.bottom() {
        let is_thumb = thumb.contains(bar.area.x, y);
        let (glyph, style) = if is_thumb {
            (THUMB, theme.of(Role::Plain))
        } else {
            (TROUGH, theme.border())
        };
        if area.width > 0 {
            frame.buffer_mut()[(area.x, y)]
                .set_symbol(glyph)
                .set_style(style);
        }
    }
}
