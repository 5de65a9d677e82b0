//! What `--replay` shows: a recording with a line for each snapshot, or the history that `record` keeps, a folder or one of its
//! segments.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::history::{History, Recorded, StoreError};
use crate::model::{Moment, Origin, Playback, Snapshot};
use crate::source::{Replay, Source, SourceError, Timeline};

/// A recording of either form.
pub enum Recording {
    /// A line for each snapshot.
    Lines(Box<Replay>),
    /// Segments.
    History(Box<HistoryReplay>),
}

impl Recording {
    /// Opens a recording, `-` of standard input.
    ///
    /// # Errors
    /// When it can't be read, or has no snapshot.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Ok(match open_history(path) {
            Some(history) => Self::History(Box::new(HistoryReplay::new(path, history)?)),
            None => Self::Lines(Box::new(Replay::open(path)?)),
        })
    }

    /// Whether the current snapshot is the last one.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn is_at_end(&mut self) -> Result<bool, SourceError> {
        match self {
            Self::Lines(replay) => replay.is_at_end(),
            Self::History(replay) => Ok(replay.next.is_none()),
        }
    }

    /// Whether its names and addresses are pseudonyms.
    pub fn is_redacted(&self) -> bool {
        match self {
            Self::Lines(replay) => replay.is_redacted,
            Self::History(replay) => replay.is_redacted,
        }
    }

    /// The same as a source.
    pub fn into_source(self) -> Box<dyn Source> {
        match self {
            Self::Lines(replay) => replay,
            Self::History(replay) => replay,
        }
    }
}

impl Source for Recording {
    fn origin(&self) -> Origin {
        Origin::Recording
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        match self {
            Self::Lines(replay) => replay.take(at),
            Self::History(replay) => replay.take(at),
        }
    }

    fn playback(&self) -> Option<Playback> {
        match self {
            Self::Lines(replay) => replay.playback(),
            Self::History(replay) => replay.playback(),
        }
    }
}

/// The history at a path; `None` for a recording of lines, and for what is no regular file: it could be read only once.
pub fn open_history(path: &Path) -> Option<Result<History, StoreError>> {
    let metadata = path.metadata().ok()?;
    let is_segment = || {
        let mut first = [0];
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
        read.is_ok() && first[0] != b'{' && !first[0].is_ascii_whitespace()
    };
    if metadata.is_dir() {
        return Some(History::open(path));
    }
    if !metadata.is_file() || !is_segment() {
        return None;
    }
    // What is neither is reported as a recording with a wrong first line.
    History::open(path).ok().map(Ok)
}

/// Replays a history, one snapshot per call, then repeats the last one.
pub struct HistoryReplay {
    path: PathBuf,
    history: History,
    next: Option<Recorded>,
    /// The last one, once it was shown.
    last: Snapshot,
    number: usize,
    is_redacted: bool,
    timeline: Timeline,
}

impl HistoryReplay {
    fn new(path: &Path, history: Result<History, StoreError>) -> Result<Self, SourceError> {
        let mut history = history.map_err(|error| failed(path, error))?;
        let first = history.first().map_err(|error| failed(path, error))?;
        let Some(first) = first else {
            let reason = io::Error::other("the history is empty");
            let path = path.to_path_buf();
            return Err(SourceError::File { path, reason });
        };
        Ok(Self {
            path: path.to_path_buf(),
            history,
            is_redacted: first.is_redacted,
            timeline: Timeline::from(first.snapshot.taken_at),
            next: Some(first),
            last: Snapshot::default(),
            number: 0,
        })
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let Some(recorded) = self.next.take() else {
            let mut last = self.last.clone();
            self.timeline.repeat_last(&mut last, at);
            return Ok(last);
        };
        let next = self.history.next(recorded.position);
        self.next = next.map_err(|error| failed(&self.path, error))?;
        self.number += 1;
        let mut snapshot = recorded.snapshot;
        self.timeline.set_times(&mut snapshot, at);
        if self.next.is_none() {
            self.last = snapshot.clone();
        }
        Ok(snapshot)
    }
}

impl Source for HistoryReplay {
    fn origin(&self) -> Origin {
        Origin::Recording
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        Self::take(self, at)
    }

    fn playback(&self) -> Option<Playback> {
        let has_ended = self.next.is_none();
        Some(Playback {
            number: self.number,
            total: has_ended.then_some(self.number),
            has_ended,
        })
    }
}

fn failed(path: &Path, error: StoreError) -> SourceError {
    match error {
        StoreError::File { path, reason } => SourceError::File { path, reason },
        StoreError::NotAHistory { path, reason } => SourceError::File {
            path,
            reason: io::Error::other(reason),
        },
        error @ (StoreError::Busy { .. } | StoreError::Removed) => SourceError::File {
            path: path.to_path_buf(),
            reason: io::Error::other(error.to_string()),
        },
    }
}
