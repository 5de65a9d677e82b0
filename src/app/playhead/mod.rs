//! The moment that the table is shown at: live, paused, or at a moment of a recording.
//!
//! A paused table changes only by a key for that, even during a bind test or after a signal. Later updates are merged
//! and shown on resume, so that no event is lost.

mod view;

use std::time::Duration;

use crate::app::{App, Effect};
use crate::model::{Moment, Playback, duration};
use crate::track::TableUpdate;

/// Snapshots of a recording closer than this are a retake for a missing row, and don't show its interval.
const RETAKE: Duration = Duration::from_millis(200);

/// The moment that the table is shown at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Playhead {
    /// The pause, while the table is paused.
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
    /// The merged updates since then.
    kept_back: Option<TableUpdate>,
    /// When a key requested a snapshot to show despite the pause.
    requested_at: Option<Moment>,
}

impl Playhead {
    /// A snapshot requested by a key is shown even while paused; then the table is paused again.
    pub fn request_snapshot(&mut self, now: Moment) {
        if let Some(pause) = &mut self.pause {
            pause.requested_at = Some(now);
        }
    }

    /// Keeps an update back while paused; returns the update to show now. `is_any` shows it in any case, `is_next` if
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
            Some(mut earlier) => {
                earlier.events.extend(update.events);
                TableUpdate {
                    events: earlier.events,
                    ..update
                }
            }
            None => update,
        };
        // A snapshot in progress when the key was pressed is not the requested one.
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

    pub(crate) fn toggle_pause(&mut self, now: Moment) {
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
                    self.show_table(update, now);
                }
            }
        }
        self.reselect(now);
        self.request(Effect::SetPaused(self.is_paused()));
    }

    /// Requests a snapshot unless paused.
    pub(crate) fn refresh_unless_paused(&mut self) {
        if !self.is_paused() {
            self.request(Effect::Refresh);
        }
    }

    /// Shows a table, or keeps it back.
    pub(crate) fn receive_table(&mut self, update: TableUpdate, now: Moment) {
        // The first table is always shown; a recording advances step by step.
        let wanted = (!self.rows.has_snapshot, !self.is_live());
        if let Some(update) = self.playhead.admit(update, wanted, now) {
            self.show_table(update, now);
        }
    }

    fn show_table(&mut self, update: TableUpdate, now: Moment) {
        self.alert(&update);
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
    }

    /// How long the current table is valid if the next one was taken at `next`. A recording does not contain its
    /// interval, so twice the time between its last two snapshots is used, as for the live table.
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
    pub(crate) fn change_interval(&mut self, by: isize, now: Moment) {
        const MILLIS: [u64; 9] = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
        let interval = self.settings.interval;
        let mut steps = MILLIS.map(Duration::from_millis).into_iter();
        let next = if by > 0 {
            steps.find(|&one| one > interval)
        } else {
            steps.rfind(|&one| one < interval)
        };
        let Some(next) = next else { return };
        self.settings.interval = next;
        self.report(format!("every {}", duration::format_in_minutes(next)), now);
        self.request(Effect::SetInterval(next));
    }

    /// The moment that the table is shown at. For a recording: the time of the table; otherwise now, or the time of the
    /// pause. The wall clock continues from the table's, so that setting it back makes no age jump.
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
