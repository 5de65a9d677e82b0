//! A segment that is being read: its frames, and which of them can't be read.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::footer::write_footer;
use super::{Fault, Footer, Frames, Input, PortSummary, Source, Summarizer, read_body};
use crate::history::format::{Head, Kind, Start};
use crate::history::{Damage, DamageKind, StoreError};

/// One segment.
pub(crate) struct Segment {
    pub number: u64,
    pub source: Source,
    pub frames: Frames,
    /// The frames that turned out to be unreadable, by index.
    pub broken: BTreeSet<usize>,
    footer: Option<Footer>,
    /// Without a footer, the same in memory.
    summarizer: Option<Box<Summarizer>>,
}

impl Segment {
    pub fn new(number: u64, source: Source) -> Self {
        Self {
            number,
            source,
            frames: Frames::default(),
            broken: BTreeSet::new(),
            footer: None,
            summarizer: None,
        }
    }

    /// Reads the index at its end or, without one, the heads of the frames that are not known yet. Returns whether it is still
    /// there.
    pub fn refresh(&mut self) -> Result<bool, StoreError> {
        let Some(mut input) = self.open()? else {
            return Ok(false);
        };
        if self.footer.is_none() {
            let footer = Footer::read(&mut input).map_err(|reason| self.failed(reason))?;
            if let Some((footer, frames)) = footer {
                (self.footer, self.frames) = (Some(footer), frames);
            } else {
                let read = self.frames.extend(&mut input);
                read.map_err(|reason| self.failed(reason))?;
            }
        }
        Ok(true)
    }

    /// Who had a port; empty if the segment was removed: what is known then is archived.
    pub fn port(&mut self, port: u16) -> Result<PortSummary, StoreError> {
        unless_removed(self.read_port(port))
    }

    fn read_port(&mut self, port: u16) -> Result<PortSummary, StoreError> {
        let mut input = self.open()?.ok_or(StoreError::Removed)?;
        if let Some(footer) = &self.footer {
            let summary = footer.port(&mut input, port);
            if let Some(summary) = summary.map_err(|reason| self.failed(reason))? {
                return Ok(summary);
            }
        }
        let mut summarizer = self.summarizer.take().unwrap_or_default();
        summarizer.extend(self)?;
        let summary = PortSummary::of(&summarizer.summary, port);
        self.summarizer = Some(summarizer);
        Ok(summary)
    }

    /// Who listened on which port, or was bound to it; as [`port`](Self::port).
    pub fn spans(&mut self) -> Result<PortSummary, StoreError> {
        unless_removed(self.read_spans())
    }

    fn read_spans(&mut self) -> Result<PortSummary, StoreError> {
        let mut input = self.open()?.ok_or(StoreError::Removed)?;
        if let Some(footer) = &self.footer {
            let summary = footer.spans(&mut input);
            if let Some(summary) = summary.map_err(|reason| self.failed(reason))? {
                return Ok(summary);
            }
        }
        let mut summarizer = Summarizer::default();
        summarizer.extend(self)?;
        Ok(PortSummary {
            holders: summarizer.summary.holders,
            spans: summarizer.summary.spans,
            clients: Vec::new(),
        })
    }

    /// What to add at the end of a segment that is complete, and where; `None` if it has it already, or is damaged.
    pub fn footer(&mut self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.refresh()?;
        let is_damaged = |(_, _, kind): &Fault| *kind != DamageKind::Incomplete;
        if self.footer.is_some() || self.is_empty() || self.frames.faults.iter().any(is_damaged) {
            return Ok(None);
        }
        let mut summarizer = Summarizer::default();
        summarizer.extend(self)?;
        let end = self.frames.end;
        let footer = write_footer(&self.frames, &summarizer.summary, end);
        Ok(footer.map(|footer| (end, footer)))
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

    /// The number of the run that a frame is of, from the start frame before it.
    pub fn run_before(&self, entry: usize) -> Result<Option<u64>, StoreError> {
        let entries = self.frames.entries[..=entry].iter();
        let start = entries.rev().find(|entry| entry.head.kind == Kind::Start);
        let (Some(start), Some(mut input)) = (start, self.open()?) else {
            return Ok(None);
        };
        let body = read_body(&mut input, start).map_err(|reason| self.failed(reason))?;
        let start = body
            .ok()
            .and_then(|body| serde_json::from_slice::<Start>(&body).ok());
        Ok(start.and_then(|start| start.run))
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

    /// Checks every frame, those of the footer too.
    pub fn verify(&mut self) -> Result<(), StoreError> {
        let Some(mut input) = self.open()? else {
            return Ok(());
        };
        let mut found = Frames::default();
        let read = found.extend(&mut input);
        read.map_err(|reason| self.failed(reason))?;
        for entry in &found.entries {
            let body = read_body(&mut input, entry).map_err(|reason| self.failed(reason))?;
            if let Err(kind) = body {
                let fault = (entry.offset, Some(entry.length()), kind);
                found.faults.push(fault);
            }
        }
        for fault in found.faults {
            if !self.frames.faults.contains(&fault) {
                self.frames.faults.push(fault);
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

fn unless_removed(read: Result<PortSummary, StoreError>) -> Result<PortSummary, StoreError> {
    match read {
        Err(StoreError::Removed) => Ok(PortSummary::default()),
        read => read,
    }
}
