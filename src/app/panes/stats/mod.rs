//! The cost of the last refreshes, each with the draws before it.
//!
//! A draw is shown with the next refresh: shown at once, it would change the screen, and each draw would cause another.

mod gauge;
mod view;

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Refresh;

/// How many refreshes are kept.
pub(crate) const MAX_REFRESHES: usize = 100;

/// Measurements since the start of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    /// The last refreshes, the newest first.
    refreshes: VecDeque<Measured>,
    count: u64,
    /// Since the last refresh.
    draws: Draws,
}

/// A refresh, and the draws between the previous one and it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub refresh: Refresh,
    pub draws: Draws,
}

impl Measured {
    /// The refresh and the longest draw together.
    pub(crate) fn total(&self) -> Duration {
        self.refresh.cost.total() + self.draws.longest
    }
}

/// How often the screen was drawn, and how long the longest of these took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Draws {
    pub count: u64,
    pub longest: Duration,
}

impl Stats {
    /// Adds a refresh, with the draws since the one before.
    pub(crate) fn add_refresh(&mut self, refresh: Refresh) {
        let draws = std::mem::take(&mut self.draws);
        self.refreshes.truncate(MAX_REFRESHES - 1);
        self.refreshes.push_front(Measured { refresh, draws });
        self.count += 1;
    }

    pub(crate) fn add_draw(&mut self, took: Duration) {
        self.draws.count += 1;
        self.draws.longest = self.draws.longest.max(took);
    }

    /// The newest first.
    pub(crate) fn refreshes(&self) -> impl Iterator<Item = &Measured> {
        self.refreshes.iter()
    }

    /// The number of refreshes, including those no longer kept.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }
}
