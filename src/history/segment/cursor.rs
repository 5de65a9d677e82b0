//! The state of all sockets at one position, and how it gets from there to the next.

use super::{Fault, Input, Segment, read_body};
use crate::history::codec::{Decoder, Step};
use crate::history::format::Head;
use crate::history::{DamageKind, Position, StoreError};
use crate::model::{Moment, Snapshot};

/// Decodes the snapshots of a segment one after another.
pub(crate) struct Cursor {
    decoder: Decoder,
    position: Position,
    /// The index of the frame that the snapshot is in, and of the one that was entered last.
    entry: usize,
    entered: usize,
    /// The snapshots of that frame that are not applied yet, and the number of the first of them.
    rest: std::vec::IntoIter<Step>,
    next_step: u32,
    taken_at: Moment,
    is_redacted: bool,
    /// The segment, open: a removed file can be read on, and on Windows removed nevertheless.
    input: Input,
}

/// What was read, or why it can't be read.
pub(crate) type Readable<T> = Result<T, Fault>;

impl Cursor {
    pub fn position(&self) -> Position {
        self.position
    }

    /// The index of the frame that the snapshot is in.
    pub fn entry(&self) -> usize {
        self.entry
    }

    /// The index of the frame that was entered last: the same or a later one.
    pub fn entered(&self) -> usize {
        self.entered
    }

    /// How many snapshots of that frame are applied.
    pub fn applied(&self) -> u32 {
        self.next_step
    }

    pub fn taken_at(&self) -> Moment {
        self.taken_at
    }

    pub fn is_redacted(&self) -> bool {
        self.is_redacted
    }

    /// The next snapshot of the same frame.
    pub fn next_step(&self) -> Option<&Step> {
        self.rest.as_slice().first()
    }

    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    pub fn snapshot(&self) -> Snapshot {
        self.decoder.snapshot()
    }

    /// The state of a keyframe.
    pub fn of_keyframe(segment: &Segment, entry: usize) -> Result<Readable<Self>, StoreError> {
        let Some(mut input) = segment.open()? else {
            return Err(StoreError::Removed);
        };
        let head = segment.frames.entries[entry].head;
        let decode_keyframe = |raw: &[u8]| Decoder::new(raw, head.wall);
        let decoded = decode(segment, entry, &mut input, decode_keyframe)?;
        Ok(decoded.map(|decoder| Self {
            taken_at: decoder.taken_at(),
            decoder,
            position: Position {
                file: segment.number,
                offset: segment.frames.entries[entry].offset,
                step: 0,
            },
            entry,
            entered: entry,
            rest: Vec::new().into_iter(),
            next_step: 1,
            is_redacted: head.flags & Head::IS_REDACTED != 0,
            input,
        }))
    }

    /// Applies the next snapshot of the same frame. Returns whether there is one.
    pub fn step(&mut self, segment: &Segment, keeps_difference: bool) -> Readable<bool> {
        let Some(step) = self.rest.next() else {
            return Ok(false);
        };
        let taken_at = step.taken_at();
        let applied = self.decoder.apply(&step, keeps_difference);
        applied.map_err(|why| fault(segment, self.entered, DamageKind::Content(why)))?;
        self.taken_at = taken_at;
        self.entry = self.entered;
        self.position.offset = segment.frames.entries[self.entered].offset;
        self.position.step = self.next_step;
        self.next_step += 1;
        Ok(true)
    }

    /// Enters a frame of changes, before its first snapshot. It has to be the next one.
    pub fn enter(&mut self, segment: &Segment, entry: usize) -> Result<Readable<()>, StoreError> {
        let decoder = &mut self.decoder;
        let steps = decode(segment, entry, &mut self.input, |raw| decoder.read(raw))?;
        Ok(steps.map(|steps| {
            self.pass(entry);
            self.rest = steps.into_iter();
        }))
    }

    /// Goes on from a keyframe, which has the same sockets: the frames after it build on it.
    pub fn pass_keyframe(
        &mut self,
        segment: &Segment,
        entry: usize,
    ) -> Result<Readable<()>, StoreError> {
        let keyframe = Self::of_keyframe(segment, entry)?;
        Ok(keyframe.map(|keyframe| {
            self.decoder = keyframe.decoder;
            self.pass(entry);
        }))
    }

    /// Passes a frame without snapshots.
    pub fn pass(&mut self, entry: usize) {
        self.entered = entry;
        self.next_step = 0;
    }
}

fn decode<T>(
    segment: &Segment,
    entry: usize,
    input: &mut Input,
    decode: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<Readable<T>, StoreError> {
    let raw = read_body(input, &segment.frames.entries[entry]);
    let raw = raw.map_err(|reason| segment.failed(reason))?;
    let decoded = raw.and_then(|raw| decode(&raw).map_err(DamageKind::Content));
    Ok(decoded.map_err(|kind| fault(segment, entry, kind)))
}

fn fault(segment: &Segment, entry: usize, kind: DamageKind) -> Fault {
    let entry = &segment.frames.entries[entry];
    (entry.offset, Some(entry.length()), kind)
}
