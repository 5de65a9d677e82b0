//! A table that stands still: since when, and what was read meanwhile.
//!
//! Whatever else runs (a bind test, its watch, an end), nothing moves in a paused table but by a key that says so:
//! what is read meanwhile is put aside and taken in when the table goes on, so that no event is lost.

mod recorded;
mod view;

use crate::app::Effects;
use crate::app::view::duration_text;
use crate::app::{App, Effect};
use crate::model::{Moment, Playback};
use crate::track::TableUpdate;
use std::time::Duration;

/// The moment that the table is shown at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Playhead {
    /// While the table stands still.
    pub pause: Option<Pause>,
    /// How far the recording has been played that the table is of.
    pub playback: Option<Playback>,
    /// The recorded time between the last two tables of a recording.
    pub recorded_gap: Option<Duration>,
}

/// A pause.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    /// The moment at which the table stands.
    pub since: Moment,
    /// What was read meanwhile.
    held: Option<TableUpdate>,
    /// Since when a key asks for a reading that is shown all the same.
    wanted_since: Option<Moment>,
}

impl Pause {
    const fn new(since: Moment) -> Self {
        Self {
            since,
            held: None,
            wanted_since: None,
        }
    }
}

impl App {
    /// Whether the table stands still.
    pub(crate) const fn is_paused(&self) -> bool {
        self.playhead.pause.is_some()
    }

    pub(crate) fn toggle_pause(&mut self, now: Moment) -> Effects {
        let mut effects = Vec::new();
        match self.playhead.pause.take() {
            None => self.playhead.pause = Some(Pause::new(now)),
            Some(Pause { held: None, .. }) => {}
            Some(Pause {
                held: Some(held), ..
            }) => effects = self.take_in(held, now),
        }
        self.reselect(now);
        effects.push(Effect::SetPaused(self.is_paused()));
        effects
    }

    /// A reading for a table that goes on; a paused one needs none.
    pub(crate) fn refresh_unless_paused(&self) -> Effects {
        if self.is_paused() {
            Vec::new()
        } else {
            vec![Effect::Refresh]
        }
    }

    /// A reading that a key asked for: a paused table shows it, and stands still again.
    pub(crate) fn refresh_in_any_case(&mut self, now: Moment) -> Effects {
        if let Some(pause) = &mut self.playhead.pause {
            pause.wanted_since = Some(now);
        }
        vec![Effect::Refresh]
    }

    /// Takes in what was read, or puts it aside.
    pub(crate) fn take_snapshot(&mut self, observation: TableUpdate, now: Moment) -> Effects {
        let taken_at = observation.table.taken_at;
        // Before the first one there is no table that could stand still; a recording is stepped through.
        let is_any_wanted = !self.rows.has_snapshot;
        let is_next_wanted = self.environment.is_recording;
        let Some(pause) = self.playhead.pause.as_mut() else {
            return self.take_in(observation, now);
        };
        let observation = match pause.held.take() {
            Some(held) => held.followed_by(observation),
            None => observation,
        };
        // One that was under way when the key was pressed is not the one that is asked for.
        let is_it = |since: Moment| is_next_wanted || taken_at.steady >= since.steady;
        if !is_any_wanted && !pause.wanted_since.is_some_and(is_it) {
            pause.held = Some(observation);
            return Vec::new();
        }
        pause.wanted_since = None;
        pause.since = now;
        self.take_in(observation, now)
    }

    /// Steps through a fixed row of intervals, from 100 ms to a minute.
    pub(crate) fn change_interval(&mut self, by: isize, now: Moment) -> Effects {
        const MILLIS: [u64; 9] = [100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
        let millis = u64::try_from(self.settings.interval.as_millis()).unwrap_or(u64::MAX);
        let next = if by > 0 {
            MILLIS.iter().find(|&&one| one > millis)
        } else {
            MILLIS.iter().rev().find(|&&one| one < millis)
        };
        let Some(&next) = next else { return Vec::new() };
        self.settings.interval = std::time::Duration::from_millis(next);
        self.report(
            format!("every {}", duration_text(self.settings.interval)),
            now,
        );
        vec![Effect::SetInterval(self.settings.interval)]
    }

    /// The moment at which the table is shown. A recording has its own time: that of the table. Otherwise it is
    /// now, or that of the pause; the wall clock is the table's own, carried on, so that a clock that is set
    /// back makes no age jump.
    pub(crate) fn shown_at(&self, now: Moment) -> Moment {
        if self.environment.is_recording {
            return self.rows.table.taken_at;
        }
        let now = self
            .playhead
            .pause
            .as_ref()
            .map_or(now, |pause| pause.since);
        let (taken_at, ahead) = (self.rows.table.taken_at, self.rows.table.taken_at.age(now));
        // The system's clock may claim the end of time.
        let wall = taken_at.wall.checked_add(ahead).unwrap_or(taken_at.wall);
        Moment {
            steady: now.steady,
            wall,
        }
    }

    /// Makes what was read the table that is shown.
    pub(crate) fn take_in(&mut self, observation: TableUpdate, now: Moment) -> Effects {
        let effects = self.take_alerts(&observation);
        let table = &observation.table;
        let fresh = self.holds_for(table.taken_at);
        self.history.take(table.taken_at, table.counts, fresh);
        self.history.count(&observation.events);
        let events = observation.events.len();
        self.log.extend(observation.events);
        self.rows.failure = None;
        self.rows.table = observation.table;
        self.playhead.playback = observation.playback;
        self.rows.has_snapshot = true;
        self.reselect(now);
        self.follow(events);
        effects
    }
}
