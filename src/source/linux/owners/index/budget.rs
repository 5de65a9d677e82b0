//! Limits on the cost of scanning, counted in descriptors: about 3 µs each when measured; each process costs as much as
//! four.

use std::time::Duration;

/// A number of descriptors that may be read; the last process may exceed it.
#[derive(Debug)]
pub(super) struct ScanBudget {
    left: i64,
    pub(super) per_second: i64,
    pub(super) limit: i64,
}

impl ScanBudget {
    /// For new sockets: 2 % of a core, or 100 ms at once after a time without any.
    pub(super) const SEARCH: Self = Self::new(6_000, 30_000);

    /// For the sweep: 0.5 % of a core. With more than 45,000 descriptors in processes that run all the time, a sweep
    /// takes longer than 30 seconds.
    pub(super) const SWEEP: Self = Self::new(1_500, 45_000);

    /// A full budget, which grows at this rate per second up to the limit.
    pub(super) const fn new(per_second: i64, limit: i64) -> Self {
        Self {
            left: limit,
            per_second,
            limit,
        }
    }

    /// Adds the growth for this time.
    pub(super) fn refill(&mut self, elapsed: Duration) {
        let earned = elapsed
            .as_millis()
            .saturating_mul(self.per_second.cast_unsigned().into())
            / 1000;
        let earned = i64::try_from(earned).unwrap_or(self.limit);
        self.left = self.left.saturating_add(earned).min(self.limit);
    }

    /// How many descriptors may be read without exceeding it.
    pub(super) fn left(&self) -> u64 {
        self.left.try_into().unwrap_or(0)
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.left <= 0
    }

    pub(super) fn spend(&mut self, descriptors: u64) {
        let descriptors = i64::try_from(descriptors).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(descriptors);
    }
}

/// When to search again for a socket that no process was found to have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RetryBackoff {
    /// How often in a row no owner was found.
    pub(super) misses: u32,
    /// How many snapshots to skip before the next search.
    pub(super) skip: u32,
    /// Whether the last search ended before it had read every process.
    pub(super) is_unfinished: bool,
}

impl RetryBackoff {
    /// No owner was found. The second search is at once, later ones after 1, 2, 4, … snapshots.
    pub(super) fn miss(&mut self) {
        self.misses = self.misses.saturating_add(1);
        self.skip = match self.misses {
            1 => 0,
            misses => 1 << (misses - 2).min(16),
        };
    }
}
