//! The grammar, from characters to the tree.
//!
//! ```text
//! filter       = [ alternatives ]
//! alternatives = terms { ( "|" | "or" ) terms }
//! terms        = factor { [ "and" ] factor }
//! factor       = { "!" | "not" } ( group | quoted | regex | word )
//! group        = "(" alternatives ")"
//! ```
//!
//! White space is allowed between any two of them, and `and`, `or` and `not` are words of their own. A function returns `None` if what it reads does not start here.

mod endpoint;
pub(super) mod term;
pub(super) mod value;

use std::ops::Range;

use super::expr::Expr;
use super::{Filter, FilterError};
use crate::model::Services;

/// The text of a filter, read from left to right.
struct Cursor<'a> {
    text: &'a str,
    /// In bytes, on a character boundary.
    at: usize,
    open_groups: usize,
    /// The user's names for ports.
    services: &'a Services,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips the next character if it is this one, and returns its position.
    fn eat(&mut self, c: char) -> Option<Range<usize>> {
        let start = self.at;
        self.rest().strip_prefix(c)?;
        self.at += c.len_utf8();
        Some(start..self.at)
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// The operator at the cursor, as a sign or as a word.
    fn operator(&self) -> Option<(Operator, &'static str)> {
        let rest = self.rest();
        match rest.chars().next()? {
            '!' => return Some((Operator::Not, "!")),
            '|' => return Some((Operator::Or, "|")),
            _ => {}
        }
        let end = rest.find(term::is_delimiter).unwrap_or(rest.len());
        Operator::named(&rest[..end]).filter(|_| !rest[end..].starts_with('"'))
    }

    /// Skips this operator, if it is next, and the space after it.
    fn eat_operator(&mut self, wanted: Operator) -> Option<Sign> {
        let (_, text) = self.operator().filter(|&(found, _)| found == wanted)?;
        let span = self.at..self.at + text.len();
        self.at = span.end;
        self.skip_spaces();
        Some(Sign { text, span })
    }

    fn skip_spaces(&mut self) {
        self.take_while(char::is_whitespace);
    }
}

/// What is between terms or before one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filter) enum Operator {
    Not,
    And,
    Or,
}

impl Operator {
    /// The words. Quoted, they are text.
    pub const WORDS: [(&'static str, Self); 3] =
        [("not", Self::Not), ("and", Self::And), ("or", Self::Or)];

    /// The operator of a word, which it is in any case, and the word in lower case.
    pub fn named(word: &str) -> Option<(Self, &'static str)> {
        let mut words = Self::WORDS.into_iter();
        let found = words.find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(name, operator)| (operator, name))
    }
}

/// An operator that was read.
struct Sign {
    text: &'static str,
    span: Range<usize>,
}

impl Sign {
    fn needs_a_term(self, place: &str) -> FilterError {
        let Self { text, span } = self;
        let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let hint = if is_word {
            "; quote it to find it as text"
        } else {
            ""
        };
        FilterError::new(span, format!("`{text}` needs a term {place} it{hint}"))
    }
}

type Parsed = Result<Option<Expr>, FilterError>;

/// Reads a filter; `None` for a text of white space.
pub(super) fn parse(text: &str, services: &Services) -> Parsed {
    let mut cursor = Cursor {
        text,
        at: 0,
        open_groups: 0,
        services,
    };
    cursor.skip_spaces();
    let expr = alternatives(&mut cursor)?;
    if let Some(error) = without_first_term(&mut cursor) {
        return Err(error);
    }
    match cursor.eat(')') {
        None => Ok(expr),
        Some(stray) => Err(FilterError::new(stray, "unmatched `)`")),
    }
}

/// Where terms end, an operator is left only if there is no term before it.
fn without_first_term(cursor: &mut Cursor<'_>) -> Option<FilterError> {
    let sign = cursor.eat_operator(Operator::Or);
    let sign = sign.or_else(|| cursor.eat_operator(Operator::And))?;
    Some(sign.needs_a_term("before"))
}

fn alternatives(cursor: &mut Cursor<'_>) -> Parsed {
    let Some(first) = terms(cursor)? else {
        return Ok(None);
    };
    let mut all = vec![first];
    while let Some(or) = cursor.eat_operator(Operator::Or) {
        let next = terms(cursor)?;
        all.push(next.ok_or_else(|| or.needs_a_term("after"))?);
    }
    Ok(Some(Expr::any(all)))
}

fn terms(cursor: &mut Cursor<'_>) -> Parsed {
    let Some(first) = factor(cursor)? else {
        return Ok(None);
    };
    let mut all = vec![first];
    loop {
        cursor.skip_spaces();
        let and = cursor.eat_operator(Operator::And);
        match (factor(cursor)?, and) {
            (Some(next), _) => all.push(next),
            (None, Some(and)) => return Err(and.needs_a_term("after")),
            (None, None) => return Ok(Some(Expr::all(all))),
        }
    }
}

fn factor(cursor: &mut Cursor<'_>) -> Parsed {
    let (mut last_not, mut is_negated) = (None, false);
    while let Some(not) = cursor.eat_operator(Operator::Not) {
        (last_not, is_negated) = (Some(not), !is_negated);
    }
    let expr = match cursor.next() {
        None | Some(')') => None,
        Some(_) if cursor.operator().is_some() => None,
        Some('(') => Some(group(cursor)?),
        Some('"') => Some(Expr::Term(term::quoted_term(cursor)?)),
        Some('/') => Some(Expr::Term(term::regex_term(cursor)?)),
        Some(_) => Some(Expr::Term(term::word_term(cursor)?)),
    };
    match (expr, last_not) {
        (None, Some(not)) => Err(not.needs_a_term("after")),
        (Some(expr), _) if is_negated => Ok(Some(expr.not())),
        (expr, _) => Ok(expr),
    }
}

/// Reads a group that starts here.
fn group(cursor: &mut Cursor<'_>) -> Result<Expr, FilterError> {
    let open = cursor.eat('(').unwrap_or_default();
    cursor.skip_spaces();
    cursor.open_groups += 1;
    if cursor.open_groups > Filter::MAX_NESTING {
        let most = Filter::MAX_NESTING;
        let message = format!("groups are nested too deeply: at most {most} levels");
        return Err(FilterError::new(open, message));
    }
    let inside = alternatives(cursor)?;
    cursor.open_groups -= 1;
    let (span, message) = match (inside, cursor.eat(')')) {
        (Some(expr), Some(_)) => return Ok(expr),
        (None, Some(close)) => (open.start..close.end, "the group is empty"),
        (None, None) => match without_first_term(cursor) {
            Some(error) => return Err(error),
            None => (open, "missing `)`"),
        },
        (Some(_), None) => (open, "missing `)`"),
    };
    Err(FilterError::new(span, message))
}
