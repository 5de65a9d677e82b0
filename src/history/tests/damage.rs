//! Cut and flipped files: what was before the damage can be read, and the damage is named.

use std::time::Duration;

use super::machine::{Machine, Random};
use super::{Folder, forward, options, written};
use crate::history::codec::{Decoder, Encoder, MAX_STEPS};
use crate::history::format::{Frame, HEAD_LENGTH, Kind, StartReason, VERSION};
use crate::history::memory::Shared;
use crate::history::reader::Place;
use crate::history::segment::read_body;
use crate::history::writer::framer::{Framer, Output, Recorder};
use crate::history::{DamageKind, GapReason, History, HolderQuery, Recorded, TimeRange, Writer};
use crate::model::Snapshot;

/// The bytes of a segment with two sections, and its snapshots, each with the offset behind its frame.
fn stored() -> (Vec<u8>, Vec<(u64, Recorded)>) {
    let folder = Folder::new();
    let mut machine = Machine::new(7);
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let mut writer = Writer::open(&folder.0, &options()).unwrap();
        for snapshot in machine.snapshots(20, 4000) {
            writer.add(&snapshot).unwrap();
        }
        writer.close().unwrap();
    }
    // The first one without its footer: a file may have several sections.
    let history = History::open(&folder.0).unwrap();
    for (at, segment) in history.segments.iter().enumerate() {
        let file = std::fs::read(segment.source.path().unwrap()).unwrap();
        let last = segment.frames.entries.last().unwrap();
        let end = (last.offset + last.length()) as usize;
        let end = if at == 0 { end } else { file.len() };
        bytes.extend_from_slice(&file[..end]);
    }
    let mut history = open(bytes.clone());
    let all = forward(&mut history);
    let entries = history.segments[0].frames.entries.clone();
    let ends = all.into_iter().map(|recorded| {
        let (_, entry) = history.find(recorded.position).unwrap();
        let entry = &entries[entry];
        (entry.offset + entry.length(), recorded)
    });
    (bytes, ends.collect())
}

fn open(bytes: Vec<u8>) -> History {
    History::new(Place::Memory(Shared::of(bytes))).unwrap()
}

/// Everything that can be read is what was written, and everything before the damage can be read.
fn assert_readable(history: &mut History, written: &[(u64, Recorded)], damage: u64) {
    let read = forward(history);
    let mut written = written.iter();
    let mut before = written.clone().filter(|(end, _)| *end <= damage).count();
    for one in &read {
        let time = one.snapshot.taken_at;
        let found = written.find(|(_, known)| known.snapshot.taken_at == time);
        let (end, known) = found.expect("it was written, in this order");
        before -= usize::from(*end <= damage);
        let (mut read, mut known) = (one.snapshot.clone(), known.snapshot.clone());
        if one.begins_run {
            // Of a keyframe, ages are in tenths of a second, and nothing was reported.
            for socket in read.sockets.iter_mut().chain(&mut known.sockets) {
                socket.age = None;
            }
            (read.closed, known.closed) = (Vec::new(), Vec::new());
            read.sockets.sort_by_key(|one| (one.cookie, one.inode));
            known.sockets.sort_by_key(|one| (one.cookie, one.inode));
        }
        assert_eq!(read, known);
    }
    assert_eq!(before, 0, "snapshots before the damage were not read");
}

#[test]
fn ten_thousand_cuts_and_flipped_bytes_are_named_and_hide_nothing_before_them() {
    let (bytes, written) = stored();
    let entries = open(bytes.clone()).segments[0].frames.entries.clone();
    let is_boundary = |at: usize| {
        let mut ends = entries.iter().map(|entry| entry.offset + entry.length());
        at == 0 || ends.any(|end| end == at as u64)
    };
    let mut random = Random::new(11);
    for round in 0..10_000 {
        let mut damaged = bytes.clone();
        let at = random.below(bytes.len() as u64) as usize;
        let is_cut = round % 4 == 0;
        if is_cut {
            damaged.truncate(at);
        } else {
            for _ in 0..=random.below(3) {
                let near = (at + random.below(40) as usize).min(bytes.len() - 1);
                damaged[near] ^= 1 << random.below(8);
            }
            damaged[at] = bytes[at] ^ (1 << random.below(8));
        }
        let mut history = open(damaged);
        // Reading all of it takes long: one in ten.
        if round % 10 < 2 {
            assert_readable(&mut history, &written, at as u64);
        }
        let is_named = !history.verify().unwrap().is_empty();
        assert!(is_named || is_cut && is_boundary(at), "round {round}: {at}");
        history.gaps(TimeRange::ALL);
        history.counts(TimeRange::ALL, 10);
    }
}

