//! A line of text being typed, with a history and completion.

pub(crate) mod completion;

use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::app::App;
use crate::app::dialogs::prompt::completion::Completing;
use crate::app::view::{Line, Role, raw_span, span};
use crate::columns::width;
use crate::keymap::Key;
use crate::model::clean;
use crate::track::Row;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptKind {
    /// A filter, applied while it is typed.
    Filter,
    /// A text to find, searched while it is typed.
    Find,
    /// A port to bind-test.
    Target,
    /// A time to go to.
    Time,
    Action,
    /// Words to search for in the help.
    Help,
    /// A text to find in the focused pane, searched while it is typed.
    Pane,
}

impl PromptKind {
    /// Whether the text is in the language of filters.
    pub const fn is_filter(self) -> bool {
        matches!(self, Self::Filter | Self::Find)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub kind: PromptKind,
    line: Input,
    /// Whether the text was typed, not prefilled.
    is_typed: bool,
    /// The history entry in the prompt, and the text that it replaced.
    recalled: Option<(usize, String)>,
    /// The suggestions for the word at the cursor, until it moves.
    pub completing: Option<Completing>,
}

/// A direction in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Back,
    On,
}

/// What a key or a paste has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edited {
    Nothing,
    Text,
    /// The text, but not all of it fitted.
    Full,
}

/// The longest text that can be typed or pasted, in bytes.
pub(crate) const MAX_BYTES: usize = 4096;

/// A text beyond this, in bytes, was hardly typed by hand: with each of its keys the names of all rows would be read.
const MAX_SUGGESTED: usize = 256;

impl Prompt {
    pub fn new(kind: PromptKind, text: &str) -> Self {
        Self {
            kind,
            line: Input::from(text.to_owned()),
            is_typed: false,
            recalled: None,
            completing: None,
        }
    }

    pub fn text(&self) -> &str {
        self.line.value()
    }

    /// The cursor, in characters.
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
        (self.recalled, self.completing) = (None, None);
        match self.line.handle(request) {
            Some(change) if change.value => {
                self.is_typed = true;
                Edited::Text
            }
            _ => Edited::Nothing,
        }
    }

    /// Inserts the first line of pasted text, as far as it fits, without invisible characters (control and format
    /// characters, excess accents).
    pub fn paste(&mut self, text: &str) -> Edited {
        // Most terminals send the end of a line as the Enter key.
        let first_line = text.split(['\r', '\n']).next().unwrap_or_default();
        let room = MAX_BYTES.saturating_sub(self.text().len());
        let mut fits = first_line.len().min(room);
        while !first_line.is_char_boundary(fits) {
            fits -= 1;
        }
        let mut pasted = what_shows(&first_line[..fits]);
        // Combined with its neighbours it may become invisible.
        if !shows(&self.with(&pasted)) && shows(self.text()) {
            pasted.clear();
        }
        let cursor = self.cursor() + pasted.chars().count();
        self.line = Input::from(self.with(&pasted)).with_cursor(cursor);
        (self.is_typed, self.recalled, self.completing) = (true, None, None);
        if fits < first_line.len() {
            Edited::Full
        } else {
            Edited::Text
        }
    }

    fn with(&self, more: &str) -> String {
        let before: String = self.text().chars().take(self.cursor()).collect();
        let after: String = self.text().chars().skip(self.cursor()).collect();
        format!("{before}{more}{after}")
    }

    /// Shows the previous or next history entry (latest last) that begins with the typed text. After the latest comes
    /// the original text.
    pub fn recall(&mut self, history: &[String], turn: Turn) {
        self.completing = None;
        let (shown, typed) = match self.recalled.take() {
            Some((at, typed)) => (at, typed),
            None => (history.len(), self.text().to_owned()),
        };
        let beginning = if self.is_typed { &typed } else { "" };
        let fits = |at: &usize| history[*at].starts_with(beginning) && history[*at] != typed;
        let found = match turn {
            Turn::Back => (0..shown).rev().find(fits),
            Turn::On => (shown + 1..history.len()).find(fits),
        };
        let stays = turn == Turn::Back && shown < history.len();
        self.line = match found.or(stays.then_some(shown)) {
            Some(at) => {
                self.recalled = Some((at, typed));
                Input::from(history[at].clone())
            }
            None => Input::from(typed),
        };
    }

    /// Completes the word at the cursor, or shows another suggestion.
    pub fn complete<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>, turn: Turn) -> Edited {
        let offered = self.completing.take();
        let offered = match offered.or_else(|| self.suggestions(rows)) {
            Some(offered) => offered.turned(turn),
            None => return Edited::Nothing,
        };
        let (text, cursor) = offered.text();
        let is_other = text != self.text();
        self.line = Input::from(text).with_cursor(cursor);
        (self.is_typed, self.recalled) = (true, None);
        self.completing = (offered.offers.len() > 1).then_some(offered);
        if is_other {
            Edited::Text
        } else {
            Edited::Nothing
        }
    }

    /// Suggests words for the one at the cursor, if that has begun, without taking one.
    pub fn suggest<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>) {
        let cursor = self.cursor_byte();
        let has_begun = |offered: &Completing| offered.word_start() < cursor;
        let is_typed = (1..=MAX_SUGGESTED).contains(&cursor);
        let offered = is_typed.then(|| self.suggestions(rows)).flatten();
        self.completing = offered.filter(has_begun);
    }

    fn suggestions<'a>(&self, rows: impl IntoIterator<Item = &'a Row>) -> Option<Completing> {
        let can_be_taken = |text: &str| text.len() <= MAX_BYTES && shows(text);
        let offered = Completing::begin(self.text(), self.cursor_byte(), rows, can_be_taken)?;
        // A word that is complete needs no suggestion.
        let is_complete =
            offered.offers.len() == 1 && offered.clone().turned(Turn::On).text().0 == self.text();
        (!is_complete).then_some(offered)
    }

    /// The cursor, in bytes.
    pub fn cursor_byte(&self) -> usize {
        let text = self.text();
        let at = text.char_indices().nth(self.cursor());
        at.map_or(text.len(), |(at, _)| at)
    }
}

