//! The moment that the table is shown at: live, paused, or at a moment of a recording.
//!
//! Nothing moves in a paused table but by a key that says so, even while a bind test or an end runs: what is read
//! meanwhile is kept back and shown when the table goes on, so that no event is lost.

mod view;

use std::time::Duration;

use crate::app::view::duration_text;
use crate::app::{App, Effect, Effects};
use crate::model::{Moment, Playback};
use crate::track::TableUpdate;

/// Snapshots of a recording that follow each other faster than this are a retake for a missing row: they say nothing
/// about its interval.
const RETAKE: Duration = Duration::from_millis(200);

/// The moment that the table is shown at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Playhead {
    /// While the table is paused.
    pub pause: Option<Pause>,
    /// How far a recording has been played.
    pub playback: Option<Playback>,
    /// The recorded time between its last two snapshots.
    recorded_gap: Option<Duration>,
}

/// A pause.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    /// The moment that the table is shown at.
    pub since: Moment,
    /// What was read since.
    kept_back: Option<TableUpdate>,
    /// When a key requested a snapshot that is shown all the same.
    requested_at: Option<Moment>,
}

impl Playhead {
    /// A snapshot that a key requested is shown even in a paused table, which is paused again then.
    pub fn request_snapshot(&mut self, now: Moment) {
        if let Some(pause) = &mut self.pause {
            pause.requested_at = Some(now);
        }
    }

    /// Keeps a table back while paused; returns what is to be shown now. `is_any` shows it in any case, `is_next` if
    /// one was requested, even before it was taken.
    fn admit(
        &mut self,
        update: TableUpdate,
        (is_any, is_next): (bool, bool),
        now: Moment,
    ) -> Option<TableUpdate> {
        let Some(pause) = &mut self.pause else {
            return Some(update);
        };
        let taken_at = update.table.taken_at;
        let update = match pause.kept_back.take() {
            Some(earlier) => earlier.followed_by(update),
            None => update,
        };
        // A snapshot that was under way when the key was pressed is not the requested one.
        let is_it = |at: Moment| is_next || taken_at.steady >= at.steady;
        if !is_any && !pause.requested_at.is_some_and(is_it) {
            pause.kept_back = Some(update);
            return None;
        }
        pause.requested_at = None;
        pause.since = now;
        Some(update)
    }
}

impl App {
    pub(crate) const fn is_paused(&self) -> bool {
        self.playhead.pause.is_some()
    }

    pub(crate) fn toggle_pause(&mut self, now: Moment) -> Effects {
        let mut effects = Vec::new();
        match self.playhead.pause.take() {
            None => {
                self.playhead.pause = Some(Pause {
                    since: now,
                    kept_back: None,
                    requested_at: None,
                });
            }
            Some(pause) => {
                if let Some(update) = pause.kept_back {
                    effects = self.show_table(update, now);
                }
            }
        }
        self.reselect(now);
        effects.push(Effect::SetPaused(self.is_paused()));
        effects
    }

    /// A snapshot for a table that goes on; a paused one needs none.
    pub(crate) fn refresh_unless_paused(&self) -> Effects {
        if self.is_paused() {
            Vec::new()
        } else {
            vec![Effect::Refresh]
        }
    }

    /// Shows a table, or keeps it back.
    pub(crate) fn receive_table(&mut self, update: TableUpdate, now: Moment) -> Effects {
        // The first one is always shown; a recording is stepped through.
        let wanted = (!self.rows.has_snapshot, !self.is_live());
        let admitted = self.playhead.admit(update, wanted, now);
        admitted.map_or_else(Vec::new, |update| self.show_table(update, now))
    }

    fn show_table(&mut self, update: TableUpdate, now: Moment) -> Effects {
        let effects = self.alert(&update);
        let table = update.table;
        let valid_for = self.valid_for(table.taken_at);
        self.history.add(table.taken_at, table.counts, valid_for);
        self.history.count(&update.events);
        let events = update.events.len();
        self.log.extend(update.events);
        self.rows.failure = None;
        self.rows.table = table;
        self.rows.has_snapshot = true;
        self.playhead.playback = update.playback;
        self.reselect(now);
        self.follow(events);
        effects
    }

    /// For how long the present table is valid if the next one was taken at `next`. A recording does not record its
    /// interval: the time between its last two snapshots counts instead, doubled as that of the live table.
    fn valid_for(&mut self, next: Moment) -> Duration {
        if self.is_live() {
            return self.stale_after();
        }
        let gap = self.rows.table.taken_at.age(next);
        let usual = self.playhead.recorded_gap.unwrap_or(gap);
        if self.rows.has_snapshot && gap >= RETAKE {
            self.playhead.recorded_gap = Some(gap);
        }
        usual
            .saturating_mul(2)
            .saturating_add(Duration::from_secs(1))
    }

    /// Steps through fixed intervals, from 100 ms to a minute.
    pub(crate) fn change_interval(&mut self, by: isize, now: Moment) -> Effects {
        const MILLIS: [u64; 9] = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
        let interval = self.settings.interval;
        let mut steps = MILLIS.map(Duration::from_millis).into_iter();
        let next = if by > 0 {
            steps.find(|&one| one > interval)
        } else {
            steps.rfind(|&one| one < interval)
        };
        let Some(next) = next else { return Vec::new() };
        self.settings.interval = next;
        self.report(format!("every {}", duration_text(next)), now);
        vec![Effect::SetInterval(next)]
    }

    /// The moment that the table is shown at. A recording has its own time: that of the table. Otherwise it is now, or
    /// that of the pause; the wall clock is the table's, carried on, so that a clock that is set back makes no age
    /// jump.
    pub(crate) fn shown_at(&self, now: Moment) -> Moment {
        let taken_at = self.rows.table.taken_at;
        if !self.is_live() {
            return taken_at;
        }
        let now = self
            .playhead
            .pause
            .as_ref()
            .map_or(now, |pause| pause.since);
        // The system's clock may claim the end of time.
        let wall = taken_at.wall.checked_add(taken_at.age(now));
        Moment {
            steady: now.steady,
            wall: wall.unwrap_or(taken_at.wall),
        }
    }
}
