//! When the counters of sockets are read: while something that is shown depends on them.

use jiff::Timestamp;

use crate::app::{App, Effect, Pane};
use crate::model::Moment;
use crate::query::Tab;

impl App {
    /// Whether something that is shown depends on the counters of sockets.
    pub(crate) fn needs_counters(&self) -> bool {
        let rows = &self.rows;
        let is_in_view = rows.columns.shows_counters() || rows.criteria.tab == Tab::Trouble;
        let has_details = matches!(self.dock.pane, Some(Pane::Details));
        let is_about_trouble = rows.criteria.filter.is_about_trouble();
        is_in_view || is_about_trouble || has_details || rows.criteria.needs_counters()
    }

    /// Requests the counters once they are needed, and ends that when they no longer are; after each message.
    pub(crate) fn refresh_counters(&mut self) {
        let is_needed = self.needs_counters();
        if std::mem::replace(&mut self.has_counters, is_needed) != is_needed {
            self.request(Effect::SetCounters(is_needed));
        }
    }

    /// When the counters in the table were read, at a moment of the history: then or before. `None` without any.
    pub fn counters_at(&self) -> Option<Timestamp> {
        let moment = self.playhead.moment.as_ref()?;
        moment
            .counters_at
            .filter(|_| self.rows.table.flows.is_counted())
    }

    /// Shows or hides the columns with the numbers of connections.
    pub(crate) fn toggle_numbers(&mut self, now: Moment) {
        let are_recorded = self.counters_at().is_some();
        let is_off = !self.rows.columns.shows_counters();
        if !self.is_live() && !are_recorded && is_off {
            return self.warn("no numbers of connections were recorded then", now);
        }
        self.rows.columns.toggle_counters();
    }
}
