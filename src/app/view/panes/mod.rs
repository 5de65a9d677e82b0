//! What is in the pane below the table: details, events, a bind test.

mod bind;
mod details;
mod events;

use super::super::layout::{Area, Layout};
use super::super::{App, Pane};
use super::{Line, PaneView, Role, cut_line, span};
use crate::model::Moment;

/// More lines than this are not made, however long a pane could be.
const MAX_LINES: usize = 1000;

impl App {
    pub(super) fn pane_view(&self, layout: &Layout, now: Moment) -> Option<PaneView> {
        let pane = self.pane.as_ref()?;
        let height = pane_height(layout);
        let lines = self.pane_lines_of(pane, now);
        let scroll = self.pane_scroll.min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(scroll + height);
        let (title, keys) = match pane {
            Pane::Details => ("details".to_owned(), "Enter"),
            Pane::Events => (self.events_title(), "e"),
            Pane::Bind { target, .. } => (
                format!("bind test · {}", bind::spoken(target)),
                "r again · Esc",
            ),
        };
        let hint = if below > 0 {
            format!("{below} more ] · {keys}")
        } else {
            keys.to_owned()
        };
        let columns = usize::from(pane_area(layout).width);
        let in_sight = lines.into_iter().skip(scroll).take(height);
        let mut lines: Vec<_> = in_sight.map(|line| cut_line(line, columns)).collect();
        if !layout.has_borders {
            lines.insert(
                0,
                cut_line(vec![span(title.clone(), Role::Accent)], columns),
            );
        }
        Some(PaneView { title, hint, lines })
    }

    /// How far the open pane can be scrolled.
    pub(in crate::app) fn last_pane_scroll(&self, now: Moment) -> usize {
        let height = pane_height(&self.layout());
        let lines = self
            .pane
            .as_ref()
            .map_or(0, |pane| self.pane_lines_of(pane, now).len());
        lines.saturating_sub(height)
    }

    fn pane_lines_of(&self, pane: &Pane, now: Moment) -> Vec<Line> {
        match pane {
            Pane::Details => match self.selected() {
                Some(row) => self.details(row),
                None => vec![vec![span("no row is selected", Role::Dim)]],
            },
            Pane::Events => self.events(now),
            Pane::Bind { target, report } => self.bind_lines(target, report.as_ref()),
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
