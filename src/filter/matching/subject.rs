//! What a filter is asked about: a row, or a socket of which everything is known but the owner.

use std::sync::Arc;

use crate::model::{Owner, Process, Socket, Text};
use crate::track::Row;

/// A row of the table, or what will be one.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The socket.
    pub socket: &'a Socket,
    /// Its row; `None` if it has none yet, and its owner is still to be looked for.
    row: Option<&'a Row>,
}

impl<'a> Subject<'a> {
    /// A row, whose owner is known for what it is.
    pub fn of_row(row: &'a Row) -> Self {
        let socket: &Socket = &row.socket;
        Self {
            socket,
            row: Some(row),
        }
    }

    /// A socket as it was just read, whatever its `owner` says. It is neither new, nor changed, nor
    /// closed.
    pub const fn without_owner(socket: &'a Socket) -> Self {
        Self { socket, row: None }
    }

    /// Its row, if it has one.
    pub const fn row(&self) -> Option<&'a Row> {
        self.row
    }

    /// Its owners, past or present; `None` if they are not known yet.
    pub fn owners(&self) -> Option<&'a [Arc<Process>]> {
        let owner = &self.socket.owner;
        let row = self.row.filter(|_| *owner != Owner::Unknown);
        row.map(|_| owner.processes())
    }

    /// The names it goes by besides those of its owners, in the order of the columns.
    pub const fn names(&self) -> [&'a Option<Text>; 4] {
        let socket = self.socket;
        [
            &socket.user,
            &socket.unit,
            &socket.container,
            &socket.interface,
        ]
    }

    /// Whether it is so for any owner.
    pub fn any_owner(&self, is_it: impl Fn(&Process) -> bool) -> Option<bool> {
        let owners = self.owners()?;
        Some(owners.iter().any(|process| is_it(process)))
    }

    /// Whether the socket is gone and the row only lingers.
    pub fn is_closed(&self) -> bool {
        self.row.is_some_and(Row::is_closed)
    }
}
