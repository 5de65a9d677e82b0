//! Numbers of bytes: parsed from options, and shown.

const EXPECTED: &str = "expected a size such as 500M or 2G";

/// Parses a number of bytes, such as `500M`, `2G`. `K`, `M`, `G` and `T` are powers of 1,024, with or without `B` or `iB` after
/// them.
///
/// # Errors
/// What is accepted, or that it is too large.
pub fn parse(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(EXPECTED.to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| EXPECTED.to_owned())?;
    let bytes = number.checked_mul(1 << (10 * power));
    bytes.ok_or_else(|| "larger than any file".to_owned())
}

/// Formats a number of bytes in its largest unit, rounded down to a tenth below 10: `1 GiB`, `1.5 GiB`, `312 MiB`, `0 KiB`.
pub fn format(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20)];
    let fits = units.into_iter().find(|&(_, power)| bytes >> power > 0);
    let (unit, power) = fits.unwrap_or(("KiB", 10));
    let whole = bytes >> power;
    let tenth = ((bytes - (whole << power)) * 10) >> power;
    if whole < 10 && tenth > 0 {
        format!("{whole}.{tenth} {unit}")
    } else {
        format!("{whole} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_or_is_in_bytes() {
        for (text, bytes) in [
            ("0", 0),
            ("1", 1),
            ("4096b", 4096),
            ("10k", 10 << 10),
            ("500M", 500 << 20),
            ("2GiB", 2 << 30),
            ("1tb", 1 << 40),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_size_is_refused() {
        for text in [
            "",
            "G",
            "-1",
            "1.5G",
            "2 G",
            "5X",
            "99999999999999999999",
            "99999999T",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_is_shown_in_its_largest_unit() {
        for (bytes, shown) in [
            (0, "0 KiB"),
            (1023, "0.9 KiB"),
            (1 << 20, "1 MiB"),
            (1536 << 20, "1.5 GiB"),
            ((12 << 30) - 1, "11 GiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(format(bytes), shown);
        }
    }
}
