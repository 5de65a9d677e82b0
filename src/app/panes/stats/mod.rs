//! What the refreshes cost: the last of them, each with the draws that came before it.
//!
//! A draw is kept back until the next refresh. Were it shown at once, it would change the screen, and
//! each draw would ask for another.

mod gauge;
mod view;

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Refresh;

/// So many refreshes are kept, the oldest are forgotten.
pub(crate) const MAX_REFRESHES: usize = 100;

/// What was measured since the program began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    /// The last refreshes, the newest first.
    refreshes: VecDeque<Measured>,
    /// How many there were, with those that are forgotten.
    count: u64,
    /// Since the last refresh.
    draws: Draws,
}

/// A refresh, and what was drawn between the one before and it.
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
    /// Takes in a refresh; what was drawn until now stands beside it.
    pub(crate) fn refreshed(&mut self, refresh: Refresh) {
        let draws = std::mem::take(&mut self.draws);
        self.refreshes.truncate(MAX_REFRESHES - 1);
        self.refreshes.push_front(Measured { refresh, draws });
        self.count += 1;
    }

    /// Takes in a draw.
    pub(crate) fn drew(&mut self, took: Duration) {
        self.draws.count += 1;
        self.draws.longest = self.draws.longest.max(took);
    }

    /// The refreshes that are kept, the newest first.
    pub(crate) fn refreshes(&self) -> impl Iterator<Item = &Measured> {
        self.refreshes.iter()
    }

    /// How many refreshes there were.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }
}
