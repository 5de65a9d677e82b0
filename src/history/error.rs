//! What can fail in a store.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// An error of the store, for `main` to print: what failed, with which path.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another recorder writes to the folder.
    #[error("another recorder writes to {}{}", path.display(), by(*pid))]
    Busy {
        /// The folder.
        path: PathBuf,
        /// The process that locked it, if its lock file says so.
        pid: Option<u32>,
    },
    /// A file or folder can't be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        reason: io::Error,
    },
    /// It is not a history, or nothing of it can be read.
    #[error("{}: {reason}", path.display())]
    NotAHistory {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The position is not in the store: its segment was removed, or it is of another store.
    #[error("this moment is no longer in the history")]
    Removed,
}

impl StoreError {
    pub(crate) fn file(path: &Path, reason: io::Error) -> Self {
        let path = path.to_path_buf();
        Self::File { path, reason }
    }
}

/// ` (process 812)`
fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}
