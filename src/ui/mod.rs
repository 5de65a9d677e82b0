//! Draws a [`View`] and decides nothing: one small renderer for each part of the screen.
//!
//! Never panics, whatever the size: a part without room is not drawn.

mod glyphs;
mod panel;
mod scrollbar;
mod style;
mod table;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line as StyledLine, Span as StyledSpan};
use ratatui::widgets::Paragraph;

use crate::app::layout::Area;
use crate::app::view::{CellView, Line, Part, View};
use crate::columns::width;
use crate::theme::Glyphs;
pub use glyphs::{ascii, in_ascii};
use style::{ground, style};

/// Draws the whole screen. A view for a larger screen than the frame is cut to the frame.
pub fn draw(frame: &mut Frame<'_>, view: &View) {
    let screen = frame.area();
    frame.buffer_mut().set_style(screen, ground(view));
    draw_lines(
        frame,
        view,
        view.layout.header,
        std::slice::from_ref(&view.header),
    );
    draw_right(frame, view, view.layout.header, &view.header_right);
    let tabs = rect(view.layout.tabs, frame);
    draw_cells(frame, view, tabs, &view.tabs, Modifier::BOLD);
    draw_right(frame, view, view.layout.tabs, &view.filter);
    table::draw(frame, view);
    panel::draw_pane(frame, view);
    scrollbar::draw(frame, view, Part::Table);
    scrollbar::draw(frame, view, Part::Pane);
    draw_lines(frame, view, view.layout.footer, &view.footer);
    panel::draw_overlay(frame, view);
    scrollbar::draw(frame, view, Part::Overlay);
    if view.glyphs == Glyphs::Ascii {
        glyphs::to_ascii(frame);
    }
    let cursor = view.cursor.map(Position::from);
    if let Some(cursor) = cursor.filter(|&cursor| screen.contains(cursor)) {
        frame.set_cursor_position(cursor);
    }
}

fn draw_lines(frame: &mut Frame<'_>, view: &View, area: Area, lines: &[Line]) {
    let lines: Vec<_> = lines.iter().map(|line| styled(line, view)).collect();
    frame.render_widget(Paragraph::new(lines), rect(area, frame));
}

/// Draws cells on an area's first line, the chosen one with a modifier.
fn draw_cells(
    frame: &mut Frame<'_>,
    view: &View,
    area: Rect,
    cells: &[CellView],
    chosen: Modifier,
) {
    for cell in cells {
        let modifier = if cell.is_chosen {
            chosen
        } else {
            Modifier::empty()
        };
        let style = style(view, cell.role).add_modifier(modifier);
        put(frame, area, cell.x, &cell.text, style);
    }
}

/// Draws a line at the right end of an area, over what is there.
fn draw_right(frame: &mut Frame<'_>, view: &View, area: Area, line: &Line) {
    let area = rect(area, frame);
    let line = styled(line, view);
    let cells = u16::try_from(line.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let right = Rect {
        x: area.right() - cells,
        width: cells,
        ..area
    };
    frame.render_widget(Paragraph::new(line).right_aligned(), right);
}

/// Draws text at a column of an area's first line, cut at its right edge.
fn put(frame: &mut Frame<'_>, area: Rect, x: u16, text: &str, style: Style) {
    let cells = u16::try_from(width(text)).unwrap_or(u16::MAX);
    let place = Rect::new(area.x.saturating_add(x), area.y, cells, 1).intersection(area);
    if !place.is_empty() {
        let (buffer, room) = (frame.buffer_mut(), usize::from(place.width));
        buffer.set_stringn(place.x, place.y, text, room, style);
    }
}

/// An area as a rectangle of the drawing library, cut to the frame.
fn rect(area: Area, frame: &Frame<'_>) -> Rect {
    Rect::new(area.x, area.y, area.width, area.height).intersection(frame.area())
}

fn styled<'a>(line: &'a Line, view: &View) -> StyledLine<'a> {
    let spans = line.iter().map(|span| {
        let style = style(view, span.role);
        let reversed = if span.is_reversed {
            Modifier::REVERSED
        } else {
            Modifier::empty()
        };
        StyledSpan::styled(span.text.as_str(), style.add_modifier(reversed))
    });
    spans.collect()
}
