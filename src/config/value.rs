//! Readers of TOML values: text, durations, words of a list, booleans.

use std::fmt::Write as _;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::columns::{self, ColumnId};
use crate::filter::Filter;
use crate::model::{Services, excerpt};
use crate::theme::{ErrorAt, unknown};

/// A value with its place in the file.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Why a value is not accepted, with its place.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It has another type than the key takes: this one.
    WrongType(usize, &'static str),
    /// The error.
    Invalid(usize, String),
}

impl Refusal {
    /// The error of a key of this name that takes this.
    pub fn of(self, name: &str, takes: &str) -> ErrorAt {
        match self {
            Self::Invalid(at, why) => (at, format!("{name}: {why}")),
            Self::WrongType(at, found) => (at, format!("{name}: found {found}, expected {takes}")),
        }
    }
}

pub(super) fn invalid(value: &Value<'_>, why: String) -> Refusal {
    Refusal::Invalid(value.span().start, why)
}

pub(super) fn wrong_type(value: &Value<'_>) -> Refusal {
    let found = match value.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Refusal::WrongType(value.span().start, found)
}

pub(super) fn boolean(value: &Value<'_>) -> Result<bool, Refusal> {
    value.get_ref().as_bool().ok_or_else(|| wrong_type(value))
}

pub(super) fn text<'a>(value: &'a Value<'_>) -> Result<&'a str, Refusal> {
    value.get_ref().as_str().ok_or_else(|| wrong_type(value))
}

pub(super) fn table<'a, 'v>(value: &'a Value<'v>) -> Result<&'a DeTable<'v>, Refusal> {
    value.get_ref().as_table().ok_or_else(|| wrong_type(value))
}

/// A duration, read by `parse`: text, or a bare number of seconds.
pub(super) fn duration(
    value: &Value<'_>,
    parse: fn(&str) -> Result<Duration, String>,
) -> Result<Duration, Refusal> {
    let written = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => text(value)?,
    };
    parse(written).map_err(|why| invalid(value, why))
}

/// A filter, as it would be typed. It is not cleaned, so that it prints back unchanged; invisible characters match
/// nothing, as names are cleaned.
pub(super) fn filter(value: &Value<'_>, services: &Services) -> Result<Filter, Refusal> {
    Filter::parse_with(text(value)?, services).map_err(|error| invalid(value, error.message))
}

pub(super) fn column(value: &Value<'_>) -> Result<ColumnId, Refusal> {
    let names = columns::ALL.iter().map(|column| (column.name, column.id));
    word(value, "column", names)
}

/// The meaning of one of these words, in upper or lower case.
pub(super) fn word<'w, T>(
    value: &Value<'_>,
    kind: &str,
    words: impl IntoIterator<Item = (&'w str, T)>,
) -> Result<T, Refusal> {
    let written = text(value)?;
    let mut names = Vec::new();
    for (name, meaning) in words {
        if name.eq_ignore_ascii_case(written) {
            return Ok(meaning);
        }
        names.push(name);
    }
    Err(invalid(value, unknown(written, kind, &names)))
}

/// A list of different values, at least one.
pub(super) fn list<T: PartialEq>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    if !value.get_ref().is_array() {
        return Err(wrong_type(value));
    }
    let list = any_of(value, read)?;
    if list.is_empty() {
        return Err(invalid(value, "an empty list would show nothing".into()));
    }
    Ok(list)
}

/// Different values, any number of them; a single one needs no brackets.
pub(super) fn any_of<T: PartialEq>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, Refusal>,
) -> Result<Vec<T>, Refusal> {
    let values = match value.get_ref() {
        DeValue::String(_) => std::slice::from_ref(value),
        DeValue::Array(array) => array,
        _ => return Err(wrong_type(value)),
    };
    let mut list = Vec::new();
    for one in values {
        let read = read(one)?;
        if list.contains(&read) {
            let word = excerpt(one.get_ref().as_str().unwrap_or_default());
            return Err(invalid(one, format!("`{word}` is listed twice")));
        }
        list.push(read);
    }
    Ok(list)
}

/// Text as a TOML string.
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
