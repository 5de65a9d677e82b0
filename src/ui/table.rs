//! Headings and rows.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::{draw_cells, put, rect, style};
use crate::app::view::{RowView, View};
use crate::columns::wrap_anywhere;
use crate::theme::Role;

pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let titles = rect(view.layout.titles, frame);
    draw_cells(frame, view, titles, &view.titles, Modifier::empty());
    let area = rect(view.layout.rows, frame);
    if let Some(sentence) = &view.empty {
        // Not as a paragraph of the library, which draws half of a wide character over the edge.
        let lines = wrap_anywhere(sentence, usize::from(area.width.saturating_sub(2)));
        for (text, line) in lines.iter().zip(area.rows()) {
            put(frame, line, 2, text, style(view, Role::Dim));
        }
    }
    for (row, line) in view.rows.iter().zip(area.rows()) {
        draw_row(frame, view, line, row);
    }
}

fn draw_row(frame: &mut Frame<'_>, view: &View, line: Rect, row: &RowView) {
    let bold = |role| style(view, role).add_modifier(Modifier::BOLD);
    if let Some((mark, role)) = row.mark {
        put(frame, line, 0, &mark.glyph().to_string(), bold(role));
    }
    if row.is_pinned {
        put(frame, line, 1, "*", bold(Role::Accent));
    }
    draw_cells(frame, view, line, &row.cells, Modifier::empty());
    if row.is_selected {
        frame
            .buffer_mut()
            .set_style(line, style(view, Role::Selected));
    }
}
