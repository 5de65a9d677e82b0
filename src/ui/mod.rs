//! Draws a [`View`] and decides nothing: one small renderer for each part of the screen.
//!
//! Never panics, whatever the size: a part without room is not drawn.

mod glyphs;
mod overlay;
mod pane;
mod scrollbar;
mod table;
mod theme;
mod top;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line as StyledLine, Span as StyledSpan};
use ratatui::widgets::Paragraph;

use crate::app::layout::Area;
use crate::app::view::{Line, Part, View};
use crate::theme::Glyphs;
pub use glyphs::{ascii, in_ascii};
use theme::Theme;

/// Draws the whole screen. A view made for another size than the frame's is cut to the frame.
pub fn draw(frame: &mut Frame<'_>, view: &View) {
    let theme = Theme(view.styles);
    let everywhere = frame.area();
    frame.buffer_mut().set_style(everywhere, theme.ground());
    top::draw_header(frame, view, theme);
    top::draw_tabs(frame, view, theme);
    table::draw_titles(frame, view, theme);
    table::draw_rows(frame, view, theme);
    pane::draw(frame, view, theme);
    scrollbar::draw(frame, view, Part::Table, theme);
    scrollbar::draw(frame, view, Part::Pane, theme);
    draw_footer(frame, view, theme);
    overlay::draw(frame, view, theme);
    scrollbar::draw(frame, view, Part::Overlay, theme);
    if view.glyphs == Glyphs::Ascii {
        glyphs::to_ascii(frame);
    }
    if let Some((x, y)) = view.cursor
        && frame.area().contains(Position { x, y })
    {
        frame.set_cursor_position(Position { x, y });
    }
}

fn draw_footer(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let lines: Vec<_> = view.footer.iter().map(|line| styled(line, theme)).collect();
    let area = rect(view.layout.footer, frame);
    frame.render_widget(Paragraph::new(lines), area);
}

/// An area as ratatui knows it, cut to what the frame has.
fn rect(area: Area, frame: &Frame<'_>) -> Rect {
    Rect::new(area.x, area.y, area.width, area.height).intersection(frame.area())
}

fn styled(line: &Line, theme: Theme) -> StyledLine<'_> {
    line.iter()
        .map(|span| {
            let style = theme.of(span.role);
            let style = if span.is_reversed {
                style.add_modifier(Modifier::REVERSED)
            } else {
                style
            };
            StyledSpan::styled(span.text.as_str(), style)
        })
        .collect()
}
