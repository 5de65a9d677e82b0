//! Headings and rows.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::{Theme, rect};
use crate::app::view::{Role, RowView, View};
use crate::columns::{folded, width};

pub(super) fn draw_titles(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let area = rect(view.layout.titles, frame);
    for title in &view.titles {
        let style = if title.is_sorted {
            theme.of(Role::Accent)
        } else {
            theme.of(Role::Dim)
        };
        put(frame, area, title.x, &title.text, style);
    }
}

pub(super) fn draw_rows(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let area = rect(view.layout.rows, frame);
    if let Some(sentence) = &view.empty {
        let place = Rect {
            x: area.x + 2.min(area.width),
            width: area.width.saturating_sub(2),
            ..area
        };
        // Not by the library's paragraph, which lets half of a wide character hang over the edge.
        let lines = folded(sentence, usize::from(place.width));
        for (line, y) in lines.iter().zip(place.top()..place.bottom()) {
            put(frame, Rect { y, ..place }, 0, line, theme.of(Role::Dim));
        }
    }
    for (row, y) in view.rows.iter().zip(area.top()..area.bottom()) {
        draw_row(
            frame,
            Rect {
                y,
                height: 1,
                ..area
            },
            row,
            theme,
        );
    }
}

fn draw_row(frame: &mut Frame<'_>, line: Rect, row: &RowView, theme: Theme) {
    if let Some((mark, role)) = row.mark {
        let style = theme.of(role).add_modifier(Modifier::BOLD);
        put(frame, line, 0, mark.glyph().encode_utf8(&mut [0; 4]), style);
    }
    if row.is_pinned {
        let style = theme.of(Role::Accent).add_modifier(Modifier::BOLD);
        put(frame, line, 1, "*", style);
    }
    for cell in &row.cells {
        put(frame, line, cell.x, &cell.text, theme.of(cell.role));
    }
    if row.is_selected {
        frame.buffer_mut().set_style(line, theme.selected());
    }
}

/// Puts one piece of text at a column of an area's first line, cut at its right edge.
fn put(frame: &mut Frame<'_>, area: Rect, x: u16, text: &str, style: ratatui::style::Style) {
    let cells = u16::try_from(width(text)).unwrap_or(u16::MAX);
    let place = Rect::new(area.x.saturating_add(x), area.y, cells, 1).intersection(area);
    if !place.is_empty() {
        frame
            .buffer_mut()
            .set_stringn(place.x, place.y, text, usize::from(place.width), style);
    }
}
