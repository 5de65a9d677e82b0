//! Which readings are taken, and when, from a source that the tests make up.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::model::{Endpoint, Moment, Owner, OwnerKind, Process, Protocol, Socket, State, Text};
use crate::source::SourceError;
use crate::track::Observation;

/// One listener, whose owner is found at the third reading at the earliest.
#[derive(Default)]
struct Slow {
    readings: Arc<AtomicUsize>,
    is_found: bool,
}

impl Slow {
    fn snapshot(at: Moment, owner: Owner) -> Snapshot {
        let local = Endpoint::new([127, 0, 0, 1].into(), 8080);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        (socket.inode, socket.owner) = (Some(1), owner);
        Snapshot {
            taken_at: at,
            sockets: vec![socket],
            processes: HashMap::new(),
            problems: Vec::new(),
        }
    }
}

impl Source for Slow {
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let readings = self.readings.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_found = readings >= 3;
        let process = Arc::new(Process {
            pid: 7,
            parent: None,
            name: Text::new("sleep"),
            command: None,
            started_at: None,
            started_at_tick: None,
            user: None,
        });
        let owner = if self.is_found {
            Owner::Known([process].into())
        } else {
            Owner::Unknown
        };
        Ok(Self::snapshot(at, owner))
    }

    fn take_at_once(&mut self, at: Moment) -> Option<Snapshot> {
        Some(Self::snapshot(at, Owner::Unknown))
    }

    fn is_to_be_continued(&self) -> bool {
        !self.is_found
    }
}

/// The first `count` observations of a collector with an interval of an hour.
fn observations(is_hasty: bool, count: usize) -> (Vec<Observation>, usize) {
    let source = Slow::default();
    let readings = Arc::clone(&source.readings);
    let collector = Collector {
        source: Box::new(source),
        tracker: Tracker::new(Duration::ZERO),
        recorder: None,
        clock: Clock::start(),
        interval: Duration::from_hours(1),
        lost_recording: None,
        is_hasty,
        is_measured: false,
    };
    let mut seen = Vec::new();
    let (_control, controlled) = mpsc::channel();
    collector.run(&controlled, |msg| {
        if let Msg::SnapshotTaken(observation) = msg {
            seen.push(observation);
        }
        seen.len() < count
    });
    (seen, readings.load(Ordering::Relaxed))
}

fn owners(seen: &[Observation]) -> Vec<OwnerKind> {
    let owner = |one: &Observation| one.table.rows[0].socket.owner.kind();
    seen.iter().map(owner).collect()
}

#[test]
fn the_table_comes_before_its_owners_and_they_follow_without_a_pause() {
    use OwnerKind::{Known, Unknown};
    let (seen, readings) = observations(true, 4);
    assert_eq!(owners(&seen), [Unknown, Unknown, Unknown, Known]);
    assert_eq!(readings, 3, "the first of all is no whole reading");
    assert!(
        seen.iter().all(|one| one.events.is_empty()),
        "finding an owner is no change"
    );
}

#[test]
fn without_haste_the_first_reading_is_a_whole_one() {
    let (seen, readings) = observations(false, 1);
    assert_eq!((seen.len(), readings), (1, 1));
}
