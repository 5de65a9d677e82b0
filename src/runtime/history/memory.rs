//! Where a history is: in the memory that the collector adds to, or in a recording.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::in_words;
use crate::clock::Clock;
use crate::history::{History, Memory, MemoryOptions};
use crate::model::Snapshot;
use crate::runtime::recording::{Opened, open};
use crate::source::{Replay, Source as _};

/// The snapshots of the last hour, shared by the collector and those that read them.
#[derive(Clone)]
pub struct LastHour(Arc<Mutex<Memory>>);

impl LastHour {
    /// An empty one, for snapshots at this interval.
    pub fn new(interval: Duration) -> Self {
        let options = MemoryOptions {
            interval,
            ..MemoryOptions::default()
        };
        Self(Arc::new(Mutex::new(Memory::new(options))))
    }

    /// Adds a snapshot.
    pub fn add(&self, snapshot: &Snapshot) {
        self.memory().add(snapshot);
    }

    /// Writes all of it to a new file; returns how long it reaches back.
    ///
    /// # Errors
    /// When the file can't be written. Then there is none.
    pub fn write_to(&self, path: &Path) -> Result<Duration, String> {
        let mut memory = self.memory();
        let written = memory.write_to(path).and_then(|()| memory.history());
        let history = written.map_err(in_words)?;
        let range = history
            .range()
            .map(|range| range.to.duration_since(range.from));
        Ok(range
            .and_then(|range| Duration::try_from(range).ok())
            .unwrap_or_default())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a history comes from.
pub(super) enum Origin {
    Memory(LastHour),
    Recording(PathBuf, Clock),
}

impl Origin {
    /// The history with everything that was added to it.
    pub fn refresh<'a>(&self, history: &'a mut Option<History>) -> Result<&'a mut History, String> {
        let open = match (history.take(), self) {
            (None, Self::Memory(memory)) => {
                let mut memory = memory.memory();
                memory.flush();
                memory.history()
            }
            (None, Self::Recording(path, clock)) => match open(path).map_err(in_words)? {
                Opened::History(history) => Ok(history),
                Opened::Lines(replay) => read(replay, *clock)?.history(),
            },
            (Some(mut open), Self::Memory(memory)) => {
                memory.memory().flush();
                open.refresh().map(|()| open)
            }
            (Some(open), Self::Recording(..)) => Ok(open),
        };
        Ok(history.insert(open.map_err(in_words)?))
    }
}

/// All of a recording of lines, in memory.
fn read(mut replay: Replay, clock: Clock) -> Result<Memory, String> {
    let mut memory = Memory::new(MemoryOptions {
        keep: Duration::from_hours(24 * 365 * 100),
        max_size: usize::MAX,
        ..MemoryOptions::default()
    });
    loop {
        let snapshot = replay.take(clock.now()).map_err(in_words)?;
        memory.add(&snapshot);
        if replay.playback().is_none_or(|playback| playback.has_ended) {
            memory.flush();
            return Ok(memory);
        }
    }
}
