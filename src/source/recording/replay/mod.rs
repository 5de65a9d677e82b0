//! Gives the readings of a recording again, one each time it is asked, and then the last one.
//!
//! The readings have the recording's own time, however soon one follows the other here.
//!
//! The file may have been written, cut or sent by anybody: nothing in it is believed before it is
//! checked, and a line that is too long is not read to its end.

mod count;
mod seek;
mod timeline;

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;

use super::frame::{Frame, MAX_LINE};
use crate::model::{Moment, Origin, Playback, Problem, ProblemCode, Snapshot, Text};
use crate::source::{Source, SourceError};
use count::Count;
use timeline::Timeline;

/// The longest line that is read if it does not begin as a reading does: it is some other kind of file.
const MAX_OTHER_LINE: u64 = 4096;

/// More empty lines in a row than this are not passed over.
const MAX_EMPTY_LINES: usize = 1000;

/// What stands for standard input in the place of a file.
pub const STANDARD_INPUT: &str = "-";

/// A recording as a source.
pub struct Replay {
    origin: Origin,
    reader: Reader,
    /// The reading that comes next, or, at the end, the last one.
    current: Snapshot,
    /// Its number; the first is 1.
    number: usize,
    is_fresh: bool,
    /// Whether there was nothing behind it when it was looked for.
    has_ended: bool,
    timeline: Timeline,
    /// `None` where the recording can be read only once.
    count: Option<Count>,
    is_redacted: bool,
}

impl Replay {
    /// Opens a recording and reads its first line; `-` is standard input.
    ///
    /// # Errors
    ///
    /// When the file can't be read, is empty, or does not begin with a reading.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        if path.as_os_str() == STANDARD_INPUT {
            return Self::from_reader("standard input", BufReader::new(std::io::stdin()));
        }
        match File::open(&path) {
            Ok(file) => {
                let count = Count::of(&path);
                let lines = Box::new(BufReader::new(file));
                let replay = Self::read(path, lines, MAX_LINE as u64)?;
                Ok(Self { count, ..replay })
            }
            Err(reason) => Err(SourceError::File { path, reason }),
        }
    }

    /// A recording that is not in a file; errors call it `name`.
    ///
    /// # Errors
    ///
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
        let mut reader = Reader {
            path,
            lines,
            begun: Vec::new(),
            last: None,
            is_given_up: false,
            line: 0,
            max_line,
        };
        let frame = match reader.next()? {
            Next::Reading(frame) => *frame,
            Next::End => return Err(reader.wrong("the recording is empty")),
            Next::BrokenOff(error) => return Err(error),
        };
        let is_redacted = frame.redacted;
        let current = reader.snapshot(frame)?;
        Ok(Self {
            origin: Origin::recording(&reader.path.to_string_lossy()),
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

    /// Whether its names and addresses are pseudonyms, as far as its first reading says.
    pub fn is_redacted(&self) -> bool {
        self.is_redacted
    }

    /// Whether the reading that was given last is the last one.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn is_at_end(&mut self) -> Result<bool, SourceError> {
        match self.reader.lines.fill_buf() {
            Ok(rest) => Ok(rest.is_empty() || self.reader.is_given_up),
            Err(reason) => Err(self.reader.unreadable(reason)),
        }
    }

    /// Reads on, if there is more; at the end of the recording the current reading stays. A line that is only half
    /// there was cut off, or is being written: what was before it is shown, and that something is missing.
    fn advance(&mut self) -> Result<Step, SourceError> {
        match self.reader.next()? {
            Next::Reading(frame) => {
                self.current = self.reader.snapshot(*frame)?;
                self.number += 1;
                return Ok(Step::On);
            }
            Next::End => {}
            Next::BrokenOff(_) => self.say_that_it_breaks_off(),
        }
        Ok(Step::None)
    }

    fn say_that_it_breaks_off(&mut self) {
        let line = self.reader.line;
        let message = format!("the recording breaks off in its line {line}");
        let problem = Problem::new(ProblemCode::RecordingEnded, &message);
        if !self.current.problems.contains(&problem) {
            self.current.problems.push(problem);
        }
    }

    /// The current reading in the time of the recording.
    fn current_at(&mut self, step: Step, at: Moment) -> Snapshot {
        let mut snapshot = self.current.clone();
        snapshot.taken_at.steady = match step {
            Step::On => self.timeline.go_to(self.current.taken_at, at),
            Step::None => self.timeline.behind(at),
        };
        snapshot
    }
}

/// Whether there was a further reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    None,
}

impl Source for Replay {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The next reading: the first was taken at `at` by the steady clock, the others as long after it as they were
    /// recorded. The time on the wall is that of the recording.
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let step = if std::mem::take(&mut self.is_fresh) {
            Step::On
        } else {
            self.advance()?
        };
        if let Some(count) = &mut self.count {
            count.go_on();
        }
        // To look for more in what is no file may take until more is written.
        self.has_ended = step == Step::None || self.count.is_some() && self.is_at_end()?;
        Ok(self.current_at(step, at))
    }

    fn playback(&self) -> Option<Playback> {
        let counted = self.count.as_ref().and_then(Count::total);
        // What is being written may have grown since it was counted, and what breaks off is no reading.
        let counted = counted.map(|counted| counted.max(self.number));
        Some(Playback {
            number: self.number,
            total: if self.has_ended {
                Some(self.number)
            } else {
                counted
            },
            has_ended: self.has_ended,
        })
    }
}

