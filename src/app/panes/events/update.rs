//! Following the events with the cursor.

use crate::app::App;
use crate::app::panes::Pane;
use crate::app::table::cursor::Step;
use crate::track::Event;

impl App {
    pub(crate) fn toggle_follow(&mut self) {
        self.rows.is_following = !self.rows.is_following;
        if self.rows.is_following {
            self.go_to_newest(self.log.len());
        }
    }

    /// Scrolling through the events ends following, as the user looks at older ones.
    pub(crate) fn stop_following_in_pane(&mut self) {
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.rows.is_following = false;
        }
    }

    /// Goes to the newest of the last `events` whose row is shown.
    fn go_to_newest(&mut self, events: usize) {
        let rows = &self.rows;
        let shown = |event: &Event| {
            let at = rows.table.position(event.row.id)?;
            rows.selection.shows(at).then_some(at)
        };
        let newest = self.log.iter().rev().take(events).find_map(shown);
        let place = newest.and_then(|at| rows.selection.shown().place_of_row(at));
        if let Some(place) = place {
            self.move_cursor(Step::To(place));
        }
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.dock.scroll = 0;
        }
    }

    /// Follows the last events of the log; they are in the table.
    pub(crate) fn follow(&mut self, events: usize) {
        if self.rows.is_following && events > 0 {
            self.go_to_newest(events);
        }
    }
}
