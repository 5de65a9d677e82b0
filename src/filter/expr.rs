//! The tree that a filter is once it has been read. It knows neither its spelling nor any row.
//!
//! Built through [`Expr`]'s constructors only, which keep it in one shape: no group of one, no
//! group directly inside its like, no double negation. So equal filters compare equal, and what
//! is printed reads back to the same tree.

use std::ops::RangeInclusive;

use regex::Regex;

use super::endpoint::{EndpointPattern, Side};
use super::needle::Needle;
use super::vocabulary::{Flag, Transport};
use crate::model::{Kinds, Pid, State};

/// A condition on a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// One term.
    Term(Term),
    /// The opposite.
    Not(Box<Expr>),
    /// Every one of at least two.
    All(Vec<Expr>),
    /// At least one of at least two.
    Any(Vec<Expr>),
}

/// One word of the language.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// Bare digits: the beginning of a port, or a pid.
    Number(u32),
    /// Protocol and family.
    Transport(Transport),
    /// Address and port.
    Endpoint(Side, EndpointPattern),
    /// Pids of the owners.
    Pid(RangeInclusive<Pid>),
    /// Part of any text of the row.
    Text(Needle),
    /// Part of one of its texts.
    Part(Part, Needle),
    /// State.
    State(State),
    /// What the row is.
    Is(Flag),
    /// A regex over the row's text.
    Regex(Pattern),
}

/// The texts of a row that have a field of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Process name.
    Process,
    /// Command line.
    Command,
    /// User name; digits are a uid.
    User,
    /// systemd unit.
    Unit,
    /// Service name.
    Service,
}

/// A compiled regex that remembers its source, and is equal by it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// As written, without the slashes around it.
    pub source: String,
    /// Compiled, ignoring case.
    pub regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expr {
    /// Every one of them. At least one must be given.
    pub fn all(members: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(members.len());
        for member in members {
            match member {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::one_or(flat, Self::All)
    }

    /// At least one of them. At least one must be given.
    pub fn any(members: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(members.len());
        for member in members {
            match member {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::one_or(flat, Self::Any)
    }

    /// The opposite.
    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// The kinds of sockets that it names, not those under a negation.
    pub fn kinds(&self) -> Kinds {
        match self {
            Self::Term(Term::Transport(transport)) => Kinds::of(transport.protocol),
            Self::Term(_) | Self::Not(_) => Kinds::NONE,
            Self::All(members) | Self::Any(members) => {
                let kinds = members.iter().map(Self::kinds);
                kinds.fold(Kinds::NONE, Kinds::and)
            }
        }
    }

    fn one_or(mut members: Vec<Self>, many: fn(Vec<Self>) -> Self) -> Self {
        match members.pop() {
            Some(only) if members.is_empty() => only,
            Some(last) => {
                members.push(last);
                many(members)
            }
            None => many(members),
        }
    }
}
