//! Writes snapshots to a file, one JSON object per line. Everything written is readable by `Replay`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::frame::{Frame, MAX_LENGTH, MAX_LINE};
use super::redact::Redactor;
use crate::model::{Problem, ProblemCode, Snapshot, Text};
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
    /// When the file can't be created or is there already.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| {
            let why = "it is there already, and nothing is overwritten: name another one";
            let path = path.clone();
            let reason = match error.kind() {
                kind @ io::ErrorKind::AlreadyExists => io::Error::new(kind, why),
                _ => error,
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

    /// The sockets of a snapshot that a reader would reject, so they are not recorded.
    pub fn incomplete_problem(snapshot: &Snapshot) -> Option<Problem> {
        let more = snapshot.sockets.len().saturating_sub(MAX_LENGTH);
        (more > 0).then(|| Problem {
            count: Some(more),
            brief: Text::new(&format!("{more} sockets not recorded")),
            ..Problem::new(
                ProblemCode::RecordingIncomplete,
                &format!(
                    "{more} sockets are not in the recording: a reading of it has at most {MAX_LENGTH}"
                ),
            )
        })
    }

    /// Adds a snapshot.
    ///
    /// # Errors
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
        whole.problems.extend(Self::incomplete_problem(snapshot));
        let refuse = |why: String| Err(io::Error::other(why));
        if whole.processes.len() > MAX_LENGTH {
            return refuse("one reading has more processes than could be read again".to_owned());
        }
        let changes = self.last.as_ref().map(|last| whole.since(last));
        let mut line = serde_json::to_vec(changes.as_ref().unwrap_or(&whole))?;
        if line.len() > self.max_line {
            return refuse(format!(
                "one reading takes more than {} bytes, which could not be read again",
                self.max_line
            ));
        }
        line.push(b'\n');
        self.size += line.len() as u64;
        if self.size > self.max_size {
            return refuse(format!(
                "it may have {} bytes (--record-max) and the next reading would not fit",
                self.max_size
            ));
        }
        self.file.write_all(&line)?;
        self.last = Some(whole);
        Ok(())
    }
}
