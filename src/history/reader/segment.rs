//! The segments of a history: found, read as far as needed, and read on while they grow.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::history::format::{Head, Kind};
use crate::history::memory::Shared;
use crate::history::segment::{Fault, Frames, Input, Source, read_body};
use crate::history::writer::folder::segments;
use crate::history::{Damage, StoreError};

/// Where a history is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Folder(PathBuf),
    File(PathBuf),
    Memory(Shared),
}

/// One segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub number: u64,
    pub source: Source,
    pub frames: Frames,
    /// The frames that turned out to be unreadable, by index.
    pub broken: BTreeSet<usize>,
}

impl Segment {
    fn new(number: u64, source: Source) -> Self {
        Self {
            number,
            source,
            frames: Frames::default(),
            broken: BTreeSet::new(),
        }
    }

    /// The frames with a moment, each with its index.
    pub fn moments(&self) -> impl DoubleEndedIterator<Item = (usize, Head)> + '_ {
        let entries = self.frames.entries.iter().enumerate();
        let entries = entries.map(|(at, entry)| (at, entry.head));
        entries.filter(|(_, head)| Frames::is_moment(head.kind))
    }

    /// The frames with a moment from this index on.
    pub fn moments_from(&self, entry: usize) -> impl Iterator<Item = usize> + '_ {
        let entries = self.frames.entries.iter().enumerate().skip(entry);
        entries.filter_map(|(at, entry)| Frames::is_moment(entry.head.kind).then_some(at))
    }

    /// The frames with a moment before this index, the last one first.
    pub fn moments_before(&self, entry: usize) -> impl Iterator<Item = usize> + '_ {
        let entry = entry.min(self.frames.entries.len());
        let entries = self.frames.entries[..entry].iter().enumerate().rev();
        entries.filter_map(|(at, entry)| Frames::is_moment(entry.head.kind).then_some(at))
    }

    /// Whether a frame continues another one: they follow each other, in one section.
    pub fn is_linked(&self, one: usize, next: usize) -> bool {
        let entries = &self.frames.entries;
        let sequence = |at: usize| entries.get(at).map(|entry| entry.head.sequence);
        let is_start = |at: usize| entries[at].head.kind == Kind::Start;
        one + 1 == next
            && sequence(next).is_some()
            && sequence(next) == sequence(one).map(|one| one.wrapping_add(1))
            && !is_start(next)
            && !self.broken.contains(&one)
    }

    pub fn is_empty(&self) -> bool {
        self.frames.entries.is_empty()
    }

    /// Notes that a frame can't be read.
    pub fn note(&mut self, entry: usize, fault: Fault) {
        if self.broken.insert(entry) {
            self.frames.faults.push(fault);
        }
    }

    /// Checks every frame.
    pub fn verify(&mut self) -> Result<(), StoreError> {
        let Some(mut input) = self.open()? else {
            return Ok(());
        };
        for (at, entry) in self.frames.entries.clone().iter().enumerate() {
            let body = read_body(&mut input, entry).map_err(|reason| self.failed(reason))?;
            if let Err(kind) = body {
                self.note(at, (entry.offset, Some(entry.length()), kind));
            }
        }
        Ok(())
    }

    /// Opens it; `None` if it was removed.
    pub fn open(&self) -> Result<Option<Input>, StoreError> {
        match self.source.open() {
            Ok(input) => Ok(Some(input)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(reason) => Err(self.failed(reason)),
        }
    }

    pub fn failed(&self, reason: io::Error) -> StoreError {
        let path = self.source.path().unwrap_or(Path::new("memory"));
        StoreError::file(path, reason)
    }

    /// The damage found so far.
    pub fn damage(&self) -> impl Iterator<Item = Damage> + '_ {
        let file = self.source.path().map(Path::to_path_buf);
        let faults = self.frames.faults.iter();
        faults.map(move |(offset, length, kind)| Damage {
            file: file.clone(),
            offset: *offset,
            length: *length,
            kind: kind.clone(),
        })
    }
}

impl Place {
    /// Updates the list of segments, and reads on those that grew.
    pub fn refresh(&self, known: &mut Vec<Segment>) -> Result<(), StoreError> {
        let found = self.list()?;
        let mut all = Vec::with_capacity(found.len());
        let mut before = std::mem::take(known).into_iter().peekable();
        for (number, source) in found {
            while before.peek().is_some_and(|one| one.number < number) {
                before.next();
            }
            let same = before.next_if(|one| one.number == number);
            let is_last = before.peek().is_none();
            let mut segment = match same {
                Some(segment) if !is_last => {
                    all.push(segment);
                    continue;
                }
                same => same.unwrap_or_else(|| Segment::new(number, source)),
            };
            if let Some(mut input) = segment.open()? {
                let read = segment.frames.extend(&mut input);
                read.map_err(|reason| segment.failed(reason))?;
                all.push(segment);
            }
        }
        *known = all;
        Ok(())
    }

    fn list(&self) -> Result<Vec<(u64, Source)>, StoreError> {
        Ok(match self {
            Self::Folder(path) => {
                let found = segments(path).map_err(|reason| StoreError::file(path, reason))?;
                let found = found.into_iter();
                found
                    .map(|one| (one.number, Source::File(one.path)))
                    .collect()
            }
            Self::File(path) => vec![(0, Source::File(path.clone()))],
            Self::Memory(shared) => shared.segments(),
        })
    }
}
