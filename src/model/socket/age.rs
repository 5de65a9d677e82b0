//! How long something has been in its state: exactly, or at least.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
