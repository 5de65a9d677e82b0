//! The moment that the table is shown at: now, paused, or at a moment of the history or of a recording.
//!
//! A paused table changes only when the user steps or resumes, even during a bind test or after a signal. Later updates are
//! merged and shown on resume, so that no event is lost.

mod badge;
pub(crate) mod moment;
pub(crate) mod seek;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::app::notices::next_second;
use crate::app::view::{Click, Line, Role, Span, span};
use crate::app::{App, Effect};
use crate::keymap::{Action, ProgramAction};
use crate::model::{Moment, Playback, duration};
use crate::track::{Table, TableUpdate};
use moment::{AtMoment, Seeking};
use seek::Seek;

/// Snapshots of a recording closer than this are a retake for a missing row, and don't show its interval.
const RETAKE: Duration = Duration::from_millis(200);

/// The moment that the table is shown at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Playhead {
    pub pause: Option<Pause>,
    pub playback: Option<Playback>,
    /// The recorded time between its last two snapshots.
    recorded_gap: Option<Duration>,
    /// The moment that is shown instead of the newest table.
    pub moment: Option<AtMoment>,
    seeking: Seeking,
}

#[derive(Clone, Debug)]
pub(crate) struct Pause {
    /// The moment that the table is shown at.
    pub since: Moment,
    /// The merged updates since then.
    kept_back: Option<TableUpdate>,
    /// When a key requested a snapshot to show despite the pause.
    pub requested_at: Option<Moment>,
}

const TOGGLE_PAUSE: Click = Click::Do(Action::Program(ProgramAction::TogglePause));

impl App {
    pub(crate) const fn is_paused(&self) -> bool {
        self.playhead.pause.is_some()
    }

    pub(crate) fn toggle_pause(&mut self, now: Moment) {
        if self.is_at_moment() {
            return self.toggle_play(now);
        }
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

    pub(crate) fn refresh_unless_paused(&mut self) {
        if !self.is_paused() {
            self.request(Effect::Refresh);
        }
    }

    /// Shows a table, or keeps it back while paused. The first one is always shown, and a recording advances step by
    /// step; a live table is shown if a key requested it, and paused again.
    pub(crate) fn receive_table(&mut self, mut update: TableUpdate, now: Moment) {
        if self.is_at_moment() {
            return self.receive_out_of_sight(update, now);
        }
        let is_live = self.is_live();
        if let Some(pause) = &mut self.playhead.pause {
            let taken_at = update.table.taken_at;
            if let Some(earlier) = pause.kept_back.take() {
                let mut events = earlier.events;
                events.append(&mut update.events);
                update.events = events;
            }
            // A snapshot in progress when the key was pressed is not the requested one.
            let is_it = |at: Moment| !is_live || taken_at.steady >= at.steady;
            if self.rows.has_snapshot && !pause.requested_at.is_some_and(is_it) {
                pause.kept_back = Some(update);
                return;
            }
            pause.requested_at = None;
            pause.since = now;
        }
        self.show_table(update, now);
    }

    fn show_table(&mut self, update: TableUpdate, now: Moment) {
        self.keep_line_in_events(&update.events, now);
        let events = update.events.len();
        let (table, playback) = self.note_update(update, now);
        self.rows.failure = None;
        self.rows.marks.keep_those_in(&table);
        self.rows.table = table;
        self.rows.has_snapshot = true;
        self.playhead.playback = playback;
        self.find_namespaces(now);
        self.reselect(now);
        self.leave_gone_namespace(now);
        if events > 0 {
            self.follow(events, now);
        }
        if let Some(at) = self.environment.begin_at.take() {
            self.seek_moment(Seek::Time(at), now);
        }
    }

    /// Notes what an update says about the newest table, whether or not that is shown: alerts, counts, rates, events.
    fn note_update(&mut self, update: TableUpdate, now: Moment) -> (Arc<Table>, Option<Playback>) {
        self.alert(&update, now);
        let table = update.table;
        let valid_for = self.valid_for(table.taken_at);
        self.history.add(table.taken_at, table.counts, valid_for);
        self.history.count(&update.events);
        self.rates.add(&table);
        self.log.extend(update.events);
        (table, update.playback)
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
        (usual.saturating_mul(2)).saturating_add(Duration::from_secs(1))
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
        if let Some(moment) = &self.playhead.moment {
            return moment.at;
        }
        let taken_at = self.rows.table.taken_at;
        if !self.is_live() {
            return taken_at;
        }
        let pause = self.playhead.pause.as_ref();
        let now = pause.map_or(now, |pause| pause.since);
        // The system's clock may claim the end of time.
        let wall = taken_at.wall.checked_add(taken_at.age(now));
        Moment {
            steady: now.steady,
            wall: wall.unwrap_or(taken_at.wall),
        }
    }

    fn interval_span(&self) -> Span {
        let every = duration::format_in_minutes(self.settings.interval);
        span(format!("every {every} "), Role::Dim)
    }

    /// The interval, or why the data is not current.
    pub(crate) fn clock_line(&self, now: Moment, columns: u16) -> Line {
        if self.is_at_moment() || !self.is_live() {
            return self.badge_line(columns, now);
        }
        if let Some(pause) = &self.playhead.pause {
            let at = self.clock(pause.since.wall);
            let age = match pause.since.age(now).as_secs() / 60 {
                0 => String::new(),
                minutes => format!(" · {minutes}m"),
            };
            let paused = span(format!("paused {at}{age} "), Role::Warning);
            return vec![paused.on_click(TOGGLE_PAUSE)];
        }
        let every = self.interval_span().on_click(TOGGLE_PAUSE);
        let age = self.rows.table.taken_at.age(now);
        if self.rows.has_snapshot && age > self.stale_after() {
            let ago = span(format!("· {}s ago ", age.as_secs()), Role::Warning);
            let refresh = Click::Do(Action::Program(ProgramAction::Refresh));
            return vec![every, ago.on_click(refresh)];
        }
        if self.rows.is_following && self.size.is_compact() {
            // There is no room among the counts.
            return vec![span("following ", Role::Accent)];
        }
        vec![every]
    }

    /// How old the table may be before its age is shown.
    pub(crate) fn stale_after(&self) -> Duration {
        self.settings.interval * 2 + Duration::from_secs(1)
    }

    /// When the header changes, or the sentence in place of the first table.
    pub(crate) fn header_changes_in(&self, now: Moment) -> Option<Duration> {
        if let Some(moment) = &self.playhead.moment {
            return self.moment_changes_in(moment, now);
        }
        if self.rows.has_snapshot && !self.is_live() {
            return None;
        }
        let age = self.rows.table.taken_at.age(now);
        let pause = self.playhead.pause.as_ref();
        let paused = pause.map(|pause| next(pause.since.age(now), Duration::from_mins(1)));
        let table = if !self.rows.has_snapshot {
            Some(next_second(age))
        } else if paused.is_some() {
            None
        } else {
            let fresh = self.stale_after().checked_sub(age);
            Some(fresh.unwrap_or_else(|| next(age, Duration::from_secs(1))))
        };
        [paused, table].into_iter().flatten().min()
    }

    /// The time of day: `12:04:31`.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        self.time(at, "%H:%M:%S")
    }

    pub(crate) fn time(&self, at: Timestamp, format: &str) -> String {
        let zoned = at.to_zoned(self.environment.time_zone.clone());
        zoned.strftime(format).to_string()
    }
}

/// How long until an age is one unit more.
fn next(age: Duration, unit: Duration) -> Duration {
    let units = age.as_secs() / unit.as_secs() + 1;
    Duration::from_secs(units * unit.as_secs()).saturating_sub(age)
}
