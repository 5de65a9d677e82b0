//! Whether a row matches one term. `None`: that depends on the owner, which is not known yet.

use super::subject::Subject;
use super::text::{self, Scratch};
use crate::filter::Context;
use crate::filter::endpoint::{EndpointPattern, Side};
use crate::filter::expr::Term;
use crate::filter::vocabulary::{Flag, Transport};
use crate::model::{AcceptQueue, Fill, OwnerKind, Scope, Socket, State};
use crate::track::Mark;

impl Term {
    pub(super) fn matches(
        &self,
        subject: &Subject<'_>,
        context: &Context,
        scratch: &mut Scratch,
    ) -> Option<bool> {
        let socket = subject.socket;
        match self {
            Self::Number(number) => has_number(subject, *number),
            Self::Transport(transport) => Some(uses(socket, transport)),
            Self::Endpoint(side, pattern) => Some(is_at(socket, *side, pattern)),
            Self::Pid(range) => subject.has_pid(|pid| range.contains(&pid)),
            Self::Text(needle) => text::row_contains(needle, subject, scratch),
            Self::Part(part, needle) => text::part_contains(*part, needle, subject, scratch),
            Self::State(state) => Some(has_state(subject, *state)),
            Self::Is(flag) => has_flag(subject, *flag, context),
            Self::Regex(pattern) => text::line_matches(pattern, subject, scratch),
        }
    }
}

fn has_number(subject: &Subject<'_>, number: u32) -> Option<bool> {
    let socket = subject.socket;
    let remote_port = socket.remote.map(|remote| remote.port);
    let mut ports = [socket.port(), remote_port].into_iter().flatten();
    if socket.protocol.has_ports() && ports.any(|port| starts_with(port, number)) {
        return Some(true);
    }
    subject.has_pid(|pid| pid == number)
}

fn uses(socket: &Socket, transport: &Transport) -> bool {
    socket.protocol == transport.protocol
        && transport
            .family
            .is_none_or(|family| socket.family() == family)
}

fn is_at(socket: &Socket, side: Side, pattern: &EndpointPattern) -> bool {
    let has_such_an_end = match pattern.ports {
        None => socket.has_address(),
        Some(_) => socket.protocol.has_ports(),
    };
    if !has_such_an_end {
        return false;
    }
    let local = || pattern.matches(socket, &socket.local);
    let remote = || {
        let remote = socket.remote.as_ref();
        remote.is_some_and(|remote| pattern.matches(socket, remote))
    };
    match side {
        Side::Local => local(),
        Side::Remote => remote(),
        Side::Either => local() || remote(),
    }
}

/// A closed row has two states: the last one it had, and closed.
fn has_state(subject: &Subject<'_>, state: State) -> bool {
    subject.socket.state == state || (state == State::Closed && subject.is_closed())
}

fn has_flag(subject: &Subject<'_>, flag: Flag, context: &Context) -> Option<bool> {
    let socket = subject.socket;
    let mark = || subject.row?.mark(context.now, context.highlight);
    match flag {
        Flag::New => Some(mark() == Some(Mark::Opened)),
        Flag::Changed => Some(mark() == Some(Mark::Changed)),
        Flag::Closed => Some(subject.is_closed()),
        Flag::Hidden => {
            let is_hidden = socket.owner.kind() == OwnerKind::Hidden;
            subject.row.map(|_| is_hidden)
        }
        Flag::Mine => Some(context.uid.is_some() && socket.uid == context.uid),
        Flag::Loopback => Some(socket.has_address() && socket.local.scope() == Scope::Loopback),
        Flag::Public => Some(is_public(socket)),
        Flag::Conflict => subject.row.map(|row| row.is_in_conflict),
        Flag::Filling => Some(is_filled(subject, Fill::Filling)),
        Flag::Full => Some(is_filled(subject, Fill::Full)),
    }
}

/// Whether its accept queue is filled at least that far; a closed socket has none.
fn is_filled(subject: &Subject<'_>, least: Fill) -> bool {
    let queue = AcceptQueue::of(subject.socket).filter(|_| !subject.is_closed());
    queue.is_some_and(|queue| queue.fill() >= least)
}

fn is_public(socket: &Socket) -> bool {
    match socket.remote {
        Some(remote) => remote.scope() == Scope::Public,
        None => socket.has_address() && matches!(socket.local.scope(), Scope::Any | Scope::Public),
    }
}

/// Whether the digits of the port start with those of the number.
fn starts_with(port: u16, number: u32) -> bool {
    let mut start = u32::from(port);
    while start > number && start > 9 {
        start /= 10;
    }
    start == number
}
