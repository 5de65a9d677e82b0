//! Gives the readings of a recording again, one each time it is asked, and then the last one.
//!
//! The file may have been written, cut or sent by anybody: nothing in it is believed before it is
//! checked, and a line that is too long is not read to its end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;

use super::frame::Frame;
use super::{Source, SourceError};
use crate::model::{Moment, Snapshot, Text};

/// The longest line that is read, in bytes: about half a million sockets.
const MAX_LINE: u64 = 256 * 1024 * 1024;

/// A recording as a source.
pub struct Replay {
    path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    line: usize,
    max_line: u64,
    /// The reading that comes next, or, at the end, the last one.
    current: Snapshot,
    is_fresh: bool,
}

impl Replay {
    /// Opens a recording and reads its first line.
    ///
    /// # Errors
    ///
    /// When the file can't be read, is empty, or does not begin with a reading.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        match File::open(&path) {
            Ok(file) => Self::read(path, Box::new(BufReader::new(file)), MAX_LINE),
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
        Self::read(name.into(), Box::new(lines), MAX_LINE)
    }

    fn read(
        path: PathBuf,
        lines: Box<dyn BufRead + Send>,
        max_line: u64,
    ) -> Result<Self, SourceError> {
        let mut reader = Reader {
            path: &path,
            lines,
            line: 0,
            max_line,
        };
        let Some(current) = reader.next()? else {
            return Err(reader.wrong("the recording is empty"));
        };
        let Reader { lines, line, .. } = reader;
        Ok(Self {
            path,
            lines,
            line,
            max_line,
            current,
            is_fresh: true,
        })
    }

    /// Whether the reading that was given last is the last one.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn is_over(&mut self) -> Result<bool, SourceError> {
        let rest = self.lines.fill_buf().map_err(|reason| SourceError::File {
            path: self.path.clone(),
            reason,
        })?;
        Ok(rest.is_empty())
    }

    /// Reads on; at the end of the recording the current reading stays.
    fn advance(&mut self) -> Result<(), SourceError> {
        let (path, lines) = (&*self.path, &mut self.lines);
        let mut reader = Reader {
            path,
            lines,
            line: self.line,
            max_line: self.max_line,
        };
        let next = reader.next();
        self.line = reader.line;
        if let Some(next) = next? {
            self.current = next;
        }
        Ok(())
    }
}

impl Source for Replay {
    /// The next reading: its steady time is that of `at`, its wall-clock time that of the recording.
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        if !std::mem::take(&mut self.is_fresh) {
            self.advance()?;
        }
        self.current.taken_at.steady = at.steady;
        Ok(self.current.clone())
    }
}

/// Reads frames line by line.
struct Reader<'a, R> {
    path: &'a std::path::Path,
    lines: R,
    line: usize,
    max_line: u64,
}

impl<R: BufRead> Reader<'_, R> {
    /// The next reading, passing over empty lines; `None` at the end.
    fn next(&mut self) -> Result<Option<Snapshot>, SourceError> {
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.lines)
                .take(self.max_line + 1)
                .read_until(b'\n', &mut bytes);
            if let Err(reason) = read {
                return Err(SourceError::File {
                    path: self.path.to_owned(),
                    reason,
                });
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if bytes.len() as u64 > self.max_line {
                return Err(self.wrong(&format!("the line is longer than {} bytes", self.max_line)));
            }
            if !bytes.trim_ascii().is_empty() {
                return self.parse(&bytes).map(Some);
            }
        }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Snapshot, SourceError> {
        let frame: Frame = serde_json::from_slice(bytes.trim_ascii())
            .map_err(|error| self.wrong(&in_column(&error)))?;
        frame.into_snapshot().map_err(|reason| self.wrong(&reason))
    }

    /// The reason may repeat what stands in the file.
    fn wrong(&self, reason: &str) -> SourceError {
        let line = self.line.max(1);
        SourceError::Recording {
            path: self.path.to_owned(),
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
