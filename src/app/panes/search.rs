//! Searching in a focused pane: the prompt, the matching lines, and their highlight. Case does not matter for ASCII letters.

use std::ops::Range;

use crate::app::dialogs::prompt::Prompt;
use crate::app::panes::Content;
use crate::app::view::{Line, Role, Span, raw_span, span};
use crate::app::{App, Dialog, PromptKind};
use crate::keymap::{Action, DialogAction};
use crate::model::{Moment, counted};

impl App {
    pub(super) fn open_search(&mut self) {
        self.focus_pane();
        self.dialog = Dialog::Prompt(Prompt::new(PromptKind::Pane, ""));
        self.set_search("");
    }

    fn set_search(&mut self, text: &str) {
        if let Some(focus) = &mut self.dock.focus {
            text.clone_into(&mut focus.search);
        }
    }

    /// Searches the text being typed. The cursor goes to the first match from its line on.
    pub(crate) fn try_search(&mut self, now: Moment) {
        let Dialog::Prompt(prompt) = &self.dialog else {
            return;
        };
        if prompt.kind == PromptKind::Pane {
            let text = prompt.text().to_owned();
            self.set_search(&text);
            self.go_to_match(0, now);
        }
    }

    /// Handles keys while the text is typed.
    pub(crate) fn act_in_search(&mut self, action: Action, now: Moment) {
        match action {
            Action::Back => {
                self.dialog = Dialog::None;
                self.set_search("");
            }
            Action::Dialog(DialogAction::Accept) => {
                self.dialog = Dialog::None;
                self.warn_without_match(now);
            }
            Action::Dialog(_)
            | Action::Move(_)
            | Action::Table(_)
            | Action::Pane(_)
            | Action::Port(_)
            | Action::BindTest(_)
            | Action::Program(_)
            | Action::Time(_)
            | Action::Session(_)
            | Action::ShowView(_)
            | Action::CopyFix => {}
        }
    }

    fn warn_without_match(&mut self, now: Moment) {
        let Some((content, _)) = self.open_content(now) else {
            return;
        };
        if let Some((search, matches)) = self.matches(&content)
            && matches.is_empty()
        {
            let text = format!("nothing in this pane contains {search}");
            self.warn(text, now);
        }
    }

    /// Puts the cursor on the next matching line, the previous one, or, by 0, the first one from the cursor on. After the
    /// last comes the first.
    pub(super) fn go_to_match(&mut self, by: isize, now: Moment) {
        let Some((content, visible)) = self.open_content(now) else {
            return;
        };
        let Some((_, matches)) = self.matches(&content) else {
            return self.warn("no search in this pane yet", now);
        };
        let (line, _) = self.cursor_line(content.body().len());
        let from = if by > 0 { line + 1 } else { line };
        let after = matches.partition_point(|&at| at < from);
        let at = if by < 0 {
            after.checked_sub(1)
        } else {
            Some(after)
        };
        let found = match at {
            Some(at) => matches.get(at).or(matches.first()),
            None => matches.last(),
        };
        match found {
            Some(&line) => self.put_cursor(line, visible),
            None if by != 0 => self.warn_without_match(now),
            None => {}
        }
    }

    /// What is searched, and the lines of the body that contain it; `None` if nothing is.
    fn matches(&self, content: &Content) -> Option<(&str, Vec<usize>)> {
        let search = &self.dock.focus.as_ref()?.search;
        let lines = content.body().iter().enumerate();
        let found = lines.filter(|(_, line)| !found_in(line, search).is_empty());
        (!search.is_empty()).then(|| (&**search, found.map(|(at, _)| at).collect()))
    }

    /// `events · 12 · nginx 2 of 5`: the title, what is searched, and which of the matches the cursor is on.
    pub(super) fn title_with_search(&self, content: &Content) -> String {
        let title = &content.title;
        let Some((search, matches)) = self.matches(content) else {
            return title.clone();
        };
        let (line, _) = self.cursor_line(content.body().len());
        let count = match (matches.binary_search(&line), matches.len()) {
            (_, 0) => "no match".to_owned(),
            (Ok(at), all) => format!("{} of {all}", at + 1),
            (Err(_), all) => counted(all, "match", "matches"),
        };
        span(format!("{title} · {search} {count}"), Role::Plain).text
    }

    /// The line below the prompt.
    pub(crate) fn search_result(&self, now: Moment) -> Line {
        let content = self.open_content(now).map(|(content, _)| content);
        let matches = content.and_then(|content| {
            let matches = self.matches(&content)?.1;
            Some(matches.len())
        });
        let (text, role) = match matches {
            None => ("type part of a line".to_owned(), Role::Dim),
            Some(0) => ("no match".to_owned(), Role::Warning),
            Some(count) => (counted(count, "line", "lines"), Role::Dim),
        };
        vec![span(format!(" {text}"), role)]
    }

    /// Reverses what matches in these lines.
    pub(super) fn highlight_matches(&self, lines: &mut [Line]) {
        let search = self.dock.focus.as_ref().map_or("", |focus| &focus.search);
        for line in lines {
            let found = found_in(line, search);
            if !found.is_empty() {
                *line = highlighted(line, &found);
            }
        }
    }
}

/// Where the text is in a line, in bytes; nowhere if it is empty.
fn found_in(line: &Line, search: &str) -> Vec<Range<usize>> {
    if search.is_empty() {
        return Vec::new();
    }
    let text: String = line.iter().map(|span| &*span.text).collect();
    let (text, search) = (text.to_ascii_lowercase(), search.to_ascii_lowercase());
    let found = text.match_indices(&search);
    found.map(|(at, one)| at..at + one.len()).collect()
}

/// The line with these parts reversed.
fn highlighted(line: &Line, found: &[Range<usize>]) -> Line {
    let mut pieces = Line::new();
    let mut start = 0;
    for span in line {
        let end = start + span.text.len();
        let edges = found.iter().flat_map(|part| [part.start, part.end]);
        let inner = edges.filter(|&at| start < at && at < end);
        let mut edges: Vec<usize> = std::iter::once(start).chain(inner).collect();
        edges.push(end);
        for edge in edges.windows(2) {
            let (from, to) = (edge[0], edge[1]);
            let is_found = found
                .iter()
                .any(|part| part.start <= from && to <= part.end);
            let text = &span.text[from - start..to - start];
            pieces.push(Span {
                click: span.click,
                is_reversed: span.is_reversed || is_found,
                ..raw_span(text, span.role)
            });
        }
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_match_is_reversed_also_across_pieces_and_whatever_its_case() {
        let line = vec![
            span("tcp 127.0.0.1:80", Role::Plain),
            span("80 Nginx é ng", Role::Dim),
        ];
        let reversed = |search: &str| -> Vec<String> {
            let line = highlighted(&line, &found_in(&line, search));
            let whole: String = line.iter().map(|span| &*span.text).collect();
            assert_eq!(whole, "tcp 127.0.0.1:8080 Nginx é ng");
            let reversed = line.into_iter().filter(|span| span.is_reversed);
            reversed.map(|span| span.text).collect()
        };
        assert_eq!(reversed(":8080"), [":80", "80"]);
        assert_eq!(reversed("NG"), ["Ng", "ng"]);
        assert_eq!(reversed("é"), ["é"]);
        assert!(reversed("É").is_empty() && reversed("").is_empty());
    }
}
