//! The histories that the table goes back in: a recent one, and the stored one before it. A moment is in the recent one from its
//! first snapshot on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::in_words;
use super::memory::Origin;
use crate::app::{Direction, Seek};
use crate::history::{ChangeKey, History, Position, Recorded, StoreError, TimeRange};
use crate::runtime::record::wait_for_recorder;

/// The least time between two snapshots.
const LEAST: Duration = Duration::from_millis(1);

/// So long a recorder may take for a snapshot that is requested.
const NEXT_SNAPSHOT: Duration = Duration::from_secs(2);

/// A snapshot, and the moment that it is shown for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    is_stored: bool,
    pub position: Position,
    pub at: Timestamp,
}

/// A recent history, and the stored one before it, if there is one.
pub(super) struct Places {
    origin: Origin,
    /// Opened with the first request.
    recent: Option<History>,
    /// The folder of the stored one.
    folder: Option<PathBuf>,
    /// Opened when it is first needed.
    stored: Option<History>,
}

type Found = Result<Option<Spot>, StoreError>;

impl Places {
    pub fn new(origin: Origin, folder: Option<PathBuf>) -> Self {
        Self {
            origin,
            recent: None,
            folder,
            stored: None,
        }
    }

    /// Whether a stored history could be there.
    pub const fn may_have_stored(&self) -> bool {
        self.folder.is_some()
    }

    /// Finds what was added. `false` if nothing is there.
    pub fn refresh(&mut self) -> Result<bool, String> {
        if let Some(stored) = &mut self.stored {
            stored.refresh().map_err(in_words)?;
        }
        let recent = self.origin.refresh(&mut self.recent)?;
        Ok(recent.range().is_some())
    }

    /// Where a seek leads from a spot.
    pub fn seek(&mut self, seek: &Seek, from: Spot) -> Found {
        match seek {
            Seek::Stay => Ok(Some(from)),
            Seek::Time(time) => self.at(*time),
            Seek::Start => self.at(Timestamp::MIN),
            Seek::End => self.at(Timestamp::MAX),
            Seek::Snapshot(Direction::Back) => self.previous(from),
            Seek::Snapshot(Direction::Forward) => self.next(from),
            Seek::Change(direction, socket) => {
                let key = super::key_of(socket);
                match direction {
                    Direction::Back => self.change_before(from, &key),
                    Direction::Forward => self.change_after(from, &key),
                }
            }
        }
    }

    /// The time of the first snapshot.
    pub fn begin(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let range = self.stored_range()?.or(self.recent_range());
        Ok(range.map(|range| range.from))
    }

    /// The snapshot of a time, or the one nearest to it.
    pub fn at(&mut self, time: Timestamp) -> Found {
        let Some(recent) = self.recent_range() else {
            return Ok(None);
        };
        let stored = if time < recent.from {
            self.stored_range()?
        } else {
            None
        };
        let (is_stored, time) = match stored {
            Some(stored) => (true, time.clamp(stored.from, before(recent.from))),
            None => (false, time.clamp(recent.from, recent.to)),
        };
        if is_stored {
            self.wait_for_stored(time)?;
        }
        let history = self.history(is_stored);
        let found = history.map(|history| history.at(time)).transpose()?;
        Ok(found.flatten().map(|found| Spot {
            is_stored,
            position: found.position,
            at: time,
        }))
    }

    /// Waits for what a recorder has taken up to this time and not stored yet, if one runs.
    fn wait_for_stored(&mut self, time: Timestamp) -> Result<(), StoreError> {
        if let Some(stored) = &mut self.stored
            && stored.is_recording() == Some(true)
        {
            wait_for_recorder(stored, time, NEXT_SNAPSHOT)?;
        }
        Ok(())
    }

    fn previous(&mut self, from: Spot) -> Found {
        let found = self.history_of(from)?.previous(from.position)?;
        match found {
            None if !from.is_stored => self.last_stored(),
            found => Ok(found.map(|found| when_taken(from.is_stored, &found))),
        }
    }

    fn next(&mut self, from: Spot) -> Found {
        let found = self.history_of(from)?.next(from.position)?;
        let begin = self.recent_range().map(|range| range.from);
        match (self.unless_recent(from, found), begin) {
            (None, Some(begin)) if from.is_stored => self.at(begin),
            (found, _) => Ok(found),
        }
    }

    /// The last change before a spot. The first recent snapshot is no change if a stored one is before it.
    fn change_before(&mut self, from: Spot, key: &ChangeKey) -> Found {
        let history = self.history_of(from)?;
        let found = history.change_before(from.position, key)?;
        if from.is_stored {
            return Ok(found.map(|found| when_taken(true, &found)));
        }
        let first = history.first()?.map(|first| first.position);
        let is_first = |found: &Recorded| Some(found.position) == first;
        let found = found.map(|found| (is_first(&found), when_taken(false, &found)));
        match found {
            Some((false, found)) => Ok(Some(found)),
            found => {
                let between = self.change_between(key)?;
                if let Some(between) = between.filter(|one| one.position < from.position) {
                    return Ok(Some(between));
                }
                let stored = self.last_stored_change(key)?;
                Ok(stored.or(found.map(|(_, found)| found)))
            }
        }
    }

