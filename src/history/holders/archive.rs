//! What is known about the ports of removed segments: `holders.seg` in their folder. It is small, as a listener of a month
//! is one span, and written anew each time.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::joined::{Era, Joined};
use crate::history::StoreError;
use crate::history::format::{Frame, Head, Kind, MAX_BODY};
use crate::history::segment::{Segment, Source};
use crate::history::writer::system::create_file;

const NAME: &str = "holders.seg";

/// The archive that could not be read when one had to be written.
const ASIDE: &str = "holders.unreadable";

/// The most bytes of the spans: a longer body could not be read.
const LONGEST: usize = MAX_BODY as usize;

/// What is archived.
enum Archived {
    Nothing,
    /// Spans, and the number of the segment that was archived last, if it is known.
    Spans(Vec<Joined>, Option<u64>),
    /// It is damaged, too long, or of a later version.
    Unreadable,
}

/// Adds the spans of a segment, which is about to be removed, unless it was added last. Those that ended longer ago than
/// `keep` are dropped, by `now`, in ms since 1970. An archive that can't be read is kept aside.
pub(crate) fn archive(
    folder: &Path,
    segment: &mut Segment,
    now: i64,
    keep: Duration,
) -> Result<(), StoreError> {
    let failed = |reason| StoreError::file(folder, reason);
    segment.refresh()?;
    let Some(era) = Era::of(segment) else {
        return Ok(());
    };
    let mut all = match archived(folder).map_err(failed)? {
        Archived::Nothing => Vec::new(),
        Archived::Spans(_, Some(number)) if number == segment.number => return Ok(()),
        Archived::Spans(all, _) => all,
        Archived::Unreadable => {
            fs::rename(folder.join(NAME), folder.join(ASIDE)).map_err(failed)?;
            Vec::new()
        }
    };
    era.add(&mut all, &segment.spans()?, 0);
    let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let oldest = now.min(era.end).saturating_sub(keep);
    all.retain(|joined| joined.to >= oldest);
    let json = fitted(all, LONGEST).map_err(|error| failed(error.into()))?;
    let head = Head {
        sequence: u32::try_from(segment.number).unwrap_or_default(),
        ..Head::new(Kind::Archive, era.end)
    };
    write(folder, &Frame::compressed(head, &[json])).map_err(failed)
}

/// The archived spans. Without an archive, or with one that can't be read, none.
pub(crate) fn read(folder: &Path) -> io::Result<Vec<Joined>> {
    Ok(match archived(folder)? {
        Archived::Spans(all, _) => all,
        Archived::Nothing | Archived::Unreadable => Vec::new(),
    })
}

/// The least number that a segment may get: one that is archived does not come again.
pub(crate) fn next_number(folder: &Path) -> u64 {
    match archived(folder) {
        Ok(Archived::Spans(_, Some(number))) => number + 1,
        _ => 1,
    }
}

fn archived(folder: &Path) -> io::Result<Archived> {
    let source = Source::File(folder.join(NAME));
    let mut input = match source.open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Archived::Nothing),
        opened => opened?,
    };
    let Some((body, head)) = input.frame(0, Kind::Archive)? else {
        return Ok(Archived::Unreadable);
    };
    let number = (head.sequence > 0).then_some(head.sequence.into());
    Ok(match serde_json::from_slice(&body) {
        Ok(all) => Archived::Spans(all, number),
        Err(_) => Archived::Unreadable,
    })
}

/// The spans as JSON of at most this length, without those that ended first if all are longer.
pub(crate) fn fitted(mut all: Vec<Joined>, longest: usize) -> serde_json::Result<Vec<u8>> {
    loop {
        let json = serde_json::to_vec(&all)?;
        if json.len() <= longest {
            return Ok(json);
        }
        // A part at once, as each attempt takes long.
        let mut dropped: Vec<usize> = (0..all.len()).collect();
        dropped.sort_by_key(|at| (all[*at].is_open(), all[*at].to));
        dropped.truncate(all.len().div_ceil(8));
        let dropped: HashSet<usize> = dropped.into_iter().collect();
        let mut at = 0..;
        all.retain(|_| at.next().is_some_and(|at| !dropped.contains(&at)));
    }
}

fn write(folder: &Path, frame: &Frame) -> io::Result<()> {
    let path = folder.join(NAME);
    let new = folder.join("holders.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = create_file(&new)?;
    let written = file.write_all(&frame.bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    fs::rename(&new, &path)
}
