//! Any bytes as a history: what can be read goes through the tracker, and nothing that a terminal acts on is in it. The
//! checksums are set right first, as a person who means harm would do.
//!
//! `fuzz_targets/history.rs` feeds it new bytes, `tests/properties/corpus.rs` those that were kept.

use std::time::Duration;

use sockeye::history::{ChangeKey, History, HolderQuery, TimeRange};
use sockeye::model::{Protocol, clean};
use sockeye::track::Tracker;

/// More snapshots than this bring nothing new.
const MOST_SNAPSHOTS: usize = 16;

/// The length of a head, and where the length of the body, its checksum and that of the head are.
const HEAD: usize = 46;
const LENGTH: usize = 8;
const BODY_CRC: usize = 38;
const HEAD_CRC: usize = 42;

/// One input.
pub fn run(bytes: &[u8]) {
    read(bytes.to_vec());
    read(with_checksums(bytes));
}

fn read(bytes: Vec<u8>) {
    let mut history = History::of_bytes(bytes);
    let mut tracker = Tracker::new(Duration::from_secs(10));
    let mut positions = Vec::new();
    for recorded in history.from(jiff::Timestamp::MIN).take(MOST_SNAPSHOTS) {
        let mut recorded = recorded.expect("memory can be read");
        let counters = recorded.counters.map(|stored| stored.counters.to_vec());
        recorded.snapshot.counters = counters;
        positions.push(recorded.position);
        for socket in &recorded.snapshot.sockets {
            let texts = [
                &socket.user,
                &socket.unit,
                &socket.container,
                &socket.interface,
            ];
            for text in texts.into_iter().flatten() {
                assert_eq!(clean(text), text.as_str());
            }
        }
        tracker.apply(recorded.snapshot);
    }
    for position in positions.iter().rev() {
        let key = ChangeKey::Port {
            protocol: Protocol::Tcp,
            port: 443,
        };
        // Damage that was found meanwhile may have removed it.
        let _ = history.previous(*position);
        let _ = history.change_before(*position, &key);
        let _ = history.change_after(*position, &key);
    }
    if let Some(range) = history.range() {
        history.at(range.to).expect("memory can be read");
        history.counts(range, 7);
    }
    history.gaps(TimeRange::ALL);
    for port in [443, 8080] {
        let spans = history.holders(&HolderQuery::new(port));
        spans.expect("memory can be read");
    }
    history.verify().expect("memory can be read");
}

/// The bytes with the checksums that they would have.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + HEAD) {
        let length = [0, 1, 2, 3].map(|byte| head[LENGTH + byte]);
        let length = u32::from_le_bytes(length) as usize;
        let end = (at + HEAD).saturating_add(length).min(bytes.len());
        let crc = crc32fast::hash(&bytes[at + HEAD..end]);
        bytes[at + BODY_CRC..at + HEAD_CRC].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[at..at + HEAD_CRC]);
        bytes[at + HEAD_CRC..at + HEAD].copy_from_slice(&crc.to_le_bytes());
        at = end;
    }
    bytes
}
