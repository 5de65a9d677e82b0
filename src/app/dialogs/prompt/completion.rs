//! The suggestions for a word of a filter, and which one is in the text.

use crate::app::dialogs::prompt::Turn;
use crate::app::view::{Line, Role, line_width, span};
use crate::filter::{self, Completion};
use crate::track::Row;

/// A text with suggestions for one of its words.
#[derive(Clone, Debug)]
pub(crate) struct Completing {
    before: String,
    /// Never empty.
    pub offers: Vec<String>,
    after: String,
    /// The one in the text; `None` before the first is taken.
    at: Option<usize>,
}

impl Completing {
    /// The suggestions for the word at byte `cursor` with which the text stays valid; `None` if there are none.
    pub fn begin<'a>(
        text: &str,
        cursor: usize,
        rows: impl IntoIterator<Item = &'a Row>,
        can_be_taken: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let Completion { word, mut offers } = filter::complete(text, cursor, rows)?;
        let (before, after) = (&text[..word.start], &text[word.end..]);
        offers.retain(|offer| can_be_taken(&format!("{before}{offer}{after}")));
        (!offers.is_empty()).then(|| Self {
            before: before.to_owned(),
            offers,
            after: after.to_owned(),
            at: None,
        })
    }

    /// Where the word begins, in bytes of the text.
    pub const fn word_start(&self) -> usize {
        self.before.len()
    }

    /// Whether one of them is in the text.
    pub const fn is_taken(&self) -> bool {
        self.at.is_some()
    }

    /// Takes the next suggestion or the one before, at first the first one; after the last comes the first.
    pub fn turned(mut self, turn: Turn) -> Self {
        let (at, count) = (self.at, self.offers.len());
        self.at = Some(match turn {
            Turn::Back => at.map_or(0, |at| at + count - 1) % count,
            Turn::On => at.map_or(0, |at| at + 1) % count,
        });
        self
    }

    /// The text with the suggestion that is taken, and the cursor position after it, in characters.
    pub fn text(&self) -> (String, usize) {
        let word = &self.offers[self.at.unwrap_or(0)];
        let (before, after) = (&self.before, &self.after);
        let cursor = before.chars().count() + word.chars().count();
        (format!("{before}{word}{after}"), cursor)
    }
}

/// The completions, the chosen one in brackets and visible.
pub(crate) fn offers_line(completing: &Completing, columns: usize) -> Line {
    let (offers, chosen) = (&completing.offers, completing.at);
    let line = |first: usize| -> Line {
        let mut line = vec![span(if first > 0 { " … " } else { " " }, Role::Dim)];
        for (at, offer) in offers.iter().enumerate().skip(first) {
            line.push(if Some(at) == chosen {
                span(format!("[{offer}] "), Role::Accent)
            } else {
                span(format!(" {offer}  "), Role::Dim)
            });
        }
        line
    };
    let Some(chosen) = chosen else {
        return line(0);
    };
    let is_visible = |first: &usize| line_width(&line(*first)[..chosen - first + 2]) < columns;
    line((0..=chosen).find(is_visible).unwrap_or(chosen))
}