/// Reads frames line by line.
struct Reader {
    path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    /// What is there of a line that has no end yet.
    begun: Vec<u8>,
    /// The last reading, that the next line may build on.
    last: Option<Frame>,
    /// Number of the last line that was begun.
    line: usize,
    max_line: u64,
    /// Whether that line is longer than any that is read: the rest of the file means nothing.
    is_given_up: bool,
}

/// What a file goes on with.
enum Next {
    Reading(Box<Frame>),
    End,
    /// The beginning of a line, and what is wrong with it as it is.
    BrokenOff(SourceError),
}

impl Reader {
    /// The next reading.
    fn next(&mut self) -> Result<Next, SourceError> {
        let Some(bytes) = self.filled_line()? else {
            return Ok(Next::End);
        };
        match self.parse(&bytes) {
            Err(error) if !bytes.ends_with(b"\n") => {
                self.begun = bytes;
                Ok(Next::BrokenOff(error))
            }
            other => other.map(|frame| Next::Reading(Box::new(frame))),
        }
    }

    /// The next line that is not empty; `None` at the end of the file.
    fn filled_line(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        for _ in 0..MAX_EMPTY_LINES {
            let bytes = self.line()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(bytes));
            }
        }
        Err(self.wrong(&format!("{MAX_EMPTY_LINES} empty lines in a row")))
    }

    /// The next line with its end, if it has one; nothing at the end of the file.
    fn line(&mut self) -> Result<Vec<u8>, SourceError> {
        if self.is_given_up {
            return Err(self.wrong("the line is longer than any that is read"));
        }
        let mut bytes = std::mem::take(&mut self.begun);
        let was_begun = !bytes.is_empty();
        let first = match self.lines.fill_buf() {
            Ok(ahead) => bytes.first().or(ahead.first()).copied(),
            Err(reason) => return Err(self.unreadable(reason)),
        };
        let is_like_ours = first.is_some_and(|byte| byte == b'{' || byte.is_ascii_whitespace());
        let max_line = if is_like_ours {
            self.max_line
        } else {
            self.max_line.min(MAX_OTHER_LINE)
        };
        let room = (max_line + 1).saturating_sub(bytes.len() as u64);
        let read = (&mut self.lines).take(room).read_until(b'\n', &mut bytes);
        if let Err(reason) = read {
            return Err(self.unreadable(reason));
        }
        self.line += usize::from(!was_begun && !bytes.is_empty());
        if bytes.len() as u64 > max_line {
            self.is_given_up = true;
            return Err(self.wrong(&format!("the line is longer than {max_line} bytes")));
        }
        Ok(bytes)
    }

    /// The snapshot of a line, together with those before it.
    fn snapshot(&mut self, frame: Frame) -> Result<Snapshot, SourceError> {
        self.complete(frame)?;
        self.last_snapshot()
    }

    /// Takes in a line that only those after it need.
    fn go_over(&mut self, line: &[u8]) -> Result<(), SourceError> {
        let frame = self.parse(line)?;
        self.complete(frame)
    }

    fn complete(&mut self, frame: Frame) -> Result<(), SourceError> {
        let before = self.last.take();
        let whole = frame.completed(before.as_ref());
        self.last = Some(whole.map_err(|reason| self.wrong(&reason))?);
        Ok(())
    }

    /// The snapshot of the lines so far.
    fn last_snapshot(&self) -> Result<Snapshot, SourceError> {
        let last = self.last.as_ref();
        let last = last.ok_or_else(|| self.wrong("no reading comes before this line"))?;
        last.snapshot().map_err(|reason| self.wrong(&reason))
    }

    fn parse(&self, bytes: &[u8]) -> Result<Frame, SourceError> {
        serde_json::from_slice(bytes.trim_ascii()).map_err(|error| self.wrong(&in_column(&error)))
    }

    fn unreadable(&self, reason: std::io::Error) -> SourceError {
        let path = self.path.clone();
        SourceError::File { path, reason }
    }

    fn wrong(&self, reason: &str) -> SourceError {
        let line = self.line.max(1);
        SourceError::Recording {
            path: self.path.clone(),
            line,
            reason: Text::new(reason).to_string(),
        }
    }
}

/// `serde_json` counts lines from the start of what it was given, which is always one line here.
fn in_column(error: &serde_json::Error) -> String {
    let (text, column) = (error.to_string(), error.column());
    let place = format!(" at line {} column {column}", error.line());
    format!(
        "column {column}: {}",
        text.strip_suffix(&place).unwrap_or(&text)
    )
}

#[cfg(test)]
mod tests;