/// The checksums are right: the file was made with bad intent, or by a program with an error.
#[test]
fn wrong_content_with_right_checksums_is_refused_or_read_without_a_panic() {
    let (bytes, _) = stored();
    let history = open(bytes.clone());
    let segment = &history.segments[0];
    let mut input = segment.open().unwrap().unwrap();
    let entries = &segment.frames.entries;
    let bodies = entries
        .iter()
        .map(|entry| read_body(&mut input, entry).unwrap().unwrap());
    let bodies: Vec<_> = bodies.collect();
    let mut random = Random::new(17);
    let mut refused = 0;
    for _ in 0..3000 {
        let wrong = random.below(entries.len() as u64) as usize;
        let mut file = Vec::new();
        for (at, (entry, body)) in entries.iter().zip(&bodies).enumerate() {
            let mut body = body.clone();
            for _ in 0..=random.below(4) {
                if at == wrong && !body.is_empty() {
                    let at = random.below(body.len() as u64) as usize;
                    body[at] = match random.below(3) {
                        0 => 0xff,
                        1 => 0,
                        _ => body[at] ^ (1 << random.below(8)),
                    };
                }
            }
            file.extend_from_slice(&Frame::compressed(entry.head, &[body]).bytes);
        }
        let mut history = open(file);
        for recorded in history.from(jiff::Timestamp::MIN).take(60) {
            recorded.unwrap();
        }
        history.holders(&HolderQuery::new(443)).unwrap();
        refused += usize::from(!history.damage().is_empty());
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn a_damaged_frame_is_a_gap_until_the_next_keyframe() {
    let (mut bytes, written) = stored();
    let entries = open(bytes.clone()).segments[0].frames.entries.clone();
    let broken = &entries[3];
    bytes[(broken.offset as usize) + HEAD_LENGTH + 20] ^= 1;
    let mut history = open(bytes);
    let read = forward(&mut history);
    assert!(read.len() < written.len());
    let damage = history.damage();
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert_eq!(
        (damage[0].offset, &damage[0].kind),
        (broken.offset, &DamageKind::Checksum)
    );
    let runs: Vec<_> = read.iter().filter(|one| one.begins_run).collect();
    assert_eq!(runs.len(), 2);
    let time = written[8].1.snapshot.taken_at.wall;
    // The last one before the damage, and a gap.
    let found = history.at(time).unwrap().unwrap();
    let before = |one: &&Recorded| one.snapshot.taken_at.wall <= time;
    let last = read.iter().rfind(before).unwrap();
    assert_eq!(found.position, last.position);
    assert_eq!(found.gap.unwrap().reason, GapReason::Damaged);
}

#[test]
fn a_later_version_is_named_and_an_unknown_kind_is_skipped() {
    let (bytes, written) = stored();
    let mut later = bytes.clone();
    let at = open(bytes.clone()).segments[0].frames.entries[3].offset as usize;
    later[at + 4] = VERSION + 1;
    let crc = crc32fast::hash(&later[at..at + HEAD_LENGTH - 4]);
    later[at + HEAD_LENGTH - 4..at + HEAD_LENGTH].copy_from_slice(&crc.to_le_bytes());
    later.truncate(later.len() - 16);
    let mut history = open(later);
    let damage = history.damage();
    assert_eq!(damage[0].kind, DamageKind::Version(VERSION + 1));
    assert_readable(&mut history, &written, at as u64);
    let mut other = bytes;
    // The stop frame of the first section.
    let entries = open(other.clone()).segments[0].frames.entries.clone();
    let stop = entries
        .iter()
        .find(|entry| entry.head.kind.number() == 4)
        .unwrap();
    let at = stop.offset as usize;
    other[at + 5] = 99;
    let crc = crc32fast::hash(&other[at..at + HEAD_LENGTH - 4]);
    other[at + HEAD_LENGTH - 4..at + HEAD_LENGTH].copy_from_slice(&crc.to_le_bytes());
    other.truncate(other.len() - 16);
    let mut history = open(other);
    assert_eq!(forward(&mut history).len(), written.len());
}

#[test]
fn ten_thousand_sections_that_repeat_each_other_are_passed_without_deep_calls() {
    let folder = Folder::new();
    let snapshot = Snapshot {
        taken_at: Machine::new(1).quiet(1000).taken_at,
        ..Snapshot::default()
    };
    written(&folder, &[snapshot]);
    let history = History::open(&folder.0).unwrap();
    let segment = &history.segments[0];
    let mut input = segment.open().unwrap().unwrap();
    let mut section = Vec::new();
    for entry in &segment.frames.entries[..2] {
        let body = read_body(&mut input, entry).unwrap().unwrap();
        let mut head = entry.head;
        if head.kind == Kind::Start {
            head.flags = StartReason::Continued.flags();
        }
        section.extend_from_slice(&Frame::compressed(head, &[body]).bytes);
    }
    let mut history = open(section.repeat(10_000));
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let sought = small.spawn(move || {
        let last = history.at(jiff::Timestamp::MAX).unwrap().unwrap();
        assert!(history.previous(last.position).unwrap().is_none());
    });
    sought.unwrap().join().unwrap();
}

/// Two snapshots that differ, in turn, all taken at once.
fn alternating() -> impl Iterator<Item = Snapshot> {
    let mut machine = Machine::new(1);
    let one = machine.quiet(1000);
    machine.listen_by(8081, 10);
    let mut other = machine.quiet(1000);
    other.taken_at = one.taken_at;
    std::iter::repeat([one, other]).flatten()
}

#[test]
fn a_frame_of_too_many_snapshots_is_refused_and_none_is_written() {
    let mut snapshots = alternating();
    let first = snapshots.next().unwrap();
    let wall = first.taken_at.wall.as_millisecond();
    let mut encoder = Encoder::new(&first, first.taken_at);
    let mut decoder = Decoder::new(&encoder.keyframe().concat(), wall).unwrap();
    for snapshot in snapshots.by_ref().take(MAX_STEPS) {
        assert!(encoder.add(&snapshot).is_any);
    }
    let raw = encoder.take().pieces.concat();
    assert_eq!(decoder.read(&raw).unwrap().len(), MAX_STEPS);
    for snapshot in snapshots.by_ref().take(MAX_STEPS + 2) {
        encoder.add(&snapshot);
    }
    let refused = decoder.read(&encoder.take().pieces.concat());
    assert_eq!(refused.unwrap_err(), "it has more than 4096 snapshots");
    let mut framer = Framer::new(Recorder {
        section: Duration::from_hours(1),
        ..Recorder::default()
    });
    let output = snapshots
        .take(MAX_STEPS)
        .flat_map(|one| framer.add(&one, None));
    let written = output.flat_map(Output::into_frames);
    let changes = written.filter(|frame| frame.head.kind == Kind::Changes);
    assert!(changes.count() > 1);
}

#[test]
fn damage_at_the_end_of_a_segment_is_a_gap_before_the_next_one() {
    let folder = Folder::new();
    written(&folder, &Machine::new(9).snapshots(90, 60_000));
    let history = History::open(&folder.0).unwrap();
    assert_eq!(history.gaps(TimeRange::ALL), []);
    let segment = &history.segments[0];
    let last = *segment.frames.entries.last().unwrap();
    let path = segment.source.path().unwrap().to_path_buf();
    let bytes = std::fs::read(&path).unwrap();
    let reasons = |history: &History| {
        let gaps = history.gaps(TimeRange::ALL);
        gaps.iter().map(|gap| gap.reason).collect::<Vec<_>>()
    };
    let mut broken = bytes.clone();
    broken[last.offset as usize + HEAD_LENGTH + 20] ^= 1;
    std::fs::write(&path, &broken).unwrap();
    let mut history = History::open(&folder.0).unwrap();
    // The keyframe of the next segment has its last snapshot again.
    forward(&mut history);
    assert_eq!(reasons(&history), [GapReason::Damaged]);
    // Only its index: nothing of the section is missing.
    let mut broken = bytes.clone();
    broken[(last.offset + last.length()) as usize] ^= 1;
    std::fs::write(&path, &broken).unwrap();
    let history = History::open(&folder.0).unwrap();
    assert_eq!(reasons(&history), []);
    // The file was cut, within a frame.
    std::fs::write(&path, &bytes[..last.offset as usize + 60]).unwrap();
    let history = History::open(&folder.0).unwrap();
    assert_eq!(reasons(&history), [GapReason::Damaged]);
}
