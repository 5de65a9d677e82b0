//! The subject of a match: a row, or a socket whose owner is not known yet.

use std::sync::Arc;

use crate::model::{Owner, Pid, Process, Socket, Text};
use crate::track::Row;

#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub socket: &'a Socket,
    /// `None` for a socket that was just read: its owner is not known yet, and it is neither new, nor changed, nor
    /// closed.
    pub row: Option<&'a Row>,
}

impl<'a> Subject<'a> {
    pub fn of_row(row: &'a Row) -> Self {
        let socket: &Socket = &row.socket;
        Self {
            socket,
            row: Some(row),
        }
    }

    /// Its owners, past or present; `None` if they are not known yet.
    pub fn owners(&self) -> Option<&'a [Arc<Process>]> {
        let owner = &self.socket.owner;
        self.row?;
        (*owner != Owner::Unknown).then(|| owner.processes())
    }

    /// Its names besides those of its owners, in the order of the columns.
    pub const fn names(&self) -> [&'a Option<Text>; 4] {
        let socket = self.socket;
        [
            &socket.user,
            &socket.unit,
            &socket.container,
            &socket.interface,
        ]
    }

    /// Whether any owner has this pid.
    pub fn has_pid(&self, is_it: impl Fn(Pid) -> bool) -> Option<bool> {
        let owners = self.owners()?;
        Some(owners.iter().any(|process| is_it(process.pid)))
    }

    pub fn is_closed(&self) -> bool {
        self.row.is_some_and(Row::is_closed)
    }
}
