//! A point in time, by the wall clock and by a steady clock.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When something was seen: the wall clock to print it, and a steady clock to measure with.
///
/// The wall clock may jump; ages and expiries are measured on `steady` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Time since the program (or the recording) began; never goes back.
    pub steady: Duration,
    /// Wall-clock time.
    pub wall: Timestamp,
}

impl Moment {
    /// How long before `now` this was; zero if it is later.
    pub fn age(&self, now: Self) -> Duration {
        now.steady.saturating_sub(self.steady)
    }
}
