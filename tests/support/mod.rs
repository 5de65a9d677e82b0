//! What the integration tests share. Each test binary uses a part of it.
#![allow(dead_code, reason = "each test binary uses its own part of the support code")]

pub mod netns;

/// Whether `SOCKEYE_REQUIRE` (a comma-separated list, set by `.ci/run`) demands this facility, so
/// that a test which needs it must fail rather than be skipped.
pub fn is_required(facility: &str) -> bool {
    std::env::var("SOCKEYE_REQUIRE").is_ok_and(|list| list.split(',').any(|one| one == facility))
}
