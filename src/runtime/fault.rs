//! Deliberate faults, in debug builds only, to test the effects of a crash.

/// With `SOCKEYE_FAULT=NAME` in the environment, panics each time a point of that name is reached, with
/// `NAME=2..4` from the second to the fourth time.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let Ok(fault) = std::env::var("SOCKEYE_FAULT") else {
        return;
    };
    let (point, times) = fault.split_once('=').unwrap_or((&fault, ""));
    if point == name {
        let (first, last) = times.split_once("..").unwrap_or_default();
        let times = first.parse().unwrap_or(0)..=last.parse().unwrap_or(u64::MAX);
        let time = REACHED.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!times.contains(&time), "SOCKEYE_FAULT is set");
    }
}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub const fn point(_: &str) {}
