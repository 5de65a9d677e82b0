//! Writes frames to the segments of a folder: one at a time, each made permanent before the next.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::folder::{SegmentName, leave, leaving, segments};
use super::system::{create_file, open_to_write, room, sync_folder};
use crate::history::format::{Frame, MAX_BODY};
use crate::history::holders::archive::{self, archive};
use crate::history::segment::{self, Source};
use crate::model::size;

/// So many segments have room at least: the oldest is a small part of what is stored.
const SEGMENTS: u64 = 8;

/// No segment is longer, in s: it ends after an hour, with the next snapshot.
const LONGEST: i64 = 2 * 3600;

/// A wall clock that is less ahead than this, in ms, is not questioned.
const MAX_AHEAD: i64 = 3600 * 1000;

/// One that is more ahead is right after this time: by then it would have been set.
const TRUSTED_AFTER: Duration = Duration::from_hours(24);

/// What may be stored, and where.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub folder: PathBuf,
    pub keep: Duration,
    pub max_size: u64,
    pub keep_holders: Duration,
    /// The bytes to leave free; `None`: [`least_free`].
    pub min_free: Option<u64>,
}

/// The segments of a folder, for writing.
pub(crate) struct Disk {
    limits: Limits,
    current: Option<Segment>,
    /// When the limits were last enforced, in ms since 1970.
    checked: i64,
    /// The steady clock of the frames that come next.
    steady: Duration,
    /// A time that had come for certain, in ms since 1970, and when that was on the steady clock.
    certain: Option<(i64, Duration)>,
    /// Since when, on the steady clock, the wall clock has been ahead of that.
    ahead_since: Option<Duration>,
    /// No segment gets a number below this one.
    next_number: u64,
}

struct Segment {
    name: SegmentName,
    file: File,
    /// The length of its whole frames.
    length: u64,
}

/// Why a frame was not written.
#[derive(Debug, Error)]
pub(crate) enum Refused {
    /// Less than this is free, and nothing is left that could be removed.
    #[error("the disk is nearly full: {} are free, {} are kept free", size::format(*free), size::format(*kept))]
    NearlyFull { free: u64, kept: u64 },
    /// There is no room at all.
    #[error("the disk is full")]
    Full,
    /// No reader would accept it.
    #[error("a snapshot has {}, and at most {} can be stored", size::format(*bytes), size::format(MAX_BODY.into()))]
    TooLarge { bytes: u64 },
    /// The system refused.
    #[error("{0}")]
    Failed(io::Error),
}

/// The bytes to leave free on a disk of this size: 5 %, at least 1 GiB and at most 4 GiB, as with journald's
/// `SystemKeepFree=`.
fn least_free(all: u64) -> u64 {
    (all / 20).clamp(1 << 30, 4 << 30)
}

