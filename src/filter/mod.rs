//! The filter language: text in, a [`Filter`] that says which rows match out, and back to text.
//!
//! Pure: the moment and the user's own uid arrive as a [`Context`]; the text comes from the prompt
//! or the command line. Terms that stand side by side must all hold, `|` is "or" and binds looser
//! than that (`a b | c` is `(a b) | c`), `!` negates the one term or group after it. The words of
//! the language are tables ([`FIELDS`], [`FLAGS`], [`TRANSPORTS`], [`FORMS`]) that the parser,
//! the printer, its error messages and the help share.

mod complete;
mod endpoint;
mod error;
mod expr;
mod matching;
mod needle;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::time::Duration;

pub use complete::{Completion, complete};
pub use error::{FilterError, nearest};
pub use matching::Pass;
pub use vocabulary::{
    FIELDS, FLAGS, FORMS, Field, Flag, FlagWord, Form, TRANSPORTS, Transport, words,
};

use crate::model::{Kinds, Moment, Socket};
use crate::track::Row;
use expr::Expr;

/// Which rows to show. The empty filter, which is the default, matches every row.
///
/// Two filters are equal if they ask for the same in the same order, however they were spelled:
/// `port:80` equals `:80`. Printing gives the canonical spelling, which parses to an equal filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    expr: Option<Expr>,
}

/// What a filter needs to know besides the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The present, for `is:new` and `is:changed`.
    pub now: Moment,
    /// For how long a change counts as new: the same time for which the table highlights it.
    pub highlight: Duration,
    /// The user's own uid, for `is:mine`; nothing is mine without it.
    pub uid: Option<u32>,
}

impl Filter {
    /// The longest text that is read, in bytes; long enough for any filter that a person writes,
    /// and short enough that no text can stall the prompt.
    pub const MAX_BYTES: usize = 4096;

    /// How deep groups may nest; more would only test the stack.
    pub const MAX_NESTING: usize = 64;

    /// Reads a filter. Text of nothing but white space is the empty filter.
    ///
    /// # Errors
    /// The first term that is unfinished or wrong, with its place in `text`. A filter whose
    /// canonical spelling is longer than [`Filter::MAX_BYTES`] is refused, too.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let filter = parse::parse(text).map(|expr| Self { expr })?;
        if filter.to_string().len() > Self::MAX_BYTES {
            return Err(FilterError::too_long(0..text.len()));
        }
        Ok(filter)
    }

    /// Whether it asks for nothing, and so matches everything.
    pub const fn is_empty(&self) -> bool {
        self.expr.is_none()
    }

    /// The kinds of sockets that it names (`proto:unix`), unless to leave them out.
    pub fn kinds(&self) -> Kinds {
        self.expr.as_ref().map_or(Kinds::NONE, Expr::kinds)
    }

    /// Whether the row is one that the filter asks for. For many rows, take a [`Pass`].
    pub fn matches(&self, row: &Row, context: &Context) -> bool {
        self.pass(context).matches(row)
    }

    /// Begins a pass over many rows.
    pub fn pass<'a>(&'a self, context: &Context) -> Pass<'a> {
        Pass::new(self, context)
    }

    /// What can be said of a socket before its owner was looked for: whether its row will match,
    /// whoever that is; `None` if it depends on the owner. The socket's `owner` is not looked at,
    /// and the row counts as one that is neither new, nor changed, nor closed.
    ///
    /// So a command that is asked for one port looks for the owners of the sockets on it alone.
    /// For many sockets, take [`Pass::could_match`].
    pub fn could_match(&self, socket: &Socket, context: &Context) -> Option<bool> {
        self.pass(context).could_match(socket)
    }
}
