//! Waits for what a recorder has taken and not stored yet.

use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::history::{History, StoreError};

/// How often the history is read meanwhile.
pub const POLL: Duration = Duration::from_millis(50);

/// Waits until a recorder has stored everything up to this time, at most so long: a second on an idle machine. Returns whether it
/// has, or can't be requested to by this user.
///
/// # Errors
/// When the folder or a segment can't be read.
pub fn wait_for_recorder(
    history: &mut History,
    at: Timestamp,
    within: Duration,
) -> Result<bool, StoreError> {
    let clock = Clock::start();
    let began = clock.now();
    while history.range().is_none_or(|range| range.to < at) {
        // Again each time: a request may come when it has taken a snapshot and not stored it yet.
        if !history.request_flush() {
            break;
        }
        if began.age(clock.now()) >= within {
            return Ok(false);
        }
        thread::sleep(POLL);
        history.refresh()?;
    }
    Ok(true)
}
