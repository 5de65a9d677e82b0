//! How many cells the texts of a row can take in each column, measured without formatting most of them.
//!
//! A width is that of the text while the row stays in the table: a highlighted change, a name or a number, and an age fit
//! into it, or have a shorter form. So none of them moves a column. Of a hundred thousand rows each is measured once,
//! not for each letter of a filter.

use std::net::IpAddr;

use super::namespaces::command_line;
use super::{ALL, Column, ColumnId, width};
use crate::model::{AcceptQueue, Fill, Owner, Protocol};
use crate::track::Row;

/// The widest text in each column, in cells; 0 if no row has a value there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Widest([u16; ALL.len()]);

impl Widest {
    /// Of one row.
    pub fn of(row: &Row) -> Self {
        let mut cells = [0; ALL.len()];
        for (cells, column) in cells.iter_mut().zip(ALL) {
            *cells = u16::try_from((column.cells)(row)).unwrap_or(u16::MAX);
        }
        Self(cells)
    }

    /// Of several rows; `None` if there are none.
    pub fn among<'a>(rows: impl Iterator<Item = &'a Self>) -> Option<Self> {
        rows.copied().reduce(Self::max)
    }

    /// Of both.
    #[must_use]
    pub fn max(mut self, other: Self) -> Self {
        for (one, other) in self.0.iter_mut().zip(other.0) {
            *one = other.max(*one);
        }
        self
    }

    /// In this column.
    pub const fn get(&self, id: ColumnId) -> u16 {
        self.0[id as usize]
    }

    /// Without values in this column.
    #[must_use]
    pub const fn without(mut self, id: ColumnId) -> Self {
        self.0[id as usize] = 0;
        self
    }
}

impl Column {
    /// The width at which no text is cut: that of its widest text, but at least its title.
    pub(super) fn useful(&self, widest: u16) -> u16 {
        let title = u16::try_from(self.title.len()).unwrap_or(u16::MAX);
        widest.max(title).min(self.max)
    }
}

/// `ESTAB → CLOSE_WAIT`, `SYN… → ESTABLISHED`: a connection may change its state.
const STATE_CHANGE: usize = 18;

/// `ESTABLISHED`, the longest state.
const STATE: usize = 11;

pub(super) fn local(row: &Row) -> usize {
    let socket = &row.socket;
    let interface = socket.interface.as_deref();
    let interface = interface.map_or(0, |name| 1 + width(name));
    if socket.portless.is_some() {
        let text = socket.local_text();
        return text.map_or(interface, |text| width(&text) + interface);
    }
    let both = if socket.dual_stack == Some(true) {
        " +v4".len()
    } else {
        0
    };
    address(socket.local.address.to_canonical()) + interface + both
}

pub(super) fn address(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(v4) => {
            let digits = v4.octets().map(|octet| digits(octet.into()));
            digits.iter().sum::<usize>() + 3
        }
        IpAddr::V6(v6) => v6.to_string().len(),
    }
}

fn digits(number: u32) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

pub(super) fn state(row: &Row) -> usize {
    let socket = &row.socket;
    let Some(queue) = AcceptQueue::of(socket) else {
        let changes = socket.remote.is_some() && socket.protocol == Protocol::Tcp;
        return if changes { STATE_CHANGE } else { STATE };
    };
    let numbers = "LISTEN /".len() + digits(queue.waiting) + digits(queue.backlog);
    match queue.fill() {
        Fill::Roomy => STATE,
        Fill::Filling => numbers,
        Fill::Full => numbers + " full".len(),
    }
}

/// Only the digits: the words beside them have no room of their own.
pub(super) fn pid(row: &Row) -> usize {
    match &row.socket.owner {
        Owner::Unknown => 1,
        owner => owner.processes().first().map_or(0, |one| digits(one.pid)),
    }
}

/// A connection may lose its process: `was nginx`.
pub(super) fn process(row: &Row) -> usize {
    let socket = &row.socket;
    let was = if socket.is_connection() {
        "was ".len()
    } else {
        0
    };
    match (&socket.owner, socket.owner.processes()) {
        (Owner::Inferred(_), [first, ..]) => "listener ".len() + width(&first.name),
        (_, [only]) => was + width(&only.name),
        (Owner::Former(_), [first, ..]) => was + width(&first.name),
        (_, [first, ..]) => {
            let count = u32::try_from(socket.owner.processes().len()).unwrap_or(u32::MAX);
            width(&first.name) + was.max(" ×".chars().count() + digits(count))
        }
        // Who it is, the user column says in full.
        (Owner::Hidden, []) => {
            let user = socket.user.as_deref().map_or(0, width);
            (user + " · hidden".chars().count()).min(LONGEST_HIDDEN)
        }
        (_, []) => "kernel".len(),
    }
}

/// `root · hidden`
const LONGEST_HIDDEN: usize = 14;

/// Its name or its number, whichever is shown.
pub(super) fn user(row: &Row) -> usize {
    let (user, uid) = (row.socket.user.as_deref(), row.socket.uid);
    user.map_or(0, width).max(uid.map_or(0, digits))
}

/// An owner that is not known yet may have a command line.
pub(super) fn command(row: &Row) -> usize {
    let pending = usize::from(row.socket.owner == Owner::Unknown);
    command_line(row).map_or(pending, |text| width(&text))
}

pub(super) fn project(row: &Row) -> usize {
    super::cells::project(row).map_or(0, width)
}

pub(super) fn receive_queue(row: &Row) -> usize {
    row.socket.queue.map_or(0, |queue| digits(queue.receive))
}

pub(super) fn send_queue(row: &Row) -> usize {
    row.socket.queue.map_or(0, |queue| digits(queue.send))
}
