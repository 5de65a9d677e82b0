//! The pane below the table, and the overlay (menu, question, help) in the middle of the screen.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::Line as StyledLine;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::{ground, rect, style, styled};
use crate::app::view::View;
use crate::columns::width;
use crate::theme::Role;

pub(super) fn draw_pane(frame: &mut Frame<'_>, view: &View) {
    let Some(pane) = &view.pane else { return };
    let lines: Vec<_> = pane.lines.iter().map(|line| styled(line, view)).collect();
    let mut content = Paragraph::new(lines);
    if view.layout.has_borders {
        let hint = styled(&pane.hint, view).right_aligned();
        content = content.block(bordered(view, &pane.title).title(hint));
    }
    frame.render_widget(content, rect(view.layout.pane, frame));
}

pub(super) fn draw_overlay(frame: &mut Frame<'_>, view: &View) {
    let Some(overlay) = &view.overlay else { return };
    let mut lines: Vec<_> = overlay
        .lines
        .iter()
        .map(|line| styled(line, view))
        .collect();
    if let Some(line) = overlay.selected.and_then(|at| lines.get_mut(at)) {
        select(line, view);
    }
    let area = rect(overlay.area, frame);
    let mut content = Paragraph::new(lines).wrap(Wrap { trim: false });
    let mut inside = area;
    if view.layout.has_borders {
        content = content.block(bordered(view, &overlay.title));
        inside = area.inner(Margin::new(1, 1));
    }
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, ground(view));
    frame.render_widget(content, area);
    blank_overhang(frame, inside);
}

fn bordered<'a>(view: &View, title: &str) -> Block<'a> {
    let title = StyledLine::styled(format!(" {title} "), style(view, Role::Accent));
    Block::bordered()
        .border_style(style(view, Role::Border))
        .title(title)
}

/// The cursor's style covers the whole choice, whatever the roles of its parts.
fn select(line: &mut StyledLine<'_>, view: &View) {
    let selected = style(view, Role::Selected);
    line.style = selected;
    for span in &mut line.spans {
        span.style = span.style.patch(selected);
    }
}

/// Cells that one character takes at most: a cluster of several letters of an Indic script has three.
const WIDEST: u16 = 4;

/// The paragraph lets a wide character begin in one of the last cells of a line, where a part of it has no
/// place.
fn blank_overhang(frame: &mut Frame<'_>, area: Rect) {
    let first = area.right().saturating_sub(WIDEST).max(area.left());
    for (x, y) in
        (area.top()..area.bottom()).flat_map(|y| (first..area.right()).map(move |x| (x, y)))
    {
        let cell = &mut frame.buffer_mut()[(x, y)];
        if width(cell.symbol()) > usize::from(area.right() - x) {
            cell.set_symbol(" ");
        }
    }
}
