//! Points in time as people write them: `03:12`, `2h ago`, `yesterday 3am`, `monday 9:00`, `2026-11-29 03:12:05`.

use std::time::Duration;

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};

use super::{duration, excerpt};

/// Examples of every accepted form, for help texts.
pub const ACCEPTED: &str = "03:12, 3am, 2h ago, yesterday 3am, 2026-11-29 03:12";

/// The rest of a second. See [`end_of_second`].
const REST_OF_SECOND: SignedDuration = SignedDuration::from_nanos(999_999_999);

/// A day as it was written.
struct Day {
    date: Date,
    /// If the point in time would be in the future: how many days earlier is meant. A written date is what it is.
    repeats_after: Option<i64>,
}

/// Reads a point in time, in the time zone of `now` unless it has an offset of its own. A time of day is the last one
/// before `now`, and a day without a time begins at midnight.
///
/// # Errors
/// One line that says what is accepted.
pub fn parse(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let text = text.trim();
    let words = text.to_ascii_lowercase();
    if words == "now" {
        return Ok(now.timestamp());
    }
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    if let Some(before) = duration_before(&words) {
        let at = now.timestamp().checked_sub(before);
        return at.map_err(|_| format!("`{}` is before the calendar begins", excerpt(text)));
    }
    let at = day_and_time(&words, now.date()).and_then(|(day, time)| on_day(&day, time, now));
    at.ok_or_else(|| format!("`{}` isn't a time (use {ACCEPTED})", excerpt(text)))
}

/// The last instant that a clock without fractions shows like this one: a time that was read from the screen means all
/// of its second.
pub fn end_of_second(at: Timestamp) -> Timestamp {
    match at.subsec_nanosecond() {
        0 => at.checked_add(REST_OF_SECOND).unwrap_or(Timestamp::MAX),
        _ => at,
    }
}

fn on_day(day: &Day, time: Time, now: &Zoned) -> Option<Timestamp> {
    let on = |date: Date| {
        let zoned = date.to_datetime(time).to_zoned(now.time_zone().clone());
        zoned.ok().map(|zoned| zoned.timestamp())
    };
    match day.repeats_after {
        Some(days) if on(day.date)? > now.timestamp() => {
            on(day.date.checked_sub(days.days()).ok()?)
        }
        _ => on(day.date),
    }
}

/// `2h ago`, `90m`, `1h30m ago`, `3 days ago`: how long before now. A bare number could be an hour of the day as well.
fn duration_before(words: &str) -> Option<Duration> {
    let mut rest = words.strip_suffix("ago").unwrap_or(words).trim_end();
    let mut total = None;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), |c| c.is_ascii_alphabetic());
        let (letter, times) = match unit {
            "ms" | "s" | "m" | "h" | "d" => (unit, 1),
            "sec" | "second" | "seconds" => ("s", 1),
            "min" | "minute" | "minutes" => ("m", 1),
            "hour" | "hours" => ("h", 1),
            "day" | "days" => ("d", 1),
            "w" | "week" | "weeks" => ("d", 7),
            _ => return None,
        };
        let part = duration::parse(&format!("{number}{letter}")).ok()?;
        total = Some(
            part.saturating_mul(times)
                .saturating_add(total.unwrap_or_default()),
        );
        rest = after.trim_start();
    }
    total
}

