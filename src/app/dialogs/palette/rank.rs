//! Which entries of the palette match what is typed, and in which order.
//!
//! A key, a whole text or a synonym comes first, then words and beginnings of words. Only if nothing matches as it is
//! typed, letters may be left out or mistyped. Equally good entries keep their order.

use std::cmp::Reverse;

use frizbee::{CaseMatching, Config, Matcher, Pattern, PatternConfig, SortStrategy};

use crate::app::dialogs::palette::Entry;

/// How well an entry matches, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It is one of the entry's keys.
    Key,
    Text,
    Synonym,
    BeginningOfText,
    /// Each word begins a word of the text.
    WordsOfText,
    /// Each word begins a word of the text, of a synonym or of the description.
    Words,
    /// At least one word is abbreviated or mistyped; a higher score is better.
    Fuzzy(Reverse<u32>),
}

/// Longer words are not matched fuzzily, and no entry has one, so that a pasted kilobyte costs nothing.
const LONGEST_WORD: usize = 40;

/// More words are not matched fuzzily.
const MOST_WORDS: usize = 12;

/// A shorter word is in nearly every text if letters may be left out.
const SHORTEST_FUZZY: usize = 3;

/// The least score for each letter: one in its place scores 16, a gap costs 4 and 1 for each letter in it, a wrong
/// letter 6. What is scattered over a sentence has less.
const LEAST_SCORE: u32 = 12;

/// One letter of so many may be wrong.
const LETTERS_FOR_A_TYPO: usize = 4;

/// The indices of the entries that match, best first.
pub(super) fn ranked(entries: &[Entry], typed: &str) -> Vec<usize> {
    let typed = typed.trim();
    if typed.is_empty() {
        return (0..entries.len()).collect();
    }
    let lower = typed.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let exact = entries
        .iter()
        .map(|entry| exact(entry, typed, &lower, &words));
    let mut ranks: Vec<Option<Rank>> = exact.collect();
    if ranks.iter().all(Option::is_none) {
        ranks = fuzzy(entries, &words);
    }
    let ranks = ranks.into_iter().enumerate();
    let mut ranks: Vec<_> = ranks.filter_map(|(at, rank)| Some((rank?, at))).collect();
    ranks.sort();
    ranks.into_iter().map(|(_, at)| at).collect()
}

fn exact(entry: &Entry, typed: &str, lower: &str, words: &[&str]) -> Option<Rank> {
    let text = entry.text.to_lowercase();
    match () {
        () if entry.keys.split(' ').any(|key| key == typed) => Some(Rank::Key),
        () if text == lower => Some(Rank::Text),
        () if entry.synonyms.contains(&lower) => Some(Rank::Synonym),
        () if text.starts_with(lower) => Some(Rank::BeginningOfText),
        () if words.iter().all(|word| begins_a_word(&text, word)) => Some(Rank::WordsOfText),
        () if words
            .iter()
            .all(|word| begins_a_word(&entry.searched, word)) =>
        {
            Some(Rank::Words)
        }
        () => None,
    }
}

/// Whether a word of the text begins so. Both are in lower case.
fn begins_a_word(text: &str, word: &str) -> bool {
    let is_first = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| is_first(at))
}

/// For each entry its rank if all words are found in it, some with letters left out or mistyped.
fn fuzzy(entries: &[Entry], words: &[&str]) -> Vec<Option<Rank>> {
    let is_possible =
        words.len() <= MOST_WORDS && words.iter().all(|word| word.len() <= LONGEST_WORD);
    let mut totals = vec![is_possible.then_some(0); entries.len()];
    for word in words.iter().filter(|_| is_possible) {
        let scores = scores(entries, word);
        for ((entry, total), score) in entries.iter().zip(&mut totals).zip(scores) {
            let whole = begins_a_word(&entry.searched, word).then(|| least_score(word));
            *total = total.and_then(|sum| Some(sum + score.or(whole)?));
        }
    }
    let rank = |total: Option<u32>| Some(Rank::Fuzzy(Reverse(total?)));
    totals.into_iter().map(rank).collect()
}

/// The score of a word in each entry in which it has enough.
fn scores(entries: &[Entry], word: &str) -> Vec<Option<u32>> {
    let letters = word.chars().count();
    let mut scores = vec![None; entries.len()];
    if letters < SHORTEST_FUZZY {
        return scores;
    }
    let typos = u16::try_from(letters / LETTERS_FOR_A_TYPO).unwrap_or(0);
    let config = Config::default()
        .casing(CaseMatching::Ignore)
        .sort(SortStrategy::IndexAsc)
        .max_typos(Some(typos));
    let texts: Vec<&str> = entries
        .iter()
        .map(|entry| entry.searched.as_str())
        .collect();
    // A pattern as it is: `!` and `^` have no meaning here.
    let pattern = Pattern::new(word, PatternConfig::default());
    for found in Matcher::new(pattern, &config).match_list(&texts) {
        let score = u32::from(found.score);
        let place = usize::try_from(found.index).ok();
        if let Some(place) = place.and_then(|at| scores.get_mut(at)) {
            *place = (score >= least_score(word)).then_some(score);
        }
    }
    scores
}

fn least_score(word: &str) -> u32 {
    u32::try_from(word.chars().count())
        .unwrap_or(u32::MAX)
        .saturating_mul(LEAST_SCORE)
}
