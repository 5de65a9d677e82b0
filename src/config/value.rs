//! Values of a configuration, as the keys take them: text, durations, words of a list, switches.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Place, duration};
use crate::columns::{self, Column};
use crate::filter::{self, Filter};
use crate::model::Text;

/// A value with its place in the file.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Why a value is not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is of another type than the key takes.
    OtherType {
        place: Range<usize>,
        found: &'static str,
    },
    /// What is wrong with it, in a sentence.
    Wrong { place: Range<usize>, why: String },
}

impl Refusal {
    /// Where it is told, and how, of a key of this name that takes this.
    pub fn told(self, name: &str, takes: &str) -> Place {
        match self {
            Self::Wrong { place, why } => (place.start, format!("{name}: {why}")),
            Self::OtherType { place, found } => (
                place.start,
                format!("{name}: {found}, where it takes {takes}"),
            ),
        }
    }
}

/// The longest piece of a value that a message repeats, in characters.
const MAX_SHOWN: usize = 40;

/// A piece of a file as a message shows it: cleaned and cut.
pub(super) fn shown(piece: &str) -> String {
    let mut cut: String = piece.chars().take(MAX_SHOWN).collect();
    if cut.len() < piece.len() {
        cut.push('…');
    }
    Text::new(&cut).to_string()
}

pub(super) fn wrong(value: &Value<'_>, why: String) -> Refusal {
    let place = value.span();
    Refusal::Wrong { place, why }
}

pub(super) fn other_type(value: &Value<'_>) -> Refusal {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let place = value.span();
    Refusal::OtherType { place, found }
}

/// `true` or `false`.
pub(super) fn switch(value: &Value<'_>) -> Result<bool, Refusal> {
    value.get_ref().as_bool().ok_or_else(|| other_type(value))
}

pub(super) fn text<'a>(value: &'a Value<'_>) -> Result<&'a str, Refusal> {
    value.get_ref().as_str().ok_or_else(|| other_type(value))
}

/// Keys with their values.
pub(super) fn table<'a, 'v>(value: &'a Value<'v>) -> Result<&'a DeTable<'v>, Refusal> {
    value.get_ref().as_table().ok_or_else(|| other_type(value))
}

/// The first of what is wrong inside a value.
pub(super) fn first_of(faults: Vec<(usize, String)>, value: &Value<'_>) -> Refusal {
    let first = faults.into_iter().min();
    let (at, why) = first.unwrap_or_else(|| (value.span().start, String::new()));
    let place = at..at;
    Refusal::Wrong { place, why }
}

/// A duration of any length.
pub(super) fn time(value: &Value<'_>) -> Result<Duration, Refusal> {
    duration::parse(duration_text(value)?).map_err(|why| wrong(value, why))
}

/// The time between two readings.
pub(super) fn interval(value: &Value<'_>) -> Result<Duration, Refusal> {
    duration::parse_interval(duration_text(value)?).map_err(|why| wrong(value, why))
}

/// A duration as it is written: text, or a bare number of seconds.
fn duration_text<'a>(value: &'a Value<'_>) -> Result<&'a str, Refusal> {
    match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str()),
        DeValue::Float(number) => Ok(number.as_str()),
        _ => text(value),
    }
}

/// A filter, as it would be typed. It is not cleaned, so that it prints back to itself; what does not show
/// matches nothing, as names are cleaned.
pub(super) fn filter(value: &Value<'_>) -> Result<Filter, Refusal> {
    Filter::parse(text(value)?).map_err(|error| wrong(value, error.message))
}

/// A column by its name.
pub(super) fn column(value: &Value<'_>) -> Result<&'static Column, Refusal> {
    let names = columns::ALL.iter().map(|column| (column.name, column));
    word(value, "column", names)
}

/// One of these words, in any case: what it stands for.
pub(super) fn word<'w, T>(
    value: &Value<'_>,
    kind: &str,
    words: impl Iterator<Item = (&'w str, T)>,
) -> Result<T, Refusal> {
    let written = text(value)?;
    let mut names = Vec::new();
    for (name, meaning) in words {
        if name.eq_ignore_ascii_case(written) {
            return Ok(meaning);
        }
        names.push(name);
    }
    Err(wrong(value, unknown(written, kind, &names)))
}

/// At least one of something, each once.
pub(super) fn list<T: PartialEq>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let array = value.get_ref().as_array();
    let list = each_once(array.ok_or_else(|| other_type(value))?, read)?;
    if list.is_empty() {
        return Err(wrong(value, "an empty list would show nothing".into()));
    }
    Ok(list)
}

/// Any number of something, each once; a single one may stand without the brackets.
pub(super) fn any_of<T: PartialEq>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    match value.get_ref() {
        DeValue::String(_) => Ok(vec![read(value)?]),
        DeValue::Array(array) => each_once(array, read),
        _ => Err(other_type(value)),
    }
}

fn each_once<'a, T: PartialEq>(
    values: impl IntoIterator<Item = &'a Value<'a>>,
    read: impl Fn(&Value<'_>) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let mut list = Vec::new();
    for one in values {
        let read = read(one)?;
        if list.contains(&read) {
            let word = shown(one.get_ref().as_str().unwrap_or_default());
            return Err(wrong(one, format!("`{word}` stands there twice")));
        }
        list.push(read);
    }
    Ok(list)
}

/// A word that is not among those accepted: the nearest of them, if one is near, or all.
pub(super) fn unknown(word: &str, kind: &str, accepted: &[&str]) -> String {
    let hint = match filter::nearest(word, accepted.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; there are {}", accepted.join(", ")),
    };
    format!("`{}` is no {kind}{hint}", shown(word))
}

/// Text as TOML has it between quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("a String takes everything");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
