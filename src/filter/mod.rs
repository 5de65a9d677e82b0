//! The filter language: parses text into a [`Filter`], which matches rows and prints back as text.
//!
//! Pure: the time and the user's uid are passed in as a [`Context`]; the text comes from the prompt or the command line.
//! Terms side by side must all match; `and` between them says the same. `|` or `or` is "or" and binds looser (`a b | c`
//! is `(a b) | c`); `!` or `not` negates the one term or group after it. The words of the language are tables
//! ([`FIELDS`], [`FLAGS`], [`TRANSPORTS`], [`FORMS`]) that parser, printer, error messages and help share.

mod complete;
mod endpoint;
mod error;
mod expr;
mod fields;
mod needle;
mod number;
mod parse;
mod pass;
mod print;
mod subject;
#[cfg(test)]
mod tests;
mod texts;
mod vocabulary;

use std::time::Duration;

pub use complete::{Completion, complete};
pub use error::{FilterError, nearest};
pub use fields::{FIELDS, Field, words};
pub use pass::Pass;
pub use vocabulary::{FLAGS, FORMS, Flag, TRANSPORTS, Transport};

use crate::model::{Kinds, Moment, Services, Socket};
use crate::track::Row;
use expr::{Counter, Expr, Term};
use number::Comparison;

/// Which rows to show. The empty filter, which is the default, matches every row.
///
/// Spelling does not matter for equality: `port:80` equals `:80`; the order of terms does. Printing gives the canonical
/// spelling, which parses to an equal filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    expr: Option<Expr>,
}

/// The context of a filter besides the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The present, for `is:new`, `is:changed` and ages.
    pub now: Moment,
    /// For how long a change counts as new: as long as the table highlights it.
    pub highlight: Duration,
    /// The user's uid, for `is:mine`; without it nothing is mine.
    pub uid: Option<u32>,
}

impl Filter {
    /// The longest text that is read, in bytes: longer than any filter that a person writes, and short enough that no
    /// text can stall the prompt.
    pub const MAX_BYTES: usize = 4096;

    /// How deep groups may nest; more would only test the stack.
    pub const MAX_NESTING: usize = 64;

    /// Reads a filter. A text of white space is the empty filter.
    ///
    /// # Errors
    /// The first term that is incomplete or wrong, with its position in `text`. A filter whose canonical spelling is
    /// longer than [`Filter::MAX_BYTES`] is refused, too.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_with(text, &Services::default())
    }

    /// The same with the user's names for ports.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn parse_with(text: &str, services: &Services) -> Result<Self, FilterError> {
        let too_long = |from| {
            let message = format!("the filter is too long: at most {} bytes", Self::MAX_BYTES);
            FilterError::new(from..text.len(), message)
        };
        if text.len() > Self::MAX_BYTES {
            return Err(too_long(text.floor_char_boundary(Self::MAX_BYTES)));
        }
        let filter = parse::parse(text, services).map(|expr| Self { expr })?;
        if filter.to_string().len() > Self::MAX_BYTES {
            return Err(too_long(0));
        }
        Ok(filter)
    }

    /// Whether it has no terms, and so matches everything.
    pub const fn is_empty(&self) -> bool {
        self.expr.is_none()
    }

    /// The kinds of sockets that it names (`proto:unix`), except under a negation.
    pub fn kinds(&self) -> Kinds {
        self.expr.as_ref().map_or(Kinds::NONE, Expr::kinds)
    }

    /// Whether it depends on what is read of other network namespaces: `is:published`, `container:web`, `ns:web`.
    pub fn is_about_namespaces(&self) -> bool {
        self.expr.as_ref().is_some_and(Expr::is_about_namespaces)
    }

    /// Whether it depends on the counters of sockets: `rtt:>100ms`. Without them such a term is undecided.
    pub fn needs_counters(&self) -> bool {
        let needs = |term: &Term| matches!(term, Term::Counter(..) | Term::CounterTime(..));
        self.expr.as_ref().is_some_and(|expr| expr.has_term(&needs))
    }

    /// Whether it is about rows in trouble, some of which only counters show.
    pub fn is_about_trouble(&self) -> bool {
        let is_it = |term: &Term| matches!(term, Term::Is(flag) if flag.name == "trouble");
        self.expr.as_ref().is_some_and(|expr| expr.has_term(&is_it))
    }

    /// Whether it depends on the difference of two snapshots: `rate:>1m`.
    pub fn needs_rates(&self) -> bool {
        let needs = |term: &Term| matches!(term, Term::Counter(Counter::Rate, _));
        self.expr.as_ref().is_some_and(|expr| expr.has_term(&needs))
    }

    /// Whether it compares ages, so that a row can begin or cease to match without a change.
    pub(crate) fn has_ages(&self) -> bool {
        !self.ages().is_empty()
    }

    fn ages(&self) -> Vec<&Comparison<Duration>> {
        self.expr.as_ref().map_or_else(Vec::new, Expr::ages)
    }

    /// Whether the row matches. For many rows, use a [`Pass`].
    pub fn matches(&self, row: &Row, context: &Context) -> bool {
        self.pass(context).matches(row)
    }

    /// Starts a pass over many rows.
    pub fn pass<'a>(&'a self, context: &Context) -> Pass<'a> {
        Pass::new(self, context)
    }

    /// Whether the row of a socket will match, before the owner is known; `None` if it depends on the owner. The
    /// socket's `owner` is ignored, and the row counts as neither new, nor changed, nor closed.
    ///
    /// So a command about one port searches for the owners of its sockets only. For many sockets, use
    /// [`Pass::could_match`].
    pub fn could_match(&self, socket: &Socket, context: &Context) -> Option<bool> {
        self.pass(context).could_match(socket)
    }
}
