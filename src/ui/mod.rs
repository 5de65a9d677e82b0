//! Draws a [`View`] and decides nothing: one small renderer for each part of the screen.
//!
//! Never panics, whatever the size: a part without room is not drawn.

mod bars;
mod glyphs;
mod style;

use bars::{draw_cursor_bar, draw_scrollbar};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line as StyledLine, Span as StyledSpan};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};
use style::{ground, style};

use crate::app::layout::Area;
use crate::app::view::{CellView, Line, PaneView, Part, RowSign, View};
use crate::columns::{width, wrap_anywhere};
use crate::theme::{Glyphs, Role};

pub use glyphs::{ascii, in_ascii};

/// Draws the whole screen. A view for a larger screen than the frame is cut to the frame.
pub fn draw(frame: &mut Frame<'_>, view: &View) {
    let screen = frame.area();
    frame.buffer_mut().set_style(screen, ground(view));
    fill(frame, view, view.layout.header);
    let header = std::slice::from_ref(&view.header);
    draw_lines(frame, view, view.layout.header, header);
    draw_right(frame, view, view.layout.header, &view.header_right);
    let timeline = std::slice::from_ref(&view.timeline);
    draw_lines(frame, view, view.layout.timeline, timeline);
    let trouble = std::slice::from_ref(&view.trouble);
    draw_lines(frame, view, view.layout.trouble, trouble);
    let tabs = rect(view.layout.tabs, frame);
    draw_cells(frame, view, tabs, &view.tabs, FILLED);
    draw_right(frame, view, view.layout.tabs, &view.filter);
    draw_table(frame, view);
    draw_pane(frame, view);
    draw_scrollbar(frame, view, Part::Table);
    draw_scrollbar(frame, view, Part::Pane);
    draw_lines(frame, view, view.layout.footer, &view.footer);
    draw_overlay(frame, view);
    draw_scrollbar(frame, view, Part::Overlay);
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

/// A label of the chosen view, or the title of what has the keys.
const FILLED: Modifier = Modifier::REVERSED.union(Modifier::BOLD);

/// Draws the bar behind a line that does not belong to the rows.
fn fill(frame: &mut Frame<'_>, view: &View, area: Area) {
    let area = rect(area, frame);
    frame.buffer_mut().set_style(area, style(view, Role::Bar));
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
        let mut style = style(view, cell.role);
        if cell.is_chosen {
            style = style.add_modifier(chosen);
        }
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
        let mut style = style(view, span.role);
        if span.is_reversed {
            style = style.add_modifier(Modifier::REVERSED);
        }
        StyledSpan::styled(span.text.as_str(), style)
    });
    spans.collect()
}

fn draw_table(frame: &mut Frame<'_>, view: &View) {
    // Without the line of tabs between them, two bars would look like one.
    if view.layout.tabs.height > 0 {
        fill(frame, view, view.layout.titles);
    }
    let titles = rect(view.layout.titles, frame);
    draw_cells(frame, view, titles, &view.titles, Modifier::BOLD);
    let area = rect(view.layout.rows, frame);
    if let Some(sentence) = &view.empty {
        // Not as a paragraph of the library, which draws half of a wide character over the edge.
        let lines = wrap_anywhere(sentence, usize::from(area.width.saturating_sub(2)));
        for (text, line) in lines.iter().zip(area.rows()) {
            put(frame, line, 2, text, style(view, Role::Dim));
        }
    }
    for (row, line) in view.rows.iter().zip(area.rows()) {
        let bold = |role| style(view, role).add_modifier(Modifier::BOLD);
        if let Some((mark, role)) = row.mark {
            put(frame, line, 0, &mark.glyph().to_string(), bold(role));
        } else if let Some(role) = row.trouble {
            put(frame, line, 0, "!", bold(role));
        }
        if let Some(sign) = row.sign {
            let (text, style) = match sign {
                // In ASCII not the sign of a success, which would look like the mark of a new row.
                RowSign::Marked if view.glyphs == Glyphs::Ascii => ("x", bold(Role::Accent)),
                RowSign::Marked => ("✓", bold(Role::Accent)),
                RowSign::Pinned => ("*", bold(Role::Accent)),
                RowSign::Match => ("›", bold(Role::Accent)),
                RowSign::InGroup => ("│", style(view, Role::Border)),
            };
            put(frame, line, 1, text, style);
        }
        draw_cells(frame, view, line, &row.cells, Modifier::empty());
        if row.is_match {
            underline(frame, line, &row.cells);
        }
        if row.is_selected {
            draw_cursor_bar(frame, view, line);
        }
    }
}

