//! The frames that a file consists of. Pure.

mod head;

#[cfg(test)]
pub(crate) use head::VERSION;
pub(crate) use head::{ChangeCounts, HEAD_LENGTH, Head, HeadError, Kind, MAGIC, MAX_BODY};

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::history::GapReason;
use crate::model::Text;

/// The level of compression: 9 saves 2 % and takes several times as long.
const LEVEL: i32 = 3;

/// The least bytes that gain from a block of their own.
const BLOCK: usize = 96;

/// The body of a start frame: who records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The version of the program.
    pub program: String,
    /// A number of the run of the recorder, by chance: pseudonyms are the same as long as it is.
    #[serde(default)]
    pub run: Option<u64>,
    /// The machine's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Text>,
    /// Identifies the time since the machine started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<Text>,
    /// Whether names and addresses are pseudonyms.
    #[serde(default)]
    pub is_redacted: bool,
}

/// Why a section begins: the low byte of a start frame's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartReason {
    /// The recorder started.
    Started,
    /// The section before was long enough.
    Continued,
    /// Something is missing in between.
    After(GapReason),
}

impl StartReason {
    const ALL: [Self; 6] = [
        Self::Started,
        Self::Continued,
        Self::After(GapReason::NoSnapshots),
        Self::After(GapReason::ClockSet),
        Self::After(GapReason::DiskFull),
        Self::After(GapReason::Overflow),
    ];

    pub fn flags(self) -> u16 {
        let at = Self::ALL.iter().position(|one| *one == self);
        at.and_then(|at| u16::try_from(at).ok()).unwrap_or_default()
    }

    /// A reason of a later version counts as a start.
    pub fn of(flags: u16) -> Self {
        let known = Self::ALL.get(usize::from(flags & 0xff)).copied();
        known.unwrap_or(Self::Started)
    }
}

/// A whole frame, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub head: Head,
    pub bytes: Vec<u8>,
}

impl Frame {
    /// A frame with this body, in pieces that are best compressed one by one. The head's lengths and checksum are set here.
    pub fn compressed(head: Head, pieces: &[Vec<u8>]) -> Self {
        // Memory can always be written.
        let body = compress(pieces).unwrap_or_default();
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let head = Head {
            length: length(body.len()),
            raw_length: length(pieces.iter().map(Vec::len).sum()),
            body_crc: crc32fast::hash(&body),
            ..head
        };
        let mut bytes = Vec::with_capacity(HEAD_LENGTH + body.len());
        bytes.extend_from_slice(&head.to_bytes());
        bytes.extend_from_slice(&body);
        Self { head, bytes }
    }

    /// Whether it can be read: its body is not too large.
    pub fn is_readable(&self) -> bool {
        self.head.is_bounded()
    }

    pub fn set_counts(&mut self, counts: ChangeCounts) {
        self.head.counts = counts;
        self.bytes[..HEAD_LENGTH].copy_from_slice(&self.head.to_bytes());
    }
}

/// One zstd frame. A large piece begins and ends a block, as its bytes have frequencies of their own.
fn compress(pieces: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let length: usize = pieces.iter().map(Vec::len).sum();
    let mut encoder = zstd::Encoder::new(Vec::with_capacity(length / 2), LEVEL)?;
    encoder.include_contentsize(false)?;
    encoder.set_pledged_src_size(Some(length as u64))?;
    let mut is_flushed = true;
    for piece in pieces {
        let is_large = piece.len() >= BLOCK;
        if is_large && !is_flushed {
            encoder.flush()?;
        }
        encoder.write_all(piece)?;
        if is_large {
            encoder.flush()?;
        }
        is_flushed = is_large || is_flushed && piece.is_empty();
    }
    encoder.finish()
}
