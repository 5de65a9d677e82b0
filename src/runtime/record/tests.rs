use std::path::PathBuf;
use std::sync::mpsc;

use super::*;
use crate::history::{History, HolderQuery, SpanEnd, WriterOptions};
use crate::model::{Moment, Origin, Problem, Protocol, State};

/// A source with one listener, which is missing from the snapshots of these numbers.
struct Script {
    number: usize,
    missing: Vec<usize>,
    crashes: Vec<usize>,
    end: (usize, mpsc::Sender<Signal>),
}

impl Source for Script {
    fn origin(&self) -> Origin {
        Origin::Own
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        self.number += 1;
        if self.number == self.end.0 {
            let _ = self.end.1.send(Signal::Quit(15));
        }
        assert!(!self.crashes.contains(&self.number), "a bug");
        let address = Endpoint::new("127.0.0.1".parse().unwrap(), 8080);
        let listener = Socket::new(Protocol::Tcp, address, None, State::Listen);
        let mut snapshot = Snapshot {
            taken_at: at,
            ..Snapshot::default()
        };
        if !self.missing.contains(&self.number) {
            snapshot.sockets.push(listener);
        }
        snapshot.problems = vec![Problem::new(ProblemCode::HiddenOwners, "1 owner hidden")];
        Ok(snapshot)
    }
}

/// What is reported about such a source until it ends with the snapshot of this number, and the folder.
fn recorded(
    name: &str,
    missing: &[usize],
    crashes: &[usize],
    end: usize,
) -> (Vec<String>, PathBuf) {
    let folder = std::env::temp_dir().join(format!("sockeye-record-{name}-{}", std::process::id()));
    let (sender, signals) = mpsc::channel();
    let source = Script {
        number: 0,
        missing: missing.to_vec(),
        crashes: crashes.to_vec(),
        end: (end, sender),
    };
    let options = WriterOptions {
        min_free: Some(0),
        ..WriterOptions::default()
    };
    let writer = Writer::open(&folder, &options).unwrap();
    let interval = Duration::from_millis(10);
    let recorder = HistoryRecorder::new(Box::new(source), writer, Clock::start(), (interval, true));
    let mut lines = Vec::new();
    let ended = recorder.run(&signals, |line| lines.push(line.to_owned()));
    assert_eq!(ended.unwrap(), 15);
    (lines, folder)
}

fn ends(folder: &PathBuf) -> Vec<SpanEnd> {
    let mut history = History::open(folder).unwrap();
    let spans = history.holders(&HolderQuery::new(8080)).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    spans.iter().map(|span| span.end).collect()
}

#[test]
fn a_listener_that_one_snapshot_lacks_was_never_closed() {
    let (lines, folder) = recorded("moved", &[2], &[], 4);
    assert_eq!(lines, ["1 owner hidden"]);
    assert_eq!(ends(&folder), [SpanEnd::RecorderStopped]);
}

#[test]
fn a_listener_that_two_snapshots_lack_was_closed() {
    let (_, folder) = recorded("closed", &[2, 3], &[], 4);
    assert_eq!(ends(&folder), [SpanEnd::Closed, SpanEnd::RecorderStopped]);
}

#[test]
fn a_crash_of_the_source_is_reported_once_and_ends_nothing() {
    let (lines, folder) = recorded("crashed", &[], &[2, 3], 5);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].starts_with("taking a snapshot crashed: a bug"),
        "{lines:?}"
    );
    assert_eq!(ends(&folder), [SpanEnd::RecorderStopped]);
}

/// It came with the next snapshot, up to 10 seconds later, and a reader did not wait for so long.
#[test]
fn a_reader_that_waits_gets_a_snapshot_whatever_the_interval_is() {
    let folder = std::env::temp_dir().join(format!("sockeye-record-wake-{}", std::process::id()));
    let (sender, signals) = mpsc::channel();
    let source = Script {
        number: 0,
        missing: Vec::new(),
        crashes: Vec::new(),
        end: (2, sender),
    };
    let options = WriterOptions {
        min_free: Some(0),
        ..WriterOptions::default()
    };
    let writer = Writer::open(&folder, &options).unwrap();
    let hour = Duration::from_hours(1);
    let recorder = HistoryRecorder::new(Box::new(source), writer, Clock::start(), (hour, true));
    let ends = thread::spawn(move || recorder.run(&signals, |_| {}));
    // The first snapshot, without being requested.
    let mut history = History::open(&folder).unwrap();
    let mut tries = 0;
    let mut wait = |what: &str| {
        tries += 1;
        assert!(tries < 6000, "{what}");
        thread::sleep(Duration::from_millis(10));
    };
    while history.range().is_none() {
        wait("the first snapshot");
        history.refresh().unwrap();
    }
    assert!(history.request_flush());
    while !ends.is_finished() {
        wait("the requested snapshot");
    }
    assert_eq!(ends.join().unwrap().unwrap(), 15);
    std::fs::remove_dir_all(&folder).unwrap();
}
