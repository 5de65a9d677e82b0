//! The rules that turn text from outside into a displayable line.
//!
//! The measured width must equal the drawn width. Terminals measure characters, the drawing library measures clusters;
//! if the two disagree, the cluster is split visibly.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The longest text kept, in characters; longer text ends in `…`.
pub(super) const MAX_CHARS: usize = 4096;

/// How many characters may join the one before them: accents, vowel signs, the parts of a Korean syllable. No
/// living script needs more in a name.
pub(super) const MAX_JOINED: usize = 4;

/// `outside` on one line, with an escape (`\n`, `\x1b`, `\u{202e}`) for:
///
/// - every character that is hostile (see `is_hostile`);
/// - a character that joins the one before it where there is none (at the beginning, behind an escape), where
///   more than four do, and where the two together are not as wide as the one and the other (a skin tone).
///
/// Spaces, the blank of braille, characters that Unicode has not assigned, and letters that are written from
/// the right are kept: they show, and have a width. A text over 4,096 characters is cut to that and ends in `…`.
pub fn clean(outside: &str) -> Cow<'_, str> {
    clean_to(outside, MAX_CHARS)
}

/// The same, with another limit.
pub(super) fn clean_to(outside: &str, max_chars: usize) -> Cow<'_, str> {
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
            if cleaner.add(c, begins) {
                return Cow::Owned(cleaner.out);
            }
            begins = false;
        }
    }
    Cow::Owned(cleaner.out)
}

/// Whether the character takes one cell and joins no other: those of the Latin languages and of our own lines.
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

impl Cleaner {
    /// Adds a character, which may be the first of its cluster. Returns whether the text is full, and then ends it.
    fn add(&mut self, c: char, begins: bool) -> bool {
        let has_width = c.width().is_some_and(|cells| cells > 0);
        // Whether it does not join an escape before it.
        let is_separate = || ['}', c].iter().collect::<String>().graphemes(true).count() == 2;
        // Whether the cluster is as wide with the character as both of them are alone.
        let adds_up = |cluster: &str| {
            format!("{cluster}{c}").width() == cluster.width() + c.width().unwrap_or(0)
        };
        let at = self.out.len();
        match self.cluster.filter(|_| !begins) {
            _ if is_hostile(c) => self.escape(c),
            None if has_width && (begins || is_separate()) => {
                (self.cluster, self.joined) = (Some(at), 0);
                self.out.push(c);
            }
            Some(start) if self.joined < MAX_JOINED && adds_up(&self.out[start..]) => {
                self.joined += 1;
                self.out.push(c);
            }
            _ => self.escape(c),
        }
        self.chars += self.out[at..].chars().count();
        if self.chars < self.max_chars {
            self.kept = self.out.len();
        }
        let is_full = self.chars > self.max_chars;
        if is_full {
            self.out.truncate(self.kept);
            self.out.push('…');
        }
        is_full
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

/// Whether terminals act on it, show nothing for it, or disagree on its width. A list, to be cheap; a test holds it
/// against the classes of Unicode:
///
/// - controls (`Cc`), line and paragraph separators (`Zl`, `Zp`);
/// - format characters (`Cf`): bidirectional ones, joiners, the byte order mark, interlinear annotations;
/// - whatever else is to be ignored where it is not understood (`Default_Ignorable_Code_Point`): variation
///   selectors, tags, the fillers of Korean;
/// - what is drawn with the character behind it (`Grapheme_Cluster_Break=Prepend`), as a chain of them has no end;
/// - regional indicators, of which some terminals make flags;
/// - private use (`Co`), whose meaning and width depend on the font;
/// - noncharacters;
/// - the one character that would be three cells wide: terminals have one and two;
/// - the one blank that is two: at the end of a line it would cross the edge.
pub(super) fn is_hostile(c: char) -> bool {
    // The last two of every plane, and 32 more.
    let is_noncharacter = u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    is_noncharacter
        || matches!(c,
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}'
            | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{d4e}'
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{17d8}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3000}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{111c2}'..='\u{111c3}'
            | '\u{113d1}' | '\u{1193f}' | '\u{11941}' | '\u{11a3a}' | '\u{11a84}'..='\u{11a89}'
            | '\u{11d46}' | '\u{11f02}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{1f1e6}'..='\u{1f1ff}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}
