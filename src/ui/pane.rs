//! The pane below the table.

use ratatui::Frame;
use ratatui::widgets::{Block, Paragraph};

use super::{Theme, rect, styled};
use crate::app::view::{Role, View};

pub(super) fn draw(frame: &mut Frame<'_>, view: &View, theme: Theme) {
    let Some(pane) = &view.pane else { return };
    let area = rect(view.layout.pane, frame);
    let lines: Vec<_> = pane.lines.iter().map(|line| styled(line, theme)).collect();
    let mut content = Paragraph::new(lines);
    if view.layout.has_borders {
        let title =
            ratatui::text::Line::styled(format!(" {} ", pane.title), theme.of(Role::Accent));
        content = content.block(
            Block::bordered()
                .border_style(theme.border())
                .title(title)
                .title(styled(&pane.hint, theme).right_aligned()),
        );
    }
    frame.render_widget(content, area);
}
