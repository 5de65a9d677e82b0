//! Faults on purpose, in a debug build alone: the tests prove with them what a crash does and leaves.
//!
//! `SOCKEYE_FAULT=PLACE` makes the program panic each time it comes to that place, `PLACE=2..4` from the
//! second to the fourth time. The places are named where they are passed.

#[cfg(debug_assertions)]
mod asked {
    use std::ops::RangeInclusive;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Where, and at which of its passages.
    struct Fault {
        place: String,
        times: RangeInclusive<u64>,
    }

    static ASKED: LazyLock<Option<Fault>> = LazyLock::new(|| {
        let asked = std::env::var("SOCKEYE_FAULT").ok()?;
        let (place, times) = asked.split_once('=').unwrap_or((&asked, ""));
        let (first, last) = times.split_once("..").unwrap_or_default();
        Some(Fault {
            place: place.to_owned(),
            times: first.parse().unwrap_or(0)..=last.parse().unwrap_or(u64::MAX),
        })
    });

    /// How often the place was passed.
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub fn point(place: &str) {
        let here = ASKED.as_ref().filter(|fault| fault.place == place);
        let Some(fault) = here else { return };
        let time = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!fault.times.contains(&time), "SOCKEYE_FAULT is set");
    }
}

#[cfg(debug_assertions)]
pub use asked::point;

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub const fn point(_: &str) {}
