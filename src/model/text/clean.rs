//! The rules that turn text from outside into a displayable line.
//!
//! The measured width must equal the drawn width. Terminals measure characters, the drawing library measures clusters;
//! if the two disagree, the cluster is split visibly.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::hostile::is_hostile;

/// The longest text kept, in characters; longer text ends in `…`.
pub(super) const MAX_CHARS: usize = 4096;

/// How many characters may join the one before them: accents, vowel signs, the parts of a Korean syllable. No
/// living script needs more in a name.
pub(super) const MAX_JOINED: usize = 4;

/// `outside` on one line, with an escape (`\n`, `\x1b`, `\u{202e}`) for:
///
/// - every character that is hostile: controls, format and invisible characters, regional indicators,
///   private use, noncharacters;
/// - a character that joins the one before it where there is none (at the beginning, behind an escape), where
///   more than four do, and where the two together are not as wide as the one and the other (a skin tone).
///
/// Spaces, the blank of braille, characters that Unicode has not assigned, and letters that are written from
/// the right are kept: they show, and have a width.
///
/// A text over 4,096 characters is cut to that and ends in `…`.
pub fn clean(outside: &str) -> Cow<'_, str> {
    clean_to(outside, MAX_CHARS)
}

/// The same, without a length limit.
pub fn clean_whole(outside: &str) -> Cow<'_, str> {
    clean_to(outside, usize::MAX)
}

fn clean_to(outside: &str, max_chars: usize) -> Cow<'_, str> {
    if outside.len() <= max_chars && outside.chars().all(is_plain) {
        return Cow::Borrowed(outside);
    }
    let mut cleaner = Cleaner {
        max_chars,
        ..Cleaner::default()
    };
    for cluster in outside.graphemes(true) {
        let mut begins = true;
        for c in cluster.chars() {
            if cleaner.take(c, begins).is_err() {
                return Cow::Owned(cleaner.out);
            }
            begins = false;
        }
    }
    Cow::Owned(cleaner.out)
}

/// Whether the character takes one cell and joins no other: those of most texts, of
/// the Latin languages and of our own lines.
const fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '¡'..='¬' | '®'..='ÿ' | '–' | '…' | '←' | '→')
}

/// The text so far.
#[derive(Default)]
struct Cleaner {
    out: String,
    max_chars: usize,
    chars: usize,
    /// Where the cluster begins that is being written; `None` behind an escape.
    cluster: Option<usize>,
    joined: usize,
    /// The length to cut to if the text turns out too long.
    kept: usize,
}

/// The text is full.
struct Full;

impl Cleaner {
    /// Adds a character, which may be the first of its cluster.
    fn take(&mut self, c: char, begins: bool) -> Result<(), Full> {
        let has_width = c.width().is_some_and(|cells| cells > 0);
        let at = self.out.len();
        match self.cluster.filter(|_| !begins) {
            _ if is_hostile(c) => self.escape(c),
            None if has_width && (begins || is_separate(c)) => self.begin(c),
            Some(start) if self.joined < MAX_JOINED && adds_up(&self.out[start..], c) => {
                self.joined += 1;
                self.out.push(c);
            }
            _ => self.escape(c),
        }
        self.chars += self.out[at..].chars().count();
        if self.chars < self.max_chars {
            self.kept = self.out.len();
        }
        if self.chars <= self.max_chars {
            return Ok(());
        }
        self.out.truncate(self.kept);
        self.out.push('…');
        Err(Full)
    }

    fn begin(&mut self, c: char) {
        self.cluster = Some(self.out.len());
        self.joined = 0;
        self.out.push(c);
    }

    fn escape(&mut self, c: char) {
        self.cluster = None;
        match c {
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            c if u32::from(c) < 0x100 => write!(self.out, "\\x{:02x}", u32::from(c))
                .expect("writing to a String cannot fail"),
            c => self.out.extend(c.escape_unicode()),
        }
    }
}

/// Whether it does not join an escape before it.
fn is_separate(c: char) -> bool {
    let behind_an_escape: String = ['}', c].into_iter().collect();
    behind_an_escape.graphemes(true).count() == 2
}

/// Whether the cluster is as wide with the character as both of them are alone.
fn adds_up(cluster: &str, c: char) -> bool {
    let with: String = cluster.chars().chain(std::iter::once(c)).collect();
    with.width() == cluster.width() + c.width().unwrap_or(0)
}
