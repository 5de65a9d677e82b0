//! Menus, questions and help, over the middle of the screen.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::Line as StyledLine;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::{Theme, rect, styled};
use crate::app::view::{Role, View};
use crate::columns::width;

pub(super) fn draw(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let Some(overlay) = &view.overlay else { return };
    let area = rect(overlay.area, frame);
    let lines: Vec<_> = overlay
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let line = styled(line, theme);
            if overlay.selected == Some(at) {
                under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    let mut content = Paragraph::new(lines).wrap(Wrap { trim: false });
    if view.layout.has_borders {
        let title = StyledLine::styled(format!(" {} ", overlay.title), theme.of(Role::Accent));
        content = content.block(Block::bordered().border_style(theme.border()).title(title));
    }
    frame.render_widget(Clear, area);
    frame.buffer_mut().set_style(area, theme.ground());
    frame.render_widget(content, area);
    let inside = if view.layout.has_borders {
        area.inner(Margin::new(1, 1))
    } else {
        area
    };
    blank_what_hangs_over(frame, inside);
}

/// A choice of one piece, whatever its parts mean.
fn under_cursor(mut line: StyledLine<'_>, theme: Theme) -> StyledLine<'_> {
    for span in &mut line.spans {
        span.style = span.style.patch(theme.selected());
    }
    line.style(theme.selected())
}

/// Cells that one character takes at most: a cluster of several letters of an Indic script has three.
const WIDEST: u16 = 4;

/// The paragraph lets a wide character begin in one of the last cells of a line, where a part of it has no
/// place.
fn blank_what_hangs_over(frame: &mut Frame<'_>, area: Rect) {
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
