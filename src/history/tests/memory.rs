//! The history in memory.

use std::time::Duration;

use super::machine::Machine;
use super::{Folder, assert_is_stored, forward};
use crate::history::*;

#[test]
fn memory_is_read_like_a_store_while_it_grows_and_written_to_a_file() {
    let mut machine = Machine::new(12);
    let snapshots = machine.snapshots(120, 1000);
    let mut memory = Memory::new(MemoryOptions::default());
    let mut history = memory.history().unwrap();
    assert!(history.range().is_none() && history.first().unwrap().is_none());
    for (at, snapshot) in snapshots.iter().enumerate() {
        memory.add(snapshot);
        if at % 10 == 9 {
            memory.flush();
            history.refresh().unwrap();
            assert_is_stored(&forward(&mut history), &snapshots[..=at]);
        }
    }
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("last-hour.seg");
    memory.write_to(&path).unwrap();
    assert!(memory.write_to(&path).is_err(), "nothing is overwritten");
    let mut history = History::open(&path).unwrap();
    assert_is_stored(&forward(&mut history), &snapshots);
    assert_eq!(history.verify().unwrap(), []);
}

#[test]
fn memory_has_the_last_hour_and_never_more_than_its_size() {
    let mut machine = Machine::new(13);
    let mut memory = Memory::new(MemoryOptions::default());
    for _ in 0..3 * 360 {
        memory.add(&machine.snapshot(10_000));
    }
    let hours = |memory: &Memory| {
        let range = memory.history().unwrap().range().unwrap();
        range.to.duration_since(range.from).as_secs_f64() / 3600.0
    };
    assert!((1.0..1.3).contains(&hours(&memory)), "{}", hours(&memory));
    let mut small = Memory::new(MemoryOptions {
        max_size: 50_000,
        ..MemoryOptions::default()
    });
    for _ in 0..3 * 360 {
        small.add(&machine.snapshot(10_000));
        assert!(small.size() < 100_000);
    }
    assert!(hours(&small) < 1.0);
    assert_eq!(MemoryOptions::default().keep, Duration::from_hours(1));
}
