//! The smallest pieces of the grammar: a quoted text, a regex, a word. The first character decides which. A word is a
//! number, a protocol, a field, an address or plain text.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::endpoint::EndpointError;
use super::{Cursor, Operator};
use crate::filter::FilterError;
use crate::filter::endpoint::{EndpointPattern, Side};
use crate::filter::error::{shown, unknown};
use crate::filter::expr::{Pattern, Term};
use crate::filter::fields::{FIELDS, Field};
use crate::filter::needle::{Needle, is_digits};
use crate::filter::vocabulary::Transport;
use crate::model::{Family, Services};

/// The most memory that one compiled regex may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;

pub fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | '(' | ')' | '"')
}

/// Reads `"…"`: always text.
pub(super) fn quoted_term(cursor: &mut Cursor<'_>) -> Result<Term, FilterError> {
    let (text, span) = quoted(cursor)?;
    let span = check_end(cursor, span, "a quoted text")?;
    if text.is_empty() {
        let message = "the quotes are empty: write the text to find between them";
        return Err(FilterError::new(span, message));
    }
    Ok(Term::Text(Needle::new(&text)))
}

/// Reads a text in quotes.
fn quoted(cursor: &mut Cursor<'_>) -> Result<(String, Range<usize>), FilterError> {
    let start = cursor.at;
    cursor.eat('"');
    let (text, length) = unquoted(cursor.rest());
    cursor.at += length;
    match cursor.eat('"') {
        Some(close) => Ok((text, start..close.end)),
        None => Err(FilterError::new(start..cursor.at, "missing closing `\"`")),
    }
}

/// The text after an opening quote, up to the closing one or the end, and its length in bytes. `\"` and `\\` are a
/// quote and a backslash; any other backslash is itself, since paths and regexes are full of them.
pub fn unquoted(rest: &str) -> (String, usize) {
    let (mut text, mut characters) = (String::new(), rest.char_indices().peekable());
    while let Some((at, c)) = characters.next() {
        let escaped = characters.next_if(|&(_, next)| c == '\\' && matches!(next, '"' | '\\'));
        match (c, escaped) {
            ('"', _) => return (text, at),
            (_, Some((_, escaped))) => text.push(escaped),
            (c, None) => text.push(c),
        }
    }
    (text, rest.len())
}

/// The regex after an opening slash, up to the closing one or the end, and its length in bytes. `\/` is a slash; every
/// other escape is the regex's own.
pub fn regex_source(rest: &str) -> (String, usize) {
    let (mut source, mut characters) = (String::new(), rest.char_indices());
    while let Some((at, c)) = characters.next() {
        match c {
            '/' => return (source, at),
            '\\' => match characters.next() {
                Some((_, '/')) => source.push('/'),
                escaped => source.extend(['\\'].into_iter().chain(escaped.map(|(_, c)| c))),
            },
            c => source.push(c),
        }
    }
    (source, rest.len())
}

/// Reads `/…/`.
pub(super) fn regex_term(cursor: &mut Cursor<'_>) -> Result<Term, FilterError> {
    let start = cursor.at;
    cursor.eat('/');
    let (source, length) = regex_source(cursor.rest());
    cursor.at += length;
    let Some(close) = cursor.eat('/') else {
        let message = "missing `/` after the regex; to find a path, quote it: \"/usr\"";
        return Err(FilterError::new(start..cursor.at, message));
    };
    let span = check_end(cursor, start..close.end, "a regex")?;
    if source.is_empty() {
        let message = "the regex is empty: write it between the slashes";
        return Err(FilterError::new(span, message));
    }
    let regex = compile(&source).map_err(|message| FilterError::new(span, message))?;
    Ok(Term::Regex(Pattern(regex)))
}

fn compile(source: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(source);
    let builder = builder.case_insensitive(true).size_limit(REGEX_SIZE);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the regex is too large".into(),
        // The description has several lines with a drawing; the last one says what is wrong.
        error => {
            let full = error.to_string();
            let last = full.lines().next_back().unwrap_or_default();
            format!("invalid regex: {}", last.trim_start_matches("error: "))
        }
    })
}

