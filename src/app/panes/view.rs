//! The visible part of the open pane: title, hints, lines and scrollbar.

use crate::app::App;
use crate::app::layout::{Area, Layout};
use crate::app::panes::{Content, Pane};
use crate::app::view::scrollbar::{Part, Scrollbar};
use crate::app::view::{Click, Line, PaneView, Role, Span, cut_line, line_width, span};
use crate::columns::{cut, width};
use crate::keymap::{Action, PaneAction};
use crate::model::Moment;

/// Cells of the border that neither title nor hint takes: the corners, and the spaces around the title.
const BORDER: usize = 4;

impl App {
    pub(crate) fn pane_view(
        &self,
        layout: &Layout,
        now: Moment,
    ) -> Option<(PaneView, Option<Scrollbar>)> {
        let pane = self.dock.pane.as_ref()?;
        let (columns, height) = room(layout);
        let mut content = self.pane_content(pane, (columns, height), now);
        let title = self.title_with_search(&content);
        let head = content.head.min(content.lines.len());
        let (count, visible) = (content.lines.len() - head, height.saturating_sub(head));
        let scroll = self.pane_top(count, visible);
        let below = count.saturating_sub(scroll + visible);
        let bar = pane_scrollbar(layout, count, visible, scroll);
        content.lines.drain(head..head + scroll);
        content.lines.truncate(height);
        let focus = self.dock.focus.as_ref();
        let line_of_cursor = focus.map(|focus| focus.line.min(count.saturating_sub(1)));
        let in_sight = line_of_cursor.and_then(|line| line.checked_sub(scroll));
        let mut selected = in_sight.filter(|&at| at < visible).map(|at| head + at);
        self.highlight_matches(&mut content.lines[head.min(height)..]);
        let lines = content.lines.into_iter();
        let mut lines: Vec<_> = lines.map(|line| cut_line(line, columns)).collect();
        let border = if layout.has_borders { BORDER } else { 0 };
        let cells = usize::from(layout.pane.width).saturating_sub(border);
        let title = cut(&title, cells);
        let hint = self.pane_hint(pane, below, cells - width(&title));
        if !layout.has_borders {
            let mut line = vec![title_span(title.clone(), focus.is_some())];
            line.extend(self.more(below, " · "));
            lines.insert(0, cut_line(line, columns));
            selected = selected.map(|at| at + 1);
        }
        let view = PaneView {
            title,
            hint,
            lines,
            is_focused: focus.is_some(),
            selected,
        };
        Some((view, bar))
    }

    /// The right end of a pane's border: how many lines are below, and the keys that focus and close the pane; what fits
    /// beside the title.
    fn pane_hint(&self, pane: &Pane, below: usize, room: usize) -> Line {
        let mut parts: Vec<Span> = self.more(below, "").into_iter().collect();
        let kept_longest = parts.len();
        let focus = Action::Pane(PaneAction::Focus);
        let close = self.closing(pane);
        let actions = match self.dock.focus {
            None => &[(focus, "focus"), (close, "close")][..],
            Some(_) => &[],
        };
        parts.extend(actions.iter().map(|&(action, word)| {
            let key = self.settings.keymap.key(action);
            let text = key.map_or_else(|| word.into(), |key| format!("{key} {word}"));
            span(text, Role::Dim).on_click(Click::Do(action))
        }));
        let cells = |parts: &[Span]| line_width(parts) + 3 * parts.len();
        while cells(&parts) > room {
            let last = parts.len() - 1;
            parts.remove(kept_longest.min(last));
        }
        let mut hint = Line::new();
        for (at, part) in parts.into_iter().enumerate() {
            let gap = if at == 0 { " " } else { " · " };
            hint.extend([span(gap, Role::Dim), part]);
        }
        hint.extend((!hint.is_empty()).then(|| span(" ", Role::Dim)));
        hint
    }

    /// How many lines are below the visible ones, and the key that scrolls.
    fn more(&self, below: usize, before: &str) -> Option<Span> {
        let down = Action::Pane(PaneAction::Down);
        let key = self.settings.keymap.key(down);
        let key = key.map_or_else(String::new, |key| format!(" {key}"));
        let text = format!("{before}{below} more{key}");
        (below > 0).then(|| span(text, Role::Dim).on_click(Click::Do(down)))
    }

    /// The content of the open pane, and how many of the lines that scroll are visible.
    pub(super) fn open_content(&self, now: Moment) -> Option<(Content, usize)> {
        let room = room(&self.layout());
        let content = self.pane_content(self.dock.pane.as_ref()?, room, now);
        let visible = room.1.saturating_sub(content.head);
        Some((content, visible))
    }
}

/// The title of a pane without a border.
fn title_span(title: String, is_focused: bool) -> Span {
    let title = span(title, Role::Accent);
    if is_focused { title.reversed() } else { title }
}

/// In the right border, beside the lines that scroll.
fn pane_scrollbar(layout: &Layout, lines: usize, visible: usize, top: usize) -> Option<Scrollbar> {
    let edge = layout.pane.right_edge();
    let head = (edge.height).saturating_sub(u16::try_from(visible).unwrap_or(u16::MAX));
    let area = Area {
        y: edge.y + head,
        height: edge.height - head,
        ..edge
    };
    let bar = || Scrollbar::new(Part::Pane, area, lines, visible, top);
    layout.has_borders.then(bar).flatten()
}

/// Columns and lines of a pane's content: inside the border, or below the title.
fn room(layout: &Layout) -> (usize, usize) {
    let area = layout.pane_lines();
    let title = u16::from(!layout.has_borders);
    let height = area.height.saturating_sub(title);
    (usize::from(area.width), usize::from(height))
}
