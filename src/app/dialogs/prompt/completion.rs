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
    at: usize,
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
            at: 0,
        })
    }

    /// Moves to the next suggestion or the one before; after the last comes the first.
    pub fn turned(mut self, turn: Turn) -> Self {
        let by = match turn {
            Turn::Back => self.offers.len() - 1,
            Turn::On => 1,
        };
        self.at = (self.at + by) % self.offers.len();
        self
    }

    /// The text with the chosen suggestion, and the cursor position after it, in characters.
    pub fn text(&self) -> (String, usize) {
        let (before, word, after) = (&self.before, &self.offers[self.at], &self.after);
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
            line.push(if at == chosen {
                span(format!("[{offer}] "), Role::Accent)
            } else {
                span(format!(" {offer}  "), Role::Dim)
            });
        }
        line
    };
    let is_visible = |first: &usize| line_width(&line(*first)[..chosen - first + 2]) < columns;
    line((0..=chosen).find(is_visible).unwrap_or(chosen))
}
