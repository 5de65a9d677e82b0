//! A history in one file: what `--record` writes.

use std::time::Duration;

use super::machine::Machine;
use super::{Folder, assert_is_stored, forward};
use crate::history::*;
use crate::model::{Endpoint, ProblemCode, Protocol, Snapshot, Socket, State};

/// A new file, with this limit.
fn create(folder: &Folder, name: &str, max_size: u64) -> FileWriter {
    std::fs::create_dir_all(&folder.0).unwrap();
    let options = FileOptions {
        max_size,
        ..FileOptions::default()
    };
    FileWriter::create(folder.0.join(name), &options).unwrap()
}

#[test]
fn every_snapshot_can_be_read_as_soon_as_it_was_written() {
    let folder = Folder::new();
    let snapshots = Machine::new(21).snapshots(120, 1000);
    let mut writer = create(&folder, "all", u64::MAX);
    let path = writer.path().to_path_buf();
    for (at, snapshot) in snapshots.iter().enumerate() {
        writer.add(snapshot).unwrap();
        let mut history = History::open(&path).unwrap();
        assert_is_stored(&forward(&mut history), &snapshots[..=at]);
    }
    drop(writer);
    let mut history = History::open(&path).unwrap();
    assert_is_stored(&forward(&mut history), &snapshots);
    assert_eq!(history.verify().unwrap(), []);
    let end = snapshots.last().unwrap().taken_at.wall.as_millisecond();
    assert_eq!(history.range().unwrap().to.as_millisecond(), end);
}

#[test]
fn days_in_one_file_are_read_like_a_folder() {
    let folder = Folder::new();
    let snapshots = Machine::new(22).snapshots(200, 60_000);
    let mut writer = create(&folder, "hours", u64::MAX);
    let path = writer.path().to_path_buf();
    for snapshot in &snapshots {
        writer.add(snapshot).unwrap();
    }
    drop(writer);
    let mut history = History::open(&path).unwrap();
    assert_is_stored(&forward(&mut history), &snapshots);
    assert_eq!(history.gaps(TimeRange::ALL), []);
    assert_eq!(history.verify().unwrap(), []);
}

#[test]
fn a_file_ends_before_it_is_larger_than_it_may_be() {
    let folder = Folder::new();
    let snapshots = Machine::new(23).snapshots(20, 1000);
    let mut writer = create(&folder, "whole", u64::MAX);
    writer.add(&snapshots[0]).unwrap();
    let first = std::fs::metadata(writer.path()).unwrap().len();
    // The number of a run has not always the same length, and a frame is longer than this.
    let limit = first + 40;
    let mut writer = create(&folder, "limited", limit);
    let path = writer.path().to_path_buf();
    writer.add(&snapshots[0]).unwrap();
    let failed = snapshots[1..].iter().find_map(|one| writer.add(one).err());
    let error = failed.unwrap().to_string();
    assert!(error.contains("(--record-max)"), "{error}");
    assert!(writer.add(&snapshots[19]).is_err(), "it is incomplete");
    drop(writer);
    assert!(std::fs::metadata(&path).unwrap().len() <= limit);
    let mut history = History::open(&path).unwrap();
    assert_is_stored(&forward(&mut history), &snapshots[..1]);
    assert_eq!(history.verify().unwrap(), []);
}

#[test]
fn of_more_sockets_than_a_snapshot_may_have_it_has_the_first_and_says_so() {
    let folder = Folder::new();
    let local = Endpoint::new([127, 0, 0, 1].into(), 80);
    let sockets = (0..(1_u32 << 19) + 3).map(|number| {
        let peer = Endpoint::new(number.to_be_bytes().into(), 9);
        Socket::new(Protocol::Tcp, local, Some(peer), State::TimeWait)
    });
    let many = Snapshot {
        sockets: sockets.collect(),
        ..Machine::new(24).snapshot(1000)
    };
    let mut writer = create(&folder, "many", u64::MAX);
    writer.add(&many).unwrap();
    let mut history = History::open(writer.path()).unwrap();
    let read = history.first().unwrap().unwrap().snapshot;
    assert_eq!(read.sockets.len(), 1 << 19);
    let says = "3 sockets are not in the recording: of a snapshot it has at most 524288";
    let last = read.problems.last().unwrap();
    assert_eq!(
        (last.code, &*last.message),
        (ProblemCode::RecordingIncomplete, says)
    );
    assert_eq!(FileWriter::incomplete_problem(&many).as_ref(), Some(last));
}

#[test]
fn a_file_of_pseudonyms_says_so() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("redacted");
    let options = FileOptions {
        is_redacted: true,
        interval: Duration::from_secs(5),
        ..FileOptions::default()
    };
    let mut machine = Machine::new(26);
    let mut writer = FileWriter::create(&path, &options).unwrap();
    for snapshot in machine.snapshots(20, 5000) {
        writer.add(&snapshot).unwrap();
    }
    let all = forward(&mut History::open(&path).unwrap());
    assert!(all.len() > 1 && all.iter().all(|one| one.is_redacted));
}
