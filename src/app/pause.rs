//! A table that stands still: since when, and what was read meanwhile.
//!
//! Whatever else runs (a bind test, its watch, an end), nothing moves in a paused table but by a key that says so:
//! what is read meanwhile is put aside and taken in when the table goes on, so that no event is lost.

use super::update::Effects;
use super::{App, Effect};
use crate::model::Moment;
use crate::track::TableUpdate;

/// A pause.
#[derive(Clone, Debug)]
pub(super) struct Pause {
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
    pub(super) const fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    pub(super) fn toggle_pause(&mut self, now: Moment) -> Effects {
        let mut effects = Vec::new();
        match self.pause.take() {
            None => self.pause = Some(Pause::new(now)),
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
    pub(super) fn refresh_unless_paused(&self) -> Effects {
        if self.is_paused() {
            Vec::new()
        } else {
            vec![Effect::Refresh]
        }
    }

    /// A reading that a key asked for: a paused table shows it, and stands still again.
    pub(super) fn refresh_in_any_case(&mut self, now: Moment) -> Effects {
        if let Some(pause) = &mut self.pause {
            pause.wanted_since = Some(now);
        }
        vec![Effect::Refresh]
    }

    /// Takes in what was read, or puts it aside.
    pub(super) fn take_snapshot(&mut self, observation: TableUpdate, now: Moment) -> Effects {
        let taken_at = observation.table.taken_at;
        // Before the first one there is no table that could stand still; a recording is stepped through.
        let is_any_wanted = !self.has_snapshot;
        let is_next_wanted = self.surroundings.is_recording;
        let Some(pause) = self.pause.as_mut() else {
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
}
