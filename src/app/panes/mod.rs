//! The pane below the table: which one is open, and how far it is scrolled.

pub(crate) mod bind_test;
pub(crate) mod details;
pub(crate) mod events;
pub(crate) mod stats;
pub(crate) mod view;

use crate::app::App;
use crate::keymap::PaneAction;
use crate::model::Moment;
use bind_test::BindPane;
use details::RelatedSockets;

/// The pane below the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dock {
    pub pane: Option<Pane>,
    pub scroll: usize,
    /// Related sockets of the selected row, while its details are shown.
    pub related: Option<RelatedSockets>,
}

/// The open pane below the table.
#[derive(Clone, Debug)]
pub(crate) enum Pane {
    Details,
    Events,
    Stats,
    Bind(Box<BindPane>),
}

impl Dock {
    /// The bind test, if it is open.
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
        self.dock.pane = pane;
        self.dock.scroll = 0;
        self.scroll_to_cursor();
    }
}
