//! `--at`: a moment of a recording.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use sockeye::model::duration;

/// A moment as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// With an offset from UTC.
    Instant(Timestamp),
    /// Date and time in the local time zone.
    Local(DateTime),
    TimeOfDay(Time),
    BeforeEnd(Duration),
}

/// A snapshot of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Counted from 1.
    pub number: usize,
    pub total: usize,
    /// Whether the recording ends before the moment that was typed.
    pub is_after_end: bool,
}

const ACCEPTED: &str =
    "not a time (2026-11-28T03:12:05Z, '2026-11-28 03:12', 03:12, 03:12:05, or 5m before the end)";

/// The rest of a second: the screen shows no fractions, so a time read from it means all of its second.
const REST_OF_SECOND: SignedDuration = SignedDuration::from_nanos(999_999_999);

pub fn parse(text: &str) -> Result<At, String> {
    const LOCAL: [&str; 4] = [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M",
    ];
    const TIME_OF_DAY: [&str; 2] = ["%H:%M:%S", "%H:%M"];
    let instant = text.parse().map(At::Instant);
    let mut local = LOCAL.iter().map(|form| DateTime::strptime(form, text));
    let mut time = TIME_OF_DAY.iter().map(|form| Time::strptime(form, text));
    instant
        .ok()
        .or_else(|| local.find_map(Result::ok).map(At::Local))
        .or_else(|| time.find_map(Result::ok).map(At::TimeOfDay))
        .or_else(|| duration::parse(text).map(At::BeforeEnd).ok())
        .ok_or_else(|| ACCEPTED.to_owned())
}

impl At {
    /// The last of the snapshots taken at these times that was taken by this moment.
    pub fn find(self, times: &[Timestamp], zone: &TimeZone) -> Result<Found, String> {
        let (Some(&first), Some(&end)) = (times.first(), times.last()) else {
            return Err("the recording is empty".into());
        };
        let Some(at) = self.timestamp(first, end, zone) else {
            let first = local_time(first, zone);
            return Err(format!(
                "the recording is not that long: it starts at {first}"
            ));
        };
        let by = match self {
            Self::BeforeEnd(_) => at,
            _ if at.subsec_nanosecond() == 0 => at.saturating_add(REST_OF_SECOND).unwrap_or(at),
            _ => at,
        };
        match times.iter().rposition(|&time| time <= by) {
            Some(index) => Ok(Found {
                number: index + 1,
                total: times.len(),
                is_after_end: at > end,
            }),
            None => Err(format!(
                "{} is before the first snapshot, which was taken at {}",
                local_time(at, zone),
                local_time(first, zone)
            )),
        }
    }

    /// The moment in a recording from `first` to `end`; `None` if there is no such moment.
    fn timestamp(self, first: Timestamp, end: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let instant = |local: DateTime| Some(local.to_zoned(zone.clone()).ok()?.timestamp());
        match self {
            Self::Instant(instant) => Some(instant),
            Self::Local(local) => instant(local),
            // The last one in the recording; if there is none, the one on its last day.
            Self::TimeOfDay(time) => {
                let date = end.to_zoned(zone.clone()).date();
                let last = instant(date.to_datetime(time))?;
                let before = date.checked_sub(1.day()).ok();
                let before = before.and_then(|date| instant(date.to_datetime(time)));
                let is_recorded = |at: &Timestamp| {
                    at.saturating_add(REST_OF_SECOND)
                        .is_ok_and(|it| it >= first)
                };
                let before = before.filter(|before| last > end && is_recorded(before));
                Some(before.unwrap_or(last))
            }
            Self::BeforeEnd(before) => end.checked_sub(before).ok(),
        }
    }
}

/// Date and time in the local time zone.
pub fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three snapshots: at 23:59:58.5, 23:59:59.5 and 00:00:00.5 of UTC, the last on 28 November.
    fn times() -> Vec<Timestamp> {
        let first: Timestamp = "2026-11-27T23:59:58.5Z".parse().unwrap();
        (0..3)
            .map(|second| first + SignedDuration::from_secs(second))
            .collect()
    }

    fn found(text: &str) -> Result<(usize, bool), String> {
        let found = parse(text)?.find(&times(), &TimeZone::UTC)?;
        Ok((found.number, found.is_after_end))
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
            ("0s", 3),
            ("1s", 2),
            ("1500ms", 1),
        ] {
            assert_eq!(found(text), Ok((number, false)), "{text}");
        }
    }

    #[test]
    fn a_moment_after_the_end_is_the_last_snapshot_and_marked_as_such() {
        for text in ["2030-01-01T00:00:00Z", "00:00:01", "12:00"] {
            assert_eq!(found(text), Ok((3, true)), "{text}");
        }
    }

    #[test]
    fn a_moment_before_the_first_snapshot_is_an_error() {
        for (text, at) in [
            ("2026-11-27T23:59:57Z", "2026-11-27 23:59:57"),
            ("3s", "2026-11-27 23:59:57"),
            ("1000-01-01 00:00", "1000-01-01 00:00:00"),
        ] {
            let message = found(text).unwrap_err();
            let expected = format!(
                "{at} is before the first snapshot, which was taken at 2026-11-27 23:59:58"
            );
            assert_eq!(message, expected, "{text}");
        }
        let message = found("99999999999999s").unwrap_err();
        assert!(
            message.contains("starts at 2026-11-27 23:59:58"),
            "{message}"
        );
    }

    #[test]
    fn a_time_of_day_is_that_of_the_local_time_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let found = parse("01:59:58").unwrap().find(&times(), &zone);
        assert_eq!(found.map(|found| found.number), Ok(1));
    }

    #[test]
    fn what_is_not_a_time_is_one_line() {
        for text in [
            "",
            "x",
            "25:00",
            "03:12:61",
            "2026-11-28",
            "2026-13-01 00:00",
            "-5m",
            "3:",
        ] {
            let message = parse(text).unwrap_err();
            assert!(
                message.starts_with("not a time (") && !message.contains('\n'),
                "{text}: {message}"
            );
        }
    }
}
