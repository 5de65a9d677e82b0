//! Seeks to a snapshot of a recording, reading only the heads of the others.

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Next, Replay, SourceError};
use crate::model::Moment;

/// The part of a frame with its time.
#[derive(Deserialize)]
struct Head {
    taken_at: Moment,
    /// Present in a line that builds on the previous one.
    since: Option<IgnoredAny>,
}

impl Replay {
    /// The times of all snapshots in a file, in order. An incomplete line has none.
    ///
    /// # Errors
    ///
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
    ///
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
}
