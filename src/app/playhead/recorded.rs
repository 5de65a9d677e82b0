//! The time of a recording: its own, however fast it is played.

use std::time::Duration;

use crate::app::App;
use crate::model::Moment;

/// Snapshots of a recording that follow each other faster than this are a second look at a row that was missing: how
/// often it was read they do not say.
const SECOND_LOOK: Duration = Duration::from_millis(200);

impl App {
    /// For how long the table that is shown holds if a further one was taken at `next`. A recording says nothing of its
    /// interval: the time between its last two tables does, doubled as that of the live table.
    pub(crate) fn holds_for(&mut self, next: Moment) -> Duration {
        if !self.environment.is_recording {
            return self.stale_after();
        }
        let gap = self.rows.table.taken_at.age(next);
        let usual = self.playhead.recorded_gap.unwrap_or(gap);
        if self.rows.has_snapshot && gap >= SECOND_LOOK {
            self.playhead.recorded_gap = Some(gap);
        }
        usual
            .saturating_mul(2)
            .saturating_add(Duration::from_secs(1))
    }
}
