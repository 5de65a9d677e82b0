//! The pane beside the table: which one is open, its content, and the actions of its keys.

pub(crate) mod bind_test;
pub(crate) mod details;
pub(crate) mod events;
pub(crate) mod focus;
mod group_details;
mod search;
pub(crate) mod stats;
mod view;

use crate::app::App;
use crate::app::panes::bind_test::view as bind;
use crate::app::view::{Line, Role, span};
use crate::keymap::{Action, PaneAction};
use crate::model::Moment;
use bind_test::BindPane;
use details::RelatedSockets;
use focus::Focus;
use stats::Network;

#[derive(Clone, Debug, Default)]
pub(crate) struct Dock {
    pub pane: Option<Pane>,
    pub scroll: usize,
    /// The cursor in the open pane, while that has the keys.
    pub focus: Option<Focus>,
    /// Related sockets of the selected row, while its details are shown.
    pub related: Option<RelatedSockets>,
    /// The network in numbers, while the stats are shown.
    pub network: Option<Network>,
}

#[derive(Clone, Debug)]
pub(crate) enum Pane {
    Details,
    Events,
    Stats,
    Bind(Box<BindPane>),
}

/// Everything that a pane shows if there is room.
pub(crate) struct Content {
    pub title: String,
    /// At least one. A line of a socket has the click that goes to its row.
    pub lines: Vec<Line>,
    /// How many of the first lines do not scroll.
    pub head: usize,
}

impl Content {
    fn of(title: &str, lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            lines,
            head: 0,
        }
    }

    /// The lines that scroll.
    fn body(&self) -> &[Line] {
        self.lines.get(self.head..).unwrap_or_default()
    }
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
            PaneAction::ToggleDetails if self.toggle_group_at_cursor(now) => {}
            PaneAction::ToggleDetails if self.go_inside_or_back(now) => {}
            PaneAction::ToggleDetails | PaneAction::ShowDetails => self.toggle_pane(Pane::Details),
            PaneAction::ToggleEvents => self.toggle_pane(Pane::Events),
            PaneAction::ToggleStats => self.toggle_pane(Pane::Stats),
            PaneAction::Down => self.scroll_pane(1, now),
            PaneAction::Up => self.scroll_pane(-1, now),
            PaneAction::Focus if self.dock.focus.is_some() => self.leave_pane(),
            PaneAction::Focus => self.focus_pane(),
            PaneAction::Zoom => self.zoom_pane(),
            PaneAction::GoToRow => self.go_to_row_of_line(now),
            PaneAction::Search => self.open_search(),
            PaneAction::NextMatch => self.go_to_match(1, now),
            PaneAction::PreviousMatch => self.go_to_match(-1, now),
        }
    }

    fn toggle_pane(&mut self, pane: Pane) {
        let is_same = |open: &Pane| std::mem::discriminant(open) == std::mem::discriminant(&pane);
        let is_open = self.dock.pane.as_ref().is_some_and(is_same);
        self.set_pane((!is_open).then_some(pane));
    }

    /// Opens a pane in place of another, which leaves the keys to it if the other had them.
    pub(crate) fn set_pane(&mut self, pane: Option<Pane>) {
        if matches!(pane, Some(Pane::Events)) {
            self.notices.unseen_alerts = 0;
        }
        let is_focused = self.dock.focus.is_some() && pane.is_some();
        self.dock.focus = is_focused.then(Focus::default);
        self.dock.pane = pane;
        self.dock.scroll = 0;
        self.scroll_to_cursor();
    }

    /// The action that closes a pane.
    fn closing(&self, pane: &Pane) -> Action {
        match pane {
            // On a group the key of the details opens and closes the group, on a published port it goes inside.
            Pane::Details => {
                let toggle = Action::Pane(PaneAction::ToggleDetails);
                let is_other = self.group_at_cursor().is_some() || self.has_way_at_cursor();
                if is_other { Action::Back } else { toggle }
            }
            Pane::Events => Action::Pane(PaneAction::ToggleEvents),
            Pane::Stats => Action::Pane(PaneAction::ToggleStats),
            Pane::Bind(_) => Action::Back,
        }
    }

    /// The content of a pane with so many columns and lines.
    fn pane_content(&self, pane: &Pane, (columns, height): (usize, usize), now: Moment) -> Content {
        match pane {
            Pane::Details => {
                let lines = match self.selected() {
                    Some(row) => self.details(row, Some(columns), now),
                    None if self.group_at_cursor().is_some() => self.group_details(),
                    None => vec![vec![span("no row selected", Role::Dim)]],
                };
                Content::of("details", lines)
            }
            Pane::Events => self.events(columns, height, now),
            Pane::Stats => self.stats(columns),
            Pane::Bind(pane) => Content::of(&bind::title(pane, now), bind::lines(pane, columns)),
        }
    }
}