    fn change_after(&mut self, from: Spot, key: &ChangeKey) -> Found {
        let found = self.history_of(from)?.change_after(from.position, key)?;
        let found = self.unless_recent(from, found);
        if found.is_some() || !from.is_stored {
            return Ok(found);
        }
        match self.change_between(key)? {
            None => self.first_recent_change(key),
            found => Ok(found),
        }
    }

    fn first_recent_change(&mut self, key: &ChangeKey) -> Found {
        let Some(recent) = &mut self.recent else {
            return Ok(None);
        };
        let Some(first) = recent.first()? else {
            return Ok(None);
        };
        let found = recent.change_after(first.position, key)?;
        Ok(found.map(|found| when_taken(false, &found)))
    }

    /// The first recent snapshot, if it differs from the last stored one.
    fn change_between(&mut self, key: &ChangeKey) -> Found {
        let Some(last) = self.last_stored()? else {
            return Ok(None);
        };
        let last = self.history_of(last)?.get(last.position)?;
        let first = self.recent.as_mut().map(History::first).transpose()?;
        let first = first.flatten();
        let has = |one: &Recorded| one.snapshot.sockets.iter().any(|socket| key.has(socket));
        let differs = first.filter(|first| has(first) != has(&last));
        Ok(differs.map(|first| when_taken(false, &first)))
    }

    /// What follows a spot in its own history. Where the recent one begins, the stored one ends.
    fn unless_recent(&self, from: Spot, found: Option<Recorded>) -> Option<Spot> {
        let end = self.recent_range().map(|range| range.from);
        let is_before = |found: &Recorded| end.is_none_or(|end| found.snapshot.taken_at.wall < end);
        let found = found.filter(|found| !from.is_stored || is_before(found))?;
        Some(when_taken(from.is_stored, &found))
    }

    /// The last snapshot of the stored history before the recent one.
    fn last_stored(&mut self) -> Found {
        let Some((end, history)) = self.stored_before()? else {
            return Ok(None);
        };
        let found = history.at(before(end))?;
        Ok(found.map(|found| when_taken(true, &found)))
    }

    fn last_stored_change(&mut self, key: &ChangeKey) -> Found {
        let Some((end, history)) = self.stored_before()? else {
            return Ok(None);
        };
        let Some(last) = history.at(before(end))? else {
            return Ok(None);
        };
        // The last one may be it.
        if let Some(before) = history.previous(last.position)? {
            let next = history.change_after(before.position, key)?;
            if let Some(next) = next.filter(|next| next.position == last.position) {
                return Ok(Some(when_taken(true, &next)));
            }
        }
        let found = history.change_before(last.position, key)?;
        Ok(found.map(|found| when_taken(true, &found)))
    }

    /// The stored history, and where the recent one begins.
    fn stored_before(&mut self) -> Result<Option<(Timestamp, &mut History)>, StoreError> {
        let Some(recent) = self.recent_range() else {
            return Ok(None);
        };
        let is_there = self.stored_range()?.is_some();
        let stored = self.stored.as_mut().filter(|_| is_there);
        Ok(stored.map(|stored| (recent.from, stored)))
    }

    /// The times of the stored history, if it begins before the recent one.
    fn stored_range(&mut self) -> Result<Option<TimeRange>, StoreError> {
        if self.stored.is_none()
            && let Some(folder) = &self.folder
        {
            self.stored = open(folder)?;
        }
        let recent = self.recent_range();
        let range = self.stored.as_ref().and_then(History::range);
        Ok(range.filter(|range| recent.is_some_and(|recent| range.from < recent.from)))
    }

    fn recent_range(&self) -> Option<TimeRange> {
        self.recent.as_ref().and_then(History::range)
    }

    fn history(&mut self, is_stored: bool) -> Option<&mut History> {
        if is_stored {
            self.stored.as_mut()
        } else {
            self.recent.as_mut()
        }
    }

    /// The history of a spot.
    pub fn history_of(&mut self, spot: Spot) -> Result<&mut History, StoreError> {
        self.history(spot.is_stored).ok_or(StoreError::Removed)
    }

    /// Why nothing is recorded at a spot, if nothing is.
    pub fn gap(&mut self, spot: Spot) -> Result<Option<&'static str>, StoreError> {
        let history = self.history_of(spot)?;
        let ends_before = spot.is_stored && history.range().is_some_and(|range| range.to < spot.at);
        let gap = history.gap_at(spot.at).map(|gap| gap.reason.clause());
        let why = match history.is_recording() {
            Some(true) => "the recorder has not stored it yet",
            _ => "no recorder ran",
        };
        Ok(gap.or(ends_before.then_some(why)))
    }
}

/// The history in a folder, if there is one that this user can read.
fn open(folder: &Path) -> Result<Option<History>, StoreError> {
    use std::io::ErrorKind::{NotFound, PermissionDenied};
    match History::open(folder) {
        Ok(history) => Ok(Some(history)),
        Err(StoreError::File { reason, .. })
            if matches!(reason.kind(), NotFound | PermissionDenied) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A snapshot when it was taken.
fn when_taken(is_stored: bool, found: &Recorded) -> Spot {
    Spot {
        is_stored,
        position: found.position,
        at: found.snapshot.taken_at.wall,
    }
}

fn before(time: Timestamp) -> Timestamp {
    time.checked_sub(LEAST).unwrap_or(Timestamp::MIN)
}
