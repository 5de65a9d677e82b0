//! The smallest pieces of the grammar: a quoted text, a regex, a word. The first character decides which.

use std::ops::Range;

use regex::RegexBuilder;

use super::cursor::Cursor;
use super::word;
use crate::filter::FilterError;
use crate::filter::error::shown;
use crate::filter::expr::{Pattern, Term};
use crate::filter::needle::Needle;

/// The most memory that one compiled regex may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Reads `"…"`: always text.
pub fn quoted_term(cursor: &mut Cursor<'_>) -> Result<Term, FilterError> {
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
pub fn regex_term(cursor: &mut Cursor<'_>) -> Result<Term, FilterError> {
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
    match compile(&source) {
        Ok(regex) => Ok(Term::Regex(Pattern { source, regex })),
        Err(message) => Err(FilterError::new(span, message)),
    }
}

fn compile(source: &str) -> Result<regex::Regex, String> {
    RegexBuilder::new(source)
        .case_insensitive(true)
        .size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| match error {
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
pub fn word_term(cursor: &mut Cursor<'_>) -> Result<Term, FilterError> {
    let (start, services) = (cursor.at, cursor.services);
    let word = cursor.take_while(|c| !word::is_delimiter(c));
    if cursor.next() != Some('"') {
        return word::read(word, start, services);
    }
    let (value, quotes) = quoted(cursor)?;
    let whole = check_end(cursor, start..quotes.end, "a quoted text")?;
    word::read_quoted(word, &value, whole, services)
}

/// Refuses a term that runs into the next: `/usr/bin` is hardly meant as `/usr/ bin`.
fn check_end(
    cursor: &mut Cursor<'_>,
    term: Range<usize>,
    what: &str,
) -> Result<Range<usize>, FilterError> {
    let more = cursor.take_while(|c| c == '"' || !word::is_delimiter(c));
    if more.is_empty() {
        return Ok(term);
    }
    let message = format!(
        "{what} ends here, but {} follows: put a space between them, or quote the whole term",
        shown(more)
    );
    Err(FilterError::new(term.start..cursor.at, message))
}
