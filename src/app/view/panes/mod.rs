//! What is in the pane below the table: details, events, stats, a bind test.

mod bind;
mod details;
mod events;
mod gauge;
mod stats;
mod timeline;

use super::super::layout::{Area, Layout};
use super::super::{Action, App, Pane};
use super::{Line, PaneView, Role, cut_line, span};
use crate::model::Moment;

/// More lines than this are not made, however long a pane could be.
const MAX_LINES: usize = 1000;

impl App {
    pub(super) fn pane_view(&self, layout: &Layout, now: Moment) -> Option<PaneView> {
        let pane = self.pane.as_ref()?;
        let height = pane_height(layout);
        let columns = usize::from(pane_area(layout).width);
        let mut lines = self.pane_lines_of(pane, layout, now);
        let scroll = self.pane_scroll.min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(scroll + height);
        let keymap = &self.settings.keymap;
        let (title, closes) = match pane {
            Pane::Details => ("details".to_owned(), Action::ToggleDetails),
            Pane::Events => (self.events_title(), Action::ToggleEvents),
            Pane::Stats => (self.stats_title(), Action::ToggleStats),
            Pane::Bind(pane) => (bind::title(pane, now), Action::Back),
        };
        let more = match (below, keymap.key(Action::PaneDown)) {
            (0, _) => None,
            (below, Some(key)) => Some(format!("{below} more {key}")),
            (below, None) => Some(format!("{below} more")),
        };
        let hint = more.iter().cloned().chain(keymap.key(closes));
        let hint = hint.collect::<Vec<_>>().join(" · ");
        let head = self.head_lines(pane, layout, now).min(lines.len());
        lines.drain(head..head + scroll.min(lines.len() - head));
        let in_sight = lines.into_iter().take(height);
        let mut lines: Vec<_> = in_sight.map(|line| cut_line(line, columns)).collect();
        if !layout.has_borders {
            let more = more.map_or(String::new(), |more| format!(" · {more}"));
            let title = vec![span(title.clone(), Role::Accent), span(more, Role::Dim)];
            lines.insert(0, cut_line(title, columns));
        }
        Some(PaneView { title, hint, lines })
    }

    /// How far the open pane can be scrolled.
    pub(in crate::app) fn last_pane_scroll(&self, now: Moment) -> usize {
        let layout = self.layout();
        let lines = self
            .pane
            .as_ref()
            .map_or(0, |pane| self.pane_lines_of(pane, &layout, now).len());
        lines.saturating_sub(pane_height(&layout))
    }

    /// Which of the sockets in the way of a bind test stands on this line of the screen.
    pub(in crate::app) fn blocker_at(&self, row: u16) -> Option<usize> {
        let Some(Pane::Bind(pane)) = &self.pane else {
            return None;
        };
        let layout = self.layout();
        let area = pane_area(&layout);
        let title = u16::from(!layout.has_borders);
        let line = usize::from(row.checked_sub(area.y + title)?);
        let bind::BindLines {
            lines,
            first_blocker,
        } = bind::lines(pane, usize::from(area.width));
        let last_scroll = lines.len().saturating_sub(pane_height(&layout));
        let line = line + self.pane_scroll.min(last_scroll);
        let at = line.checked_sub(first_blocker)?;
        (at < pane.verdict()?.blockers.len()).then_some(at)
    }

    fn pane_lines_of(&self, pane: &Pane, layout: &Layout, now: Moment) -> Vec<Line> {
        let columns = usize::from(pane_area(layout).width);
        match pane {
            Pane::Details => match self.selected() {
                Some(row) => self.details(row, columns),
                None => vec![vec![span("no row is selected", Role::Dim)]],
            },
            Pane::Events => {
                let mut lines = self.timeline(columns, pane_height(layout), now);
                lines.extend(self.events(now));
                lines
            }
            Pane::Stats => self.stats(columns, pane_height(layout)),
            Pane::Bind(pane) => bind::lines(pane, columns).lines,
        }
    }

    /// How many of a pane's first lines stay when it is scrolled.
    fn head_lines(&self, pane: &Pane, layout: &Layout, now: Moment) -> usize {
        let (columns, height) = (usize::from(pane_area(layout).width), pane_height(layout));
        match pane {
            Pane::Events => self.timeline(columns, height, now).len(),
            Pane::Stats => self.stats_head(height),
            Pane::Details | Pane::Bind(_) => 0,
        }
    }
}

/// Lines of a pane's content that are in sight; without a border the title takes one of them.
fn pane_height(layout: &Layout) -> usize {
    let title = u16::from(!layout.has_borders);
    usize::from(pane_area(layout).height.saturating_sub(title))
}

/// Where a pane's content is.
const fn pane_area(layout: &Layout) -> Area {
    if layout.has_borders {
        layout.pane.inside_border()
    } else {
        layout.pane
    }
}
