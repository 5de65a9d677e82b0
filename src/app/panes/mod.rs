//! The pane below the table: which one is open, its title, visible lines and scrolling.

pub(crate) mod bind_test;
pub(crate) mod details;
pub(crate) mod events;
mod group_details;
pub(crate) mod stats;

use crate::app::App;
use crate::app::layout::{Area, Layout};
use crate::app::panes::bind_test::view as bind;
use crate::app::view::scrollbar::{Part, Scrollbar};
use crate::app::view::{Click, Line, PaneView, Role, Span, cut_line, span};
use crate::keymap::{Action, PaneAction};
use crate::model::{Moment, counted};
use bind_test::BindPane;
use details::RelatedSockets;

#[derive(Clone, Debug, Default)]
pub(crate) struct Dock {
    pub pane: Option<Pane>,
    pub scroll: usize,
    /// Related sockets of the selected row, while its details are shown.
    pub related: Option<RelatedSockets>,
}

#[derive(Clone, Debug)]
pub(crate) enum Pane {
    Details,
    Events,
    Stats,
    Bind(Box<BindPane>),
}

impl Dock {
    pub fn bind_test(&mut self) -> Option<&mut BindPane> {
        match &mut self.pane {
            Some(Pane::Bind(pane)) => Some(pane),
            Some(Pane::Details | Pane::Events | Pane::Stats) | None => None,
        }
    }
}

impl App {
    pub(crate) fn act_on_pane(&mut self, action: PaneAction, now: Moment) {
        match action {
            PaneAction::ToggleDetails if self.toggle_group_at_cursor() => {}
            PaneAction::ToggleDetails => self.toggle_pane(Pane::Details),
            PaneAction::ToggleEvents => self.toggle_pane(Pane::Events),
            PaneAction::ToggleStats => self.toggle_pane(Pane::Stats),
            PaneAction::Down => {
                self.stop_following_in_pane();
                self.dock.scroll = self.dock.scroll.saturating_add(1);
            }
            PaneAction::Up => {
                self.stop_following_in_pane();
                let scroll = self.dock.scroll.min(self.last_pane_scroll(now));
                self.dock.scroll = scroll.saturating_sub(1);
            }
        }
    }

    fn toggle_pane(&mut self, pane: Pane) {
        let is_same = |open: &Pane| std::mem::discriminant(open) == std::mem::discriminant(&pane);
        let is_open = self.dock.pane.as_ref().is_some_and(is_same);
        self.set_pane((!is_open).then_some(pane));
    }

    pub(crate) fn set_pane(&mut self, pane: Option<Pane>) {
        if matches!(pane, Some(Pane::Events)) {
            self.notices.unseen_alerts = 0;
        }
        self.dock.pane = pane;
        self.dock.scroll = 0;
        self.scroll_to_cursor();
    }

    pub(crate) fn pane_view(
        &self,
        layout: &Layout,
        now: Moment,
    ) -> Option<(PaneView, Option<Scrollbar>)> {
        let pane = self.dock.pane.as_ref()?;
        let (columns, height) = room(layout);
        let (mut lines, head) = self.pane_lines_of(pane, layout, now);
        let scroll = self.dock.scroll.min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(scroll + height);
        let (title, close) = self.pane_title(pane, now);
        let head = head.min(lines.len());
        let visible = height.saturating_sub(head);
        let bar = pane_scrollbar(layout, lines.len() - head, visible, scroll);
        lines.drain(head..head + scroll.min(lines.len() - head));
        let visible = lines.into_iter().take(height);
        let mut lines: Vec<_> = visible.map(|line| cut_line(line, columns)).collect();
        if !layout.has_borders {
            let mut line = vec![span(title.clone(), Role::Accent)];
            line.extend(self.more(below, " · "));
            lines.insert(0, cut_line(line, columns));
        }
        let hint = self.pane_hint(below, close);
        Some((PaneView { title, hint, lines }, bar))
    }

    /// The title of a pane, and the action that closes it.
    fn pane_title(&self, pane: &Pane, now: Moment) -> (String, Action) {
        match pane {
            Pane::Details => {
                // On a group the key of the details opens and closes the group.
                let close = match self.group_at_cursor() {
                    Some(_) => Action::Back,
                    None => Action::Pane(PaneAction::ToggleDetails),
                };
                ("details".to_owned(), close)
            }
            Pane::Events => {
                let dropped = match self.log.forgotten() {
                    0 => String::new(),
                    forgotten => format!(", {forgotten} older dropped"),
                };
                let title = format!("events · {}{dropped}", self.log.len());
                (title, Action::Pane(PaneAction::ToggleEvents))
            }
            Pane::Stats => {
                let refreshes = counted(self.stats.count, "refresh", "refreshes");
                // The unit, as columns have no room for it.
                let title = format!("stats · {refreshes} · ms");
                (title, Action::Pane(PaneAction::ToggleStats))
            }
            Pane::Bind(pane) => (bind::title(pane, now), Action::Back),
        }
    }

    /// The right end of a pane's border: how many lines are below, and the key that closes the pane.
    fn pane_hint(&self, below: usize, close: Action) -> Line {
        let key = self.settings.keymap.key(close);
        let text = key.map_or_else(|| "close".into(), |key| format!("{key} close"));
        let mut hint = vec![span(" ", Role::Dim)];
        hint.extend(self.more(below, ""));
        hint.extend((below > 0).then(|| span(" · ", Role::Dim)));
        hint.push(span(text, Role::Dim).on_click(Click::Do(close)));
        hint.push(span(" ", Role::Dim));
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

    pub(crate) fn last_pane_scroll(&self, now: Moment) -> usize {
        let layout = self.layout();
        let pane = self.dock.pane.as_ref();
        let lines = pane.map_or(0, |pane| self.pane_lines_of(pane, &layout, now).0.len());
        lines.saturating_sub(room(&layout).1)
    }

    /// The lines of a pane, and how many of the first do not scroll.
    fn pane_lines_of(&self, pane: &Pane, layout: &Layout, now: Moment) -> (Vec<Line>, usize) {
        let (columns, height) = room(layout);
        let lines = match pane {
            Pane::Details => match self.selected() {
                Some(row) => self.details(row, columns, now),
                None if self.group_at_cursor().is_some() => self.group_details(),
                None => vec![vec![span("no row selected", Role::Dim)]],
            },
            Pane::Events => {
                let mut lines = self.timeline(columns, height, now);
                let head = lines.len();
                lines.extend(self.events(now));
                return (lines, head);
            }
            Pane::Stats => return self.stats(columns, height),
            Pane::Bind(pane) => bind::lines(pane, columns),
        };
        (lines, 0)
    }
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
    let mut area = layout.pane.inside_border();
    if !layout.has_borders {
        area = layout.pane;
        area.height = area.height.saturating_sub(1);
    }
    (usize::from(area.width), usize::from(area.height))
}
