//! Clocks that are set, machines that sleep, and what is kept how long.

use std::time::Duration;

use super::machine::{Machine, assert_same};
use super::{Folder, forward, options, written};
use crate::history::*;

fn reasons(history: &History) -> Vec<GapReason> {
    let gaps = history.gaps(TimeRange::ALL);
    gaps.iter().map(|gap| gap.reason).collect()
}

#[test]
fn a_clock_that_is_set_back_or_forward_begins_a_segment_and_loses_nothing() {
    for seconds in [-3600, 3600] {
        let folder = Folder::new();
        let mut machine = Machine::new(3);
        let mut snapshots = machine.snapshots(30, 1000);
        machine.set_clock(seconds);
        snapshots.extend(machine.snapshots(30, 1000));
        written(&folder, &snapshots);
        let mut history = History::open(&folder.0).unwrap();
        assert_eq!(reasons(&history), [GapReason::ClockSet]);
        let read = forward(&mut history);
        let from = snapshots.iter().map(|one| one.taken_at.wall).min().unwrap();
        let expected: Vec<_> = snapshots.iter().map(|one| one.taken_at.wall).collect();
        let walls: Vec<_> = read.iter().map(|one| one.snapshot.taken_at.wall).collect();
        if seconds > 0 {
            assert_eq!(walls, expected);
            let passed = |at: usize| read[at].snapshot.taken_at.steady;
            assert_eq!(
                passed(59).saturating_sub(passed(0)),
                Duration::from_secs(59)
            );
        } else {
            // From the beginning of time on, everything is later: the one that was written first comes first.
            assert_eq!(walls, expected);
            assert_eq!(history.range().unwrap().from, from);
        }
        for snapshot in &snapshots {
            let found = history.at(snapshot.taken_at.wall).unwrap().unwrap();
            assert_eq!(found.snapshot.taken_at.wall, snapshot.taken_at.wall);
        }
        // They were missing without a word.
        let reports = snapshots[30].closed.len() as u64;
        assert!(reports > 0);
        let begins = history.at(snapshots[30].taken_at.wall).unwrap().unwrap();
        assert_eq!(begins.snapshot.lost_closes.dropped, reports);
    }
}

#[test]
fn a_machine_that_slept_has_a_gap_and_its_sockets_have_their_ages() {
    let folder = Folder::new();
    let mut machine = Machine::new(4);
    let mut snapshots = machine.snapshots(30, 1000);
    machine.pass(Duration::from_hours(8));
    snapshots.extend(machine.snapshots(30, 1000));
    written(&folder, &snapshots);
    let mut history = History::open(&folder.0).unwrap();
    assert_eq!(reasons(&history), [GapReason::NoSnapshots]);
    let night = snapshots[29].taken_at.wall + Duration::from_hours(3);
    let found = history.at(night).unwrap().unwrap();
    assert_same(&found.snapshot, &snapshots[29]);
    let gap = found.gap.unwrap();
    assert_eq!(
        (gap.from, gap.to),
        (snapshots[29].taken_at.wall, snapshots[30].taken_at.wall)
    );
    assert_eq!(found.next, Some(gap.to));
}

#[test]
fn a_recorder_that_ran_on_quietly_has_no_gap_and_one_that_crashed_has() {
    let folder = Folder::new();
    let mut machine = Machine::new(5);
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    for snapshot in machine.snapshots(5, 1000) {
        writer.add(&snapshot).unwrap();
    }
    for _ in 0..200 {
        writer.add(&machine.quiet(1000)).unwrap();
    }
    writer.sync().unwrap();
    drop(writer);
    let history = History::open(&folder.0).unwrap();
    assert_eq!(history.gaps(TimeRange::ALL), []);
    let range = history.range().unwrap();
    assert!(range.to.duration_since(range.from) >= jiff::SignedDuration::from_secs(180));
    machine.pass(Duration::from_mins(5));
    written(&folder, &machine.snapshots(5, 1000));
    assert_eq!(
        reasons(&History::open(&folder.0).unwrap()),
        [GapReason::Crashed]
    );
    machine.pass(Duration::from_mins(5));
    written(&folder, &machine.snapshots(5, 1000));
    let history = History::open(&folder.0).unwrap();
    assert_eq!(reasons(&history), [GapReason::Crashed, GapReason::Stopped]);
}

