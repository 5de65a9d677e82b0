//! Completes the word at the cursor of a filter.
//!
//! Fields, flags, protocols and states come from the tables of the language; names of services, users, processes and
//! units from the rows. An offer is quoted if it must be, and left out if no spelling of it is a filter.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Filter;
use super::expr::Term;
use super::needle::{Needle, folded};
use super::parse::token::unquoted;
use super::parse::word::is_delimiter;
use super::print::value_text;
use super::vocabulary::{FIELDS, Field, TRANSPORTS};
use crate::track::Row;

const MAX_OFFERED: usize = 200;

/// What the word at the cursor can be completed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The word, in bytes of the text.
    pub word: Range<usize>,
    /// Replacements for it, in order, without duplicates.
    pub offers: Vec<String>,
}

/// The names in a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ports: BTreeSet<u16>,
    /// Services of these ports.
    port_services: BTreeSet<String>,
    /// Also services of peers' ports.
    pub services: BTreeSet<String>,
    pub users: BTreeSet<String>,
    pub processes: BTreeSet<String>,
    pub units: BTreeSet<String>,
}

impl Names {
    fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut names = Self::default();
        for socket in rows.into_iter().map(|row| &row.socket) {
            if let Some(port) = socket.port().filter(|_| !socket.is_connection()) {
                names.ports.insert(port);
                add(&mut names.port_services, socket.service());
            }
            add(&mut names.services, socket.service());
            add(&mut names.users, socket.user.as_deref());
            add(&mut names.units, socket.unit.as_deref());
            for process in socket.owner.processes() {
                add(&mut names.processes, Some(&process.name));
            }
        }
        names
    }

    /// Services first, as a name says more than a number. A connection's service may be that of its peer's port, so
    /// connections don't count.
    pub fn ports(&self) -> Vec<String> {
        let numbers = self.ports.iter().map(ToString::to_string);
        self.port_services.iter().cloned().chain(numbers).collect()
    }
}

/// Most names are known already.
fn add(names: &mut BTreeSet<String>, name: Option<&str>) {
    if let Some(name) = name.filter(|name| !names.contains(*name)) {
        names.insert(name.to_owned());
    }
}

/// Completes the word of `text` at byte `cursor` from the names in the rows. `None` if there is nothing to offer: in a
/// regex, in a quoted text, in a field that takes anything.
pub fn complete<'a>(
    text: &str,
    cursor: usize,
    rows: impl IntoIterator<Item = &'a Row>,
) -> Option<Completion> {
    let word = word_at(text, cursor)?;
    let typed = &text[word.start..cursor];
    let names = Names::of(rows);
    let mut offers = match typed.split_once(':') {
        Some((name, value)) => {
            let field = Field::named(if name.is_empty() { "port" } else { name })?;
            values(field, &format!("{name}:"), value, &names)
        }
        None => words(typed, &names),
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
    if text.starts_with('/') {
        return end_of_quote(text, '/');
    }
    let end = text.find(is_delimiter).unwrap_or(text.len());
    if text[end..].starts_with('"') {
        return end + end_of_quote(&text[end..], '"');
    }
    end
}

/// Where the quoted text at the start ends: after the closing quote.
fn end_of_quote(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let closes = |(_, c): &(usize, char)| {
        let is_the_end = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_the_end
    };
    let close = text.char_indices().skip(1).find(closes);
    close.map_or(text.len(), |(at, _)| at + quote.len_utf8())
}

/// Completions of a word without a colon: fields, protocols, names.
fn words(typed: &str, names: &Names) -> Vec<String> {
    let fields = FIELDS.iter().map(|field| format!("{}:", field.name));
    let transports = TRANSPORTS.iter().filter(|word| word.is_bare_word());
    let transports = transports.map(|word| word.name.to_owned());
    let mut offers: Vec<_> = fields.chain(transports).collect();
    offers.retain(|offer| starts_with(offer, typed));
    if typed.is_empty() {
        return offers;
    }
    let known = [&names.processes, &names.units, &names.users];
    for name in known.into_iter().flatten() {
        let spelled = Term::Text(Needle::new(name)).to_string();
        if starts_with(name, typed) && is_filter(&spelled) && !offers.contains(&spelled) {
            offers.push(spelled);
        }
    }
    offers
}

/// Completions of a field's value, each with the field before it as it was typed.
fn values(field: &Field, prefix: &str, typed: &str, names: &Names) -> Vec<String> {
    let unquoted = typed.strip_prefix('"').map(unquoted);
    let typed = unquoted.as_deref().unwrap_or(typed);
    let mut offers = (field.values)(names);
    offers.retain(|value| starts_with(value, typed));
    let spelled = offers
        .iter()
        .map(|value| format!("{prefix}{}", value_text(value)));
    spelled.filter(|offer| is_filter(offer)).collect()
}

fn is_filter(text: &str) -> bool {
    Filter::parse(text).is_ok_and(|filter| !filter.is_empty())
}

/// Ignores case.
fn starts_with(text: &str, start: &str) -> bool {
    folded(text).starts_with(&folded(start))
}
