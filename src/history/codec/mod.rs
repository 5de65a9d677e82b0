//! Snapshots as bodies of frames, and back. Pure.
//!
//! A keyframe has everything; the frames after it have what changed since, in columns. Addresses, processes and what many
//! sockets have in common are in tables, which begin anew with each keyframe.

pub(crate) mod bytes;
mod closes;
mod columns;
mod counters;
mod decoder;
mod encoder;
mod entries;
mod number;
mod parts;
mod records;
mod slots;
mod tables;

#[cfg(test)]
pub(crate) use closes::reduced;
pub(crate) use decoder::{Decoder, Step};
pub(crate) use encoder::Encoder;
pub(crate) use slots::Identity;

use crate::history::format::ChangeCounts;

/// The most sockets of a snapshot that are stored.
pub(crate) const MAX_SOCKETS: usize = 1 << 19;

/// The most snapshots of a frame: a small file can't fill the memory with their times. A recorder writes far fewer.
pub(crate) const MAX_STEPS: usize = 1 << 12;

/// What a snapshot changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Whether there is anything to store.
    pub is_any: bool,
    /// Whether a socket without a peer, its owner or a problem changed.
    pub has_listener_change: bool,
}

/// Changes that are ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The body, in pieces that are best compressed one by one.
    pub pieces: Vec<Vec<u8>>,
    pub counts: ChangeCounts,
    pub has_listener_change: bool,
}
