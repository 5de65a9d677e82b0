//! Why a source has nothing to give.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A source that can't give a reading.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A recording can't be opened, read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The recording.
        path: PathBuf,
        /// What the system said; part of the message, so not told again as its source.
        reason: io::Error,
    },
    /// A recording holds something that is not a reading.
    #[error("{}:{line}: {reason}", path.display())]
    Recording {
        /// The recording.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}
