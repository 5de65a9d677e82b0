//! A reading and what it took: compares it with the one before, and measures that.

use crate::clock::Clock;
use super::fault;
use crate::model::{RefreshTimings, Refresh, Snapshot};
use crate::track::{TableUpdate, Tracker};

/// Compares a reading with the one before. `reading` is what taking it took; what comparing took is
/// added.
pub fn observe(
    tracker: &mut Tracker,
    snapshot: Snapshot,
    reading: RefreshTimings,
    clock: Clock,
) -> (TableUpdate, Refresh) {
    fault::point("tracker");
    let (taken_at, rows) = (snapshot.taken_at, snapshot.sockets.len());
    let began = clock.now();
    let observation = tracker.apply(snapshot);
    let cost = RefreshTimings {
        diff: began.age(clock.now()),
        ..reading
    };
    let refresh = Refresh {
        taken_at,
        rows,
        cost,
    };
    (observation, refresh)
}
