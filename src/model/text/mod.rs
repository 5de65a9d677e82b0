//! Text from outside, made safe to show.
//!
//! Process names, command lines, user and unit names are chosen by the user who runs the process. They
//! may contain escape sequences, bidirectional overrides or a megabyte of filler. A [`Text`] is made
//! only by cleaning such input, so nothing that the terminal would act on reaches the screen.

mod clean;
pub mod duration;
pub mod size;
pub mod time;

use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::ops::Deref;
use std::sync::Arc;

pub use clean::clean;
use serde::{Deserialize, Deserializer, Serialize};

/// A single line of text that a terminal shows as it is, and every terminal in the same cells.
///
/// Cheap to clone. The rules are those of [`clean`], except for the length of [`Text::whole`]; bytes that are not UTF-8
/// appear as `U+FFFD`. Cleaning a clean text changes nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Text(Arc<str>);

impl Text {
    /// Cleans `outside` so that it can be shown on one line of a terminal.
    pub fn new(outside: &str) -> Self {
        Self(clean(outside).into())
    }

    /// Cleans `outside` and keeps all of it: for text that is not drawn, or is cut when it is drawn.
    pub fn whole(outside: &str) -> Self {
        Self(clean::clean_to(outside, usize::MAX).into())
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

/// An excerpt of input for a message: cleaned, and cut to 40 characters.
pub fn excerpt(piece: &str) -> String {
    let mut cut: String = piece.chars().take(40).collect();
    if cut.len() < piece.len() {
        cut.push('…');
    }
    Text::new(&cut).to_string()
}

/// A count before its noun: `1 byte`, `0 bytes`, `2 bytes`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(
    count: N,
    one: &str,
    many: &str,
) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

/// The most addresses, names or pids to list; the others are counted.
const MAX_LISTED: usize = 3;

/// Texts in a sentence, the first three and a count: `a`, `a and b`, `a, b, c and 4 more`.
pub(crate) fn listed(texts: impl IntoIterator<Item = String>) -> String {
    let texts: Vec<_> = texts.into_iter().collect();
    if texts.len() <= MAX_LISTED {
        return all_listed(texts);
    }
    let more = texts.len() - MAX_LISTED;
    format!("{} and {more} more", texts[..MAX_LISTED].join(", "))
}

/// All texts in a sentence: `a, b, c, d and e`.
pub(crate) fn all_listed(mut texts: Vec<String>) -> String {
    match texts.pop() {
        Some(last) if !texts.is_empty() => format!("{} and {last}", texts.join(", ")),
        only => only.unwrap_or_default(),
    }
}

impl Default for Text {
    fn default() -> Self {
        Self("".into())
    }
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

impl Display for Text {
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
mod tests;
