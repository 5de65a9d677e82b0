//! What is removed, and what is written early.

use std::time::Duration;

use super::machine::Machine;
use super::{Folder, forward, options, written};
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
    let second = run(30);
    let third = run(10);
    let mut history = History::open(&folder.0).unwrap();
    let range = history.range().unwrap();
    assert_eq!((range.from, range.to), (second, third));
    assert_eq!(forward(&mut history).len(), 2);
}

#[test]
fn a_clock_that_is_wrong_for_a_moment_removes_nothing_and_no_number_comes_again() {
    let folder = Folder::new();
    let mut machine = Machine::new(44);
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    let mut numbers = Vec::new();
    for jump in [0, -3, 3, 800, -800, 0] {
        machine.set_clock(jump * 24 * 3600);
        for _ in 0..3 {
            let snapshot = machine.snapshot(1000);
            writer.add(&snapshot).unwrap();
            writer.sync().unwrap();
        }
        let history = History::open(&folder.0).unwrap();
        numbers = history.segments.iter().map(|one| one.number).collect();
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    // The writer knows its own numbers, also when others remove what it wrote.
    for file in std::fs::read_dir(&folder.0).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "seg") {
            std::fs::remove_file(path).unwrap();
        }
    }
    machine.set_clock(3600);
    writer.add(&machine.snapshot(1000)).unwrap();
    writer.close().unwrap();
    let history = History::open(&folder.0).unwrap();
    assert_eq!(history.segments[0].number, 6);
}

#[test]
fn a_clock_that_was_behind_is_right_after_a_day() {
    let folder = Folder::new();
    let mut machine = Machine::new(46);
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    let mut add = |machine: &mut Machine| {
        writer.add(&machine.quiet(1000)).unwrap();
        writer.sync().unwrap();
        let segments = History::open(&folder.0).unwrap().segments;
        segments.first().unwrap().number
    };
    add(&mut machine);
    machine.set_clock(800 * 24 * 3600);
    assert_eq!(add(&mut machine), 1);
    machine.pass(Duration::from_hours(23));
    assert_eq!(add(&mut machine), 1);
    machine.pass(Duration::from_hours(2));
    assert_eq!(add(&mut machine), 2);
}

#[test]
fn another_segment_with_a_known_number_is_read_anew() {
    let (folder, other) = (Folder::new(), Folder::new());
    let mut machine = Machine::new(45);
    written(&folder, &machine.snapshots(10, 1000));
    let mut history = History::open(&folder.0).unwrap();
    let last = history.range().unwrap().to;
    history.at(last).unwrap().unwrap();
    machine.pass(Duration::from_hours(1));
    let snapshots = machine.snapshots(5, 1000);
    written(&other, &snapshots);
    std::fs::remove_dir_all(&folder.0).unwrap();
    std::fs::rename(&other.0, &folder.0).unwrap();
    history.refresh().unwrap();
    let range = history.range().unwrap();
    assert_eq!(range.from, snapshots[0].taken_at.wall);
    assert_eq!(forward(&mut history).len(), 5);
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
