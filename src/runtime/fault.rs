//! Faults on purpose, in debug builds only: tests use them to see what a crash does and leaves behind.
//!
//! `SOCKEYE_FAULT=POINT` makes the program panic each time it reaches that [`point`], `POINT=2..4` from the
//! second to the fourth time.

#[cfg(debug_assertions)]
mod enabled {
    use std::ops::RangeInclusive;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The point, and which times it panics.
    struct Fault {
        point: String,
        times: RangeInclusive<u64>,
    }

    static FAULT: LazyLock<Option<Fault>> = LazyLock::new(|| {
        let variable = std::env::var("SOCKEYE_FAULT").ok()?;
        let (point, times) = variable.split_once('=').unwrap_or((&variable, ""));
        let (first, last) = times.split_once("..").unwrap_or_default();
        Some(Fault {
            point: point.to_owned(),
            times: first.parse().unwrap_or(0)..=last.parse().unwrap_or(u64::MAX),
        })
    });

    /// How often the point was reached.
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub fn point(name: &str) {
        let Some(fault) = FAULT.as_ref().filter(|fault| fault.point == name) else {
            return;
        };
        let time = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!fault.times.contains(&time), "SOCKEYE_FAULT is set");
    }
}

#[cfg(debug_assertions)]
pub use enabled::point;

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub const fn point(_: &str) {}
