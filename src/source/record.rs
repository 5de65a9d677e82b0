//! Writes readings to a file, one JSON object per line, for `Replay` to give again.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::SourceError;
use super::frame::{Frame, Privacy};
use super::redact::Redactor;
use crate::model::Snapshot;

/// A recording in the making. Every line is on its way to the file before the next is begun, so a
/// recording that is cut off loses one line at most.
pub struct Recorder {
    path: PathBuf,
    file: BufWriter<File>,
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
                file: BufWriter::new(file),
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

    /// Adds a reading.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
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

    fn write(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let frame = match &mut self.redactor {
            None => Frame::of(snapshot, Privacy::Whole),
            Some(redactor) => Frame::of(&redactor.redact(snapshot), Privacy::Redacted),
        };
        serde_json::to_writer(&mut self.file, &frame)?;
        self.file.write_all(b"\n")?;
        self.file.flush()
    }
}
