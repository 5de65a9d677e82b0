//! Where a history is: in the memory that the collector adds to, or in a recording.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::history::{History, Memory, MemoryOptions, StoreError};
use crate::model::Snapshot;
use crate::runtime::recording::open_history;
use crate::source::{Recorder, Replay, Source as _};

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

    /// Writes all of it to a new recording; returns how many snapshots that are.
    ///
    /// # Errors
    /// When the file can't be written. Then there is none.
    pub fn write_to(&self, path: &Path) -> Result<usize, String> {
        let mut recorder = Recorder::create(path).map_err(|error| error.to_string())?;
        let written = self.record(&mut recorder);
        written.inspect_err(|_| drop(std::fs::remove_file(path)))
    }

    fn record(&self, recorder: &mut Recorder) -> Result<usize, String> {
        let mut history = self.history().map_err(|error| error.to_string())?;
        let mut count = 0;
        for recorded in history.from(Timestamp::MIN) {
            let snapshot = recorded.map_err(|error| error.to_string())?.snapshot;
            let written = recorder.record(&snapshot);
            written.map_err(|error| error.to_string())?;
            count += 1;
        }
        Ok(count)
    }

    /// Everything that was added.
    fn history(&self) -> Result<History, StoreError> {
        let mut memory = self.memory();
        memory.flush();
        memory.history()
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
            (None, Self::Memory(memory)) => memory.history(),
            (None, Self::Recording(path, clock)) => match open_history(path) {
                Some(history) => history,
                None => read(path, *clock)?.history(),
            },
            (Some(mut open), Self::Memory(memory)) => {
                memory.memory().flush();
                open.refresh().map(|()| open)
            }
            (Some(open), Self::Recording(..)) => Ok(open),
        };
        Ok(history.insert(open.map_err(|error| error.to_string())?))
    }
}

/// All of a recording, in memory.
fn read(path: &Path, clock: Clock) -> Result<Memory, String> {
    let mut memory = Memory::new(MemoryOptions {
        keep: Duration::from_hours(24 * 365 * 100),
        max_size: usize::MAX,
        ..MemoryOptions::default()
    });
    let mut replay = Replay::open(path).map_err(|error| error.to_string())?;
    loop {
        let snapshot = replay
            .take(clock.now())
            .map_err(|error| error.to_string())?;
        memory.add(&snapshot);
        if replay.playback().is_none_or(|playback| playback.has_ended) {
            memory.flush();
            return Ok(memory);
        }
    }
}