/// The beginning of a text of which every character is such, and the rest.
fn split(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

fn day_and_time(words: &str, today: Date) -> Option<(Day, Time)> {
    let of_today = Day {
        date: today,
        repeats_after: Some(1),
    };
    if let Some(time) = time_of_day(words) {
        return Some((of_today, time));
    }
    // `2026-11-29T03:12` too, but no other day has a `t` between digits.
    let is_date = words.starts_with(|c: char| c.is_ascii_digit());
    let at = words.find(|c: char| c.is_whitespace() || is_date && c == 't');
    let (day, time) = words.split_at(at.unwrap_or(words.len()));
    let time = match time.get(1..) {
        Some(time) => time_of_day(time.trim_start())?,
        None => Time::midnight(),
    };
    Some((day_of(day, today)?, time))
}

fn day_of(word: &str, today: Date) -> Option<Day> {
    let date = match word {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
            Date::strptime("%Y-%m-%d", word).ok()
        }
        _ => {
            let since = today.weekday().since(weekday(word)?);
            return Some(Day {
                date: today.checked_sub(i64::from(since).days()).ok()?,
                repeats_after: Some(7),
            });
        }
    };
    Some(Day {
        date: date?,
        repeats_after: None,
    })
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

/// `03:12`, `3:12:30`, `3am`, `3:30 pm`, `noon`.
fn time_of_day(words: &str) -> Option<Time> {
    match words {
        "noon" => return Some(Time::constant(12, 0, 0, 0)),
        "midnight" => return Some(Time::midnight()),
        _ => {}
    }
    let half = [("am", 0), ("pm", 12)];
    let half = half
        .into_iter()
        .find_map(|(suffix, hours)| Some((words.strip_suffix(suffix)?, hours)));
    let numbers = half.map_or(words, |(numbers, _)| numbers.trim_end());
    let mut numbers = numbers.split(':');
    let hour = number(numbers.next()?, 1..=2)?;
    let minute = numbers.next().map(|minute| number(minute, 2..=2));
    let second = numbers.next().map(|second| number(second, 2..=2));
    let hour = match half {
        Some((_, hours)) if (1..=12).contains(&hour) => hour % 12 + hours,
        None if minute.is_some() => hour,
        _ => return None,
    };
    if numbers.next().is_some() {
        return None;
    }
    Time::new(
        hour,
        minute.unwrap_or(Some(0))?,
        second.unwrap_or(Some(0))?,
        0,
    )
    .ok()
}

fn number(digits: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<i8> {
    let is_number =
        lengths.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    /// A Wednesday.
    fn now() -> Zoned {
        in_zone("2026-12-02T12:30:15.5", "UTC")
    }

    fn in_zone(local: &str, zone: &str) -> Zoned {
        let zone = TimeZone::get(zone).unwrap();
        local
            .parse::<jiff::civil::DateTime>()
            .unwrap()
            .to_zoned(zone)
            .unwrap()
    }

    fn parsed(text: &str, now: &Zoned) -> String {
        match parse(text, now) {
            Ok(at) => at.to_string(),
            Err(why) => why,
        }
    }

    #[test]
    fn a_point_in_time_has_many_forms() {
        for (text, at) in [
            ("now", "2026-12-02T12:30:15.5Z"),
            ("  NOW ", "2026-12-02T12:30:15.5Z"),
            ("03:12", "2026-12-02T03:12:00Z"),
            ("3:12", "2026-12-02T03:12:00Z"),
            ("03:12:30", "2026-12-02T03:12:30Z"),
            ("12:30:15", "2026-12-02T12:30:15Z"),
            ("12:30:16", "2026-12-01T12:30:16Z"),
            ("23:59", "2026-12-01T23:59:00Z"),
            ("3am", "2026-12-02T03:00:00Z"),
            ("3 AM", "2026-12-02T03:00:00Z"),
            ("12am", "2026-12-02T00:00:00Z"),
            ("12pm", "2026-12-02T12:00:00Z"),
            ("3:30pm", "2026-12-01T15:30:00Z"),
            ("noon", "2026-12-02T12:00:00Z"),
            ("midnight", "2026-12-02T00:00:00Z"),
            ("2h ago", "2026-12-02T10:30:15.5Z"),
            ("2h", "2026-12-02T10:30:15.5Z"),
            ("2hago", "2026-12-02T10:30:15.5Z"),
            ("90m ago", "2026-12-02T11:00:15.5Z"),
            ("1h30m ago", "2026-12-02T11:00:15.5Z"),
            ("1h 30m", "2026-12-02T11:00:15.5Z"),
            ("1.5h", "2026-12-02T11:00:15.5Z"),
            ("59 min ago", "2026-12-02T11:31:15.5Z"),
            ("3 days ago", "2026-11-29T12:30:15.5Z"),
            ("1w", "2026-11-25T12:30:15.5Z"),
            ("0s", "2026-12-02T12:30:15.5Z"),
            ("today", "2026-12-02T00:00:00Z"),
            ("today 23:00", "2026-12-02T23:00:00Z"),
            ("yesterday", "2026-12-01T00:00:00Z"),
            ("yesterday 3am", "2026-12-01T03:00:00Z"),
            ("yesterday  03:12", "2026-12-01T03:12:00Z"),
            ("monday 9:00", "2026-11-30T09:00:00Z"),
            ("Mon 9:00", "2026-11-30T09:00:00Z"),
            ("wednesday", "2026-12-02T00:00:00Z"),
            ("wednesday 9:00", "2026-12-02T09:00:00Z"),
            ("wednesday 13:00", "2026-11-25T13:00:00Z"),
            ("thursday 9pm", "2026-11-26T21:00:00Z"),
            ("2026-11-29", "2026-11-29T00:00:00Z"),
            ("2026-11-29 03:00", "2026-11-29T03:00:00Z"),
            ("2026-11-29 03:00:12", "2026-11-29T03:00:12Z"),
            ("2026-11-29T03:00:12", "2026-11-29T03:00:12Z"),
            ("2026-11-29 3am", "2026-11-29T03:00:00Z"),
            ("2027-01-01", "2027-01-01T00:00:00Z"),
            ("2026-11-29T03:00:12Z", "2026-11-29T03:00:12Z"),
            ("2026-11-29T03:00:12.25+02:00", "2026-11-29T01:00:12.25Z"),
            ("2026-11-29 03:00:12-05:00", "2026-11-29T08:00:12Z"),
        ] {
            assert_eq!(parsed(text, &now()), at, "{text}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_one_line_with_what_is_accepted() {
        for wrong in [
            "",
            "x",
            "3",
            "5",
            "25:00",
            "3:",
            "3:1",
            ":12",
            "03:12:61",
            "03:12:00:00",
            "13pm",
            "0am",
            "am",
            "ago",
            "2x ago",
            "-5m",
            "2h before",
            "yesterday 25:00",
            "yesterday 3",
            "tomorrow",
            "someday 9:00",
            "3am yesterday",
            "2026-13-01 00:00",
            "2026-02-30",
            "2026-11-29 03:12 x",
            "²am",
            "٣:١٢",
        ] {
            let error = parse(wrong, &now()).unwrap_err();
            let end = format!("isn't a time (use {ACCEPTED})");
            assert!(
                error.ends_with(&end) && !error.contains('\n'),
                "{wrong}: {error}"
            );
        }
        let error = parse("9999999999d ago", &now()).unwrap_err();
        assert_eq!(error, "`9999999999d ago` is before the calendar begins");
    }

    #[test]
    fn a_time_is_that_of_the_zone_and_one_that_is_ahead_was_yesterday() {
        let now = in_zone("2026-12-02T00:10", "Europe/Berlin");
        for (text, at) in [
            ("00:05", "2026-12-01T23:05:00Z"),
            ("00:15", "2026-11-30T23:15:00Z"),
            ("yesterday 3am", "2026-12-01T02:00:00Z"),
        ] {
            assert_eq!(parsed(text, &now), at, "{text}");
        }
    }

    #[test]
    fn where_clocks_change_a_skipped_time_is_later_and_a_repeated_one_is_the_first() {
        let spring = in_zone("2026-03-29T12:00", "Europe/Berlin");
        assert_eq!(parsed("02:30", &spring), "2026-03-29T01:30:00Z");
        assert_eq!(parsed("12h ago", &spring), "2026-03-28T22:00:00Z");
        let autumn = in_zone("2026-10-25T12:00", "Europe/Berlin");
        assert_eq!(parsed("02:30", &autumn), "2026-10-25T00:30:00Z");
        assert_eq!(
            parsed("2026-10-25T02:30:00+01:00", &autumn),
            "2026-10-25T01:30:00Z"
        );
    }

    #[test]
    fn a_time_from_the_screen_means_all_of_its_second() {
        let at: Timestamp = "2026-11-29T03:00:12Z".parse().unwrap();
        assert_eq!(
            end_of_second(at).to_string(),
            "2026-11-29T03:00:12.999999999Z"
        );
        assert_eq!(end_of_second(Timestamp::MAX), Timestamp::MAX);
        let exact: Timestamp = "2026-11-29T03:00:12.5Z".parse().unwrap();
        assert_eq!(end_of_second(exact), exact);
    }

    fn days() -> impl Strategy<Value = Zoned> {
        let seconds = prop_oneof![
            any::<i64>().prop_map(|it| it.rem_euclid(4_000_000_000)),
            Just(Timestamp::MIN.as_second()),
            Just(Timestamp::MAX.as_second()),
        ];
        seconds.prop_map(|second| {
            let zone = TimeZone::get("America/New_York").unwrap();
            Timestamp::from_second(second).unwrap().to_zoned(zone)
        })
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "[0-9a-z:. tTzZ+²-]{0,24}|\\PC{0,12}|(monday|yesterday|today) [0-9:apm]{0,6}|[0-9.]{1,20}[smhdw] ago",
            now in days(),
        ) {
            if let Err(why) = parse(&text, &now) {
                prop_assert!(!why.contains('\n'));
            }
        }

        #[test]
        fn a_time_of_day_is_within_the_last_day(hour in 0..24, minute in 0..60, now in days()) {
            if let Ok(at) = parse(&format!("{hour}:{minute:02}"), &now) {
                prop_assert!(at <= now.timestamp());
                prop_assert!(now.timestamp().duration_since(at) <= SignedDuration::from_hours(25));
            }
        }
    }
}
