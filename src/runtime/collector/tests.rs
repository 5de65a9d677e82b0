//! Which snapshots are taken, and when, from a fake source.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::model::{Endpoint, Moment, Origin, Owner, OwnerKind, Process, Protocol, Socket, State};
use crate::source::SourceError;

/// One listener, whose owner is found in the third snapshot at the earliest.
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
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: at,
            sockets: vec![socket],
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        }
    }
}

impl Source for Slow {
    fn origin(&self) -> Origin {
        unreachable!("the collector does not ask")
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let readings = self.readings.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_found = readings >= 3;
        let process = Arc::new(Process::new(7, "sleep"));
        let owner = if self.is_found {
            Owner::Known([process].into())
        } else {
            Owner::Unknown
        };
        Ok(Self::snapshot(at, owner))
    }

    fn take_without_owners(&mut self, at: Moment) -> Option<Snapshot> {
        Some(Self::snapshot(at, Owner::Unknown))
    }

    fn wants_immediate_retake(&self) -> bool {
        !self.is_found
    }
}

fn collector(
    source: impl Source + 'static,
    partial_owners_first: bool,
    interval: Duration,
) -> Collector {
    Collector {
        source: Box::new(source),
        tracker: Tracker::new(Duration::ZERO),
        recorder: None,
        history: None,
        clock: Clock::start(),
        interval,
        lost_recording: None,
        partial_owners_first,
        is_measured: false,
    }
}

/// The first `count` updates of a collector with an interval of an hour.
fn updates(partial_owners_first: bool, count: usize) -> (Vec<TableUpdate>, usize) {
    let source = Slow::default();
    let readings = Arc::clone(&source.readings);
    let collector = collector(source, partial_owners_first, Duration::from_hours(1));
    let mut updates = Vec::new();
    let (_control, controlled) = mpsc::channel();
    collector.run(&controlled, |event| {
        if let CollectorEvent::Updated(update) = event {
            updates.push(update);
        }
        updates.len() < count
    });
    (updates, readings.load(Ordering::Relaxed))
}

fn owners(updates: &[TableUpdate]) -> Vec<OwnerKind> {
    let owner = |one: &TableUpdate| one.table.rows[0].socket.owner.kind();
    updates.iter().map(owner).collect()
}

#[test]
fn the_table_comes_before_its_owners_and_they_follow_without_a_pause() {
    use OwnerKind::{Known, Unknown};
    let (updates, readings) = updates(true, 4);
    assert_eq!(owners(&updates), [Unknown, Unknown, Unknown, Known]);
    assert_eq!(readings, 3, "the first of all is no whole reading");
    assert!(
        updates.iter().all(|one| one.events.is_empty()),
        "finding an owner is no change"
    );
}

#[test]
fn without_partial_owners_the_first_reading_is_a_whole_one() {
    let (updates, readings) = updates(false, 1);
    assert_eq!((updates.len(), readings), (1, 1));
}

/// One listener for each port of the next reading; an error crashes it, and then it wants to be reset.
struct Fragile {
    readings: Vec<Result<&'static [u16], &'static str>>,
    is_half_done: bool,
}

impl Source for Fragile {
    fn origin(&self) -> Origin {
        unreachable!("the collector does not ask")
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        assert!(!self.is_half_done, "it was not reset");
        self.is_half_done = true;
        let ports = self
            .readings
            .remove(0)
            .unwrap_or_else(|why| panic!("{why}"));
        self.is_half_done = false;
        let sockets = ports.iter().map(|&port| {
            let local = Endpoint::new([127, 0, 0, 1].into(), port);
            let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
            socket.inode = Some(port.into());
            socket
        });
        Ok(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: at,
            sockets: sockets.collect(),
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        })
    }

    fn reset(&mut self) {
        self.is_half_done = false;
    }
}

/// What a collector sends for these readings: why one failed, or how many events it brought.
fn results(readings: Vec<Result<&'static [u16], &'static str>>) -> Vec<Result<usize, String>> {
    let count = readings.len();
    let source = Fragile {
        readings,
        is_half_done: false,
    };
    let collector = collector(source, false, Duration::from_millis(1));
    let (_control, controlled) = mpsc::channel();
    let mut results = Vec::new();
    collector.run(&controlled, |event| {
        results.push(match event {
            CollectorEvent::Updated(update) => Ok(update.events.len()),
            CollectorEvent::Failed(why) => Err(why),
            CollectorEvent::Measured(measured) => panic!("{measured:?}"),
        });
        results.len() < count
    });
    results
}

#[test]
fn a_crash_is_reported_and_the_source_is_reset_before_the_next_reading() {
    let results = results(vec![
        Ok(&[80]),
        Err("no luck"),
        Err("again"),
        Ok(&[80, 443]),
    ]);
    let crashed = |what: &str| Err(format!("taking a snapshot crashed: {what}; trying again"));
    // The table is compared with the last one that there was.
    let expected = [Ok(0), crashed("no luck"), crashed("again"), Ok(1)];
    assert_eq!(results, expected);
}

#[test]
fn the_first_reading_of_all_may_crash() {
    let results = results(vec![Err("no luck"), Ok(&[80])]);
    assert!(results[0].is_err());
    assert_eq!(results[1], Ok(0), "what is there at first is not new");
}

#[test]
fn the_delay_grows_with_every_crash_up_to_a_bound() {
    let delays =
        |interval| [1, 2, 3, 6, 7, 1000].map(|crashes| retry_delay(crashes, interval).as_secs());
    assert_eq!(delays(Duration::from_secs(1)), [1, 2, 4, 30, 30, 30]);
    assert_eq!(delays(Duration::from_mins(1)), [60; 6]);
}

#[test]
fn a_refresh_on_command_does_not_wait_out_the_delay() {
    let source = Fragile {
        readings: vec![Err("no luck"), Ok(&[80])],
        is_half_done: false,
    };
    let collector = collector(source, false, Duration::from_hours(1));
    let (control, controlled) = mpsc::channel();
    let mut sent = 0;
    collector.run(&controlled, |event| {
        sent += 1;
        let has_failed = matches!(event, CollectorEvent::Failed(_));
        if has_failed {
            control.send(Control::Refresh).unwrap();
        }
        has_failed
    });
    assert_eq!(sent, 2);
}
