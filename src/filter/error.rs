//! Errors in a filter's text.

use std::ops::Range;

use thiserror::Error;

use crate::model::excerpt;

/// The longest word that a message repeats whole, in characters; a longer one is not compared.
const MAX_SHOWN: usize = 40;

/// Why a text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct FilterError {
    /// The wrong part of the input, in bytes, on character boundaries; never empty.
    pub span: Range<usize>,
    /// The error and the accepted values: one line, safe to show on a terminal.
    pub message: String,
}

impl FilterError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }
}

/// A piece of the input as a message shows it: in backticks, cleaned and cut.
pub(super) fn shown(piece: &str) -> String {
    format!("`{}`", excerpt(piece))
}

/// The sentence for a word that is not accepted: "unknown state `lisn`; did you mean `listen`?". A list of what is
/// accepted may follow.
pub(super) fn unknown(word: &str, kind: &str, accepted: &[&str]) -> String {
    let hint = nearest(word, accepted.iter().copied())
        .map_or_else(|| ".".into(), |near| format!("; did you mean `{near}`?"));
    format!("unknown {kind} {}{hint}", shown(word))
}

/// The accepted word that was most likely meant: one that starts with `word`, or one that takes few edits for its
/// length.
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

/// How many characters to add, remove, replace or swap; 1 if `to` starts with `from`, as a word is typed from its
/// start.
fn distance(from: &str, to: &str) -> usize {
    if from.chars().nth(1).is_some() && to.starts_with(from) {
        return 1;
    }
    strsim::osa_distance(from, to)
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
