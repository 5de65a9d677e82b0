//! Writes a history to one file, each snapshot before the next is taken: what `--record` does.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StoreError;
use super::codec::MAX_SOCKETS;
use super::writer::framer::{Framer, Output, Recorder, SECTION};
use super::writer::system::create_file;
use crate::model::{Problem, ProblemCode, Snapshot, Text};

/// What to write to a file, and how much.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// The most bytes; nothing is written beyond. Default: 1 GiB.
    pub max_size: u64,
    /// Whether to use pseudonyms for every address, user, argument, unit, container and interface.
    pub is_redacted: bool,
    /// The time between two snapshots: a much longer one is a gap. Default: 1 s.
    pub interval: Duration,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            max_size: 1 << 30,
            is_redacted: false,
            interval: Duration::from_secs(1),
        }
    }
}

/// Writes snapshots to a file, for [`History::open`](super::History::open). When it is dropped, the time of the last snapshot is
/// written, too.
pub struct FileWriter {
    path: PathBuf,
    file: File,
    framer: Framer,
    size: u64,
    max_size: u64,
    /// Whether it is incomplete: nothing may follow.
    has_failed: bool,
}

impl FileWriter {
    /// Creates a file that only its owner can read, as it contains every user's command lines.
    ///
    /// # Errors
    /// When it can't be created or is there already.
    pub fn create(path: impl Into<PathBuf>, options: &FileOptions) -> Result<Self, StoreError> {
        let path = path.into();
        let file = create_file(&path).map_err(|error| {
            let why = "it is there already, and nothing is overwritten: name another one";
            let reason = match error.kind() {
                kind @ io::ErrorKind::AlreadyExists => io::Error::new(kind, why),
                _ => error,
            };
            StoreError::file(&path, reason)
        })?;
        let recorder = Recorder {
            is_redacted: options.is_redacted,
            ..Recorder::new(SECTION, options.interval)
        };
        Ok(Self {
            path,
            file,
            framer: Framer::new(recorder),
            size: 0,
            max_size: options.max_size,
            has_failed: false,
        })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The sockets of a snapshot that are not written, as there are too many.
    pub fn incomplete_problem(snapshot: &Snapshot) -> Option<Problem> {
        let more = snapshot.sockets.len().saturating_sub(MAX_SOCKETS);
        (more > 0).then(|| Problem {
            count: Some(more),
            brief: Text::new(&format!("{more} sockets not recorded")),
            ..Problem::new(
                ProblemCode::RecordingIncomplete,
                &format!(
                    "{more} sockets are not in the recording: of a snapshot it has at most {MAX_SOCKETS}"
                ),
            )
        })
    }

    /// Writes a snapshot if anything changed in it. It can be read at once.
    ///
    /// # Errors
    /// When the file can't be written or would get too large. What was written before can be read; nothing more is written.
    pub fn add(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let problem = Self::incomplete_problem(snapshot);
        let marked = problem.map(|problem| {
            let mut snapshot = snapshot.clone();
            snapshot.problems.push(problem);
            snapshot
        });
        let mut output = self.framer.add(marked.as_ref().unwrap_or(snapshot), None);
        output.extend(self.framer.flush_changes());
        self.write(output)
    }

    fn write(&mut self, output: Vec<Output>) -> Result<(), StoreError> {
        if self.has_failed {
            let reason = io::Error::other("it is incomplete");
            return Err(StoreError::file(&self.path, reason));
        }
        let frames = output.into_iter().flat_map(Output::into_frames);
        let mut bytes = Vec::new();
        let mut is_readable = true;
        for frame in frames {
            is_readable &= frame.is_readable();
            bytes.extend_from_slice(&frame.bytes);
        }
        let written = if is_readable {
            self.append(&bytes)
        } else {
            Err(io::Error::other("a snapshot is too large to be stored"))
        };
        written.map_err(|reason| {
            self.has_failed = true;
            // A part of a frame would be reported as damage.
            let _ = self.file.set_len(self.size);
            StoreError::file(&self.path, reason)
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = self.size + bytes.len() as u64;
        if size > self.max_size {
            return Err(io::Error::other(format!(
                "it may have {} bytes (--record-max) and the next snapshot would not fit",
                self.max_size
            )));
        }
        self.file.write_all(bytes)?;
        self.size = size;
        Ok(())
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        let output = self.framer.finish();
        if !self.has_failed {
            // Without its end it is read as one of a program that was killed.
            let _ = self.write(output);
        }
    }
}
