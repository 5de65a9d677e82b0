//! The words that are offered for one of a filter, and which of them stands there.

use crate::app::dialogs::prompt::Turn;
use crate::filter::{self, Completion};
use crate::track::Row;

/// A text in which one word can be this or that.
#[derive(Clone, Debug)]
pub(crate) struct Completing {
    before: String,
    /// Never empty.
    offers: Vec<String>,
    after: String,
    at: usize,
}

impl Completing {
    /// The words for the one at byte `cursor`, as far as a text with them can be taken; `None` if there are none.
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

    /// With the next word or the one before it; the last is followed by the first.
    pub fn turned(mut self, turn: Turn) -> Self {
        let by = match turn {
            Turn::Back => self.offers.len() - 1,
            Turn::On => 1,
        };
        self.at = (self.at + by) % self.offers.len();
        self
    }

    /// The text with the word that is chosen, and the place behind that word, in characters.
    pub fn text(&self) -> (String, usize) {
        let (before, word, after) = (&self.before, &self.offers[self.at], &self.after);
        let cursor = before.chars().count() + word.chars().count();
        (format!("{before}{word}{after}"), cursor)
    }

    /// Whether there is more than one word: another key than the one that completes has chosen the only one.
    pub fn is_a_choice(&self) -> bool {
        self.offers.len() > 1
    }

    /// What is offered, and which of it stands there.
    pub fn offers(&self) -> (&[String], usize) {
        (&self.offers, self.at)
    }
}
