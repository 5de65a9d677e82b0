//! The history of a machine's sockets on disk: who had the port at 3 am.
//!
//! A [`Writer`] stores snapshots in a folder, a segment an hour; [`Memory`] stores the last hour in memory. A [`History`]
//! reads either, or one file. It returns snapshots that equal the written ones, except for what takes more room than it is
//! worth:
//!
//! - snapshots in which nothing changed are not stored: the one before is valid until the next,
//! - sockets are in the order in which they were first stored, not in that of the system's table,
//! - times are in milliseconds, and the wall clock of a snapshot follows the steady one within a frame,
//! - the steady clock counts from 1970: from the time at which the recorder started, by the clock as it was set then,
//! - the age of a socket's state is there in snapshots that were sought, not only in the first of a run.
//!
//! Nothing here reads a clock: the time is that of the snapshots.

mod codec;
mod error;
mod format;
mod holders;
mod memory;
mod moments;
mod reader;
mod segment;
mod writer;

pub use error::StoreError;
pub use holders::{HolderQuery, HolderSpan, SpanEnd};
pub use memory::{Memory, MemoryOptions};
pub use moments::{
    Bucket, ChangeKey, Damage, DamageKind, Gap, GapReason, Position, Recorded, TimeRange,
};
pub use reader::{History, Snapshots};
pub use writer::{Stored, Writer, WriterOptions};

#[cfg(test)]
mod tests;
