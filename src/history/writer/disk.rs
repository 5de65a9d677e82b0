//! Writes frames to the segments of a folder: one at a time, each made permanent before the next.

use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::folder::{SegmentName, segments};
use super::system::{create_file, room, sync_folder};
use crate::history::format::Frame;
use crate::history::holders::archive;
use crate::history::segment::{self, Source};
use crate::model::size;

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
    /// The segment in progress is larger than all together may be.
    #[error("it would exceed {}", size::format(*max_size))]
    TooLarge { max_size: u64 },
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
        }
    }

    /// Begins a segment with these frames.
    pub fn begin(&mut self, frames: &[Frame]) -> Result<(), Refused> {
        self.end();
        let Some(first) = frames.first() else {
            return Ok(());
        };
        self.enforce(first.head.wall)?;
        let folder = &self.limits.folder;
        let known = segments(folder).map_err(Refused::Failed)?;
        let number = known.last().map_or(1, |last| last.number + 1);
        let name = SegmentName::new(folder, first.head.wall.div_euclid(1000), number);
        let file = create_file(&name.path).map_err(Refused::of)?;
        self.current = Some(Segment {
            name,
            file,
            length: 0,
        });
        for frame in frames {
            if let Err(refused) = self.append(frame) {
                self.abandon();
                return Err(refused);
            }
        }
        sync_folder(&self.limits.folder);
        Ok(())
    }

    /// Appends a frame to the segment.
    pub fn append(&mut self, frame: &Frame) -> Result<(), Refused> {
        if frame.head.wall.saturating_sub(self.checked) >= 60_000 {
            self.enforce(frame.head.wall)?;
        }
        let Some(segment) = &mut self.current else {
            return Ok(());
        };
        let written = segment.write(&frame.bytes);
        written.map_err(Refused::of)
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
            let file = File::options().write(true).open(&name.path);
            let _ = file.map(|mut file| complete(&name, &mut file));
        }
    }

    /// Ends a segment that could not be begun or continued.
    pub fn abandon(&mut self) {
        if let Some(segment) = self.current.take()
            && segment.length == 0
        {
            let _ = fs::remove_file(&segment.name.path);
        }
    }

    /// Removes segments that are too old, too large together, or whose room is needed; the oldest first.
    fn enforce(&mut self, now: i64) -> Result<(), Refused> {
        self.checked = now;
        let folder = &self.limits.folder;
        let mut known = Vec::new();
        for name in segments(folder).map_err(Refused::Failed)? {
            let size = fs::metadata(&name.path).map_or(0, |file| file.len());
            known.push((name, size));
        }
        let current = self.current.as_ref().map(|one| one.name.number);
        let keep = i64::try_from(self.limits.keep.as_secs()).unwrap_or(i64::MAX);
        let oldest = now.div_euclid(1000).saturating_sub(keep);
        let mut total: u64 = known.iter().map(|(_, size)| size).sum();
        // A segment is as old as its last frame: the next one begins there.
        let ends: Vec<_> = known.iter().skip(1).map(|(name, _)| name.start).collect();
        for (at, (name, size)) in known.iter().enumerate() {
            if Some(name.number) == current {
                continue;
            }
            let is_old = ends.get(at).is_some_and(|end| *end < oldest);
            if is_old || total > self.limits.max_size || self.check_room().is_err() {
                // On a full disk the spans are lost, which is better than everything that follows.
                let _ = archive(folder, &mut opened(name), self.limits.keep_holders);
                remove(&name.path).map_err(Refused::Failed)?;
                total -= size;
            }
        }
        self.check_room()?;
        let max_size = self.limits.max_size;
        if total > max_size {
            return Err(Refused::TooLarge { max_size });
        }
        Ok(())
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
}
