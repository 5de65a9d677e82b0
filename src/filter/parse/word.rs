//! Reads a word: a number, a protocol, a field, an address or plain text.

use std::ops::Range;

use super::endpoint::EndpointError;
use crate::filter::FilterError;
use crate::filter::endpoint::{EndpointPattern, Side};
use crate::filter::error::{shown, unknown};
use crate::filter::expr::Term;
use crate::filter::fields::{FIELDS, Field};
use crate::filter::needle::{Needle, is_digits};
use crate::filter::vocabulary::Transport;
use crate::model::{Family, Services};

pub fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | '(' | ')' | '"')
}

/// Reads a word at byte `at` of the input; not empty.
pub fn read(word: &str, at: usize, services: &Services) -> Result<Term, FilterError> {
    let whole = |message| FilterError::new(at..at + word.len(), message);
    if is_digits(word) {
        return number(word).map_err(whole);
    }
    if let Some(transport) = Transport::named(word).filter(Transport::is_bare_word) {
        return Ok(Term::Transport(transport));
    }
    if let Some((name, value)) = word.split_once(':')
        && !word.starts_with("::")
    {
        let known = if name.is_empty() { "port" } else { name };
        if let Some(field) = Field::named(known) {
            return read_value(field, value, at..at + word.len(), services);
        }
    }
    if word.contains([':', '/']) {
        return address_or_text(word, at, services);
    }
    Ok(Term::Text(Needle::new(word)))
}

/// Reads a field with a quoted value. `prefix` is the word before the quotes, `whole` the position of both.
pub fn read_quoted(
    prefix: &str,
    value: &str,
    whole: Range<usize>,
    services: &Services,
) -> Result<Term, FilterError> {
    let Some(name) = prefix.strip_suffix(':') else {
        return Err(FilterError::new(
            whole,
            "a quote starts a term or follows `field:`; put a space before it, or quote the whole term",
        ));
    };
    let field = Field::named(name).ok_or_else(|| unknown_field(name, whole.start))?;
    let quotes = whole.start + prefix.len()..whole.end;
    (field.read)(value, services).map_err(|message| FilterError::new(quotes, message))
}

/// Whether a text needs no quotes to be read as that text.
pub fn reads_as_text(text: &str) -> bool {
    !text.starts_with(['!', '/'])
        && !text.contains(is_delimiter)
        && matches!(read(text, 0, &Services::default()), Ok(Term::Text(needle)) if needle.as_str() == text)
}

/// Reads the value at the end of `whole`. If it is empty, an error is about all of it.
fn read_value(
    field: &Field,
    value: &str,
    whole: Range<usize>,
    services: &Services,
) -> Result<Term, FilterError> {
    let span = match value.len() {
        0 => whole,
        length => whole.end - length..whole.end,
    };
    (field.read)(value, services).map_err(|message| FilterError::new(span, message))
}

/// Numbers are not compared with text, so one that is neither port nor pid would match nothing.
fn number(digits: &str) -> Result<Term, String> {
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(format!(
            "ports and process ids don't begin with 0: quote {} to find it as text",
            shown(digits)
        ));
    }
    digits.parse().map(Term::Number).map_err(|_| {
        format!(
            "{} is too large for a port or a process id: quote it to find it as text",
            shown(digits)
        )
    })
}

/// A word with a colon or a slash, but not a field. An address that is not complete yet (`127.0.0.1:`, `fe80:`) is
/// text, which is found in addresses, too.
fn address_or_text(word: &str, at: usize, services: &Services) -> Result<Term, FilterError> {
    let needle = Needle::new(word);
    match EndpointPattern::read(word, services) {
        Ok(pattern) => Ok(Term::Endpoint(Side::Either, pattern)),
        Err(EndpointError::WrongPort(message)) if !word.ends_with(':') => {
            Err(FilterError::new(at..at + word.len(), message))
        }
        Err(_) if !word.contains(':') || needle.may_be_in_address(Family::Ipv6) => {
            Ok(Term::Text(needle))
        }
        Err(EndpointError::WrongPort(message)) => {
            Err(FilterError::new(at..at + word.len(), message))
        }
        Err(EndpointError::NotAnAddress(message)) if word.starts_with("::") => {
            Err(FilterError::new(at..at + word.len(), message))
        }
        Err(EndpointError::NotAnAddress(_)) => {
            let name = word.split(':').next().unwrap_or(word);
            Err(unknown_field(name, at))
        }
    }
}

fn unknown_field(name: &str, at: usize) -> FilterError {
    let names = FIELDS.iter().map(|field| field.name);
    let message = unknown(name, "field", names.clone());
    let list: Vec<_> = names.map(|name| format!("{name}:")).collect();
    FilterError::new(
        at..at + name.len() + 1,
        format!(
            "{message} Accepted: {} Quote it to find it as text",
            list.join(" ")
        ),
    )
}