/// Underlines the texts of cells, but not the blanks around them.
fn underline(frame: &mut Frame<'_>, line: Rect, cells: &[CellView]) {
    let cells_of = |text: &str| u16::try_from(width(text)).unwrap_or(u16::MAX);
    for cell in cells {
        let text = cell.text.trim_start();
        let x = cell.x + cells_of(&cell.text) - cells_of(text);
        let text = cells_of(text.trim_end());
        let place = Rect::new(line.x.saturating_add(x), line.y, text, 1).intersection(line);
        let underlined = Style::new().add_modifier(Modifier::UNDERLINED);
        frame.buffer_mut().set_style(place, underlined);
    }
}

fn draw_pane(frame: &mut Frame<'_>, view: &View) {
    let Some(pane) = &view.pane else { return };
    let mut inside = view.layout.pane;
    if view.layout.has_borders {
        let hint = styled(&pane.hint, view).right_aligned();
        let block = bordered_pane(view, pane).title(hint);
        frame.render_widget(block, rect(inside, frame));
        inside = inside.inside_border();
    }
    draw_lines(frame, view, view.layout.pane_lines(), &pane.lines);
    let line = pane.selected.and_then(|at| inside.lines().nth(at));
    if let Some(line) = line {
        let line = rect(line, frame);
        draw_cursor_bar(frame, view, line);
    }
}

fn draw_overlay(frame: &mut Frame<'_>, view: &View) {
    let Some(overlay) = &view.overlay else { return };
    let lines: Vec<_> = overlay
        .lines
        .iter()
        .map(|line| styled(line, view))
        .collect();
    let area = rect(overlay.area, frame);
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, ground(view));
    if view.layout.has_borders {
        frame.render_widget(bordered(view, &overlay.title), area);
    }
    let inside = rect(view.layout.lines_of_overlay(overlay.area), frame);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inside);
    blank_overhang(frame, inside);
    let mut choices = view.layout.choices_of_overlay(overlay.area).lines();
    if let Some(line) = overlay.selected.and_then(|at| choices.nth(at)) {
        let line = rect(line, frame);
        draw_cursor_bar(frame, view, line);
    }
}

/// The title of a pane is bold; while it has the keys, it is a filled label and the border has the colour of keys.
fn bordered_pane<'a>(view: &View, pane: &PaneView) -> Block<'a> {
    let title = format!(" {} ", pane.title);
    let (border, title_style) = if pane.is_focused {
        (Role::Accent, style(view, Role::Accent).add_modifier(FILLED))
    } else {
        // The lines of the border may be dim, its title is not.
        let title = style(view, Role::Strong).remove_modifier(Modifier::DIM);
        (Role::Border, title)
    };
    Block::bordered()
        .border_style(style(view, border))
        .title(StyledLine::styled(title, title_style))
}

/// A dialog has the keys as long as it is open.
fn bordered<'a>(view: &View, title: &str) -> Block<'a> {
    let filled = style(view, Role::Accent).add_modifier(FILLED);
    let filled = filled.remove_modifier(Modifier::DIM);
    let title = StyledLine::styled(format!(" {title} "), filled);
    Block::bordered()
        .border_style(style(view, Role::Border))
        .title(title)
}

/// Cells that one character takes at most: a cluster of several letters of an Indic script has three.
const WIDEST: u16 = 4;

/// The paragraph lets a wide character begin in one of the last cells of a line, where a part of it has no
/// place.
fn blank_overhang(frame: &mut Frame<'_>, area: Rect) {
    let first = area.right().saturating_sub(WIDEST).max(area.left());
    let edge = Rect::new(first, area.y, area.right() - first, area.height);
    for position in edge.positions() {
        let cell = &mut frame.buffer_mut()[position];
        if width(cell.symbol()) > usize::from(area.right() - position.x) {
            cell.set_symbol(" ");
        }
    }
}
