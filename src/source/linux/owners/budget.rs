//! What looking at processes may cost, counted in descriptors: about 3 µs each, where it was measured, and
//! as much as four of them for a look by itself.

use std::time::Duration;

/// An account of descriptors that may be looked at; the last look may overdraw it.
#[derive(Debug)]
pub(super) struct Purse {
    left: i64,
    pub(super) per_second: i64,
    pub(super) most: i64,
}

impl Purse {
    /// For sockets that are new: 2 % of a core, or 100 ms at once after a time without any.
    pub(super) const SEARCH: Self = Self::new(6_000, 30_000);

    /// For the rounds: 0.5 % of a core. With more than 45,000 descriptors in processes that run all the
    /// time, a round takes longer than 30 seconds.
    pub(super) const ROUNDS: Self = Self::new(1_500, 45_000);

    /// One that is full, earns so much in a second, and keeps no more than so much.
    pub(super) const fn new(per_second: i64, most: i64) -> Self {
        Self {
            left: most,
            per_second,
            most,
        }
    }

    /// Adds what was earned since the last time.
    pub(super) fn refill(&mut self, elapsed: Duration) {
        let earned = elapsed
            .as_millis()
            .saturating_mul(self.per_second.cast_unsigned().into())
            / 1000;
        let earned = i64::try_from(earned).unwrap_or(self.most);
        self.left = self.left.saturating_add(earned).min(self.most);
    }

    /// How many descriptors may be looked at without going into debt.
    pub(super) const fn left(&self) -> u64 {
        if self.left > 0 {
            self.left.cast_unsigned()
        } else {
            0
        }
    }

    /// Whether nothing more may be looked at.
    pub(super) const fn is_empty(&self) -> bool {
        self.left <= 0
    }

    /// Takes what a look took.
    pub(super) fn pay(&mut self, looked_at: u64) {
        let looked_at = i64::try_from(looked_at).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(looked_at);
    }
}
