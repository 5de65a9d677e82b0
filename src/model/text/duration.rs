//! Durations as text: as people write them (`500ms`, `2s`, `1.5m`, or bare seconds such as `0.5`), and as
//! the program shows them.

use std::time::Duration;

use super::excerpt;

/// Reads a duration: a number, which may have a fraction, and `ms`, `s`, `m`, `h` or `d`; without a unit it
/// is in seconds. The shortest step is a millisecond.
///
/// # Errors
/// One line that says what is accepted.
pub fn parse(text: &str) -> Result<Duration, String> {
    let not_one = || {
        let piece = excerpt(text);
        format!("`{piece}` isn't a duration (use 500ms, 0.5, 2s or 1.5m)")
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(not_one()),
    };
    let (whole, fraction) = match number.split_once('.') {
        // `5.` and `.5` leave open what was meant; a second point is no digit.
        Some((_, "")) => return Err(not_one()),
        Some(parts) => parts,
        None => (number, ""),
    };
    let whole: u64 = whole.parse().map_err(|_| not_one())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(not_one());
    }
    // Ten decimals are precise to a millisecond of a day, and more would not fit.
    let digits = fraction.bytes().take(10).map(|byte| u64::from(byte - b'0'));
    let (value, scale) = digits.fold((0, 1), |(value, scale), digit| {
        (value * 10 + digit, scale * 10)
    });
    let millis = whole.checked_mul(unit);
    let millis = millis.and_then(|whole| whole.checked_add(value * unit / scale));
    millis.map(Duration::from_millis).ok_or_else(not_one)
}

/// Reads the time between two snapshots: 50 ms to a day.
///
/// # Errors
/// One line that says what is accepted.
pub fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse(text)?;
    if (Duration::from_millis(50)..=Duration::from_hours(24)).contains(&interval) {
        Ok(interval)
    } else {
        Err(format!(
            "`{}` isn't an interval (use 50ms to 24h)",
            excerpt(text)
        ))
    }
}

/// `1500ms`, `90s`: as [`parse`] reads it, in whole milliseconds.
pub fn format(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

/// `250ms`, `2s`, `1m`: likewise, and in minutes where it is a number of those.
pub fn format_in_minutes(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis.is_multiple_of(60_000) && millis > 0 => format!("{}m", millis / 60_000),
        _ => format(duration),
    }
}

/// `5s`, `59m`, `23h`, `999d`, `3y`: rounded down to one unit, for a column.
pub fn format_age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds @ 86_400..86_400_000 => format!("{}d", seconds / 86_400),
        seconds => format!("{}y", seconds / 86_400 / 365),
    }
}

/// `5 s`, `59 min`, `47 h`, `3 days`: likewise, for a sentence.
pub fn format_age_in_words(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// `9.8`: milliseconds. What took no time at all was not done, or not measured: `–`.
pub fn format_millis(time: Duration) -> String {
    if time.is_zero() {
        "–".into()
    } else {
        format!("{:.1}", time.as_secs_f64() * 1000.0)
    }
}

/// `after 0.2 s`, `at once`
pub fn format_after(time: Duration) -> String {
    if time < Duration::from_millis(50) {
        "at once".to_owned()
    } else {
        format!("after {:.1} s", time.as_secs_f64())
    }
}

/// Time until a remaining time in whole seconds changes; `None` at its end.
pub(crate) fn countdown_changes_in(left: Duration) -> Option<Duration> {
    match (left.as_secs(), left.subsec_nanos()) {
        (0, 0) => None,
        (_, 0) => Some(Duration::from_secs(1)),
        (_, part) => Some(Duration::from_nanos(part.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit_or_bare_seconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2000),
            ("1m", 60_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
            ("5", 5000),
            ("0", 0),
            ("0.5", 500),
            ("1.5s", 1500),
            ("2.5m", 150_000),
            ("0.25h", 900_000),
            ("1.5ms", 1),
            ("0.0005", 0),
            ("0.1234567890123456789h", 444_444),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_is_accepted() {
        for wrong in [
            "",
            "s",
            ".",
            ".5",
            "5.",
            "5.s",
            "1.2.3",
            "5x",
            "5 s",
            "-1s",
            "+5",
            "1e3",
            "inf",
            "1,5",
            "99999999999999999999s",
            "18446744073709551615",
            "٣s",
        ] {
            let error = parse(wrong).unwrap_err();
            let end = "isn't a duration (use 500ms, 0.5, 2s or 1.5m)";
            assert!(error.ends_with(end), "{error}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for text in ["0s", "50ms", "1s", "1500ms", "86400s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn millis_have_one_decimal_and_what_was_not_done_has_none() {
        for (micros, text) in [(0, "–"), (1, "0.0"), (9_840, "9.8"), (1_234_560, "1234.6")] {
            assert_eq!(format_millis(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn an_interval_can_be_neither_busy_nor_endless() {
        assert!(parse_interval("50ms").is_ok());
        assert!(parse_interval("0s").is_err());
        assert!(parse_interval("25h").is_err());
    }
}
