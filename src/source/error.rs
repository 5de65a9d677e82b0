//! Why a source has no snapshot.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A source that can't take a snapshot.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A recording can't be opened, read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The recording.
        path: PathBuf,
        /// The error of the system; part of the message, so not also the source of the error.
        reason: io::Error,
    },
    /// A line of a recording is not a snapshot.
    #[error("{}:{line}: {reason}", path.display())]
    Recording {
        /// The recording.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}
