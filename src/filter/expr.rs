//! The parsed form of a filter.
//!
//! Built through [`Expr`]'s constructors only, which keep it in one shape: no group of one, no group directly inside
//! another of its kind, no double negation. So equal filters compare equal, and what is printed reads back to the same
//! tree.

use std::time::Duration;

use regex::Regex;
use strum::IntoStaticStr;

use super::endpoint::{EndpointPattern, Side};
use super::needle::Needle;
use super::number::{BYTES, COUNT, Comparison, Numbers, Unit};
use super::vocabulary::{Flag, Transport};
use crate::model::{Kinds, Pid, State};

/// A condition on a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Term(Term),
    Not(Box<Expr>),
    /// At least two, all of them.
    All(Vec<Expr>),
    /// At least two, any of them.
    Any(Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// Bare digits: the start of a port, or a pid.
    Number(u32),
    Transport(Transport),
    Endpoint(Side, EndpointPattern),
    /// Pids of the owners.
    Pid(Numbers<Pid>),
    /// Part of any text of the row.
    Text(Needle),
    /// Part of one of its texts.
    Part(Part, Needle),
    State(State),
    /// The time in its state.
    Age(Comparison<Duration>),
    /// Fill of a queue.
    Queue(QueueEnd, Numbers<u32>),
    /// A number of the socket's counters.
    Counter(Counter, Numbers<u64>),
    /// A time of the socket's counters.
    CounterTime(CounterTime, Comparison<Duration>),
    Is(&'static Flag),
    /// A regex over the row's text.
    Regex(Pattern),
}

/// The texts of a row that have a field, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Part {
    /// A process name.
    Proc,
    /// A command line.
    Cmd,
    /// User name; digits are a uid.
    User,
    Unit,
    Service,
    /// The folder of a process's project.
    Project,
    /// The branch of its repository, or the name of its worktree.
    Branch,
    /// What started a process, by its name or kind.
    Started,
    /// The name of a network namespace.
    Ns,
    /// Name or image of a container, or the start of its id.
    Container,
}

/// The queues of a socket, by their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
pub(super) enum QueueEnd {
    #[strum(serialize = "recv-q")]
    Receive,
    #[strum(serialize = "send-q")]
    Send,
}

/// The numbers among the counters of a socket, by their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Counter {
    /// Payload per second in both directions together.
    Rate,
    /// Payload received.
    Rx,
    /// Payload sent.
    Tx,
    /// Segments sent again.
    Retr,
    /// Packets or handshakes dropped.
    Drops,
}

impl Counter {
    /// How its numbers are written.
    pub fn unit(self) -> &'static Unit<u64> {
        match self {
            Self::Rate | Self::Rx | Self::Tx => &BYTES,
            Self::Retr | Self::Drops => &COUNT,
        }
    }
}

/// The times among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum CounterTime {
    /// Smoothed round-trip time.
    Rtt,
    /// How long no payload went either way.
    Idle,
}

/// A regex that ignores case, compared by its source.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Expr {
    /// At least one member must be given.
    pub fn all(members: Vec<Self>) -> Self {
        let flat = members.into_iter().flat_map(|member| match member {
            Self::All(inner) => inner,
            other => vec![other],
        });
        Self::one_or(flat.collect(), Self::All)
    }

    /// At least one member must be given.
    pub fn any(members: Vec<Self>) -> Self {
        let flat = members.into_iter().flat_map(|member| match member {
            Self::Any(inner) => inner,
            other => vec![other],
        });
        Self::one_or(flat.collect(), Self::Any)
    }

    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// The kinds of sockets that it names, except under a negation.
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

    /// Whether a term is about other network namespaces: what a port publishes, a container, the name of a namespace.
    pub fn is_about_namespaces(&self) -> bool {
        match self {
            Self::Term(Term::Is(flag)) => flag.name == "published",
            Self::Term(Term::Part(part, _)) => matches!(part, Part::Ns | Part::Container),
            Self::Term(_) => false,
            Self::Not(inner) => inner.is_about_namespaces(),
            Self::All(members) | Self::Any(members) => {
                members.iter().any(Self::is_about_namespaces)
            }
        }
    }

    /// Whether any of its terms is one of these.
    pub fn has_term(&self, is_it: &dyn Fn(&Term) -> bool) -> bool {
        match self {
            Self::Term(term) => is_it(term),
            Self::Not(inner) => inner.has_term(is_it),
            Self::All(members) | Self::Any(members) => {
                members.iter().any(|member| member.has_term(is_it))
            }
        }
    }

    /// Its comparisons with ages: what changes with time alone, besides the marks.
    pub fn ages(&self) -> Vec<&Comparison<Duration>> {
        match self {
            Self::Term(Term::Age(comparison)) => vec![comparison],
            Self::Term(_) => Vec::new(),
            Self::Not(inner) => inner.ages(),
            Self::All(members) | Self::Any(members) => {
                members.iter().flat_map(Self::ages).collect()
            }
        }
    }

    fn one_or(mut members: Vec<Self>, many: fn(Vec<Self>) -> Self) -> Self {
        match members.pop() {
            Some(only) if members.is_empty() => only,
            last => {
                members.extend(last);
                many(members)
            }
        }
    }
}
