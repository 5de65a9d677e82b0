//! The frames of a segment: found by hopping from head to head.

use std::io;

use super::footer::{TRAILER, is_trailer};
use super::source::Input;
use crate::history::DamageKind;
use crate::history::format::{HEAD_LENGTH, Head, HeadError, Kind, MAGIC};

/// How many bytes are searched at once for the next frame after damage.
const SEARCHED: usize = 1 << 16;

/// A frame of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where its head begins.
    pub offset: u64,
    pub head: Head,
}

impl Entry {
    /// The frame's length, with its head.
    pub fn length(&self) -> u64 {
        HEAD_LENGTH as u64 + u64::from(self.head.length)
    }
}

/// Damage of a segment: where it begins, its length and what it is.
pub(crate) type Fault = (u64, Option<u64>, DamageKind);

/// The frames of a segment as far as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    /// Those of known kinds, in order.
    pub entries: Vec<Entry>,
    pub faults: Vec<Fault>,
    /// Where the next frame begins.
    pub end: u64,
    /// Whether the rest is of a later version.
    is_over: bool,
}

impl Frames {
    /// The frames of a whole segment of this length, as its index lists them.
    pub fn listed(entries: Vec<Entry>, length: u64) -> Self {
        Self {
            entries,
            faults: Vec::new(),
            end: length,
            is_over: false,
        }
    }

    /// Adds the frames that follow the known ones. Returns whether there are any.
    pub fn extend(&mut self, input: &mut Input) -> io::Result<bool> {
        let length = input.len()?;
        let known = self.entries.len();
        self.faults
            .retain(|(_, _, kind)| *kind != DamageKind::Incomplete);
        while !self.is_over && self.end < length {
            let bytes = input.read(self.end, HEAD_LENGTH)?;
            if bytes.len() == TRAILER && is_trailer(&bytes).is_some() {
                self.end = length;
                break;
            }
            let parsed = <[u8; HEAD_LENGTH]>::try_from(&bytes[..]).ok();
            match parsed.map(|bytes| Head::parse(&bytes)) {
                Some(Ok(head)) => {
                    let after = self.end + (HEAD_LENGTH as u64) + u64::from(head.length);
                    if after > length {
                        self.incomplete(length);
                        break;
                    }
                    self.add(head);
                    self.end = after;
                }
                Some(Err(HeadError::Version(version))) => {
                    let rest = Some(length - self.end);
                    self.faults
                        .push((self.end, rest, DamageKind::Version(version)));
                    self.is_over = true;
                }
                Some(Err(HeadError::Damaged)) => {
                    let Some(next) = next_head(input, self.end + 1)? else {
                        self.incomplete(length);
                        break;
                    };
                    let damaged = Some(next - self.end);
                    self.faults.push((self.end, damaged, DamageKind::NoFrame));
                    self.end = next;
                }
                None => {
                    self.incomplete(length);
                    break;
                }
            }
        }
        Ok(self.entries.len() > known)
    }

    fn incomplete(&mut self, length: u64) {
        let rest = Some(length - self.end);
        self.faults.push((self.end, rest, DamageKind::Incomplete));
    }

    fn add(&mut self, head: Head) {
        // Sections in one file may be of several recorders.
        if let Some(last) = self.entries.last()
            && head.kind != Kind::Start
            && head.sequence != last.head.sequence.wrapping_add(1)
        {
            self.faults.push((self.end, None, DamageKind::Missing));
        }
        let offset = self.end;
        self.entries.push(Entry { offset, head });
    }

    /// The frames with a moment: keyframes and changes.
    pub fn is_moment(kind: Kind) -> bool {
        matches!(kind, Kind::Keyframe | Kind::Changes)
    }
}

/// Where the next valid head begins.
fn next_head(input: &mut Input, from: u64) -> io::Result<Option<u64>> {
    let mut offset = from;
    loop {
        let bytes = input.read(offset, SEARCHED)?;
        for at in memchr::memmem::find_iter(&bytes, &MAGIC) {
            let at = offset + at as u64;
            let head = input.read(at, HEAD_LENGTH)?;
            let head = <[u8; HEAD_LENGTH]>::try_from(&head[..]);
            if head.is_ok_and(|head| Head::parse(&head) != Err(HeadError::Damaged)) {
                return Ok(Some(at));
            }
        }
        if bytes.len() < SEARCHED {
            return Ok(None);
        }
        offset += (SEARCHED - MAGIC.len()) as u64;
    }
}
