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
//! White space is allowed between any two of them. [`word`] reads the words.

mod endpoint;
pub(super) mod token;
pub(super) mod value;
pub(super) mod word;

use std::ops::Range;

use winnow::combinator::{fail, opt, peek, preceded, repeat, terminated};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::any;

use super::expr::Expr;
use super::{Filter, FilterError};
use token::{Fault, Input, Parsed, spaces, wrong};

/// Reads a filter; `None` for a text of white space.
pub(super) fn parse(text: &str) -> Result<Option<Expr>, FilterError> {
    if text.len() > Filter::MAX_BYTES {
        let from = text.floor_char_boundary(Filter::MAX_BYTES);
        return Err(FilterError::too_long(from..text.len()));
    }
    let mut input = Input {
        input: LocatingSlice::new(text),
        state: 0,
    };
    filter(&mut input).map_err(|fault| match fault {
        Fault::Wrong(error) => error,
        Fault::NotHere => FilterError::new(0..text.len(), "invalid filter"),
    })
}

fn filter(input: &mut Input<'_>) -> Parsed<Option<Expr>> {
    let expr = preceded(spaces, opt(alternatives)).parse_next(input)?;
    match opt(any.with_span()).parse_next(input)? {
        None => Ok(expr),
        Some(('|', bar)) => wrong(bar, "`|` needs a term before it"),
        Some((_, stray)) => wrong(stray, "unmatched `)`"),
    }
}

fn alternatives(input: &mut Input<'_>) -> Parsed<Expr> {
    let first = terms(input)?;
    let mut rest: Vec<Expr> = repeat(0.., alternative).parse_next(input)?;
    rest.insert(0, first);
    Ok(Expr::any(rest))
}

fn alternative(input: &mut Input<'_>) -> Parsed<Expr> {
    let bar = terminated('|'.span(), spaces).parse_next(input)?;
    terms(input).or_else(|fault| or_wrong(fault, bar, "`|` needs a term after it"))
}

fn terms(input: &mut Input<'_>) -> Parsed<Expr> {
    repeat(1.., terminated(factor, spaces))
        .map(Expr::all)
        .parse_next(input)
}

fn factor(input: &mut Input<'_>) -> Parsed<Expr> {
    let bangs: Vec<Range<usize>> = repeat(0.., terminated('!'.span(), spaces)).parse_next(input)?;
    let is_negated = bangs.len() % 2 == 1;
    let expr = match (primary(input), bangs.last()) {
        (Err(fault), Some(bang)) => or_wrong(fault, bang.clone(), "`!` needs a term after it"),
        (parsed, _) => parsed,
    }?;
    Ok(if is_negated { expr.not() } else { expr })
}

fn primary(input: &mut Input<'_>) -> Parsed<Expr> {
    match peek(any).parse_next(input)? {
        '(' => group(input),
        '"' => token::quoted_term(input).map(Expr::Term),
        '/' => token::regex_term(input).map(Expr::Term),
        '|' | ')' => fail(input),
        _ => token::word_term(input).map(Expr::Term),
    }
}

fn group(input: &mut Input<'_>) -> Parsed<Expr> {
    let open = terminated('('.span(), spaces).parse_next(input)?;
    input.state += 1;
    if input.state > Filter::MAX_NESTING {
        let most = Filter::MAX_NESTING;
        return wrong(
            open,
            format!("groups are nested too deeply: at most {most} levels"),
        );
    }
    let inside = opt(alternatives).parse_next(input)?;
    input.state -= 1;
    match (inside, opt(any.with_span()).parse_next(input)?) {
        (Some(expr), Some((')', _))) => Ok(expr),
        (None, Some((')', close))) => wrong(open.start..close.end, "the group is empty"),
        (None, Some(('|', bar))) => wrong(bar, "`|` needs a term before it"),
        _ => wrong(open, "missing `)`"),
    }
}

/// Keeps an error that was found already; otherwise `span` is wrong.
fn or_wrong<T>(fault: Fault, span: Range<usize>, message: &str) -> Parsed<T> {
    match fault {
        Fault::NotHere => wrong(span, message),
        wrong @ Fault::Wrong(_) => Err(wrong),
    }
}
