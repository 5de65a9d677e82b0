//! How long the parts of a snapshot take. The time of a snapshot comes from outside.

use std::time::{Duration, Instant};

/// Measures one part after the other.
pub(super) struct Meter(Instant);

impl Meter {
    pub(super) fn start() -> Self {
        Self(now())
    }

    /// The time of the part that ends here; the next one begins.
    pub(super) fn lap(&mut self) -> Duration {
        let began = std::mem::replace(&mut self.0, now());
        self.0 - began
    }
}

#[expect(clippy::disallowed_methods, reason = "measures only")]
fn now() -> Instant {
    Instant::now()
}
