//! Completes the word at the cursor of a filter.
//!
//! Fields, flags, protocols, states and the words between terms come from the tables of the language; names of services,
//! users, processes, units, containers and namespaces from the rows. A suggestion is quoted if necessary, and left out if
//! no spelling of it is a filter.

use std::ops::Range;

use super::Filter;
use super::expr::Term;
use super::fields::{FIELDS, Field, Names};
use super::needle::{Needle, folded};
use super::parse::Operator;
use super::parse::term::{is_delimiter, regex_source, unquoted};
use super::print::value_text;
use super::vocabulary::TRANSPORTS;
use crate::track::Row;

const MAX_OFFERED: usize = 200;

/// The completions of the word at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The word, in bytes of the text.
    pub word: Range<usize>,
    /// Replacements for it, in order, without duplicates.
    pub offers: Vec<String>,
}

/// Completes the word of `text` at byte `cursor` from the names in the rows. `None` if there is nothing to suggest: in a
/// regex, in a quoted text, in a field that takes anything.
pub fn complete<'a>(
    text: &str,
    cursor: usize,
    rows: impl IntoIterator<Item = &'a Row>,
) -> Option<Completion> {
    let word = word_at(text, cursor)?;
    let typed = &text[word.start..cursor];
    let names = Names::of(rows);
    let mut offers = if let Some((name, value)) = typed.split_once(':') {
        let field = Field::named(if name.is_empty() { "port" } else { name })?;
        values(field, &format!("{name}:"), value, &names)
    } else {
        let mut offers = words(typed, &names);
        let operators = operators(&text[..word.start], typed);
        offers.extend(operators.map(str::to_owned));
        offers
    };
    offers.truncate(MAX_OFFERED);
    (!offers.is_empty()).then_some(Completion { word, offers })
}

/// The word that contains or ends at the cursor; an empty one between terms.
fn word_at(text: &str, cursor: usize) -> Option<Range<usize>> {
    let is_between = |c: char| c == '!' || (c != '"' && is_delimiter(c));
    let mut end = 0;
    loop {
        let ahead = text[end..].find(|c| !is_between(c));
        let start = ahead.map_or(text.len(), |at| end + at);
        if cursor <= start {
            let starts_a_term = cursor == start && start < text.len();
            return (!starts_a_term).then_some(cursor..cursor);
        }
        end = start + end_of_term(&text[start..]);
        if cursor <= end {
            return (!text[start..].starts_with(['"', '/'])).then_some(start..end);
        }
    }
}

/// Where the term at the start of the text ends: after its closing quote or slash, or before the next delimiter.
fn end_of_term(text: &str) -> usize {
    if let Some(regex) = text.strip_prefix('/') {
        return (regex_source(regex).1 + 2).min(text.len());
    }
    let end = text.find(is_delimiter).unwrap_or(text.len());
    match text[end..].strip_prefix('"') {
        Some(quoted) => (end + unquoted(quoted).1 + 2).min(text.len()),
        None => end,
    }
}

/// Completions of a word without a colon: fields, protocols, names.
fn words(typed: &str, names: &Names<'_>) -> Vec<String> {
    let fields = FIELDS.iter().map(|field| format!("{}:", field.name));
    let transports = TRANSPORTS.iter().filter(|word| word.is_bare_word());
    let transports = transports.map(|word| word.name.to_owned());
    let mut offers: Vec<_> = fields.chain(transports).collect();
    offers.retain(|offer| starts_with(offer, typed));
    if typed.is_empty() {
        return offers;
    }
    let known = [
        &names.processes,
        &names.units,
        &names.containers,
        &names.namespaces,
        &names.users,
    ];
    for name in known.into_iter().flatten() {
        let spelled = Term::Text(Needle::new(name)).to_string();
        if starts_with(name, typed) && is_filter(&spelled, names) && !offers.contains(&spelled) {
            offers.push(spelled);
        }
    }
    offers
}

/// Words between terms or before one, as far as such a word may follow `before`.
fn operators(before: &str, typed: &str) -> impl Iterator<Item = &'static str> {
    let before = before.trim_end();
    let last_word = before.rsplit(is_delimiter).next().unwrap_or(before);
    let is_after_a_term = !before.is_empty()
        && !before.ends_with(['(', '|', '!'])
        && Operator::named(last_word).is_none();
    let words = Operator::WORDS.into_iter();
    let fit = words.filter(move |&(_, operator)| is_after_a_term || operator == Operator::Not);
    fit.filter_map(move |(word, _)| (!typed.is_empty() && starts_with(word, typed)).then_some(word))
}

/// Completions of a field's value, each with the field before it as it was typed; of a list, completions of the last.
fn values(field: &Field, prefix: &str, typed: &str, names: &Names<'_>) -> Vec<String> {
    let list = typed.rfind(',').filter(|_| field.takes_lists);
    let (listed, typed) = typed.split_at(list.map_or(0, |comma| comma + 1));
    let prefix = &format!("{prefix}{listed}");
    let quoted = typed.strip_prefix('"').map(|text| unquoted(text).0);
    let typed = quoted.as_deref().unwrap_or(typed);
    let mut offers = (field.values)(names);
    offers.retain(|value| starts_with(value, typed));
    let spelled = (offers.iter()).map(|value| format!("{prefix}{}", value_text(value)));
    spelled.filter(|offer| is_filter(offer, names)).collect()
}

fn is_filter(text: &str, names: &Names<'_>) -> bool {
    Filter::parse_with(text, &names.own_services).is_ok_and(|filter| !filter.is_empty())
}

/// Ignores case.
fn starts_with(text: &str, start: &str) -> bool {
    folded(text).starts_with(&folded(start))
}
