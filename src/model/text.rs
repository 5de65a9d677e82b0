//! Text from outside, made safe to show.
//!
//! Process names, command lines, user and unit names are chosen by whoever runs the process. They
//! may hold escape sequences, bidirectional overrides or a megabyte of filler. A [`Text`] is made
//! only by cleaning such input, so nothing that the terminal would act on reaches the screen.

use std::borrow::Borrow;
use std::fmt::{self, Write as _};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest text kept, in characters; what is longer ends in `…`.
const MAX_CHARS: usize = 4096;

/// A single line of text without control, format or bidirectional characters.
///
/// Cheap to clone. Control characters of the input appear as escapes (`\n`, `\x1b`, `\u{202e}`),
/// bytes that are not UTF-8 as `U+FFFD`, and input over 4,096 characters is cut and ends in `…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Text(Arc<str>);

impl Text {
    /// Cleans `outside` so that it can be shown on one line of a terminal.
    pub fn new(outside: &str) -> Self {
        if is_clean(outside) {
            Self(outside.into())
        } else {
            Self(cleaned(outside).into())
        }
    }

    /// Cleans bytes that may not be UTF-8.
    pub fn from_bytes(outside: &[u8]) -> Self {
        Self::new(&String::from_utf8_lossy(outside))
    }

    /// The cleaned text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_clean(text: &str) -> bool {
    text.len() <= MAX_CHARS && text.chars().all(|c| !is_hostile(c))
}

fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_CHARS) + 16);
    for (index, c) in text.chars().enumerate() {
        if index == MAX_CHARS {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hostile(c) && u32::from(c) < 0x100 => push_hex(&mut out, c),
            c if is_hostile(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn push_hex(out: &mut String, c: char) {
    write!(out, "\\x{:02x}", u32::from(c)).expect("writing to a String cannot fail");
}

/// Characters that a terminal acts on or that show nothing while changing what is shown: controls
/// (C0, DEL, C1), line and paragraph separators, zero-width and bidirectional format characters
/// (Unicode category Cf as far as terminals honour it), tags and the byte order mark.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e01ef}')
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(outside: &str) -> Self {
        Self::new(outside)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|outside| Self::new(&outside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_kept_as_it_is() {
        for kept in [
            "nginx",
            "ジャーナル",
            "naïve: -g 'daemon off;'",
            r"C:\path",
            "",
        ] {
            assert_eq!(Text::new(kept).as_str(), kept);
        }
    }

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(Text::new("\x1b[2Jrm\x07\n").as_str(), r"\x1b[2Jrm\x07\n");
        assert_eq!(Text::new("\u{9b}31m").as_str(), r"\x9b31m");
    }

    #[test]
    fn bidirectional_and_invisible_characters_become_visible() {
        assert_eq!(
            Text::new("a\u{202e}b\u{200b}").as_str(),
            r"a\u{202e}b\u{200b}"
        );
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        assert_eq!(
            Text::from_bytes(b"a\xff\xfeb").as_str(),
            "a\u{fffd}\u{fffd}b"
        );
    }

    #[test]
    fn a_huge_command_line_is_cut() {
        let text = Text::new(&"x".repeat(128 * 1024));
        assert_eq!(text.chars().count(), MAX_CHARS + 1);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn cleaning_twice_changes_nothing() {
        let once = Text::new("\x1b]0;title\x07 tab\t");
        assert_eq!(Text::new(&once), once);
    }
}
