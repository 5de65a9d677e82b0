//! File sizes as typed: `500M`, `2G`.

/// Reads a number of bytes. `K`, `M`, `G` and `T` are powers of 1,024, with or without `B` or `iB` after them.
pub fn parse(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "expected a size such as 500M or 2G";
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
    match number.checked_mul(1 << (10 * power)) {
        None => Err("larger than any file".to_owned()),
        Some(0) => Err("a recording needs room for one snapshot".to_owned()),
        Some(bytes) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_size_has_a_unit_or_is_in_bytes() {
        for (text, bytes) in [
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
            "0",
            "0k",
            "99999999999999999999",
            "99999999T",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
