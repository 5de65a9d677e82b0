//! Durations as people write them: `500ms`, `2s`, `1m`.

use std::time::Duration;

use super::value::shown;

/// Reads a duration: a whole number and `ms`, `s`, `m` or `h`.
///
/// # Errors
/// One line that says what is accepted.
pub fn parse(text: &str) -> Result<Duration, String> {
    let not_one = || format!("{}: not a duration (500ms, 2s, 1m)", shown(text));
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| not_one())?;
    let millis = match &text[digits..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(not_one()),
    };
    number
        .checked_mul(millis)
        .map(Duration::from_millis)
        .ok_or_else(not_one)
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
        Err(format!("{}: not an interval (50ms to 24h)", shown(text)))
    }
}

/// Writes a duration of whole milliseconds, as it is read.
pub(super) fn print(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("1m"), Ok(Duration::from_mins(1)));
        for wrong in [
            "",
            "5",
            "s",
            "5x",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "٣s",
        ] {
            let error = parse(wrong).unwrap_err();
            assert!(error.ends_with("not a duration (500ms, 2s, 1m)"), "{error}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for text in ["0s", "50ms", "1s", "1500ms", "86400s"] {
            assert_eq!(print(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn an_interval_can_be_neither_busy_nor_endless() {
        assert!(parse_interval("50ms").is_ok());
        assert!(parse_interval("0s").is_err());
        assert!(parse_interval("25h").is_err());
    }
}
