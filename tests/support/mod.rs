//! What the integration tests share. Each test binary uses a part of it.
#![allow(
    dead_code,
    reason = "each test binary uses its own part of the support code"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test says why it did not run, and has a deadline"
)]

use std::thread;
use std::time::{Duration, Instant};

pub mod connections;
pub mod netns;
pub mod pty;

/// How long a test waits for what must happen; generous, as it is only used up by a failure.
pub const MAX_WAIT: Duration = Duration::from_secs(20);

/// Whether `SOCKEYE_REQUIRE` (a comma-separated list, set by `.ci/run`) demands this facility, so
/// that a test which needs it must fail rather than be skipped.
pub fn is_required(facility: &str) -> bool {
    std::env::var("SOCKEYE_REQUIRE").is_ok_and(|list| list.split(',').any(|one| one == facility))
}

/// Waits until `condition` holds; panics naming `what` if it does not within [`MAX_WAIT`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + MAX_WAIT;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
