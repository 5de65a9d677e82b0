//! Replays the snapshots of a recording with their recorded times, one per call, then repeats the last one.

mod count;
mod reader;
mod timeline;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::count::Count;
use self::reader::{Next, Reader};
pub(crate) use self::timeline::Timeline;
use super::frame::{Frame, MAX_LINE};
use crate::model::{Moment, Origin, Playback, Problem, ProblemCode, Snapshot};
use crate::source::{Source, SourceError};

/// Standard input instead of a file.
pub const STANDARD_INPUT: &str = "-";

/// A recording as a source.
pub struct Replay {
    reader: Reader,
    /// The next snapshot, or, at the end, the last one.
    current: Snapshot,
    /// Its number; the first is 1.
    number: usize,
    is_fresh: bool,
    /// Whether it was the last one at the last check.
    has_ended: bool,
    timeline: Timeline,
    /// `None` if the recording can be read only once.
    count: Option<Count>,
    /// Whether its names and addresses are pseudonyms, according to its first snapshot.
    pub is_redacted: bool,
}

/// The part of a frame with its time.
#[derive(Deserialize)]
struct Head {
    taken_at: Moment,
    /// Present in a line that builds on the previous one.
    since: Option<IgnoredAny>,
}

impl Replay {
    /// Opens a recording and reads its first line; `-` is standard input.
    ///
    /// # Errors
    /// When the file can't be read, is empty, or does not begin with a snapshot.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        if path.as_os_str() == STANDARD_INPUT {
            return Self::from_reader("standard input", BufReader::new(std::io::stdin()));
        }
        match File::open(&path) {
            Ok(file) => {
                let count = Count::of(&path);
                let replay = Self::read(path, Box::new(BufReader::new(file)), MAX_LINE as u64)?;
                Ok(Self { count, ..replay })
            }
            Err(reason) => Err(SourceError::File { path, reason }),
        }
    }

    /// A recording that is not in a file; `name` is used in errors.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        name: impl Into<PathBuf>,
        lines: impl BufRead + Send + 'static,
    ) -> Result<Self, SourceError> {
        Self::read(name.into(), Box::new(lines), MAX_LINE as u64)
    }

    fn read(
        path: PathBuf,
        lines: Box<dyn BufRead + Send>,
        max_line: u64,
    ) -> Result<Self, SourceError> {
        let mut reader = Reader::new(path, lines, max_line);
        let frame: Frame = match reader.next()? {
            Next::Line(_, frame) => frame,
            Next::End => return Err(reader.error("the recording is empty")),
            Next::BrokenOff(error) => return Err(error),
        };
        let is_redacted = frame.redacted;
        let current = reader.snapshot(frame)?;
        Ok(Self {
            timeline: Timeline::from(current.taken_at),
            current,
            number: 1,
            reader,
            is_fresh: true,
            has_ended: false,
            count: None,
            is_redacted,
        })
    }

    /// Whether the current snapshot is the last one.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn is_at_end(&mut self) -> Result<bool, SourceError> {
        self.reader.is_at_end()
    }

    /// Reads the next snapshot, and returns whether there is one. Else the current one stays, with a problem if a line
    /// follows that was cut off or is being written.
    fn advance(&mut self) -> Result<bool, SourceError> {
        let frame = match self.reader.next()? {
            Next::Line(_, frame) => frame,
            Next::End => return Ok(false),
            Next::BrokenOff(_) => {
                self.add_broken_off_problem();
                return Ok(false);
            }
        };
        // The line is freed by now: it may have 256 MiB, and the snapshot takes memory too.
        self.current = self.reader.snapshot(frame)?;
        self.number += 1;
        Ok(true)
    }

    /// The times of all snapshots in a file, in order. An incomplete line has none.
    ///
    /// # Errors
    /// When the file can't be read, or one of its lines is no snapshot.
    pub fn times(path: impl AsRef<Path>) -> Result<Vec<Timestamp>, SourceError> {
        let mut replay = Self::open(path.as_ref())?;
        let mut times = vec![replay.current.taken_at.wall];
        while let Next::<Head>::Line(_, head) = replay.reader.next()? {
            times.push(head.taken_at.wall);
        }
        Ok(times)
    }

    /// Seeks to a later snapshot by number; beyond the last one to that.
    ///
    /// # Errors
    /// When the file can't be read, or there is no snapshot.
    pub fn seek(&mut self, number: usize) -> Result<(), SourceError> {
        // A whole frame that another whole one follows need not be read.
        let mut whole = None;
        let (first, mut breaks_off) = (self.number, false);
        while self.number < number {
            let next = self.reader.next::<Head>()?;
            let Next::Line(line, head) = next else {
                breaks_off = matches!(next, Next::BrokenOff(_));
                break;
            };
            self.number += 1;
            if head.since.is_none() {
                whole = Some(line);
                continue;
            }
            for line in whole.take().into_iter().chain([line]) {
                self.reader.skip(&line)?;
            }
        }
        if let Some(line) = whole {
            self.reader.skip(&line)?;
        }
        if self.number > first {
            self.current = self.reader.last_snapshot()?;
        }
        if breaks_off {
            self.add_broken_off_problem();
        }
        Ok(())
    }

    fn add_broken_off_problem(&mut self) {
        let line = self.reader.line;
        let message = format!("the recording breaks off in its line {line}");
        let problem = Problem::new(ProblemCode::RecordingEnded, &message);
        if !self.current.problems.contains(&problem) {
            self.current.problems.push(problem);
        }
    }
}

impl Source for Replay {
    fn origin(&self) -> Origin {
        Origin::Recording
    }

    /// The next snapshot: the first is at `at` on the steady clock, the others follow with their recorded distance. The
    /// wall-clock time is the recorded one.
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let is_next = std::mem::take(&mut self.is_fresh) || self.advance()?;
        if let Some(count) = &mut self.count {
            count.proceed();
        }
        // A pipe could block here until more is written to it.
        self.has_ended = !is_next || self.count.is_some() && self.is_at_end()?;
        let mut snapshot = self.current.clone();
        if is_next {
            self.timeline.set_times(&mut snapshot, at);
        } else {
            self.timeline.repeat_last(&mut snapshot, at);
        }
        Ok(snapshot)
    }

    fn playback(&self) -> Option<Playback> {
        let counted = self.count.as_ref().and_then(Count::total);
        // The file may have grown since it was counted, and a broken-off line is no snapshot.
        let total = if self.has_ended {
            Some(self.number)
        } else {
            counted.map(|counted| counted.max(self.number))
        };
        Some(Playback {
            number: self.number,
            total,
            has_ended: self.has_ended,
        })
    }
}

#[cfg(test)]
mod tests;
