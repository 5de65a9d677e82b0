//! Pieces of sentences: parts that may be unknown, capitals, values that belong together.

use std::fmt::Display;

/// These words and a text; empty if the text is unknown.
pub(in crate::bind) fn after(words: &str, text: Option<impl Display>) -> String {
    text.map_or_else(String::new, |text| format!("{words}{text}"))
}

/// The beginning of a sentence.
pub(in crate::bind) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

/// The rest of a sentence.
pub(in crate::bind) fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_lowercase);
    first.into_iter().flatten().chain(chars).collect()
}

/// Each value once, in the order in which they first appear.
pub(in crate::bind) fn unique<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let groups = grouped(values.map(|value| (value, ())));
    groups.into_iter().map(|(value, _)| value).collect()
}

/// The values of each key, in the order in which they first appear.
pub(in crate::bind) fn grouped<K: PartialEq, V>(
    pairs: impl Iterator<Item = (K, V)>,
) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    for (key, value) in pairs {
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}
