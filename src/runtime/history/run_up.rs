//! What came before a moment that is shown: the changes, and the counters that its rates are reckoned from.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::history::{History, Recorded, StoreError};
use crate::model::Socket;
use crate::track::{TableUpdate, Tracker};

/// The longest time before a moment whose changes are shown.
const MAX_RUN_UP: Duration = Duration::from_mins(5);

/// How many sockets are compared for that at most, at a snapshot a second: a moment is shown at once.
const MAX_COMPARED: usize = 100_000;

/// The table of a snapshot, and what changed before it: as many minutes as can be compared at once, but at least as long as
/// closed rows stay.
pub(super) fn run_up(
    history: &mut History,
    end: &Recorded,
    linger: Duration,
    tracker: &mut Tracker,
) -> Result<TableUpdate, StoreError> {
    let compared = MAX_COMPARED / end.snapshot.sockets.len().max(1);
    let compared = Duration::from_secs(compared as u64);
    let before = compared.clamp(linger.min(MAX_RUN_UP), MAX_RUN_UP);
    let from = end.snapshot.taken_at.wall.checked_sub(before);
    let mut update = TableUpdate {
        table: Arc::default(),
        events: Vec::new(),
        playback: None,
    };
    for recorded in history.from(from.unwrap_or(Timestamp::MIN)) {
        let mut recorded = recorded?;
        let is_last = recorded.position >= end.position;
        if recorded.begins_run {
            // What is new after a gap may have opened in it.
            let sockets = recorded.snapshot.sockets.iter();
            let namespaces: HashSet<_> = sockets.map(Socket::namespace_id).collect();
            recorded.snapshot.late_namespaces.extend(namespaces);
        }
        if is_last {
            tracker.expect_stored_counters(recorded.earlier_counters.take());
            let counters = recorded.counters.map(|stored| stored.counters.to_vec());
            recorded.snapshot.counters = counters;
        }
        let next = tracker.apply(recorded.snapshot);
        update.events.extend(next.events);
        update.table = next.table;
        if is_last {
            break;
        }
    }
    Ok(update)
}
