//! The store as a whole: what is written is what is read.

mod machine;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use self::machine::{Machine, equal};
use super::*;
use crate::model::{Moment, Snapshot};

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
    let folder = Folder::new();
    let snapshots = Machine::new(1).snapshots(3 * 3600, 20);
    written(&folder, &snapshots);
    let mut history = History::open(&folder.0).unwrap();
    let all = forward(&mut history);
    let changed: Vec<_> = snapshots.iter().collect();
    assert_eq!(all.len(), changed.len());
    for (recorded, snapshot) in all.iter().zip(&changed) {
        equal(&recorded.snapshot, snapshot);
        let found = history.at(snapshot.taken_at.wall).unwrap().unwrap();
        equal(&found.snapshot, snapshot);
    }
    let mut position = all.last().unwrap().position;
    for recorded in all.iter().rev().skip(1) {
        let before = history.previous(position).unwrap().unwrap();
        assert_eq!(
            before.snapshot.taken_at.wall,
            recorded.snapshot.taken_at.wall
        );
        equal(&before.snapshot, &recorded.snapshot);
        position = before.position;
    }
    assert!(history.previous(position).unwrap().is_none());
    assert_eq!(history.gaps(TimeRange::ALL), []);
    assert_eq!(history.verify().unwrap(), []);
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
