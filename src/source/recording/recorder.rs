//! Writes readings to a file, one JSON object per line, for `Replay` to give again: the first whole, of the
//! others what changed. Nothing is written that `Replay` would refuse to read.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::frame::{self, Frame, MAX_LINE, Privacy};
use super::redact::Redactor;
use crate::model::{Problem, Snapshot};
use crate::source::SourceError;

/// How large a recording gets where nothing else is said: 1 GiB.
pub const DEFAULT_MAX_SIZE: u64 = 1 << 30;

/// A recording in the making. Every line is on its way to the file before the next is begun, so a
/// recording that is cut off loses one line at most.
pub struct Recorder {
    path: PathBuf,
    file: File,
    /// The last reading that was written.
    last: Option<Frame>,
    /// How many bytes were written, and may be.
    size: u64,
    max_size: u64,
    max_line: usize,
    /// Where it is to be given away.
    redactor: Option<Redactor>,
}

impl Recorder {
    /// Begins a recording in a new file that only its owner can read: it holds every user's
    /// command lines.
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
        match options.open(&path) {
            Ok(file) => Ok(Self {
                path,
                file,
                last: None,
                size: 0,
                max_size: DEFAULT_MAX_SIZE,
                max_line: MAX_LINE,
                redactor: None,
            }),
            Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists => {
                let reason = "it is there already, and nothing is overwritten: name another one";
                let reason = io::Error::new(io::ErrorKind::AlreadyExists, reason);
                Err(SourceError::File { path, reason })
            }
            Err(reason) => Err(SourceError::File { path, reason }),
        }
    }

    /// The same recording, which from now on tells no address, user, argument, unit, container or interface:
    /// there are pseudonyms for them.
    #[must_use]
    pub fn redacted(self) -> Self {
        Self {
            redactor: Some(Redactor::default()),
            ..self
        }
    }

    /// The same recording, which ends before it has more bytes than this.
    #[must_use]
    pub fn limited(self, max_size: u64) -> Self {
        Self { max_size, ..self }
    }

    /// What a recording lacks of a reading.
    pub fn incomplete_problem(snapshot: &Snapshot) -> Option<Problem> {
        frame::incomplete_problem(snapshot)
    }

    /// Adds a reading.
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

    /// Where the recording goes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same recording with shorter lines.
    #[cfg(test)]
    pub(super) fn with_max_line(self, max_line: usize) -> Self {
        Self { max_line, ..self }
    }

    fn write(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let whole = match &mut self.redactor {
            None => Frame::of(snapshot, Privacy::Whole),
            Some(redactor) => Frame::of(&redactor.redact(snapshot), Privacy::Redacted),
        };
        if whole.has_too_many_processes() {
            let why = "one reading has more processes than could be read again";
            return Err(io::Error::other(why));
        }
        let mut line = match &self.last {
            None => serde_json::to_vec(&whole)?,
            Some(last) => serde_json::to_vec(&whole.since(last))?,
        };
        if line.len() > self.max_line {
            let most = self.max_line;
            let why =
                format!("one reading takes more than {most} bytes, which could not be read again");
            return Err(io::Error::other(why));
        }
        line.push(b'\n');
        self.size += line.len() as u64;
        if self.size > self.max_size {
            let most = self.max_size;
            let why = format!(
                "it may have {most} bytes (--record-max) and the next reading would not fit"
            );
            return Err(io::Error::other(why));
        }
        self.file.write_all(&line)?;
        self.last = Some(whole);
        Ok(())
    }
}
