//! How the numbers of a field are written: plain, as a size (`64k`), as a time (`1m`).

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Comparison, Numbers, Order};
use crate::filter::error::shown;
use crate::filter::needle::is_digits;
use crate::model::{Pid, duration};

/// How the numbers of a field are written, and what is said about wrong ones.
pub(in crate::filter) struct Unit<T> {
    /// What such a number is called.
    what: &'static str,
    /// How to write one: the end of an error.
    accepted: &'static str,
    lowest: T,
    highest: T,
    read: fn(&str) -> Result<T, Wrong>,
    text: fn(T) -> String,
}

/// Why a text is no number.
enum Wrong {
    Text,
    TooLarge,
}

pub(in crate::filter) const PORT: Unit<u16> = Unit {
    what: "port",
    accepted: "use a number, a range as in 10-19, a list as in 10,12, or >10",
    lowest: 0,
    highest: u16::MAX,
    read: |text| digits(text)?.parse().map_err(|_| Wrong::TooLarge),
    text: |port| port.to_string(),
};

pub(in crate::filter) const PID: Unit<Pid> = Unit {
    what: "process id",
    accepted: PORT.accepted,
    lowest: 0,
    highest: Pid::MAX,
    read: |text| digits(text)?.parse().map_err(|_| Wrong::TooLarge),
    text: |pid| pid.to_string(),
};

/// Of a queue.
pub(in crate::filter) const SIZE: Unit<u32> = Unit {
    what: "size",
    accepted: "use a number, also with k, m or g (1k is 1024), as in >64k or 0",
    lowest: 0,
    highest: u32::MAX,
    read: |text| size(text)?.try_into().map_err(|_| Wrong::TooLarge),
    text: |size| size_text(size.into()),
};

/// Of payload.
pub(in crate::filter) const BYTES: Unit<u64> = Unit {
    what: "size",
    accepted: SIZE.accepted,
    lowest: 0,
    highest: u64::MAX,
    read: size,
    text: size_text,
};

pub(in crate::filter) const COUNT: Unit<u64> = Unit {
    what: "number",
    accepted: PORT.accepted,
    lowest: 0,
    highest: u64::MAX,
    read: |text| digits(text)?.parse().map_err(|_| Wrong::TooLarge),
    text: |count| count.to_string(),
};

/// Times of counters are only compared, as they are measured.
pub(in crate::filter) const TIME: Unit<Duration> = Unit {
    what: "time",
    accepted: "use a number with ms, s, m, h or d, as in >100ms or <=2s",
    ..AGE
};

/// Ages are only compared.
pub(in crate::filter) const AGE: Unit<Duration> = Unit {
    what: "age",
    accepted: "use a number with ms, s, m, h or d, as in >1m or <=30s",
    lowest: Duration::ZERO,
    highest: Duration::MAX,
    read: |text| duration::parse(text).map_err(|_| Wrong::Text),
    text: age_text,
};

impl<T: PartialOrd + Copy> Unit<T> {
    /// Reads a number, a range, a list or a comparison. An error is one sentence.
    pub fn numbers(&self, text: &str) -> Result<Numbers<T>, String> {
        if let Some(comparison) = self.comparison(text)? {
            return Ok(Numbers::Compared(comparison));
        }
        if !text.contains(',') {
            return self.range(text).map(Numbers::Range);
        }
        let ranges = items(text)?.map(|item| self.range(item));
        ranges.collect::<Result<_, _>>().map(Numbers::OneOf)
    }

    /// Reads a comparison; `None` if the text does not begin with a sign.
    pub fn comparison(&self, text: &str) -> Result<Option<Comparison<T>>, String> {
        let Some((order, number)) = Order::split(text) else {
            return Ok(None);
        };
        let (sign, what) = (order.sign(), self.what);
        if number.is_empty() {
            return Err(format!(
                "`{sign}` needs a number after it: {}",
                self.accepted
            ));
        }
        let limit = self.number(number)?;
        let nothing = |end, limit| format!("{} matches nothing: {end} is {limit}", shown(text));
        match order {
            Order::Above if limit >= self.highest => Err(nothing(
                format!("the highest {what}"),
                (self.text)(self.highest),
            )),
            Order::Below if limit <= self.lowest => Err(nothing(
                format!("the lowest {what}"),
                (self.text)(self.lowest),
            )),
            _ => Ok(Some(Comparison { order, limit })),
        }
    }

