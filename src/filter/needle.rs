//! Case-insensitive substring search.
//!
//! The needle is folded once, when the filter is read. A haystack is never copied: ASCII is compared byte by byte, and
//! only other text goes through Unicode's lower case.

use crate::model::Family;

/// A folded piece of text; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needle {
    text: String,
    /// By family, whether it could be part of a printed address and port.
    may_be_in_address: [bool; 2],
}

impl Needle {
    pub fn new(text: &str) -> Self {
        let text = folded(text);
        let is_v4 = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b':');
        let is_v6 = |b: u8| is_v4(b) || b.is_ascii_hexdigit() || matches!(b, b'[' | b']');
        let may_be_in_address = [text.bytes().all(is_v4), text.bytes().all(is_v6)];
        Self {
            text,
            may_be_in_address,
        }
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub const fn may_be_in_address(&self, family: Family) -> bool {
        self.may_be_in_address[family as usize]
    }

    pub fn is_in(&self, haystack: &str) -> bool {
        let needle = self.as_str();
        let mut windows = haystack.as_bytes().windows(needle.len());
        let mut is_in_bytes =
            || windows.any(|window| window.eq_ignore_ascii_case(needle.as_bytes()));
        let is_in_chars = || {
            haystack.char_indices().any(|(start, _)| {
                let mut folded = haystack[start..].chars().flat_map(fold);
                needle.chars().all(|c| folded.next() == Some(c))
            })
        };
        (needle.is_ascii() && is_in_bytes()) || (!haystack.is_ascii() && is_in_chars())
    }

    pub fn is_digits(&self) -> bool {
        is_digits(&self.text)
    }
}

/// Whether a text is nothing but ASCII digits.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn folded(text: &str) -> String {
    text.chars().flat_map(fold).collect()
}

/// Lower case, with both small sigmas as one: which of them Σ becomes depends on its position.
fn fold(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needle: &str, haystack: &str) -> bool {
        Needle::new(needle).is_in(haystack)
    }

    #[test]
    fn case_does_not_matter() {
        assert!(found("NGINX", "/usr/sbin/nginx -g"));
        assert!(found("nginx", "/usr/sbin/NginX"));
        assert!(!found("nginx", "ngin"));
        assert!(!found("nginx", "ngingin x"));
    }

    #[test]
    fn case_does_not_matter_beyond_ascii() {
        assert!(found("GRÖSSE", "die größe: grösse"));
        assert!(found("οδοσ", "ΟΔΟΣ"));
        assert!(found("οδος", "ΟΔΟΣ"));
        assert!(found("привет", "ПРИВЕТ"));
        assert!(found("ж", "дЖ"));
        assert!(!found("ж", "abc"));
    }

    #[test]
    fn ascii_is_found_between_other_letters() {
        assert!(found("node", "ジNODE"));
        assert!(found("kelvin", "\u{212a}elvin"), "the Kelvin sign is a k");
    }
}
