//! How long the parts of a snapshot take. The caller provides the time of a snapshot.

use std::time::{Duration, Instant};

/// Measures one part after the other.
pub(super) struct Meter(Instant);

impl Meter {
    pub(super) fn start() -> Self {
        Self(now())
    }

    /// Returns the time since the last call, and starts measuring the next part.
    pub(super) fn lap(&mut self) -> Duration {
        let began = std::mem::replace(&mut self.0, now());
        self.0 - began
    }
}

#[expect(clippy::disallowed_methods, reason = "measures only")]
fn now() -> Instant {
    Instant::now()
}
