//! The counters of the sockets at a moment.

use std::time::Duration;

use super::machine::{Machine, Random};
use super::{Folder, options};
use crate::history::codec::{Decoder, Encoder};
use crate::history::*;
use crate::model::{Counted, Counters, Snapshot, TcpInfo};

/// Counters of every socket that has a cookie, different ones each time.
fn counted(snapshot: &Snapshot) -> Vec<Counted> {
    let seconds = snapshot.taken_at.wall.as_second();
    let sockets = snapshot.sockets.iter();
    let one = |socket: &crate::model::Socket| {
        let cookie = socket.cookie?;
        let tcp = TcpInfo {
            bytes_sent: cookie.get() * seconds.unsigned_abs(),
            rtt: Duration::from_micros(cookie.get()),
            ..TcpInfo::default()
        };
        Some(Counted {
            namespace: socket.namespace_id(),
            cookie,
            counters: Counters {
                tcp: Some(tcp),
                drops: None,
            },
        })
    };
    let mut all: Vec<_> = sockets.filter_map(one).collect();
    all.sort_by_key(|one| (one.namespace, one.cookie));
    all
}

#[test]
fn a_moment_has_the_counters_that_were_stored_last() {
    let folder = Folder::new();
    let mut machine = Machine::new(11);
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    let mut snapshots = machine.snapshots(120, 1000);
    for (at, snapshot) in snapshots.iter_mut().enumerate() {
        snapshot.counters = (10..90).contains(&at).then(|| counted(snapshot));
        writer.add(snapshot).unwrap();
        if at % 20 == 0 {
            writer.sync().unwrap();
        }
    }
    writer.close().unwrap();
    let mut history = History::open(&folder.0).unwrap();
    let at = |history: &mut History, at: usize| {
        let wall = snapshots[at].taken_at.wall;
        history.at(wall).unwrap().unwrap().counters
    };
    for (nth, snapshot) in snapshots.iter().enumerate() {
        let found = at(&mut history, nth);
        let Some(stored) = found.filter(|_| snapshot.counters.is_some()) else {
            // Before they were read and after they no longer were there are none.
            assert!(at(&mut history, nth).is_none(), "{nth}");
            assert!(snapshot.counters.is_none(), "{nth}");
            continue;
        };
        let age = snapshot.taken_at.wall.duration_since(stored.read_at);
        assert!((0..10).contains(&age.as_secs()), "{nth}: {age}");
        let read = nth - usize::try_from(age.as_secs()).unwrap();
        let expected = snapshots[read].counters.as_deref();
        assert_eq!(Some(&*stored.counters), expected, "{nth}");
    }
}

/// A keyframe had none, so that a time was "without numbers" until the next snapshot.
#[test]
fn a_keyframe_has_them_too() {
    let folder = Folder::new();
    let mut memory = Memory::new(MemoryOptions::default());
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    let mut machine = Machine::new(12);
    let mut times = Vec::new();
    for _ in 0..100 {
        let mut snapshot = machine.quiet(60_000);
        snapshot.counters = Some(counted(&snapshot));
        times.push(snapshot.taken_at.wall);
        memory.add(&snapshot);
        writer.add(&snapshot).unwrap();
    }
    memory.flush();
    writer.close().unwrap();
    // The first half hour of the hundred minutes is no longer in memory. On disk each hour is a segment, and in its middle is
    // a keyframe.
    has_counters(memory.history().unwrap(), &times[40..]);
    has_counters(History::open(&folder.0).unwrap(), &times);
}

/// At each of these times there are the counters of then, and those of the time before it.
fn has_counters(mut history: History, times: &[jiff::Timestamp]) {
    let read_at = |found: &Recorded| {
        let read_at = found.counters.as_ref().map(|counters| counters.read_at);
        let earlier = found.earlier_counters.as_ref();
        [
            earlier.and_then(|earlier| Some(read_at? - earlier.before)),
            read_at,
        ]
    };
    let all = history.from(times[1]).map(Result::unwrap);
    let all: Vec<_> = all.map(|found| read_at(&found)).collect();
    assert_eq!(all.len(), times.len() - 1);
    for (pair, one) in times.windows(2).zip(all) {
        let expected = [Some(pair[0]), Some(pair[1])];
        assert_eq!(one, expected);
        let found = history.at(pair[1]).unwrap().unwrap();
        assert_eq!(read_at(&found), expected);
    }
}

/// A checksum protects a frame; these are the bytes behind it, as a program may have written them.
#[test]
fn a_keyframe_with_wrong_counters_is_read_or_refused() {
    let mut machine = Machine::new(13);
    let counting = |machine: &mut Machine| {
        let mut snapshot = machine.quiet(10_000);
        snapshot.counters = Some(counted(&snapshot));
        snapshot
    };
    let first = counting(&mut machine);
    let mut before = Encoder::new(&first, first.taken_at);
    let second = counting(&mut machine);
    let raw = Encoder::continued(&second, first.taken_at, &mut before)
        .keyframe()
        .concat();
    let wall = second.taken_at.wall.as_millisecond();
    let both = Decoder::new(&raw, wall).unwrap().counters();
    assert_eq!(both.map(|one| one.is_some()), [true, true]);
    let mut random = Random::new(14);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = raw.clone();
        for _ in 0..=random.below(2) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.next() as u8;
        }
        bytes.truncate(bytes.len() - random.below(2) as usize);
        match Decoder::new(&bytes, wall) {
            Ok(decoder) => read += usize::from(decoder.counters()[0].is_some()),
            Err(_) => refused += 1,
        }
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}