/// Reads a word, with the quoted value of its field if one follows.
pub(super) fn word_term(cursor: &mut Cursor<'_>) -> Result<Term, FilterError> {
    let (start, services) = (cursor.at, cursor.services);
    let word = cursor.take_while(|c| !is_delimiter(c));
    if cursor.next() != Some('"') {
        return read_word(word, start, services);
    }
    let (value, quotes) = quoted(cursor)?;
    let whole = check_end(cursor, start..quotes.end, "a quoted text")?;
    let Some(name) = word.strip_suffix(':') else {
        let message = "a quote starts a term or follows `field:`; put a space before it, or quote the whole term";
        return Err(FilterError::new(whole, message));
    };
    let field = Field::named(name).ok_or_else(|| unknown_field(name, start))?;
    (field.read)(&value, services).map_err(|message| FilterError::new(quotes, message))
}

/// Refuses a term that runs into the next: `/usr/bin` is hardly meant as `/usr/ bin`.
fn check_end(
    cursor: &mut Cursor<'_>,
    term: Range<usize>,
    what: &str,
) -> Result<Range<usize>, FilterError> {
    let more = cursor.take_while(|c| c == '"' || !is_delimiter(c));
    if more.is_empty() {
        return Ok(term);
    }
    let message = format!(
        "{what} ends here, but {} follows: put a space between them, or quote the whole term",
        shown(more)
    );
    Err(FilterError::new(term.start..cursor.at, message))
}

/// Whether a text needs no quotes to be read as that text.
pub fn reads_as_text(text: &str) -> bool {
    !text.starts_with(['!', '/'])
        && Operator::named(text).is_none()
        && !text.contains(is_delimiter)
        && matches!(read_word(text, 0, &Services::default()), Ok(Term::Text(needle)) if needle.as_str() == text)
}

/// Reads a word at byte `at` of the input; not empty.
fn read_word(word: &str, at: usize, services: &Services) -> Result<Term, FilterError> {
    let end = at + word.len();
    let wrong = |message: String| FilterError::new(at..end, message);
    if is_digits(word) {
        return number(word).map_err(wrong);
    }
    if let Some(transport) = Transport::named(word).filter(Transport::is_bare_word) {
        return Ok(Term::Transport(transport));
    }
    if let Some((name, value)) = word.split_once(':')
        && !word.starts_with("::")
        && let Some(field) = Field::named(if name.is_empty() { "port" } else { name })
    {
        // An error is about the value, or about all if that is missing.
        let start = if value.is_empty() {
            at
        } else {
            end - value.len()
        };
        let term = (field.read)(value, services);
        return term.map_err(|message| FilterError::new(start..end, message));
    }
    if !word.contains([':', '/']) {
        return Ok(Term::Text(Needle::new(word)));
    }
    // An address that is not complete yet (`127.0.0.1:`, `fe80:`) is text, which is found in addresses, too.
    let needle = Needle::new(word);
    let may_be_text = !word.contains(':') || needle.may_be_in_address(Family::Ipv6);
    match EndpointPattern::read(word, services) {
        Ok(pattern) => Ok(Term::Endpoint(Side::Either, pattern)),
        Err(EndpointError::WrongPort(message)) if !word.ends_with(':') => Err(wrong(message)),
        Err(_) if may_be_text => Ok(Term::Text(needle)),
        Err(EndpointError::NotAnAddress(_)) if !word.starts_with("::") => {
            Err(unknown_field(word.split(':').next().unwrap_or(word), at))
        }
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Numbers are not compared with text, so one that is neither port nor pid would match nothing.
fn number(digits: &str) -> Result<Term, String> {
    let shown = shown(digits);
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(format!(
            "ports and process ids don't begin with 0: quote {shown} to find it as text"
        ));
    }
    digits.parse().map(Term::Number).map_err(|_| {
        format!("{shown} is too large for a port or a process id: quote it to find it as text")
    })
}

fn unknown_field(name: &str, at: usize) -> FilterError {
    let names = FIELDS.each_ref().map(|field| field.name);
    let (message, list) = (unknown(name, "field", &names), names.join(": "));
    let message = format!("{message} Accepted: {list}: Quote it to find it as text");
    FilterError::new(at..at + name.len() + 1, message)
}
