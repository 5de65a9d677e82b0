//! Reads the frames of a recording line by line.
//!
//! The file is untrusted: everything is checked before use, and a line that is too long is not read to its end.

use std::io::{BufRead, Read as _};
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use crate::model::{Snapshot, Text};
use crate::source::SourceError;
use crate::source::recording::frame::Frame;

/// The longest line to read if it does not begin like a frame: it is probably another kind of file.
const MAX_OTHER_LINE: u64 = 4096;

/// The most empty lines in a row to skip.
const MAX_EMPTY_LINES: usize = 1000;

pub(super) struct Reader {
    pub(super) path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    /// The beginning of a line that has no end yet.
    begun: Vec<u8>,
    /// The last frame, which the next line may build on.
    last: Option<Frame>,
    /// Number of the last line that was begun.
    pub(super) line: usize,
    max_line: u64,
    /// Whether that line is too long to read, so that the rest of the file is unusable.
    is_given_up: bool,
}

/// The next line of a file, with its parsed fields.
pub(super) enum Next<T> {
    Line(Vec<u8>, T),
    End,
    /// An incomplete line, and its error.
    BrokenOff(SourceError),
}

impl Reader {
    pub(super) fn new(path: PathBuf, lines: Box<dyn BufRead + Send>, max_line: u64) -> Self {
        Self {
            path,
            lines,
            begun: Vec::new(),
            last: None,
            line: 0,
            max_line,
            is_given_up: false,
        }
    }

    pub(super) fn is_at_end(&mut self) -> Result<bool, SourceError> {
        match self.lines.fill_buf() {
            Ok(rest) => Ok(rest.is_empty() || self.is_given_up),
            Err(reason) => Err(self.file_error(reason)),
        }
    }

    /// The next line that is not empty.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Next<T>, SourceError> {
        for _ in 0..MAX_EMPTY_LINES {
            let bytes = self.any_line()?;
            if bytes.is_empty() {
                return Ok(Next::End);
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            return match self.parse(&bytes) {
                Err(error) if !bytes.ends_with(b"\n") => {
                    self.begun = bytes;
                    Ok(Next::BrokenOff(error))
                }
                parsed => Ok(Next::Line(bytes, parsed?)),
            };
        }
        Err(self.error(&format!("{MAX_EMPTY_LINES} empty lines in a row")))
    }

    /// The next line with its end, if it has one; nothing at the end of the file.
    fn any_line(&mut self) -> Result<Vec<u8>, SourceError> {
        if self.is_given_up {
            return Err(self.error("the line is longer than any that is read"));
        }
        let mut bytes = std::mem::take(&mut self.begun);
        let was_begun = !bytes.is_empty();
        let first = match self.lines.fill_buf() {
            Ok(ahead) => bytes.first().or(ahead.first()).copied(),
            Err(reason) => return Err(self.file_error(reason)),
        };
        let may_be_frame = first.is_some_and(|byte| byte == b'{' || byte.is_ascii_whitespace());
        let max_line = if may_be_frame {
            self.max_line
        } else {
            self.max_line.min(MAX_OTHER_LINE)
        };
        let room = (max_line + 1).saturating_sub(bytes.len() as u64);
        let read = (&mut self.lines).take(room).read_until(b'\n', &mut bytes);
        read.map_err(|reason| self.file_error(reason))?;
        self.line += usize::from(!was_begun && !bytes.is_empty());
        if bytes.len() as u64 > max_line {
            self.is_given_up = true;
            return Err(self.error(&format!("the line is longer than {max_line} bytes")));
        }
        Ok(bytes)
    }

    /// The snapshot of a frame, together with those before it.
    pub(super) fn snapshot(&mut self, frame: Frame) -> Result<Snapshot, SourceError> {
        self.complete(frame)?;
        self.last_snapshot()
    }

    /// Reads a line that only those after it need.
    pub(super) fn skip(&mut self, line: &[u8]) -> Result<(), SourceError> {
        let frame = self.parse(line)?;
        self.complete(frame)
    }

    fn complete(&mut self, frame: Frame) -> Result<(), SourceError> {
        let before = self.last.take();
        let whole = frame.completed(before.as_ref());
        self.last = Some(whole.map_err(|reason| self.error(&reason))?);
        Ok(())
    }

    /// The snapshot of the lines so far.
    pub(super) fn last_snapshot(&self) -> Result<Snapshot, SourceError> {
        let snapshot = match &self.last {
            Some(last) => last.snapshot(),
            None => Err("no reading comes before this line".to_owned()),
        };
        snapshot.map_err(|reason| self.error(&reason))
    }

    /// Parses a line, or the fields of it that a type has.
    fn parse<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, SourceError> {
        serde_json::from_slice(line.trim_ascii()).map_err(|error| {
            if self.line == 1 && !line.trim_ascii().starts_with(b"{") {
                return self.error("neither a recording nor a history of sockeye");
            }
            // `serde_json` counts lines from the start of its input, which is always one line here.
            let (text, column) = (error.to_string(), error.column());
            let place = format!(" at line {} column {column}", error.line());
            let text = text.strip_suffix(&place).unwrap_or(&text);
            self.error(&format!("column {column}: {text}"))
        })
    }

    fn file_error(&self, reason: std::io::Error) -> SourceError {
        let path = self.path.clone();
        SourceError::File { path, reason }
    }

    pub(super) fn error(&self, reason: &str) -> SourceError {
        SourceError::Recording {
            path: self.path.clone(),
            line: self.line.max(1),
            reason: Text::new(reason).to_string(),
        }
    }
}
