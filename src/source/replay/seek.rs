//! Goes to a snapshot of a recording without reading what the others hold.

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Replay, SourceError};
use crate::model::Moment;

/// What is read of a snapshot to know when it was taken.
#[derive(Deserialize)]
struct Head {
    taken_at: Moment,
    /// There is one in a line that builds on the one before.
    since: Option<IgnoredAny>,
}

impl Replay {
    /// When each snapshot of a file was taken, in its order. A line that is only half there has none.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or one of its lines is no snapshot.
    pub fn times(path: impl AsRef<Path>) -> Result<Vec<Timestamp>, SourceError> {
        let mut replay = Self::open(path.as_ref())?;
        let mut times = vec![replay.current.taken_at.wall];
        while let Some(line) = replay.reader.filled_line()? {
            match serde_json::from_slice::<Head>(line.trim_ascii()) {
                Ok(head) => times.push(head.taken_at.wall),
                Err(_) if !line.ends_with(b"\n") => break,
                Err(error) => return Err(replay.reader.wrong(&super::in_column(&error))),
            }
        }
        Ok(times)
    }

    /// Goes to the last snapshot.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or what it ends with is no snapshot.
    pub fn seek_last(&mut self) -> Result<(), SourceError> {
        self.go_to(usize::MAX)
    }

    /// Goes to the snapshot of this number, which lies ahead, or to the last one.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or there is no snapshot.
    pub fn go_to(&mut self, number: usize) -> Result<(), SourceError> {
        // A whole line that another whole one follows is not read any closer.
        let mut whole = None;
        let (first, mut breaks_off) = (self.number, false);
        while self.number < number {
            let Some(line) = self.reader.filled_line()? else {
                break;
            };
            let head: Head = match serde_json::from_slice(line.trim_ascii()) {
                Ok(head) => head,
                Err(_) if !line.ends_with(b"\n") => {
                    breaks_off = true;
                    break;
                }
                Err(error) => return Err(self.reader.wrong(&super::in_column(&error))),
            };
            self.number += 1;
            if head.since.is_none() {
                whole = Some(line);
                continue;
            }
            for line in whole.take().into_iter().chain([line]) {
                self.reader.go_over(&line)?;
            }
        }
        if let Some(line) = whole {
            self.reader.go_over(&line)?;
        }
        if self.number > first {
            self.current = self.reader.last_snapshot()?;
        }
        if breaks_off {
            self.say_that_it_breaks_off();
        }
        Ok(())
    }
}
