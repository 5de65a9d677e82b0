//! How the word at the cursor of a filter can go on.
//!
//! Fields, flags, protocols and states come from the tables of the language; names of services, users,
//! processes and units from the rows that there are now. What is offered reads as what it says: quoted where
//! it must be, and left out where no spelling of it is a filter.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Filter;
use super::expr::Term;
use super::needle::Needle;
use super::parse::token::unquoted;
use super::parse::word::is_delimiter;
use super::print::value_text;
use super::vocabulary::{FIELDS, FLAGS, Field, TRANSPORTS};
use crate::model::State;
use crate::track::Row;

/// So many ways to go on are offered at most.
const MAX_OFFERED: usize = 200;

/// How the word at the cursor can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The word, in bytes of the text.
    pub word: Range<usize>,
    /// What may stand in its place, each once, in the order in which it is offered.
    pub offers: Vec<String>,
}

/// The names that there are in a table now, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ports: BTreeSet<u16>,
    /// Of these ports.
    port_services: BTreeSet<String>,
    /// Of all, a connection's peers' among them.
    services: BTreeSet<String>,
    users: BTreeSet<String>,
    processes: BTreeSet<String>,
    units: BTreeSet<String>,
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
}

/// Most rows have a name that another one had.
fn add(names: &mut BTreeSet<String>, name: Option<&str>) {
    if let Some(name) = name.filter(|name| !names.contains(*name)) {
        names.insert(name.to_owned());
    }
}

/// What may follow the colon of a field, given the names that there are: each has its column in the table of
/// fields.
pub(super) type Values = fn(&Names) -> Vec<String>;

pub(super) fn nothing(_: &Names) -> Vec<String> {
    Vec::new()
}

/// As after `:`, where a name says more than a number. A connection's service may be its peer's, and no row's
/// own port.
pub(super) fn ports(names: &Names) -> Vec<String> {
    let numbers = names.ports.iter().map(ToString::to_string);
    names.port_services.iter().cloned().chain(numbers).collect()
}

pub(super) fn services(names: &Names) -> Vec<String> {
    names.services.iter().cloned().collect()
}

pub(super) fn users(names: &Names) -> Vec<String> {
    names.users.iter().cloned().collect()
}

pub(super) fn processes(names: &Names) -> Vec<String> {
    names.processes.iter().cloned().collect()
}

pub(super) fn units(names: &Names) -> Vec<String> {
    names.units.iter().cloned().collect()
}

pub(super) fn transports(_: &Names) -> Vec<String> {
    TRANSPORTS.iter().map(|word| word.name.to_owned()).collect()
}

pub(super) fn states(_: &Names) -> Vec<String> {
    let states = State::ALL.iter();
    states.map(|state| state.as_str().to_lowercase()).collect()
}

pub(super) fn flags(_: &Names) -> Vec<String> {
    FLAGS.iter().map(|word| word.name.to_owned()).collect()
}

/// How the word of `text` in which byte `cursor` stands can go on, given what is in the table. `None` where
/// nothing is offered: in a regex, in a quoted text, in a field that takes anything.
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

/// The word in which the cursor stands or that it ends, or an empty one where it stands between terms.
fn word_at(text: &str, cursor: usize) -> Option<Range<usize>> {
    let is_between = |c: char| c == '!' || (c != '"' && is_delimiter(c));
    let mut end = 0;
    loop {
        let ahead = text[end..].find(|c| !is_between(c));
        let start = ahead.map_or(text.len(), |at| end + at);
        if cursor <= start {
            let begins_a_term = cursor == start && start < text.len();
            return (!begins_a_term).then_some(cursor..cursor);
        }
        end = start + end_of_term(&text[start..]);
        if cursor <= end {
            return (!text[start..].starts_with(['"', '/'])).then_some(start..end);
        }
    }
}

/// Where a term ends that begins here: behind its closing quote or slash, or before the next delimiter.
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

/// Where a text ends that begins with a quote: behind the one that closes it.
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

/// What a word may become that is no field yet: a field, a protocol, a name that it begins.
fn words(typed: &str, names: &Names) -> Vec<String> {
    let fields = FIELDS.iter().map(|field| format!("{}:", field.name));
    let transports = TRANSPORTS.iter().filter(|word| word.stands_alone());
    let transports = transports.map(|word| word.name.to_owned());
    let mut offers: Vec<_> = fields.chain(transports).collect();
    offers.retain(|offer| begins_with(offer, typed));
    if typed.is_empty() {
        return offers;
    }
    for name in names
        .processes
        .iter()
        .chain(&names.units)
        .chain(&names.users)
    {
        let spelled = Term::Text(Needle::new(name)).to_string();
        if begins_with(name, typed) && is_filter(&spelled) && !offers.contains(&spelled) {
            offers.push(spelled);
        }
    }
    offers
}

/// What may stand behind a field's colon, with the field before it as it is typed.
fn values(field: &Field, prefix: &str, typed: &str, names: &Names) -> Vec<String> {
    let unquoted = typed.strip_prefix('"').map(unquoted);
    let typed = unquoted.as_deref().unwrap_or(typed);
    let mut offers = (field.values)(names);
    offers.retain(|value| begins_with(value, typed));
    let spelled = offers
        .iter()
        .map(|value| format!("{prefix}{}", value_text(value)));
    spelled.filter(|offer| is_filter(offer)).collect()
}

fn is_filter(text: &str) -> bool {
    Filter::parse(text).is_ok_and(|filter| !filter.is_empty())
}

/// Whether a text begins with another, in any case.
fn begins_with(text: &str, beginning: &str) -> bool {
    let mut rest = text.chars().flat_map(char::to_lowercase);
    let mut beginning = beginning.chars().flat_map(char::to_lowercase);
    beginning.all(|c| rest.next() == Some(c))
}
