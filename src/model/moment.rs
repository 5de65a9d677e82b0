//! A point in time, and how long something has lasted.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When something was seen: the wall clock, which may jump, to print it, and a steady clock to measure ages with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// How long something has been in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Exactly this long.
    Exactly(Duration),
    /// This long or longer: its beginning was not seen.
    AtLeast(Duration),
}

impl Age {
    /// The time, exact or not.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Exactly(time) | Self::AtLeast(time) => time,
        }
    }

    /// The age after this time.
    #[must_use]
    pub const fn after(self, passed: Duration) -> Self {
        match self {
            Self::Exactly(time) => Self::Exactly(time.saturating_add(passed)),
            Self::AtLeast(time) => Self::AtLeast(time.saturating_add(passed)),
        }
    }
}