impl Disk {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            current: None,
            checked: i64::MIN,
            steady: Duration::ZERO,
            certain: None,
            ahead_since: None,
            next_number: 1,
        }
    }

    /// Notes the steady clock of the frames that come next.
    pub const fn advance(&mut self, steady: Duration) {
        self.steady = steady;
    }

    /// Begins a segment with these frames.
    pub fn begin(&mut self, frames: &[Frame]) -> Result<(), Refused> {
        self.end();
        let Some(first) = frames.first() else {
            return Ok(());
        };
        frames.iter().try_for_each(Refused::unreadable)?;
        self.enforce(first.head.wall)?;
        let folder = &self.limits.folder;
        let known = segments(folder).map_err(Refused::Failed)?;
        // Never one that was there before: a reader may know that segment.
        let after = known.last().map_or(1, |last| last.number.saturating_add(1));
        let archived = archive::next_number(folder);
        let number = after.max(self.next_number).max(archived);
        self.next_number = number.saturating_add(1);
        let name = SegmentName::new(folder, first.head.wall.div_euclid(1000), number);
        let file = create_file(&name.path).map_err(Refused::of)?;
        self.current = Some(Segment {
            name,
            file,
            length: 0,
        });
        for frame in frames {
            if let Err(refused) = self.append(frame) {
                self.remove_current();
                return Err(refused);
            }
        }
        sync_folder(&self.limits.folder);
        Ok(())
    }

    /// Appends a frame to the segment.
    pub fn append(&mut self, frame: &Frame) -> Result<(), Refused> {
        Refused::unreadable(frame)?;
        let is_due = frame.head.wall.saturating_sub(self.checked) >= 60_000;
        if is_due || self.check_room().is_err() {
            self.enforce(frame.head.wall)?;
        }
        let Some(segment) = &mut self.current else {
            return Ok(());
        };
        let written = segment.write(&frame.bytes);
        written.map_err(Refused::of)
    }

    /// Whether the segment has so large a part of the room of all that the next frames belong into another one: segments are
    /// removed whole.
    pub fn is_segment_large(&self) -> bool {
        let length = self.current.as_ref().map_or(0, |segment| segment.length);
        length > self.limits.max_size / SEGMENTS
    }

    /// Ends the segment: it has all its frames, and gets its index and its summary.
    pub fn end(&mut self) {
        if let Some(mut segment) = self.current.take() {
            // Without them it can be read too.
            let _ = complete(&segment.name, &mut segment.file);
            sync_folder(&self.limits.folder);
        }
    }

    /// Completes the segments of recorders that crashed.
    pub fn complete_all(&self) {
        for name in segments(&self.limits.folder).unwrap_or_default() {
            let file = open_to_write(&name.path);
            let _ = file.map(|mut file| complete(&name, &mut file));
        }
    }

    /// Ends a segment that can't be continued.
    pub fn abandon(&mut self) {
        self.current = None;
    }

    /// Removes a segment that could not be begun: without its first keyframe nothing of it can be read.
    fn remove_current(&mut self) {
        if let Some(segment) = self.current.take() {
            let _ = fs::remove_file(&segment.name.path);
        }
    }

    /// Removes segments that are too old, too large together, or whose room is needed; the oldest first.
    fn enforce(&mut self, now: i64) -> Result<(), Refused> {
        self.checked = now;
        let folder = &self.limits.folder.clone();
        let mut known = Vec::new();
        for name in segments(folder).map_err(Refused::Failed)? {
            let size = fs::metadata(&name.path).map_or(0, |file| file.len());
            known.push((name, size));
        }
        let current = self.current.as_ref().map(|one| one.name.number);
        let keep = i64::try_from(self.limits.keep.as_secs()).unwrap_or(i64::MAX);
        let now = self.certain_time(now, &known);
        // Of a recorder that ended in between.
        for name in leaving(folder).map_err(Refused::Failed)? {
            self.remove(&name, now)?;
        }
        let oldest = now.div_euclid(1000).saturating_sub(keep);
        let mut total: u64 = known.iter().map(|(_, size)| size).sum();
        // A segment is as old as its last frame. The next one begins there, unless no recorder ran in between.
        let ends: Vec<_> = known.iter().skip(1).map(|(name, _)| name.start).collect();
        let end = |at: usize, start: i64| {
            // An earlier one was written after the clock was set back.
            let next = ends.get(at).copied().filter(|next| *next >= start);
            let longest = start.saturating_add(LONGEST);
            next.map_or(longest, |next| next.min(longest))
        };
        for (at, (name, size)) in known.iter().enumerate() {
            if Some(name.number) == current {
                continue;
            }
            let is_old = end(at, name.start) < oldest;
            if is_old || total > self.limits.max_size || self.check_room().is_err() {
                match leave(name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    left => self.remove(&left.map_err(Refused::Failed)?, now)?,
                }
                total -= size;
            }
        }
        self.check_room()
    }

    /// Removes a segment that is marked for that, and keeps its spans.
    fn remove(&self, name: &SegmentName, now: i64) -> Result<(), Refused> {
        let limits = &self.limits;
        // On a full disk the spans are lost, which is better than everything that follows.
        let _ = archive(&limits.folder, &mut opened(name), now, limits.keep_holders);
        remove(&name.path).map_err(Refused::Failed)
    }

    /// The time by which segments are old. A clock may be wrong, so one that is ahead of the end of what was stored when the
    /// recorder started, and of what passed since then on the steady clock, counts after it has been for a day.
    fn certain_time(&mut self, now: i64, known: &[(SegmentName, u64)]) -> i64 {
        let steady = self.steady;
        let (time, since) = *self.certain.get_or_insert_with(|| {
            let last = known.last().and_then(|(name, _)| last_time(name));
            (last.map_or(now, |last| last.min(now)), steady)
        });
        let passed = steady.saturating_sub(since).as_millis();
        let certain = time.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        if now.saturating_sub(certain) < MAX_AHEAD {
            self.ahead_since = None;
            return now;
        }
        let ahead_since = *self.ahead_since.get_or_insert(steady);
        if steady.saturating_sub(ahead_since) < TRUSTED_AFTER {
            return certain;
        }
        self.ahead_since = None;
        self.certain = Some((now, steady));
        now
    }

    /// Whether as much is free as should stay free; where that is unknown, it is.
    fn check_room(&self) -> Result<(), Refused> {
        let Some((free, all)) = room(&self.limits.folder) else {
            return Ok(());
        };
        let kept = self.limits.min_free.unwrap_or_else(|| least_free(all));
        if free < kept {
            return Err(Refused::NearlyFull { free, kept });
        }
        Ok(())
    }
}

