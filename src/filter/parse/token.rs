//! The smallest pieces of the grammar: a quoted text, a regex, a word. The first character decides which.

use std::ops::Range;

use regex::RegexBuilder;
use winnow::combinator::{alt, opt, preceded, repeat};
use winnow::error::ParserError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful};
use winnow::token::{any, none_of, one_of, take_till, take_while};

use super::word;
use crate::filter::FilterError;
use crate::filter::error::shown;
use crate::filter::expr::{Pattern, Term};
use crate::filter::needle::Needle;

/// The most memory that one compiled regex may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// The text with its position, and the number of open groups.
pub(super) type Input<'a> = Stateful<LocatingSlice<&'a str>, usize>;

pub(super) type Parsed<T> = Result<T, Fault>;

pub(super) enum Fault {
    /// The rule does not apply; another one may.
    NotHere,
    /// No rule applies.
    Wrong(FilterError),
}

impl ParserError<Input<'_>> for Fault {
    type Inner = Self;

    fn from_input(_: &Input<'_>) -> Self {
        Self::NotHere
    }

    fn is_backtrack(&self) -> bool {
        matches!(self, Self::NotHere)
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// `"…"`: always text.
pub(super) fn quoted_term(input: &mut Input<'_>) -> Parsed<Term> {
    let (text, span) = quoted.with_span().parse_next(input)?;
    let span = alone(input, span, "a quoted text")?;
    if text.is_empty() {
        return wrong(
            span,
            "the quotes are empty: write the text to find between them",
        );
    }
    Ok(Term::Text(Needle::new(&text)))
}

/// The text between quotes. `\"` and `\\` are a quote and a backslash; any other backslash is
/// itself, since paths and regexes are full of them.
fn quoted(input: &mut Input<'_>) -> Parsed<String> {
    let start = input.current_token_start();
    let text = preceded('"', quoted_text).parse_next(input)?;
    match opt('"').parse_next(input)? {
        Some(_) => Ok(text),
        None => wrong(start..input.current_token_start(), "missing closing `\"`"),
    }
}

/// The text up to the closing quote or the end.
fn quoted_text(input: &mut Input<'_>) -> Parsed<String> {
    let character = alt((preceded('\\', one_of(['"', '\\'])), none_of('"')));
    repeat(0.., character).parse_next(input)
}

/// The text after an opening quote, up to the closing one if there is one.
pub fn unquoted(text: &str) -> String {
    let mut input = Stateful {
        input: LocatingSlice::new(text),
        state: 0,
    };
    quoted_text(&mut input).unwrap_or_default()
}

/// `/…/`. `\/` is a slash; every other escape is the regex's own.
pub(super) fn regex_term(input: &mut Input<'_>) -> Parsed<Term> {
    let start = input.current_token_start();
    let piece = alt((r"\/".value("/"), ('\\', any).take(), none_of('/').take()));
    let source: String = preceded('/', repeat(0.., piece)).parse_next(input)?;
    if opt('/').parse_next(input)?.is_none() {
        let rest = start..input.current_token_start();
        return wrong(
            rest,
            "missing `/` after the regex; to find a path, quote it: \"/usr\"",
        );
    }
    let span = alone(input, start..input.current_token_start(), "a regex")?;
    if source.is_empty() {
        return wrong(span, "the regex is empty: write it between the slashes");
    }
    match compile(&source) {
        Ok(regex) => Ok(Term::Regex(Pattern { source, regex })),
        Err(message) => wrong(span, message),
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

/// A word, with the quoted value of its field if one follows.
pub(super) fn word_term(input: &mut Input<'_>) -> Parsed<Term> {
    let (word, span) = take_till(1.., word::is_delimiter)
        .with_span()
        .parse_next(input)?;
    let read = match opt(quoted.with_span()).parse_next(input)? {
        None => word::read(word, span.start),
        Some((value, quotes)) => {
            let whole = alone(input, span.start..quotes.end, "a quoted text")?;
            word::read_quoted(word, &value, whole)
        }
    };
    read.map_err(Fault::Wrong)
}

/// Refuses a term that runs into the next: `/usr/bin` is hardly meant as `/usr/ bin`.
fn alone(input: &mut Input<'_>, term: Range<usize>, what: &str) -> Parsed<Range<usize>> {
    let more = take_till(0.., |c| c != '"' && word::is_delimiter(c)).parse_next(input)?;
    if more.is_empty() {
        return Ok(term);
    }
    let message = format!(
        "{what} ends here, but {} follows: put a space between them, or quote the whole term",
        shown(more)
    );
    wrong(term.start..term.end + more.len(), message)
}

/// White space, if any.
pub(super) fn spaces(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

pub(super) fn wrong<T>(span: Range<usize>, message: impl Into<String>) -> Parsed<T> {
    Err(Fault::Wrong(FilterError::new(span, message)))
}
