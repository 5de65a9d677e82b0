//! Whether a row matches a filter.
//!
//! A term is true, false, or, of a socket whose owner is not known yet, undecided (`None`). Terms combine by
//! Kleene's rules: an answer that is certain needs no more terms.

mod line;
mod subject;
mod term;
mod text;

use super::expr::Expr;
use super::{Context, Filter};
use crate::model::Socket;
use crate::track::Row;
use subject::Subject;
use text::Scratch;

/// A filter applied to many rows of one table: it keeps what rows share.
///
/// Start a new one for each table, at the moment of its [`Context`].
pub struct Pass<'a> {
    filter: &'a Filter,
    context: Context,
    scratch: Scratch,
}

impl<'a> Pass<'a> {
    pub(super) fn new(filter: &'a Filter, context: &Context) -> Self {
        Self {
            filter,
            context: *context,
            scratch: Scratch::default(),
        }
    }

    /// Same answer as [`Filter::matches`].
    pub fn matches(&mut self, row: &'a Row) -> bool {
        // With a row nothing is undecided.
        self.find(&Subject::of_row(row)) == Some(true)
    }

    /// Same answer as [`Filter::could_match`].
    pub fn could_match(&mut self, socket: &'a Socket) -> Option<bool> {
        self.find(&Subject { socket, row: None })
    }

    fn find(&mut self, subject: &Subject<'a>) -> Option<bool> {
        let Some(expr) = &self.filter.expr else {
            return Some(true);
        };
        self.scratch.clear();
        expr.matches(subject, &self.context, &mut self.scratch)
    }
}

impl Expr {
    fn matches(
        &self,
        subject: &Subject<'_>,
        context: &Context,
        scratch: &mut Scratch,
    ) -> Option<bool> {
        match self {
            Self::Term(term) => term.matches(subject, context, scratch),
            Self::Not(inner) => inner
                .matches(subject, context, scratch)
                .map(|matches| !matches),
            Self::All(members) => {
                let answers = members.iter();
                combine(
                    false,
                    answers.map(|one| one.matches(subject, context, scratch)),
                )
            }
            Self::Any(members) => {
                let answers = members.iter();
                combine(
                    true,
                    answers.map(|one| one.matches(subject, context, scratch)),
                )
            }
        }
    }
}

/// The decisive answer, if there is one; otherwise its opposite, unless an answer is undecided.
fn combine(decisive: bool, answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut combined = Some(!decisive);
    for answer in answers {
        match answer {
            Some(found) if found == decisive => return Some(decisive),
            Some(_) => {}
            None => combined = None,
        }
    }
    combined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_combine_by_kleenes_rules() {
        let all = |answers: &[Option<bool>]| combine(false, answers.iter().copied());
        let any = |answers: &[Option<bool>]| combine(true, answers.iter().copied());
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(all(&[yes, yes]), yes);
        assert_eq!(all(&[None, no]), no, "one no is enough");
        assert_eq!(all(&[yes, None, yes]), None);
        assert_eq!(any(&[no, no]), no);
        assert_eq!(any(&[None, yes]), yes, "one yes is enough");
        assert_eq!(any(&[no, None, no]), None);
    }
}