/// The text without characters that would be displayed differently.
fn what_shows(text: &str) -> String {
    if shows(text) {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        shown.push(c);
        // Each cluster is checked separately.
        let last = shown.graphemes(true).next_back();
        if !last.is_some_and(shows) {
            shown.pop();
        }
    }
    shown
}

fn shows(text: &str) -> bool {
    clean(text) == text
}

impl App {
    /// The typed text with its wrong part marked, scrolled to the cursor, and the column of the cursor.
    pub(crate) fn prompt_line(&self, prompt: &Prompt, columns: usize) -> (Line, u16) {
        let label = match prompt.kind {
            PromptKind::Filter | PromptKind::Help => " / ",
            PromptKind::Find => " find ",
            PromptKind::Target => " bind test of port: ",
            PromptKind::Time => " go to time: ",
            PromptKind::Action => " : ",
            PromptKind::Pane => " search in the pane: ",
        };
        let text = prompt.text();
        let room = columns.saturating_sub(width(label) + 1).max(1);
        let cursor = prompt.cursor_byte();
        let (mut start, mut used) = (cursor, 0);
        for (at, c) in text[..cursor].char_indices().rev() {
            used += width(&text[at..at + c.len_utf8()]);
            if used > room {
                break;
            }
            start = at;
        }
        let mut line = vec![span(label, Role::Accent)];
        let is_taken = prompt.completing.as_ref().is_some_and(Completing::is_taken);
        let checks = prompt.kind.is_filter() && !is_taken;
        let wrong = self.filter.error.as_ref().filter(|_| checks);
        let wrong = wrong.map_or(text.len()..text.len(), |error| error.span.clone());
        let [from, to] = [wrong.start, wrong.end].map(|at| at.clamp(start, text.len()));
        let parts = [
            (&text[start..from], Role::Plain),
            (&text[from..to], Role::Wrong),
            (&text[to..], Role::Plain),
        ];
        // Not cleaned again, which could move the cursor: the prompt accepts visible characters only.
        line.extend(parts.map(|(part, role)| raw_span(part, role)));
        let x = width(label) + width(&text[start..cursor]);
        (line, u16::try_from(x).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> [String; 4] {
        ["nginx", "user:ann", "nginx :80", ":443"].map(String::from)
    }

    fn recalled(prompt: &mut Prompt, turn: Turn) -> String {
        prompt.recall(&history(), turn);
        prompt.text().to_owned()
    }

    #[test]
    fn history_goes_back_and_returns_to_what_was_there() {
        let mut prompt = Prompt::new(PromptKind::Filter, "there");
        let mut recalled = |turn| recalled(&mut prompt, turn);
        for text in [":443", "nginx :80", "user:ann", "nginx", "nginx"] {
            assert_eq!(recalled(Turn::Back), text);
        }
        for text in ["user:ann", "nginx :80", ":443", "there", "there"] {
            assert_eq!(recalled(Turn::On), text);
        }
    }

    #[test]
    fn what_was_typed_recalls_only_what_begins_with_it() {
        let mut prompt = Prompt::new(PromptKind::Filter, "");
        for c in "ng".chars() {
            prompt.press(Key::Char(c));
        }
        assert_eq!(recalled(&mut prompt, Turn::Back), "nginx :80");
        assert_eq!(recalled(&mut prompt, Turn::Back), "nginx");
        assert_eq!(recalled(&mut prompt, Turn::Back), "nginx");
        assert_eq!(recalled(&mut prompt, Turn::On), "nginx :80");
        assert_eq!(recalled(&mut prompt, Turn::On), "ng");
        // A recalled text counts as typed once it is edited.
        prompt.recall(&history(), Turn::Back);
        prompt.press(Key::Backspace);
        assert_eq!(prompt.text(), "nginx :8");
        assert_eq!(recalled(&mut prompt, Turn::Back), "nginx :80");
        assert_eq!(recalled(&mut prompt, Turn::Back), "nginx :80");
    }

    /// The active filter is the latest of the history, and already in the prompt.
    #[test]
    fn what_is_there_already_is_not_recalled() {
        let mut prompt = Prompt::new(PromptKind::Filter, ":443");
        assert_eq!(recalled(&mut prompt, Turn::Back), "nginx :80");
        assert_eq!(recalled(&mut prompt, Turn::On), ":443");
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
        // The base letter of an accent can be deleted, and typing continues.
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
