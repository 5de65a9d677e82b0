//! Menus, questions and help, over the middle of the screen.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::Line as StyledLine;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use super::{Theme, styled};
use crate::app::view::{OverlayView, Role, View};
use crate::columns::width;

pub(super) fn draw(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let Some(overlay) = &view.overlay else { return };
    let area = place(frame.area(), overlay, view.layout.has_borders);
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

/// As wide as its longest line and as high as its lines need, in the middle; the whole screen but
/// its last line where there is no room for borders.
fn place(screen: Rect, overlay: &OverlayView, has_borders: bool) -> Rect {
    if !has_borders {
        return Rect {
            height: screen.height.saturating_sub(1).max(1),
            ..screen
        }
        .intersection(screen);
    }
    let widths = overlay
        .lines
        .iter()
        .map(|line| line.iter().map(|span| width(&span.text)).sum());
    let longest = overlay.columns;
    let columns = u16::try_from(longest.max(20) + 2)
        .unwrap_or(u16::MAX)
        .min(screen.width - 4);
    let room = usize::from(columns.saturating_sub(2).max(1));
    let lines: usize = widths.map(|cells: usize| cells.div_ceil(room).max(1)).sum();
    // A wrapped line breaks at words: it may need one line more than its cells say.
    let slack = usize::from(longest > room);
    let height = u16::try_from(lines + slack + 2)
        .unwrap_or(u16::MAX)
        .min(screen.height - 2);
    Rect {
        x: (screen.width - columns) / 2,
        y: (screen.height - height) / 2,
        width: columns,
        height,
    }
}
