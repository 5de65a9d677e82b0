//! Following the events with the cursor.

use crate::app::App;
use crate::app::panes::Pane;
use crate::app::table::cursor::Step;
use crate::track::Event;

impl App {
    /// Begins to follow what happens, or stops.
    pub(crate) fn toggle_follow(&mut self) {
        self.rows.is_following = !self.rows.is_following;
        if self.rows.is_following {
            self.go_to_newest(self.log.len());
        }
    }

    /// Whoever scrolls through the events reads older ones.
    pub(crate) fn stop_following_in_pane(&mut self) {
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.rows.is_following = false;
        }
    }

    /// Goes to the newest of the last `events` whose row is shown.
    fn go_to_newest(&mut self, events: usize) {
        let shown = |event: &Event| {
            let at = self.rows.table.position(event.row.id)?;
            self.rows.selection.shows(at).then_some(at)
        };
        let newest = self.log.iter().rev().take(events).find_map(shown);
        let shown = self.rows.selection.shown();
        let place = newest.and_then(|at| shown.iter().position(|&one| one == at));
        if let Some(place) = place {
            self.move_cursor(Step::To(place));
        }
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.dock.scroll = 0;
        }
    }

    /// What the last of the log mean to who follows them; they are in the table.
    pub(crate) fn follow(&mut self, events: usize) {
        if self.rows.is_following && events > 0 {
            self.go_to_newest(events);
        }
    }
}
