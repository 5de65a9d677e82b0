//! How long the parts of a reading take. What time it is, a source is told.

use std::time::{Duration, Instant};

/// Measures one part after the other.
pub(super) struct Meter(Instant);

impl Meter {
    /// Begins with the first part.
    pub(super) fn start() -> Self {
        Self(now())
    }

    /// How long the part took that ends here; the next one begins.
    pub(super) fn lap(&mut self) -> Duration {
        let began = std::mem::replace(&mut self.0, now());
        self.0 - began
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "to measure, not to tell the time"
)]
fn now() -> Instant {
    Instant::now()
}
