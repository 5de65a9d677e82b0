//! One pass of a filter over many rows, and how its terms combine.
//!
//! A term answers yes, no, or, of a socket whose owner is not known yet, that this depends on the
//! owner (`None`). They combine by Kleene's rules: what is certain already needs no more answers.

use super::ast::{Expr, Part, Term};
use super::matches;
use super::printed::Printed;
use super::reader::Reader;
use super::subject::Subject;
use super::texts::Search;
use super::{Context, Filter};
use crate::model::Socket;
use crate::track::Row;

/// A filter at work: it remembers from row to row what they share.
///
/// The rows must stay where they are until the pass is over. A new one is cheap; take one for each
/// table, at the moment of its [`Context`].
pub struct Pass<'a> {
    /// `None` if the filter is empty.
    plan: Option<Plan<'a>>,
    context: Context,
    printed: Printed,
}

/// The filter's tree, with what each term found out so far.
enum Plan<'a> {
    /// A term that has nothing to remember.
    Plain(&'a Term),
    Text(Box<Search<'a>>),
    Part(Part, Box<Search<'a>>),
    Regex(Box<Reader<'a>>),
    Not(Box<Plan<'a>>),
    All(Vec<Plan<'a>>),
    Any(Vec<Plan<'a>>),
}

impl<'a> Pass<'a> {
    /// Begins one.
    pub(super) fn new(filter: &'a Filter, context: &Context) -> Self {
        Self {
            plan: filter.expr.as_ref().map(Plan::of),
            context: *context,
            printed: Printed::default(),
        }
    }

    /// Whether the row is one that the filter asks for: what [`Filter::matches`] says of it.
    pub fn matches(&mut self, row: &'a Row) -> bool {
        // Of a row, nothing is left open.
        self.ask(Subject::of_row(row)) == Some(true)
    }

    /// What [`Filter::could_match`] says of the socket.
    pub fn could_match(&mut self, socket: &'a Socket) -> Option<bool> {
        self.ask(Subject::without_owner(socket))
    }

    fn ask(&mut self, subject: Subject<'a>) -> Option<bool> {
        let Some(plan) = &mut self.plan else {
            return Some(true);
        };
        self.printed.clear();
        plan.ask(&subject, &self.context, &mut self.printed)
    }
}

impl<'a> Plan<'a> {
    fn of(expr: &'a Expr) -> Self {
        match expr {
            Expr::Term(Term::Text(needle)) => Self::Text(Box::new(Search::anywhere(needle))),
            Expr::Term(Term::Part(part, needle)) => {
                Self::Part(*part, Box::new(Search::within(*part, needle)))
            }
            Expr::Term(Term::Regex(pattern)) => Self::Regex(Box::new(Reader::new(pattern))),
            Expr::Term(term) => Self::Plain(term),
            Expr::Not(inner) => Self::Not(Box::new(Self::of(inner))),
            Expr::All(members) => Self::All(members.iter().map(Self::of).collect()),
            Expr::Any(members) => Self::Any(members.iter().map(Self::of).collect()),
        }
    }

    fn ask(
        &mut self,
        subject: &Subject<'a>,
        context: &Context,
        printed: &mut Printed,
    ) -> Option<bool> {
        match self {
            Self::Plain(term) => matches::is(term, subject, context),
            Self::Text(search) => search.row_has_it(subject, printed),
            Self::Part(part, search) => search.part_has_it(*part, subject),
            Self::Regex(reader) => reader.finds_it(subject, printed),
            Self::Not(inner) => inner.ask(subject, context, printed).map(|holds| !holds),
            Self::All(members) => until(false, members, |one| one.ask(subject, context, printed)),
            Self::Any(members) => until(true, members, |one| one.ask(subject, context, printed)),
        }
    }
}

/// Asks one after the other until one gives the answer that decides. Without it, the answer is the
/// opposite, unless one left it open.
fn until<T>(
    decisive: bool,
    members: &mut [T],
    mut ask: impl FnMut(&mut T) -> Option<bool>,
) -> Option<bool> {
    let mut answer = Some(!decisive);
    for member in members {
        match ask(member) {
            Some(holds) if holds == decisive => return Some(decisive),
            Some(_) => {}
            None => answer = None,
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_combine_by_kleenes_rules() {
        let all = |answers: &[Option<bool>]| until(false, &mut answers.to_vec(), |one| *one);
        let any = |answers: &[Option<bool>]| until(true, &mut answers.to_vec(), |one| *one);
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(all(&[yes, yes]), yes);
        assert_eq!(all(&[None, no]), no, "one no is enough");
        assert_eq!(all(&[yes, None, yes]), None);
        assert_eq!(any(&[no, no]), no);
        assert_eq!(any(&[None, yes]), yes, "one yes is enough");
        assert_eq!(any(&[no, None, no]), None);
    }
}
