//! Decides what a run of characters without spaces is: a number, a protocol, a field, an address
//! or plain text.

use std::ops::Range;

use super::FilterError;
use super::ast::Term;
use super::error::{shown, unknown};
use super::needle::{Needle, is_digits};
use super::place::{Place, PlaceError, Side};
use super::vocabulary::{FIELDS, Field, Transport};
use crate::model::Family;

/// Whether a character ends a word.
pub(super) fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | '(' | ')' | '"')
}

/// Reads a word that begins at byte `at` of the input and is not empty.
pub(super) fn read(word: &str, at: usize) -> Result<Term, FilterError> {
    let whole = |message| FilterError::new(at..at + word.len(), message);
    if is_digits(word) {
        return number(word).map_err(whole);
    }
    if let Some(transport) = Transport::named(word).filter(Transport::stands_alone) {
        return Ok(Term::Transport(transport));
    }
    if let Some((name, value)) = word.split_once(':')
        && !word.starts_with("::")
    {
        let known = if name.is_empty() { "port" } else { name };
        if let Some(field) = Field::named(known) {
            return read_value(field, value, at..at + word.len());
        }
    }
    if word.contains([':', '/']) {
        return address_or_text(word, at);
    }
    Ok(Term::Text(Needle::new(word)))
}

/// Reads a field whose value stands in quotes; `prefix` is the word before the quotes, and
/// `whole` where both stand.
pub(super) fn read_quoted(
    prefix: &str,
    value: &str,
    whole: Range<usize>,
) -> Result<Term, FilterError> {
    let Some(name) = prefix.strip_suffix(':') else {
        return Err(FilterError::new(
            whole,
            "a quote begins a term or follows a field: put a space before it, or quote all of it",
        ));
    };
    let field = Field::named(name).ok_or_else(|| no_field(name, whole.start))?;
    let quotes = whole.start + prefix.len()..whole.end;
    (field.read)(value).map_err(|message| FilterError::new(quotes, message))
}

/// Whether this text, written bare, reads as that text and nothing else.
pub(super) fn reads_as_text(text: &str) -> bool {
    !text.starts_with(['!', '/'])
        && !text.contains(is_delimiter)
        && matches!(read(text, 0), Ok(Term::Text(needle)) if needle.as_str() == text)
}

/// Reads the value at the end of `whole`. What is wrong with a value that is not there is wrong
/// with all of it.
fn read_value(field: &Field, value: &str, whole: Range<usize>) -> Result<Term, FilterError> {
    let span = match value.len() {
        0 => whole,
        length => whole.end - length..whole.end,
    };
    (field.read)(value).map_err(|message| FilterError::new(span, message))
}

/// Text is not compared with numbers, so what can be neither port nor pid would match nothing.
fn number(digits: &str) -> Result<Term, String> {
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(format!(
            "no port and no process id begins with 0: quote {} to look for it as text",
            shown(digits)
        ));
    }
    digits.parse().map(Term::Number).map_err(|_| {
        format!(
            "{} is too large for a port or a process id: quote it to look for it as text",
            shown(digits)
        )
    })
}

/// A word with a colon or a slash that is no field. An address that is still being typed
/// (`127.0.0.1:`, `fe80:`) is text, since text is found in printed addresses, too.
fn address_or_text(word: &str, at: usize) -> Result<Term, FilterError> {
    let needle = Needle::new(word);
    match Place::read(word) {
        Ok(place) => Ok(Term::Place(Side::Either, place)),
        Err(PlaceError::WrongPort(message)) if !word.ends_with(':') => {
            Err(FilterError::new(at..at + word.len(), message))
        }
        Err(_) if !word.contains(':') || needle.may_be_in_address(Family::Ipv6) => {
            Ok(Term::Text(needle))
        }
        Err(PlaceError::WrongPort(message)) => Err(FilterError::new(at..at + word.len(), message)),
        Err(PlaceError::NotAnAddress(message)) if word.starts_with("::") => {
            Err(FilterError::new(at..at + word.len(), message))
        }
        Err(PlaceError::NotAnAddress(_)) => {
            let name = word.split(':').next().unwrap_or(word);
            Err(no_field(name, at))
        }
    }
}

fn no_field(name: &str, at: usize) -> FilterError {
    let names = FIELDS.iter().map(|field| field.name);
    let sorry = unknown(name, "field", names.clone());
    let list: Vec<_> = names.map(|name| format!("{name}:")).collect();
    FilterError::new(
        at..at + name.len() + 1,
        format!(
            "{sorry} Accepted: {} Quote it to look for it as text",
            list.join(" ")
        ),
    )
}
