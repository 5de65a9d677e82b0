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

/// The paragraph lets a wide character begin in the last cell of a line, where half of it has no place.
fn blank_what_hangs_over(frame: &mut Frame<'_>, area: Rect) {
    let Some(last) = area.right().checked_sub(1).filter(|_| !area.is_empty()) else {
        return;
    };
    for y in area.top()..area.bottom() {
        let cell = &mut frame.buffer_mut()[(last, y)];
        if width(cell.symbol()) > 1 {
            cell.set_symbol(" ");
        }
    }
}