#[test]
fn an_age_survives_a_seek_behind_a_keyframe() {
    use crate::model::Age;
    let folder = Folder::new();
    let mut machine = Machine::new(6);
    let mut snapshots = machine.snapshots(3, 1000);
    machine.listen(8080);
    let opened = machine.now.wall;
    for _ in 0..150 {
        snapshots.push(machine.quiet(30_000));
    }
    written(&folder, &snapshots);
    let mut history = History::open(&folder.0).unwrap();
    let age = |snapshot: &crate::model::Snapshot, port: u16| {
        let mut sockets = snapshot.sockets.iter();
        let found = sockets.find(|one| one.local.port == port && !one.is_connection());
        found.unwrap().age.unwrap()
    };
    let last = history
        .at(snapshots.last().unwrap().taken_at.wall)
        .unwrap()
        .unwrap();
    let Age::Exactly(exact) = age(&last.snapshot, 8080) else {
        panic!("its opening was seen")
    };
    let expected = last
        .snapshot
        .taken_at
        .wall
        .duration_since(opened)
        .unsigned_abs();
    assert!(
        expected.abs_diff(exact) <= Duration::from_secs(31),
        "{exact:?}, {expected:?}"
    );
    assert!(matches!(age(&last.snapshot, 22), Age::AtLeast(_)));
}

#[test]
fn the_oldest_segments_are_removed_by_age_and_by_size() {
    let folder = Folder::new();
    let mut machine = Machine::new(8);
    let snapshots = machine.snapshots(10 * 360, 10_000);
    let mut options = options();
    options.keep = Duration::from_hours(5);
    let mut writer = Writer::open(&folder.0, &options).unwrap();
    for snapshot in &snapshots {
        assert_eq!(writer.add(snapshot).unwrap(), Stored::Written);
        writer.sync().unwrap();
    }
    writer.close().unwrap();
    let history = History::open(&folder.0).unwrap();
    let hours = |range: TimeRange| range.to.duration_since(range.from).as_secs() / 3600;
    assert_eq!(hours(history.range().unwrap()), 5);
    // Of a port it is known longer.
    let mut history = history;
    let mut query = HolderQuery::new(443);
    query.has_connections = false;
    let spans = history.holders(&query).unwrap();
    assert!(!spans.is_empty());
    assert_eq!(spans[0].from, snapshots[0].taken_at.wall);
    assert!(spans[0].from < history.range().unwrap().from);
    let size: u64 = history.segments.iter().map(|one| one.frames.end).sum();
    options.max_size = size / 2;
    options.keep = Duration::from_hours(50);
    let mut writer = Writer::open(&folder.0, &options).unwrap();
    for snapshot in machine.snapshots(10, 10_000) {
        assert_eq!(writer.add(&snapshot).unwrap(), Stored::Written);
    }
    writer.close().unwrap();
    let history = History::open(&folder.0).unwrap();
    let kept: u64 = history.segments.iter().map(|one| one.frames.end).sum();
    assert!(kept <= size / 2 && kept > size / 5, "{kept} of {size}");
}

#[test]
fn counts_are_those_of_the_heads() {
    let folder = Folder::new();
    let snapshots = Machine::new(9).snapshots(100, 1000);
    written(&folder, &snapshots);
    let history = History::open(&folder.0).unwrap();
    let range = history.range().unwrap();
    let buckets = history.counts(range, 10);
    assert_eq!(buckets.len(), 10);
    assert!(
        buckets
            .iter()
            .all(|bucket| bucket.is_recorded && bucket.opened > 0)
    );
    let closed: u64 = buckets.iter().map(|bucket| bucket.closed).sum();
    let reported: usize = snapshots.iter().skip(1).map(|one| one.closed.len()).sum();
    assert!(closed as usize >= reported / 2, "{closed}, {reported}");
    assert!(history.counts(range, 0).is_empty());
}

/// A recorder that was off for five minutes of a day left no mark on the timeline.
#[test]
fn a_short_gap_is_in_the_part_of_the_time_that_it_is_in() {
    let folder = Folder::new();
    let mut machine = Machine::new(10);
    for _ in 0..2 {
        let mut writer = Writer::open(&folder.0, &options()).unwrap();
        for _ in 0..60 {
            for _ in 0..10 {
                writer.add(&machine.quiet(60_000)).unwrap();
            }
            writer.sync().unwrap();
        }
        writer.close().unwrap();
        machine.pass(Duration::from_mins(5));
    }
    let history = History::open(&folder.0).unwrap();
    let buckets = history.counts(history.range().unwrap(), 20);
    assert!(buckets.iter().all(|bucket| bucket.is_recorded));
    let with_gap: Vec<_> = (0..20).filter(|at| buckets[*at].has_gap).collect();
    assert_eq!(with_gap, [9, 10]);
}
