//! The different texts of a column, as numbers: rows share most of their texts, so each is compared once.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::BuildSpread;

/// The different texts of a column.
#[derive(Default)]
pub(super) struct Texts<'a> {
    /// By address in memory and length: rows share most of their texts.
    by_place: HashMap<(usize, usize), usize, BuildSpread>,
    by_text: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Texts<'a> {
    /// The number of a text: the same for equal ones.
    pub fn number(&mut self, text: Cow<'a, str>) -> usize {
        let place = match text {
            Cow::Borrowed(lasting) => Some((lasting.as_ptr().addr(), lasting.len())),
            Cow::Owned(_) => None,
        };
        if let Some(&number) = place.and_then(|place| self.by_place.get(&place)) {
            return number;
        }
        let next = self.by_text.len();
        let number = *self.by_text.entry(text).or_insert(next);
        if let Some(place) = place {
            self.by_place.insert(place, number);
        }
        number
    }

    /// For each number the rank of its text: the same for texts that differ in ASCII case only.
    pub fn ranks(self) -> Vec<u64> {
        let texts = self.by_text.into_iter();
        let mut texts: Vec<_> = texts
            .map(|(text, number)| (text.to_ascii_lowercase(), number))
            .collect();
        texts.sort_unstable();
        let mut ranks = vec![0; texts.len()];
        for (rank, alike) in (0..).zip(texts.chunk_by(|a, b| a.0 == b.0)) {
            for &(_, number) in alike {
                ranks[number] = rank;
            }
        }
        ranks
    }
}