    /// Reads a number, or two with a hyphen between them.
    pub fn range(&self, text: &str) -> Result<RangeInclusive<T>, String> {
        if text.is_empty() {
            return Err(self.missing());
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        if first.is_empty() || last.is_empty() {
            return Err(format!(
                "{} is an incomplete range: write it as in 10-19",
                shown(text)
            ));
        }
        let range = self.number(first)?..=self.number(last)?;
        if range.start() > range.end() {
            return Err(format!("{} is reversed: write {last}-{first}", shown(text)));
        }
        Ok(range)
    }

    fn number(&self, text: &str) -> Result<T, String> {
        let Self { what, accepted, .. } = self;
        (self.read)(text).map_err(|wrong| match wrong {
            Wrong::Text => format!("{} is not {}: {accepted}", shown(text), with_article(what)),
            Wrong::TooLarge => format!(
                "{} is too large: the highest {what} is {}",
                shown(text),
                (self.text)(self.highest)
            ),
        })
    }
}

impl<T: PartialEq + Copy> Unit<T> {
    pub fn missing(&self) -> String {
        format!("the {} is missing: {}", self.what, self.accepted)
    }

    /// `8080`, `8000-8999`.
    pub fn range_text(&self, range: &RangeInclusive<T>) -> String {
        let (first, last) = (range.start(), range.end());
        let text = (self.text)(*first);
        if first == last {
            text
        } else {
            format!("{text}-{}", (self.text)(*last))
        }
    }

    /// `>8000`.
    pub fn comparison_text(&self, Comparison { order, limit }: &Comparison<T>) -> String {
        format!("{}{}", order.sign(), (self.text)(*limit))
    }
}

/// What is between the commas of a list.
pub(in crate::filter) fn items(text: &str) -> Result<impl Iterator<Item = &str>, String> {
    let list = shown(text);
    if text.split(',').any(str::is_empty) {
        return Err(format!(
            "{list} is an incomplete list: write it as in 10,12"
        ));
    }
    if text.contains(['<', '>']) {
        return Err(format!(
            "{list} is a list with a comparison in it: write the comparison as a term of its own, after `|`"
        ));
    }
    Ok(text.split(','))
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with('a') { "an" } else { "a" };
    format!("{article} {noun}")
}

fn digits(text: &str) -> Result<&str, Wrong> {
    if is_digits(text) {
        Ok(text)
    } else {
        Err(Wrong::Text)
    }
}

/// Digits, and `k`, `m` or `g` in either case, with or without `b` or `ib` after it: powers of 1,024.
fn size(text: &str) -> Result<u64, Wrong> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let power: u32 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        _ => return Err(Wrong::Text),
    };
    let number: u64 = digits(number)?.parse().map_err(|_| Wrong::TooLarge)?;
    let size = number.checked_mul(1 << (10 * power));
    size.ok_or(Wrong::TooLarge)
}

/// In the largest unit in which it is a whole number.
fn size_text(size: u64) -> String {
    match size {
        0 => "0".into(),
        size if size.is_multiple_of(1 << 30) => format!("{}g", size >> 30),
        size if size.is_multiple_of(1 << 20) => format!("{}m", size >> 20),
        size if size.is_multiple_of(1 << 10) => format!("{}k", size >> 10),
        size => size.to_string(),
    }
}

/// Likewise.
fn age_text(age: Duration) -> String {
    const UNITS: [(u128, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    let millis = age.as_millis();
    let mut units = UNITS.into_iter();
    match units.find(|&(unit, _)| millis > 0 && millis.is_multiple_of(unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".into(),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024_and_read_back() {
        for (text, number, spelled) in [
            ("0", 0, "0"),
            ("0k", 0, "0"),
            ("1023", 1023, "1023"),
            ("1024", 1024, "1k"),
            ("64K", 65_536, "64k"),
            ("64kB", 65_536, "64k"),
            ("1025b", 1025, "1025"),
            ("1MiB", 1 << 20, "1m"),
            ("1536k", 1536 << 10, "1536k"),
            ("3g", 3 << 30, "3g"),
            ("4294967295", 0xffff_ffff, "4294967295"),
            ("18446744073709551615", u64::MAX, "18446744073709551615"),
        ] {
            assert!(matches!(size(text), Ok(found) if found == number), "{text}");
            assert_eq!(size_text(number), spelled);
            assert!(
                matches!(size(spelled), Ok(found) if found == number),
                "{text}"
            );
        }
    }

    #[test]
    fn ages_are_in_the_largest_whole_unit_and_read_back() {
        for (text, spelled) in [
            ("0", "0s"),
            ("0.5", "500ms"),
            ("90", "90s"),
            ("60s", "1m"),
            ("1.5m", "90s"),
            ("120m", "2h"),
            ("1.5h", "90m"),
            ("48h", "2d"),
            ("0.5d", "12h"),
        ] {
            let age = duration::parse(text).unwrap();
            assert_eq!(age_text(age), spelled, "{text}");
            assert_eq!(duration::parse(spelled), Ok(age), "{text}");
        }
    }
}
