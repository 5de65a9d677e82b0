//! `--at` with `--replay`: a moment of a recording.

use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::history::History;
use sockeye::model::{Moment, RefreshTimings, Snapshot, time};
use sockeye::report::local_time;
use sockeye::runtime::recording::{self, Opened};
use sockeye::source::{Replay, Source as _};

use crate::cli::history::OpenedHistory;
use crate::cli::history::moment::{Found, of_history};

/// The snapshot of this time, or the last one, of a recording.
pub fn of_recording(
    path: &Path,
    at: Option<&str>,
    now: Moment,
) -> anyhow::Result<(Snapshot, RefreshTimings, Option<Found>)> {
    let mut recording = match recording::open(path)? {
        Opened::History(history) => return of_segments(history, at),
        Opened::Lines(replay) => replay,
    };
    let number = match at {
        None => usize::MAX,
        Some(at) => {
            // The file is read twice: what a time of day means depends on its end.
            if path.metadata().is_ok_and(|it| !it.is_file()) {
                let path = path.display();
                bail!("--at needs a file that can be read twice: {path}");
            }
            let times = Replay::times(path)?;
            let found = find(at, &times, &TimeZone::system());
            found.map_err(anyhow::Error::msg).context("--at")?
        }
    };
    recording.seek(number)?;
    let snapshot = recording.take(now)?;
    let at = local_time(snapshot.taken_at.wall, &TimeZone::system());
    let is_redacted = recording.is_redacted;
    let found = recording.playback().map(|playback| {
        let (shown, total) = (playback.number, playback.total.unwrap_or(playback.number));
        let is_other_time = number > shown && number < usize::MAX;
        let note = if is_other_time {
            format!("the recording ends at {at}; this is its last snapshot")
        } else {
            format!("recorded at {at}: snapshot {shown} of {total}")
        };
        Found {
            note,
            is_other_time,
            counters: None,
            earlier_counters: None,
            is_redacted,
            position: None,
        }
    });
    Ok((snapshot, recording.timings(), found))
}

/// The same of a history.
fn of_segments(
    history: History,
    at: Option<&str>,
) -> anyhow::Result<(Snapshot, RefreshTimings, Option<Found>)> {
    let mut opened = OpenedHistory::new(history, "the recording")?;
    let range = opened.range;
    let end = range.to.to_zoned(TimeZone::system());
    let at = at.map(|at| time::parse(at, &end)).transpose();
    let at = at.map_err(anyhow::Error::msg).context("--at")?;
    let (snapshot, mut found) = of_history(&mut opened, at.unwrap_or(range.to))?;
    if at.is_none() {
        let end = local_time(range.to, &TimeZone::system());
        found.note = format!("recorded at {end}, the end of the recording");
    }
    Ok((snapshot, RefreshTimings::default(), Some(found)))
}

/// The number, from 1, of the last of the snapshots taken at these times that was taken by this one; one more than there are
/// if the recording ends before it.
fn find(at: &str, times: &[Timestamp], zone: &TimeZone) -> Result<usize, String> {
    let (Some(&first), Some(&end)) = (times.first(), times.last()) else {
        return Err("the recording is empty".into());
    };
    let at = time::parse(at, &end.to_zoned(zone.clone()))?;
    if at > end {
        return Ok(times.len() + 1);
    }
    let by = time::end_of_second(at);
    let found = times.iter().rposition(|&time| time <= by);
    found.map(|index| index + 1).ok_or_else(|| {
        let (at, first) = (local_time(at, zone), local_time(first, zone));
        format!("{at} is before the first snapshot, which was taken at {first}")
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    /// Three snapshots: at 23:59:58.5, 23:59:59.5 and 00:00:00.5 of UTC, the last on 28 November.
    fn times() -> Vec<Timestamp> {
        let first: Timestamp = "2026-11-27T23:59:58.5Z".parse().unwrap();
        (0..3)
            .map(|second| first + SignedDuration::from_secs(second))
            .collect()
    }

    #[test]
    fn a_moment_is_an_instant_a_local_time_a_time_of_day_or_a_time_before_the_end() {
        for (text, number) in [
            ("2026-11-27T23:59:59.5Z", 2),
            ("2026-11-27T23:59:59.4Z", 1),
            ("2026-11-28T01:59:59+02:00", 2),
            ("2026-11-27 23:59:59", 2),
            ("2026-11-27T23:59:58", 1),
            ("2026-11-28 00:00", 3),
            ("23:59:58", 1),
            ("23:59:59", 2),
            ("00:00", 3),
            ("midnight", 3),
            ("now", 3),
            ("0s", 3),
            ("1s ago", 2),
            ("1600ms", 1),
            // It ends before.
            ("2030-01-01T00:00:00Z", 4),
        ] {
            assert_eq!(find(text, &times(), &TimeZone::UTC), Ok(number), "{text}");
        }
    }

    #[test]
    fn a_moment_before_the_first_snapshot_is_an_error() {
        for (text, at) in [
            ("2026-11-27T23:59:57Z", "2026-11-27 23:59:57"),
            ("3s", "2026-11-27 23:59:57"),
            ("12:00", "2026-11-27 12:00:00"),
            ("1000-01-01 00:00", "1000-01-01 00:00:00"),
        ] {
            let expected = format!(
                "{at} is before the first snapshot, which was taken at 2026-11-27 23:59:58"
            );
            assert_eq!(
                find(text, &times(), &TimeZone::UTC),
                Err(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_of_day_is_that_of_the_local_time_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(find("01:59:58", &times(), &zone), Ok(1));
    }
}
