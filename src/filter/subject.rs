//! The subject of a match: a row, or a socket whose owner is not known yet.

use std::sync::Arc;

use super::Context;
use crate::model::{AcceptQueue, Age, Fill, Moment, Owner, Pid, Process, Scope, Socket, Text};
use crate::track::{Mark, Row, TroubleKind};

#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub socket: &'a Socket,
    /// `None` for a socket that was just read: its owner is not known yet, and it is neither new, nor changed, nor
    /// closed.
    pub row: Option<&'a Row>,
}

impl<'a> Subject<'a> {
    /// Its owners, past or present; `None` if they are not known yet.
    pub fn owners(&self) -> Option<&'a [Arc<Process>]> {
        let owner = &self.socket.owner;
        self.row?;
        (*owner != Owner::Unknown).then(|| owner.processes())
    }

    /// Its names besides those of its owners, in the order of the columns.
    pub fn names(&self) -> impl Iterator<Item = &'a Text> + use<'a> {
        let socket = self.socket;
        let namespace = socket.namespace.as_deref();
        let inside = namespace.and_then(|one| one.container.as_deref());
        let names = [
            socket.user.as_ref(),
            socket.unit.as_ref(),
            socket.container.as_ref(),
            inside.map(|container| &container.name),
            namespace.map(|namespace| &namespace.name),
            socket.interface.as_ref(),
        ];
        names.into_iter().flatten()
    }

    /// Where the traffic for its port goes, if a container publishes it.
    pub fn published(&self) -> Option<String> {
        self.socket.published.as_ref().map(|one| one.describe())
    }

    /// Whether it publishes a port of a container; `None` if that depends on its owner, which is not known yet.
    pub fn is_published(&self) -> Option<bool> {
        let is_published = self.socket.published.is_some();
        (is_published || self.owners().is_some()).then_some(is_published)
    }

    /// Whether any owner has this pid.
    pub fn has_pid(&self, is_it: impl Fn(Pid) -> bool) -> Option<bool> {
        let owners = self.owners()?;
        Some(owners.iter().any(|process| is_it(process.pid)))
    }

    /// Whether any owner is left over.
    pub fn is_left_over(&self) -> Option<bool> {
        let owners = self.owners()?;
        Some(owners.iter().any(|process| process.left_over.is_some()))
    }

    /// How long it has been in its state, as the table shows it.
    pub fn age(&self, now: Moment) -> Option<Age> {
        self.row.map(|row| row.shown_age(now))
    }

    pub fn is_closed(&self) -> bool {
        self.row.is_some_and(Row::is_closed)
    }

    pub fn is_short(&self) -> bool {
        self.row.is_some_and(Row::is_short)
    }

    pub fn has_mark(&self, mark: Mark, context: &Context) -> bool {
        let row = self.row;
        row.is_some_and(|row| row.mark(context.now, context.highlight) == Some(mark))
    }

    /// Whether its accept queue is filled at least that far; a closed socket has none.
    pub fn is_filled(&self, least: Fill) -> bool {
        let queue = AcceptQueue::of(self.socket).filter(|_| !self.is_closed());
        queue.is_some_and(|queue| queue.fill() >= least)
    }

    /// Whether it is in trouble; `None` if that depends on its age or its owner, which are not known yet.
    pub fn is_in_trouble(&self, context: &Context) -> Option<bool> {
        match self.row {
            Some(row) => Some(row.trouble(context.now).is_some()),
            None => TroubleKind::possible(self.socket)
                .is_none()
                .then_some(false),
        }
    }

    /// The scope of its own address, if it has one.
    pub fn local_scope(&self) -> Option<Scope> {
        let socket = self.socket;
        socket.has_address().then(|| socket.local.scope())
    }
}
