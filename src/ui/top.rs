//! The two lines at the top.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Modifier;
use ratatui::widgets::Paragraph;

use super::{Theme, rect, styled};
use crate::app::view::{Line, Role, View};
use crate::columns::width;

pub(super) fn draw_header(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let area = rect(view.layout.header, frame);
    frame.render_widget(Paragraph::new(styled(&view.header, theme)), area);
    draw_right(frame, area, &view.header_right, theme);
}

pub(super) fn draw_tabs(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let area = rect(view.layout.tabs, frame);
    if area.is_empty() {
        return;
    }
    for tab in &view.tabs {
        let style = if tab.is_selected {
            theme.of(Role::Accent).add_modifier(Modifier::BOLD)
        } else {
            theme.of(Role::Dim)
        };
        let cells = u16::try_from(width(&tab.text)).unwrap_or(u16::MAX);
        let place = Rect::new(tab.x, area.y, cells, 1).intersection(area);
        frame.render_widget(Paragraph::new(tab.text.as_str()).style(style), place);
    }
    draw_right(frame, area, &view.filter, theme);
}

/// Draws a line at the right end of an area, over what is there.
fn draw_right(frame: &mut Frame<'_>, area: Rect, line: &Line, theme: Theme) {
    let cells: usize = line.iter().map(|span| width(&span.text)).sum();
    let cells = u16::try_from(cells).unwrap_or(u16::MAX).min(area.width);
    let place = Rect {
        x: area.right() - cells,
        width: cells,
        ..area
    };
    let line = styled(line, theme);
    frame.render_widget(Paragraph::new(line).alignment(Alignment::Right), place);
}
