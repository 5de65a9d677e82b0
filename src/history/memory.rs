//! A history in memory: the last hour, for a live table without a store.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::reader::Place;
use super::segment::{SharedBytes, Source};
use super::writer::framer::{Framer, Output, Recorder};
use super::writer::system::create_file;
use super::{History, StoreError};
use crate::model::Snapshot;

/// How much is kept in memory.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// How long. Default: 1 hour.
    pub keep: Duration,
    /// The most bytes. Default: 16 MiB.
    pub max_size: usize,
    /// The time between two snapshots: a much longer one is a gap. Default: 1 s.
    pub interval: Duration,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            keep: Duration::from_hours(1),
            max_size: 16 << 20,
            interval: Duration::from_secs(1),
        }
    }
}

/// A part of the history in memory, with its number.
#[derive(Debug)]
struct Part {
    number: u64,
    /// When it began, in ms since 1970.
    start: i64,
    bytes: SharedBytes,
}

/// The parts, shared with those that read them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<RwLock<VecDeque<Part>>>);

impl Shared {
    /// One segment of these bytes.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let part = Part {
            number: 1,
            start: 0,
            bytes: Arc::new(RwLock::new(bytes)),
        };
        Self(Arc::new(RwLock::new(VecDeque::from([part]))))
    }

    pub(crate) fn segments(&self) -> Vec<(u64, Source)> {
        let parts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let parts = parts.iter();
        parts
            .map(|part| (part.number, Source::Memory(Arc::clone(&part.bytes))))
            .collect()
    }
}

/// The last snapshots, in memory: the same frames as on disk. What has been read stays valid while more is added.
pub struct Memory {
    options: MemoryOptions,
    framer: Framer,
    shared: Shared,
    next_number: u64,
}

impl Memory {
    /// An empty one.
    pub fn new(options: MemoryOptions) -> Self {
        // The oldest part is dropped whole: many parts keep nearly the whole time.
        let recorder = Recorder::new(options.keep / 8, options.interval);
        Self {
            options,
            framer: Framer::new(recorder),
            shared: Shared::default(),
            next_number: 1,
        }
    }

    /// Adds a snapshot. It can be read within 10 seconds, or at once after [`flush`](Self::flush).
    pub fn add(&mut self, snapshot: &Snapshot) {
        for output in self.framer.add(snapshot, None) {
            self.append(output);
        }
        self.drop_old(snapshot.taken_at.wall.as_millisecond());
    }

    /// Makes everything readable that was added.
    pub fn flush(&mut self) {
        if let Some(output) = self.framer.flush() {
            self.append(output);
        }
    }

    /// Reads it. [`History::refresh`] finds what was added later.
    ///
    /// # Errors
    /// None: memory can be read.
    pub fn history(&self) -> Result<History, StoreError> {
        History::new(Place::Memory(self.shared.clone()))
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        let parts = self.shared.0.read().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|part| length(&part.bytes)).sum()
    }

    /// Writes everything to a new file that only its owner can read, for [`History::open`].
    ///
    /// # Errors
    /// When the file is there already or can't be written.
    pub fn write_to(&mut self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        self.flush();
        let path = path.as_ref();
        let failed = |reason: io::Error| StoreError::file(path, reason);
        let mut file = create_file(path).map_err(failed)?;
        let parts = self.shared.0.read().unwrap_or_else(PoisonError::into_inner);
        for part in parts.iter() {
            let bytes = part.bytes.read().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(&bytes) {
                let _ = fs::remove_file(path);
                return Err(failed(error));
            }
        }
        file.sync_all().map_err(failed)
    }

    fn append(&mut self, output: Output) {
        let mut parts = self
            .shared
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match output {
            Output::Section(start, keyframe) => {
                let bytes = [start.bytes, keyframe.bytes].concat();
                parts.push_back(Part {
                    number: self.next_number,
                    start: start.head.wall,
                    bytes: Arc::new(RwLock::new(bytes)),
                });
                self.next_number += 1;
            }
            Output::Frame(frame) => {
                if let Some(part) = parts.back() {
                    let mut bytes = part.bytes.write().unwrap_or_else(PoisonError::into_inner);
                    bytes.extend_from_slice(&frame.bytes);
                }
            }
        }
    }

    /// Drops the oldest parts; never the one that is being written.
    fn drop_old(&mut self, now: i64) {
        let mut parts = self
            .shared
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let keep = i64::try_from(self.options.keep.as_millis()).unwrap_or(i64::MAX);
        loop {
            let size: usize = parts.iter().map(|part| length(&part.bytes)).sum();
            let is_old = parts
                .get(1)
                .is_some_and(|next| next.start < now.saturating_sub(keep));
            if parts.len() < 2 || !is_old && size <= self.options.max_size {
                return;
            }
            parts.pop_front();
        }
    }
}

fn length(bytes: &SharedBytes) -> usize {
    bytes.read().unwrap_or_else(PoisonError::into_inner).len()
}
