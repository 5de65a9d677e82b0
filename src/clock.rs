//! The program's clock: the only place that reads the system's.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::Moment;

/// Counts steadily from the program's start, whatever happens to the wall clock. On Linux it goes on
/// while the machine is suspended, as the ages of sockets do.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Duration,
    /// What it shows at the start.
    first: Duration,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self::starting_at(Duration::ZERO)
    }

    /// A clock that shows this time now, and counts on from there.
    pub fn starting_at(first: Duration) -> Self {
        Self {
            started: steady(),
            first,
        }
    }

    /// The present.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    pub fn now(&self) -> Moment {
        Moment {
            steady: self.first + steady().saturating_sub(self.started),
            wall: Timestamp::now(),
        }
    }
}

/// Time since the machine was booted. Where a sandbox does not know that clock: since then, but for the time of being
/// suspended.
#[cfg(target_os = "linux")]
fn steady() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME);
    let since_boot = since_boot.or_else(|_| clock_gettime(ClockId::CLOCK_MONOTONIC));
    since_boot.map(Duration::from).unwrap_or_default()
}

/// Time since this was first called.
#[cfg(not(target_os = "linux"))]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else is given"
)]
fn steady() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_never_goes_back() {
        let clock = Clock::start();
        let moments: Vec<_> = (0..1000).map(|_| clock.now().steady).collect();
        assert!(moments.is_sorted());
    }
}
