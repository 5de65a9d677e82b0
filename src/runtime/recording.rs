//! What `--replay` shows: a recording, which is a history in one file or of version 0.1 has a line for each snapshot, or the
//! folder of the history that `record` keeps.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::history::{HISTORY_BEGINS, History, Recorded, StoreError, TimeRange};
use crate::model::{Moment, Origin, Playback, Problem, ProblemCode, Snapshot};
use crate::source::{Replay, STANDARD_INPUT, Source, SourceError, Timeline};

/// A recording of either form.
pub enum Recording {
    /// A line for each snapshot, as written by version 0.1.
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
        Ok(match open(path)? {
            Opened::History(history) => Self::History(Box::new(HistoryReplay::new(path, history)?)),
            Opened::Lines(replay) => Self::Lines(Box::new(replay)),
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

/// The most bytes of a history that are read from a pipe, as they stay in memory.
const MAX_PIPED: u64 = 4 << 30;

/// What a recording is.
pub enum Opened {
    /// A line for each snapshot, as written by version 0.1.
    Lines(Replay),
    /// Segments.
    History(History),
}

/// Opens a recording of either form: a file, the folder of a history, a pipe, or `-` for standard input.
///
/// # Errors
/// When it can't be read, or is no recording.
pub fn open(path: &Path) -> Result<Opened, SourceError> {
    if path.as_os_str() == STANDARD_INPUT {
        return open_pipe(Path::new("standard input"), io::stdin());
    }
    let in_file = |reason| SourceError::File {
        path: path.to_path_buf(),
        reason,
    };
    let metadata = path.metadata().map_err(in_file)?;
    let history = || History::open(path);
    if metadata.is_dir() {
        return Ok(Opened::History(
            history().map_err(|error| failed(path, error))?,
        ));
    }
    let mut file = File::open(path).map_err(in_file)?;
    if !metadata.is_file() {
        return open_pipe(path, file);
    }
    let mut first = Vec::new();
    let read = Read::by_ref(&mut file).take(1).read_to_end(&mut first);
    read.map_err(in_file)?;
    // What is neither is reported as a recording with a wrong first line. Lines are not searched for frames.
    let history = (!may_be_lines(&first)).then(|| history().ok()).flatten();
    match history {
        Some(history) => Ok(Opened::History(history)),
        None => Replay::open(path).map(Opened::Lines),
    }
}

/// The times of the first and the last snapshot of a recording that can be read twice.
///
/// # Errors
/// As [`open`]; and when it has no snapshot.
pub fn range(path: &Path) -> Result<TimeRange, SourceError> {
    let is_pipe = path
        .metadata()
        .is_ok_and(|it| !it.is_file() && !it.is_dir());
    if is_pipe || path.as_os_str() == STANDARD_INPUT {
        return Err(refused(
            path,
            "a time of it needs a file that can be read twice",
        ));
    }
    let range = match open(path)? {
        Opened::History(history) => history.range(),
        Opened::Lines(_) => {
            let times = Replay::times(path)?;
            let ends = times.first().zip(times.last());
            ends.map(|(&from, &to)| TimeRange { from, to })
        }
    };
    range.ok_or_else(|| refused(path, "the history is empty"))
}

fn refused(path: &Path, why: &str) -> SourceError {
    SourceError::File {
        path: path.to_path_buf(),
        reason: io::Error::other(why),
    }
}

/// The same of what can be read only once.
fn open_pipe(path: &Path, mut pipe: impl Read + Send + 'static) -> Result<Opened, SourceError> {
    let in_file = |reason| SourceError::File {
        path: path.to_path_buf(),
        reason,
    };
    let mut first = Vec::new();
    let begin = Read::by_ref(&mut pipe).take(1).read_to_end(&mut first);
    begin.map_err(in_file)?;
    if !may_be_lines(&first) {
        let begin = Read::by_ref(&mut pipe).take(HISTORY_BEGINS.len() as u64 - 1);
        { begin }.read_to_end(&mut first).map_err(in_file)?;
    }
    if first != HISTORY_BEGINS {
        let lines = io::Cursor::new(first).chain(pipe);
        return Replay::from_reader(path, io::BufReader::new(lines)).map(Opened::Lines);
    }
    let read = pipe.take(MAX_PIPED).read_to_end(&mut first);
    read.map_err(in_file)?;
    if first.len() as u64 > MAX_PIPED {
        let why = format!("more than {MAX_PIPED} bytes; save it to a file first");
        return Err(in_file(io::Error::other(why)));
    }
    Ok(Opened::History(History::of_bytes(first)))
}

/// Whether a recording that begins so can be one of lines.
fn may_be_lines(first: &[u8]) -> bool {
    let can_begin = |byte: &u8| *byte == b'{' || byte.is_ascii_whitespace();
    first.first().is_none_or(can_begin)
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
    fn new(path: &Path, mut history: History) -> Result<Self, SourceError> {
        let first = history.first().map_err(|error| failed(path, error))?;
        let Some(first) = first else {
            let damage = history.damage();
            return Err(match damage.first() {
                Some(damage) => refused(path, &damage.sentence()),
                None => refused(path, "the history is empty"),
            });
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
        if let Some(damage) = self.history.damage().last() {
            let broken = Problem::new(ProblemCode::RecordingEnded, &damage.sentence());
            snapshot.problems.push(broken);
        }
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
