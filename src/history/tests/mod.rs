//! The store as a whole: what is written is what is read.
#![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

mod changes;
mod counters;
mod damage;
mod file;
mod golden;
mod holders;
mod limits;
mod machine;
mod memory;
mod processes;
mod time;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use self::machine::{Machine, assert_same, assert_same_with_closes};
use super::*;
use crate::model::Snapshot;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "sockeye-history-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn options() -> WriterOptions {
    WriterOptions {
        min_free: Some(0),
        ..WriterOptions::default()
    }
}

/// Writes these snapshots to a folder.
fn written(folder: &Folder, snapshots: &[Snapshot]) {
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    for snapshot in snapshots {
        assert_eq!(writer.add(snapshot).unwrap(), Stored::Written);
        writer.sync().unwrap();
    }
    writer.close().unwrap();
}

fn forward(history: &mut History) -> Vec<Recorded> {
    let all = history.from(jiff::Timestamp::MIN);
    all.collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_was_written_is_read_forward_backward_and_at_any_time() {
    for (seed, every) in [(1, 1000), (2, 20_000), (3, 997)] {
        let folder = Folder::new();
        let snapshots = Machine::new(seed).snapshots(250, every);
        written(&folder, &snapshots);
        let mut history = History::open(&folder.0).unwrap();
        let all = forward(&mut history);
        assert_is_stored(&all, &snapshots);
        for (at, recorded) in all.iter().enumerate().step_by(7) {
            let wall = recorded.snapshot.taken_at.wall;
            let found = history.at(wall).unwrap().unwrap();
            assert_same(&found.snapshot, &recorded.snapshot);
            let next = all.get(at + 1).map(|next| next.snapshot.taken_at.wall);
            assert_eq!(found.next, next);
            let later = wall.checked_add(Duration::from_millis(500)).unwrap();
            assert_eq!(history.at(later).unwrap().unwrap().position, found.position);
        }
        let mut position = all.last().unwrap().position;
        for recorded in all.iter().rev().skip(1) {
            let before = history.previous(position).unwrap().unwrap();
            assert_eq!(before.snapshot.taken_at, recorded.snapshot.taken_at);
            assert_same(&before.snapshot, &recorded.snapshot);
            position = before.position;
        }
        assert!(history.previous(position).unwrap().is_none());
        assert_eq!(history.gaps(TimeRange::ALL), []);
        assert_eq!(history.verify().unwrap(), []);
    }
}

/// Each snapshot was read once, except for those that changed nothing.
fn assert_is_stored(read: &[Recorded], written: &[Snapshot]) {
    let mut read = read.iter().peekable();
    let mut last = None;
    for snapshot in written {
        let is_next = |one: &&Recorded| one.snapshot.taken_at.wall == snapshot.taken_at.wall;
        match read.next_if(is_next) {
            Some(one) if last.is_none() => assert_same(&one.snapshot, snapshot),
            Some(one) => assert_same_with_closes(&one.snapshot, snapshot),
            None => {
                let last: &Snapshot = last.expect("the first one is stored");
                let unchanged = Snapshot {
                    taken_at: snapshot.taken_at,
                    closed: Vec::new(),
                    ..last.clone()
                };
                assert_same_with_closes(&unchanged, snapshot);
            }
        }
        last = Some(snapshot);
    }
    assert!(read.next().is_none());
}

#[test]
fn a_second_recorder_is_refused_and_the_first_one_named() {
    let folder = Folder::new();
    let first = Writer::open(&folder.0, &options()).unwrap();
    match Writer::open(&folder.0, &options()) {
        Err(StoreError::Busy { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{:?}", other.map(|_| ())),
    }
    first.close().unwrap();
    Writer::open(&folder.0, &options()).unwrap();
}
