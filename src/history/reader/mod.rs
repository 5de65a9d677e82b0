//! Reads a history: the snapshot at any time, those before and after it, and what is known about the time in between.

mod changes;
mod counts;
mod place;
mod sections;
mod seek;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub(super) use self::place::Place;
use self::sections::Section;
use self::sections::gap;
pub(super) use self::sections::sections;
use super::memory::Shared;
use super::segment::{Cursor, Segment};
use super::writer::folder::{is_locked, request_flush};
use super::{Damage, Gap, Position, Recorded, StoreError, TimeRange};

/// A history that can be read, also while it is being written.
///
/// The last position is remembered: the next snapshot from there is cheap, any other costs up to half an hour of changes.
pub struct History {
    pub(super) place: Place,
    pub(super) segments: Vec<Segment>,
    cursor: Option<Cursor>,
}

/// The snapshots from some time on, in the order in which they were written. See [`History::from`].
pub struct Snapshots<'a> {
    history: &'a mut History,
    next: Option<Result<Recorded, StoreError>>,
}

impl History {
    /// Opens a folder of segments, or one segment.
    ///
    /// # Errors
    /// When it is not there or can't be read, or is a file without any frame.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        let metadata = path.metadata();
        let metadata = metadata.map_err(|reason| StoreError::file(&path, reason))?;
        let place = if metadata.is_dir() {
            Place::Folder(path)
        } else {
            Place::File(path)
        };
        let history = Self::new(place)?;
        match &history.place {
            Place::File(path) if history.segments.iter().all(Segment::is_empty) => {
                Err(StoreError::NotAHistory {
                    path: path.clone(),
                    reason: "it isn't a history of sockeye".to_owned(),
                })
            }
            _ => Ok(history),
        }
    }

    /// One segment that is in memory, such as a file that was received.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        let place = Place::Memory(Shared::of(bytes));
        Self::new(place).unwrap_or_else(|_| Self::empty())
    }

    fn empty() -> Self {
        Self {
            place: Place::Memory(Shared::default()),
            segments: Vec::new(),
            cursor: None,
        }
    }

    pub(super) fn new(place: Place) -> Result<Self, StoreError> {
        let mut history = Self {
            place,
            ..Self::empty()
        };
        history.refresh()?;
        Ok(history)
    }

    /// Finds what was added and removed since it was opened, or since the last call.
    ///
    /// # Errors
    /// When the folder or a new segment can't be read.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        let before = self.cursor_path();
        self.place.refresh(&mut self.segments)?;
        if self.cursor_path() != before {
            self.cursor = None;
        }
        Ok(())
    }

    /// The file of the segment that the cursor is in.
    fn cursor_path(&self) -> Option<PathBuf> {
        let number = self.cursor.as_ref()?.position().file;
        let segment = self.segments.iter().find(|one| one.number == number)?;
        segment.source.path().map(Path::to_path_buf)
    }

    /// Requests that the recorder, if one runs, takes a snapshot within a second and writes everything up to it; otherwise that
    /// takes up to 20 seconds. Returns whether it can be requested: not of a single file, in memory, or in a folder that this user can't
    /// write to.
    pub fn request_flush(&self) -> bool {
        match &self.place {
            Place::Folder(path) => request_flush(path).is_ok(),
            Place::File(_) | Place::Memory(_) => false,
        }
    }

    /// Whether a recorder adds to it; `None` if that can't be found out. No one adds to a single file.
    pub fn is_recording(&self) -> Option<bool> {
        match &self.place {
            Place::Folder(path) => is_locked(path),
            Place::File(_) | Place::Memory(_) => Some(false),
        }
    }

    /// Whether it is one file, which can be verified at once.
    pub const fn is_one_file(&self) -> bool {
        !matches!(self.place, Place::Folder(_))
    }

    /// Whether the recorder was stopped after the last snapshot, and no other one has begun.
    pub fn is_stopped(&self) -> bool {
        self.sections().last().is_some_and(|last| last.is_stopped)
    }

    /// The times of the first and the last snapshot; `None` without any. The last one counts although nothing had changed in it.
    pub fn range(&self) -> Option<TimeRange> {
        let all = self.sections();
        let from = all.iter().map(|section| section.start).min()?;
        let to = all.iter().map(|section| section.end).max()?;
        Some(TimeRange {
            from: timestamp(from),
            to: timestamp(to),
        })
    }

    /// The last snapshot at or before this time; `None` if there is none. Where the clock was set back, of two snapshots of
    /// one time the later written one.
    ///
    /// # Errors
    /// When a segment can't be read. Damage is none: then it is the last snapshot before that.
    pub fn at(&mut self, time: Timestamp) -> Result<Option<Recorded>, StoreError> {
        self.seek_time(time.as_millisecond())?;
        let Some(mut recorded) = self.recorded()? else {
            return Ok(None);
        };
        recorded.gap = self.gap_at(time);
        Ok(Some(recorded))
    }

    /// The snapshot after this one; `None` if it is the last one.
    ///
    /// # Errors
    /// When a segment can't be read, or the position's was removed.
    pub fn next(&mut self, position: Position) -> Result<Option<Recorded>, StoreError> {
        self.seek_position(position)?;
        if self.forward()? {
            self.recorded()
        } else {
            Ok(None)
        }
    }

    /// The snapshot before this one; `None` if it is the first one.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn previous(&mut self, position: Position) -> Result<Option<Recorded>, StoreError> {
        if self.seek_before(position)? {
            self.recorded()
        } else {
            Ok(None)
        }
    }

    /// The snapshot at a position.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn get(&mut self, position: Position) -> Result<Recorded, StoreError> {
        self.seek_position(position)?;
        self.recorded()?.ok_or(StoreError::Removed)
    }

    /// The last snapshot at or before this time, and all after it. If there is none before it, from the first one on. They end
    /// with the last one that is stored; after [`refresh`](Self::refresh), go on with [`next`](Self::next).
    pub fn from(&mut self, time: Timestamp) -> Snapshots<'_> {
        let first = match self.at(time) {
            Ok(None) => self.first(),
            found => found,
        };
        Snapshots {
            history: self,
            next: first.transpose(),
        }
    }

    /// The first snapshot.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn first(&mut self) -> Result<Option<Recorded>, StoreError> {
        if self.seek_first()? {
            self.recorded()
        } else {
            Ok(None)
        }
    }

    /// The gaps that overlap this range, in the order in which they were written.
    pub fn gaps(&self, range: TimeRange) -> Vec<Gap> {
        let all = self.sections();
        let gaps = all.windows(2).filter_map(|two| gap(&two[0], &two[1]));
        let is_in = |one: &Gap| range.overlaps(one.from.min(one.to), one.from.max(one.to));
        gaps.filter(is_in).collect()
    }

    /// The gap that this time is in.
    pub fn gap_at(&self, time: Timestamp) -> Option<Gap> {
        let at = TimeRange {
            from: time,
            to: time,
        };
        let mut gaps = self.gaps(at).into_iter();
        gaps.find(|gap| gap.from < time && time < gap.to)
    }

    /// Whether one recorder took both snapshots, without having ended in between: only then its pseudonyms are the same. `false`
    /// if that is not known.
    ///
    /// # Errors
    /// When a segment can't be read, or was removed.
    pub fn are_of_one_run(&self, one: Position, other: Position) -> Result<bool, StoreError> {
        let [one, other] = [self.run_of(one)?, self.run_of(other)?];
        Ok(one.is_some() && one == other)
    }

    fn run_of(&self, position: Position) -> Result<Option<u64>, StoreError> {
        let (segment, entry) = self.find(position)?;
        self.segments[segment].run_before(entry)
    }

    /// The damage that was found so far. [`verify`](Self::verify) finds all.
    pub fn damage(&self) -> Vec<Damage> {
        self.segments.iter().flat_map(Segment::damage).collect()
    }

    /// Reads every frame, and returns all damage.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn verify(&mut self) -> Result<Vec<Damage>, StoreError> {
        for segment in &mut self.segments {
            segment.verify()?;
        }
        Ok(self.damage())
    }

    pub(super) fn sections(&self) -> Vec<Section> {
        self.segments.iter().flat_map(sections).collect()
    }
}

impl Iterator for Snapshots<'_> {
    type Item = Result<Recorded, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let current = self.next.take()?;
        if let Ok(recorded) = &current {
            self.next = self.history.next(recorded.position).transpose();
        }
        Some(current)
    }
}

/// Milliseconds since 1970 as a time.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    let clamped = ms.clamp(
        Timestamp::MIN.as_millisecond(),
        Timestamp::MAX.as_millisecond(),
    );
    Timestamp::from_millisecond(clamped).unwrap_or_default()
}
