//! The history of a machine's sockets on disk: who had the port at 3 am.
//!
//! A [`Writer`] stores snapshots in a folder, a segment an hour; a [`FileWriter`] in one file; [`Memory`] keeps the last hour. A
//! [`History`] reads all of them, and finds who had a port. What is read equals what was written, except for what takes more
//! room than it is worth:
//!
//! - A snapshot in which nothing changed is not stored: the one before is valid until the next.
//! - Sockets are in the order in which they were written, which is not that of the system's table.
//! - Times are in milliseconds. The steady clock counts from the time at which the recorder started, in ms since 1970, by the
//!   wall clock as it was set then.
//! - [`Socket::age`](crate::model::Socket::age) is there in every snapshot, exact to 0.1 s behind a keyframe; so a table that
//!   begins there knows the ages of its rows. When a socket ends by itself is exact to 1.3 s.
//! - The queues of a connection are as old as its last other change, or as the last keyframe (half an hour).
//! - Of the last counters of a closed socket the bytes have 8 significant bits, the round-trip times 5; retransmits, what was
//!   not sent or not acknowledged, timeouts, probes and the state of congestion control are exact, the others are zero.
//!   Counters of open sockets are not stored.
//! - A snapshot that begins a run or was found at a keyframe has no reports of closed sockets.
//! - The text and the count of a problem may be a minute old.
//! - Arguments of a process beyond 4 KiB are cut; a network namespace has no cookie.
//! - Of a span of a port at most 16 processes are stored.
//! - At most 524,288 sockets of a snapshot are stored.
//!
//! Nothing here reads a clock: the time is that of the snapshots.

mod codec;
mod error;
mod file;
mod format;
mod holders;
mod memory;
mod moments;
mod reader;
mod segment;
mod writer;

pub use error::StoreError;
pub use file::{FileOptions, FileWriter};
pub use holders::{HolderQuery, HolderSpan, SpanEnd};
pub use memory::{Memory, MemoryOptions};
pub use moments::{
    Bucket, ChangeKey, Damage, DamageKind, Gap, GapReason, Position, Recorded, StoredCounters,
    TimeRange,
};
pub use reader::{History, Snapshots};
/// The first bytes of every file of a history.
pub const HISTORY_BEGINS: [u8; 4] = format::MAGIC;

pub use writer::{Stored, Writer, WriterOptions};

#[cfg(test)]
mod tests;
