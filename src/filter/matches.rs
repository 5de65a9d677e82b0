//! Whether a row is what a filter asks for. Runs over every row at each key typed.

use super::Context;
use super::ast::{Expr, Term};
use super::place::{Place, Side};
use super::texts::{Texts, any_process};
use super::vocabulary::{Flag, Transport};
use crate::model::{OwnerKind, Scope, Socket, State};
use crate::track::{Mark, Row};

/// Whether the row fulfils the condition.
pub(super) fn holds(expr: &Expr, row: &Row, context: &Context) -> bool {
    let subject = Subject {
        row,
        socket: &row.socket,
        context,
        texts: Texts::of(row),
    };
    subject.fulfils(expr)
}

/// The row in question.
struct Subject<'a> {
    row: &'a Row,
    socket: &'a Socket,
    context: &'a Context,
    texts: Texts<'a>,
}

impl Subject<'_> {
    fn fulfils(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Term(term) => self.is(term),
            Expr::Not(inner) => !self.fulfils(inner),
            Expr::All(members) => members.iter().all(|member| self.fulfils(member)),
            Expr::Any(members) => members.iter().any(|member| self.fulfils(member)),
        }
    }

    fn is(&self, term: &Term) -> bool {
        match term {
            Term::Number(number) => self.has_number(*number),
            Term::Transport(transport) => self.uses(transport),
            Term::Place(side, place) => self.is_at(*side, place),
            Term::Pid(range) => any_process(self.socket, |process| range.contains(&process.pid)),
            Term::Text(needle) => self.texts.contains(needle),
            Term::Part(part, needle) => self.texts.part_contains(*part, needle),
            Term::State(state) => self.has_state(*state),
            Term::Is(flag) => self.has_flag(*flag),
            Term::Regex(pattern) => pattern.regex.is_match(self.texts.line()),
        }
    }

    fn has_number(&self, number: u32) -> bool {
        begins_with(self.socket.local.port, number)
            || self
                .socket
                .remote
                .is_some_and(|remote| begins_with(remote.port, number))
            || any_process(self.socket, |process| process.pid == number)
    }

    fn uses(&self, transport: &Transport) -> bool {
        self.socket.protocol == transport.protocol
            && transport
                .family
                .is_none_or(|family| self.socket.family() == family)
    }

    fn is_at(&self, side: Side, place: &Place) -> bool {
        let protocol = self.socket.protocol;
        let local = || place.contains(protocol, &self.socket.local);
        let remote = || {
            let remote = self.socket.remote.as_ref();
            remote.is_some_and(|remote| place.contains(protocol, remote))
        };
        match side {
            Side::Local => local(),
            Side::Remote => remote(),
            Side::Either => local() || remote(),
        }
    }

    /// A closed row has the state in which it was last seen, and is closed besides.
    fn has_state(&self, state: State) -> bool {
        self.socket.state == state || (state == State::Closed && self.row.is_closed())
    }

    fn has_flag(&self, flag: Flag) -> bool {
        match flag {
            Flag::New => self.mark() == Some(Mark::Opened),
            Flag::Changed => self.mark() == Some(Mark::Changed),
            Flag::Closed => self.row.is_closed(),
            Flag::Hidden => self.socket.owner.kind() == OwnerKind::Hidden,
            Flag::Mine => self.context.uid.is_some() && self.socket.uid == self.context.uid,
            Flag::Loopback => self.socket.local.scope() == Scope::Loopback,
            Flag::Public => self.is_public(),
            Flag::Conflict => self.row.is_in_conflict,
        }
    }

    fn mark(&self) -> Option<Mark> {
        self.row.mark(self.context.now, self.context.highlight)
    }

    fn is_public(&self) -> bool {
        match self.socket.remote {
            Some(remote) => remote.scope() == Scope::Public,
            None => matches!(self.socket.local.scope(), Scope::Any | Scope::Public),
        }
    }
}

/// Whether the port, written out, begins with the number, written out.
fn begins_with(port: u16, number: u32) -> bool {
    let mut beginning = u32::from(port);
    while beginning > number && beginning > 9 {
        beginning /= 10;
    }
    beginning == number
}
