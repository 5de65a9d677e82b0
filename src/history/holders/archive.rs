//! What is known about the ports of removed segments: `holders.seg` in their folder. It is small, as a listener of a month
//! is one span, and written anew each time.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::joined::{Era, Joined};
use crate::history::StoreError;
use crate::history::format::{Frame, Head, Kind};
use crate::history::segment::{Segment, Source};
use crate::history::writer::system::create_file;

const NAME: &str = "holders.seg";

/// Adds the spans of a segment, which is about to be removed. Those that ended longer ago than `keep` are dropped,
/// by `now`, in ms since 1970.
pub(crate) fn archive(
    folder: &Path,
    segment: &mut Segment,
    now: i64,
    keep: Duration,
) -> Result<(), StoreError> {
    segment.refresh()?;
    let Some(era) = Era::of(segment) else {
        return Ok(());
    };
    let mut all = read(folder).map_err(|reason| StoreError::file(folder, reason))?;
    era.add(&mut all, &segment.spans()?, 0);
    let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    let oldest = now.min(era.end).saturating_sub(keep);
    all.retain(|joined| joined.to >= oldest);
    write(folder, &all, era.end).map_err(|reason| StoreError::file(folder, reason))
}

/// The archived spans. Without an archive, or with one that can't be read, none.
pub(crate) fn read(folder: &Path) -> io::Result<Vec<Joined>> {
    let source = Source::File(folder.join(NAME));
    let mut input = match source.open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let frame = input.frame(0, Kind::Archive)?;
    let all = frame.map(|(body, _)| serde_json::from_slice(&body).unwrap_or_default());
    Ok(all.unwrap_or_default())
}

fn write(folder: &Path, all: &[Joined], wall: i64) -> io::Result<()> {
    let path = folder.join(NAME);
    let new = folder.join("holders.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let json = serde_json::to_vec(all)?;
    let frame = Frame::compressed(Head::new(Kind::Archive, wall), &[json]);
    let mut file: File = create_file(&new)?;
    let written = file.write_all(&frame.bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    fs::rename(&new, &path)
}
