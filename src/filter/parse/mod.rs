//! The grammar, from characters to the tree.
//!
//! ```text
//! filter       = [ alternatives ]
//! alternatives = terms { "|" terms }
//! terms        = factor { factor }
//! factor       = { "!" } ( group | quoted | regex | word )
//! group        = "(" alternatives ")"
//! ```
//!
//! White space is allowed between any two of them. A function returns `None` if what it reads does not start here.

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

    fn skip_spaces(&mut self) {
        self.take_while(char::is_whitespace);
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
    if let Some(bar) = cursor.eat('|') {
        return Err(FilterError::new(bar, "`|` needs a term before it"));
    }
    match cursor.eat(')') {
        None => Ok(expr),
        Some(stray) => Err(FilterError::new(stray, "unmatched `)`")),
    }
}

fn alternatives(cursor: &mut Cursor<'_>) -> Parsed {
    let Some(first) = terms(cursor)? else {
        return Ok(None);
    };
    let mut all = vec![first];
    while let Some(bar) = cursor.eat('|') {
        cursor.skip_spaces();
        match terms(cursor)? {
            Some(next) => all.push(next),
            None => return Err(FilterError::new(bar, "`|` needs a term after it")),
        }
    }
    Ok(Some(Expr::any(all)))
}

fn terms(cursor: &mut Cursor<'_>) -> Parsed {
    let mut all = Vec::new();
    while let Some(factor) = factor(cursor)? {
        all.push(factor);
        cursor.skip_spaces();
    }
    Ok((!all.is_empty()).then(|| Expr::all(all)))
}

fn factor(cursor: &mut Cursor<'_>) -> Parsed {
    let (mut last_bang, mut is_negated) = (None, false);
    while let Some(bang) = cursor.eat('!') {
        cursor.skip_spaces();
        (last_bang, is_negated) = (Some(bang), !is_negated);
    }
    let expr = match cursor.next() {
        None | Some('|' | ')') => None,
        Some('(') => Some(group(cursor)?),
        Some('"') => Some(Expr::Term(term::quoted_term(cursor)?)),
        Some('/') => Some(Expr::Term(term::regex_term(cursor)?)),
        Some(_) => Some(Expr::Term(term::word_term(cursor)?)),
    };
    match (expr, last_bang) {
        (None, Some(bang)) => Err(FilterError::new(bang, "`!` needs a term after it")),
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
        (None, None) => match cursor.eat('|') {
            Some(bar) => (bar, "`|` needs a term before it"),
            None => (open, "missing `)`"),
        },
        (Some(_), None) => (open, "missing `)`"),
    };
    Err(FilterError::new(span, message))
}
