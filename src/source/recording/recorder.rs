//! Writes snapshots to a file, one JSON object per line: the first in full, the others as changes. Everything written
//! is readable by `Replay`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::frame::{self, Frame, MAX_LINE};
use super::redact::Redactor;
use crate::model::{Problem, Snapshot};
use crate::source::SourceError;

/// The default maximum size of a recording: 1 GiB.
pub const DEFAULT_MAX_SIZE: u64 = 1 << 30;

/// A recording being written. Each line is flushed before the next, so an interrupted recording loses one line at most.
pub struct Recorder {
    path: PathBuf,
    file: File,
    /// The last snapshot that was written.
    last: Option<Frame>,
    /// How many bytes were written, and the maximum.
    size: u64,
    max_size: u64,
    max_line: usize,
    /// Set if the recording is redacted.
    redactor: Option<Redactor>,
}

impl Recorder {
    /// Starts a recording in a new file that only its owner can read, as it contains every user's command lines.
    ///
    /// # Errors
    ///
    /// When the file can't be created or is there already.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| {
            let path = path.clone();
            let reason = if error.kind() == io::ErrorKind::AlreadyExists {
                let why = "it is there already, and nothing is overwritten: name another one";
                io::Error::new(io::ErrorKind::AlreadyExists, why)
            } else {
                error
            };
            SourceError::File { path, reason }
        })?;
        Ok(Self {
            path,
            file,
            last: None,
            size: 0,
            max_size: DEFAULT_MAX_SIZE,
            max_line: MAX_LINE,
            redactor: None,
        })
    }

    /// Uses pseudonyms for every address, user, argument, unit, container and interface.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.redactor = Some(Redactor::default());
        self
    }

    /// Limits the size in bytes; the recording ends before it.
    #[must_use]
    pub fn limited(self, max_size: u64) -> Self {
        Self { max_size, ..self }
    }

    /// What is missing from the recording of a snapshot.
    pub fn incomplete_problem(snapshot: &Snapshot) -> Option<Problem> {
        frame::incomplete_problem(snapshot)
    }

    /// Adds a snapshot.
    ///
    /// # Errors
    ///
    /// When the file can't be written, would get too large, or could not be read again.
    pub fn record(&mut self, snapshot: &Snapshot) -> Result<(), SourceError> {
        self.write(snapshot).map_err(|reason| SourceError::File {
            path: self.path.clone(),
            reason,
        })
    }

    /// The path of the recording.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Limits the length of lines.
    #[cfg(test)]
    pub(super) fn with_max_line(self, max_line: usize) -> Self {
        Self { max_line, ..self }
    }

    fn write(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let redacted = self.redactor.as_mut().map(|it| it.redact(snapshot));
        let mut whole = Frame::of(redacted.as_ref().unwrap_or(snapshot));
        whole.redacted = redacted.is_some();
        let refuse = |why: &str| Err(io::Error::other(why));
        if whole.has_too_many_processes() {
            return refuse("one reading has more processes than could be read again");
        }
        let changes = self.last.as_ref().map(|last| whole.since(last));
        let mut line = serde_json::to_vec(changes.as_ref().unwrap_or(&whole))?;
        if line.len() > self.max_line {
            let most = self.max_line;
            return refuse(&format!(
                "one reading takes more than {most} bytes, which could not be read again"
            ));
        }
        line.push(b'\n');
        self.size += line.len() as u64;
        if self.size > self.max_size {
            let most = self.max_size;
            return refuse(&format!(
                "it may have {most} bytes (--record-max) and the next reading would not fit"
            ));
        }
        self.file.write_all(&line)?;
        self.last = Some(whole);
        Ok(())
    }
}