impl Refused {
    /// Refuses a frame that could not be read.
    fn unreadable(frame: &Frame) -> Result<(), Self> {
        if frame.is_readable() {
            return Ok(());
        }
        let bytes = frame.head.raw_length.max(frame.head.length).into();
        Err(Self::TooLarge { bytes })
    }

    fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull => Self::Full,
            _ => Self::Failed(error),
        }
    }
}

fn opened(name: &SegmentName) -> segment::Segment {
    segment::Segment::new(name.number, Source::File(name.path.clone()))
}

/// The time of a segment's last frame, in ms since 1970.
fn last_time(name: &SegmentName) -> Option<i64> {
    let mut segment = opened(name);
    segment.refresh().ok()?;
    segment.frames.entries.last().map(|entry| entry.head.end())
}

/// Adds index and summary to the end of a segment.
fn complete(name: &SegmentName, file: &mut File) -> io::Result<()> {
    let footer = opened(name).footer();
    if let Some((end, footer)) = footer.map_err(io::Error::other)? {
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        if let Err(error) = file.write_all(&footer) {
            let _ = file.set_len(end);
            return Err(error);
        }
    }
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl Segment {
    /// Appends bytes and makes them permanent. After an error the file ends with the last whole frame, as the next would
    /// not be found behind a part of one.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        let written = written.and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                let _ = self.file.set_len(self.length);
                let _ = self.file.seek(SeekFrom::Start(self.length));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::format::{Head, Kind};

    #[test]
    fn a_twentieth_of_the_disk_stays_free_within_limits() {
        const GIB: u64 = 1 << 30;
        for (all, kept) in [
            (0, GIB),
            (8 * GIB, GIB),
            (40 * GIB, 2 * GIB),
            (252 * GIB, 4 * GIB),
            (u64::MAX, 4 * GIB),
        ] {
            assert_eq!(least_free(all), kept, "{all}");
        }
    }

    #[test]
    fn a_frame_that_no_reader_would_accept_is_refused() {
        let name = format!("sockeye-disk-large-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let mut disk = Disk::new(Limits {
            folder: folder.clone(),
            keep: Duration::MAX,
            max_size: u64::MAX,
            keep_holders: Duration::MAX,
            min_free: Some(0),
        });
        let frame = |kind: Kind, length: u32| {
            Frame::compressed(Head::new(kind, 0), &[vec![0; length as usize]])
        };
        let large = frame(Kind::Keyframe, MAX_BODY + 1);
        let refused = disk.begin(&[frame(Kind::Start, 2), large.clone()]);
        let message = refused.unwrap_err().to_string();
        assert!(message.starts_with("a snapshot has "), "{message}");
        assert!(segments(&folder).unwrap().is_empty());
        let start = [frame(Kind::Start, 2), frame(Kind::Keyframe, MAX_BODY)];
        disk.begin(&start).unwrap();
        assert!(disk.append(&large).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
