//! The program's clock: the one place that asks the system what time it is.

use std::time::Instant;

use jiff::Timestamp;

use crate::model::Moment;

/// Counts steadily from the program's start, whatever happens to the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock that starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// The present.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn now(&self) -> Moment {
        Moment {
            steady: self.started.elapsed(),
            wall: Timestamp::now(),
        }
    }
}
