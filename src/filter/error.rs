//! What is wrong with a filter's text, and where: one line that says what would be accepted.

use std::ops::Range;

use thiserror::Error;

use super::Filter;
use crate::model::Text;

/// The longest piece of the input that a message repeats, in characters.
const MAX_SHOWN: usize = 40;

/// Why a text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct FilterError {
    /// The wrong part of the input, in bytes, on character boundaries; never empty.
    pub span: Range<usize>,
    /// What is wrong and what is accepted: one line, safe to show on a terminal.
    pub message: String,
}

impl FilterError {
    /// An error about a part of the input.
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }

    /// The filter exceeds [`Filter::MAX_BYTES`].
    pub(super) fn too_long(span: Range<usize>) -> Self {
        let most = Filter::MAX_BYTES;
        Self::new(
            span,
            format!("the filter is too long: at most {most} bytes"),
        )
    }
}

/// A piece of the input as a message shows it: between backticks, cleaned and cut.
pub(super) fn shown(piece: &str) -> String {
    let mut cut: String = piece.chars().take(MAX_SHOWN).collect();
    if cut.len() < piece.len() {
        cut.push('…');
    }
    format!("`{}`", Text::new(&cut))
}

/// The sentence for a word that is not accepted: "unknown state `lisn`; did you mean `listen`?". A list of what is
/// accepted may follow.
pub(super) fn unknown<'a>(
    word: &str,
    kind: &str,
    accepted: impl IntoIterator<Item = &'a str>,
) -> String {
    let hint = nearest(word, accepted)
        .map_or_else(|| ".".into(), |near| format!("; did you mean `{near}`?"));
    format!("unknown {kind} {}{hint}", shown(word))
}

/// The accepted word that `word` most likely stands for: one that it begins, or one that takes
/// few edits for its length.
pub fn nearest<'a>(word: &str, accepted: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if length > MAX_SHOWN {
        return None;
    }
    accepted
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|&(distance, candidate)| distance * 3 <= length.max(candidate.len()))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be added, removed, replaced or swapped with their neighbour to make
/// `to` of `from`; 1 if `to` begins with it, since a word is typed from its beginning.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<_>, Vec<_>) = (from.chars().collect(), to.chars().collect());
    if from.len() > 1 && to.starts_with(&from) {
        return 1;
    }
    // costs[i][j]: from the first i characters to the first j.
    let mut costs = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            costs[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let replaced = costs[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                    let edited = (costs[i - 1][j] + 1).min(costs[i][j - 1] + 1);
                    let is_swap =
                        i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
                    let swapped = if is_swap {
                        costs[i - 2][j - 2] + 1
                    } else {
                        usize::MAX
                    };
                    replaced.min(edited).min(swapped)
                }
            };
        }
    }
    costs[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("port", "port"), 1, "a beginning is one step away");
        assert_eq!(distance("prot", "port"), 1);
        assert_eq!(distance("htps", "https"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn only_near_words_are_suggested() {
        let fields = ["port", "proc", "state"];
        assert_eq!(nearest("stat", fields), Some("state"));
        assert_eq!(nearest("STAET", fields), Some("state"));
        assert_eq!(nearest("zebra", fields), None);
        assert_eq!(nearest("x", fields), None);
    }

    #[test]
    fn what_a_message_repeats_is_cleaned_and_cut() {
        assert_eq!(shown("a\nb"), r"`a\nb`");
        assert_eq!(shown(&"x".repeat(99)).chars().count(), MAX_SHOWN + 3);
    }
}
