//! A line of text being typed, with a history.

use tui_input::{Input as Line, InputRequest};
use unicode_segmentation::UnicodeSegmentation as _;

use super::Key;
use crate::model::clean;

/// What the text will be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// A filter, applied while it is typed.
    Filter,
    /// A port to bind-test.
    Target,
}

/// Text and cursor.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    pub kind: PromptKind,
    line: Line,
    /// Which entry of the history is shown, counted from the latest; `None`: what was typed.
    recalled: Option<usize>,
    typed: String,
}

/// What came of a key or a paste.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edited {
    /// The text is as it was.
    Nothing,
    /// The text is another.
    Text,
    /// There was no room for all of it.
    Full,
}

/// The longest text that can be typed or pasted, in bytes.
pub(super) const MAX_BYTES: usize = 4096;

impl Prompt {
    pub fn new(kind: PromptKind, text: &str) -> Self {
        Self {
            kind,
            line: Line::from(text.to_owned()),
            recalled: None,
            typed: String::new(),
        }
    }

    pub fn text(&self) -> &str {
        self.line.value()
    }

    /// Place of the cursor, in characters.
    pub fn cursor(&self) -> usize {
        self.line.cursor()
    }

    /// Edits the text as a shell's line editor would; unknown keys do nothing.
    pub fn press(&mut self, key: Key) -> Edited {
        use InputRequest as R;
        let request = match key {
            Key::Char(c) if self.text().len() + c.len_utf8() > MAX_BYTES => return Edited::Full,
            Key::Char(c)
                if !shows(&self.with(c.encode_utf8(&mut [0; 4]))) && shows(self.text()) =>
            {
                return Edited::Nothing;
            }
            Key::Char(c) => R::InsertChar(c),
            Key::Backspace | Key::Ctrl('h') => R::DeletePrevChar,
            Key::Delete | Key::Ctrl('d') => R::DeleteNextChar,
            Key::Left | Key::Ctrl('b') => R::GoToPrevChar,
            Key::Right | Key::Ctrl('f') => R::GoToNextChar,
            Key::Home | Key::Ctrl('a') => R::GoToStart,
            Key::End | Key::Ctrl('e') => R::GoToEnd,
            Key::Ctrl('w') => R::DeletePrevWord,
            Key::Ctrl('u') => R::DeleteLine,
            Key::Ctrl('k') => R::DeleteTillEnd,
            _ => return Edited::Nothing,
        };
        self.recalled = None;
        match self.line.handle(request) {
            Some(change) if change.value => Edited::Text,
            _ => Edited::Nothing,
        }
    }

    /// Inserts pasted text: its first line, as far as there is room, without what does not show (control
    /// and format characters, a flood of accents).
    pub fn paste(&mut self, text: &str) -> Edited {
        // Most terminals send the end of a line as the key that makes one.
        let first_line = text.split(['\r', '\n']).next().unwrap_or_default();
        let room = MAX_BYTES.saturating_sub(self.text().len());
        let mut fits = first_line.len().min(room);
        while !first_line.is_char_boundary(fits) {
            fits -= 1;
        }
        let mut pasted = what_shows(&first_line[..fits]);
        // What is before it or behind it may not go with it.
        if !shows(&self.with(&pasted)) && shows(self.text()) {
            pasted.clear();
        }
        let cursor = self.cursor() + pasted.chars().count();
        self.line = Line::from(self.with(&pasted)).with_cursor(cursor);
        if fits < first_line.len() {
            Edited::Full
        } else {
            Edited::Text
        }
    }

    /// The text with more where the cursor is.
    fn with(&self, more: &str) -> String {
        let before: String = self.text().chars().take(self.cursor()).collect();
        let after: String = self.text().chars().skip(self.cursor()).collect();
        format!("{before}{more}{after}")
    }

    /// Shows an earlier (`1`) or later (`-1`) entry of the history, latest last.
    pub fn recall(&mut self, history: &[String], by: isize) {
        if self.recalled.is_none() {
            self.typed = self.line.value().to_owned();
        }
        let now = self.recalled.map_or(0, |at| at + 1);
        let next = now.saturating_add_signed(by).min(history.len());
        self.recalled = next.checked_sub(1);
        let text = self
            .recalled
            .map_or(&self.typed, |at| &history[history.len() - 1 - at]);
        self.line = Line::from(text.clone());
    }
}

/// The text without the characters that are not shown as they are.
fn what_shows(text: &str) -> String {
    let mut shown = String::new();
    if shows(text) {
        shown.push_str(text);
        return shown;
    }
    for c in text.chars() {
        shown.push(c);
        // Each cluster is judged by itself.
        let last = shown.graphemes(true).next_back();
        if !last.is_some_and(shows) {
            shown.pop();
        }
    }
    shown
}

/// Whether the text is shown as it is.
fn shows(text: &str) -> bool {
    clean(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_goes_back_and_returns_to_what_was_typed() {
        let history = ["first".to_owned(), "second".to_owned()];
        let mut prompt = Prompt::new(PromptKind::Filter, "typed");
        let mut recalled = |by| {
            prompt.recall(&history, by);
            prompt.text().to_owned()
        };
        assert_eq!(recalled(1), "second");
        assert_eq!(recalled(1), "first");
        assert_eq!(recalled(1), "first");
        assert_eq!(recalled(-1), "second");
        assert_eq!(recalled(-1), "typed");
        assert_eq!(recalled(-1), "typed");
    }

    #[test]
    fn what_does_not_show_can_be_neither_typed_nor_pasted() {
        let mut prompt = Prompt::new(PromptKind::Filter, "");
        for c in ['a', '\u{202e}', '\u{301}', '\u{200b}', '\x1b', '語'] {
            prompt.press(Key::Char(c));
        }
        assert_eq!(prompt.text(), "a\u{301}語");
        for _ in 0..100 {
            prompt.press(Key::Char('\u{301}'));
        }
        assert_eq!(prompt.text().chars().count(), 7);
        // What an accent stood on may go, and typing goes on.
        prompt.press(Key::Home);
        prompt.press(Key::Delete);
        prompt.press(Key::Char('b'));
        assert!(prompt.text().starts_with('b'));

        let mut prompt = Prompt::new(PromptKind::Filter, "");
        prompt.paste("a\u{202e}b\u{301}\u{2066}");
        assert_eq!(prompt.text(), "ab\u{301}");
        prompt.paste(&"\u{301}".repeat(100));
        prompt.paste("c👩\u{1f3fd}");
        assert_eq!(prompt.text(), "ab\u{301}c👩");
    }

    #[test]
    fn a_paste_ends_with_its_first_line_however_the_terminal_ends_lines() {
        for ending in ["\n", "\r", "\r\n"] {
            let mut prompt = Prompt::new(PromptKind::Target, "");
            prompt.paste(&format!("8080{ending}9090{ending}"));
            assert_eq!(prompt.text(), "8080");
        }
    }

    #[test]
    fn a_pasted_megabyte_is_cut_and_its_control_characters_dropped() {
        let mut prompt = Prompt::new(PromptKind::Filter, "ab");
        prompt.press(Key::Left);
        prompt.paste("\x1b[31mé\nsecond line");
        assert_eq!(prompt.text(), "a[31méb");
        assert_eq!(prompt.cursor(), 6);
        prompt.paste(&"é".repeat(1 << 20));
        assert!(prompt.text().len() <= MAX_BYTES);
    }
}
