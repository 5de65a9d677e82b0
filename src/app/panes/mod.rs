//! The pane below the table: which one is open, and how far it is scrolled.

pub(crate) mod bind_test;
pub(crate) mod details;
pub(crate) mod events;
pub(crate) mod stats;
pub(crate) mod view;

use crate::app::App;
use crate::app::panes::bind_test::BindPane;
use crate::model::Moment;
use details::RelatedSockets;

/// The pane below the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dock {
    pub pane: Option<Pane>,
    pub scroll: usize,
    /// Those of the selected row, while its details are shown.
    pub related: Option<RelatedSockets>,
}

/// What is open below the table.
#[derive(Clone, Debug)]
pub(crate) enum Pane {
    Details,
    Events,
    Stats,
    Bind(Box<BindPane>),
}

impl App {
    pub(crate) fn toggle_pane(&mut self, pane: Pane) {
        let is_open = self
            .dock
            .pane
            .as_ref()
            .is_some_and(|open| std::mem::discriminant(open) == std::mem::discriminant(&pane));
        self.set_pane((!is_open).then_some(pane));
    }

    pub(crate) fn set_pane(&mut self, pane: Option<Pane>) {
        self.dock.pane = pane;
        self.dock.scroll = 0;
        self.scroll_to_cursor();
    }

    pub(crate) fn go_back(&mut self, now: Moment) {
        if self.dock.pane.is_some() {
            self.set_pane(None);
        } else {
            self.clear_filter(now);
        }
    }
}
