//! What is removed, and what is written early.

use std::time::Duration;

use super::machine::Machine;
use super::{Folder, forward, options};
use crate::history::*;

fn size(folder: &Folder) -> u64 {
    let files = std::fs::read_dir(&folder.0).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

#[test]
fn a_small_store_has_small_segments_and_no_gaps() {
    let folder = Folder::new();
    let limited = WriterOptions {
        max_size: 64 << 10,
        ..options()
    };
    let mut writer = Writer::open(&folder.0, &limited).unwrap();
    let mut machine = Machine::new(41);
    let mut written = 0;
    while written < 3 << 16 {
        for _ in 0..60 {
            let before = size(&folder);
            let stored = writer.add(&machine.snapshot(1000)).unwrap();
            writer.sync().unwrap();
            assert_eq!(stored, Stored::Written);
            written += size(&folder).saturating_sub(before);
        }
    }
    writer.close().unwrap();
    let mut history = History::open(&folder.0).unwrap();
    assert_eq!(history.gaps(TimeRange::ALL), []);
    assert!(history.segments.len() > 3, "{}", history.segments.len());
    assert!(forward(&mut history).len() > 60);
    // The spans of what was removed, and what came within a minute, are not counted.
    assert!(size(&folder) < 2 * limited.max_size, "{}", size(&folder));
}

#[test]
fn a_segment_is_removed_although_no_recorder_ran_after_it() {
    let folder = Folder::new();
    let mut machine = Machine::new(42);
    let mut run = |pause: u64| {
        machine.pass(Duration::from_hours(pause));
        let kept = WriterOptions {
            keep: Duration::from_hours(24),
            ..options()
        };
        let mut writer = Writer::open(&folder.0, &kept).unwrap();
        let snapshot = machine.snapshot(1000);
        writer.add(&snapshot).unwrap();
        writer.close().unwrap();
        snapshot.taken_at.wall
    };
    run(0);
    let second = run(20);
    let third = run(10);
    let mut history = History::open(&folder.0).unwrap();
    let range = history.range().unwrap();
    assert_eq!((range.from, range.to), (second, third));
    assert_eq!(forward(&mut history).len(), 2);
}

#[test]
fn a_request_lets_the_next_snapshot_be_written_with_all_before_it() {
    let folder = Folder::new();
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    let mut machine = Machine::new(43);
    let mut add = |writer: &mut Writer| {
        let snapshot = machine.quiet(1000);
        writer.add(&snapshot).unwrap();
        writer.sync().unwrap();
        snapshot.taken_at.wall
    };
    let first = add(&mut writer);
    let mut history = History::open(&folder.0).unwrap();
    let last = |history: &mut History| {
        history.refresh().unwrap();
        history.range().unwrap().to
    };
    for _ in 0..3 {
        add(&mut writer);
        assert_eq!(last(&mut history), first);
    }
    assert!(history.request_flush() && history.request_flush());
    let requested = add(&mut writer);
    assert_eq!(last(&mut history), requested);
    // Once only.
    add(&mut writer);
    assert_eq!(last(&mut history), requested);
    assert!(!History::of_bytes(Vec::new()).request_flush());
    assert!(!history.is_stopped());
    writer.close().unwrap();
    last(&mut history);
    assert!(history.is_stopped());
}
