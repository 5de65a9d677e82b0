//! How many connections each listener has, and which two sockets are the ends of one connection.
//!
//! Knows only the rows of a table. All of it is found once for each table, as it changes without the rows that it is
//! about.

mod listeners;
mod peers;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{Row, RowId};
use crate::model::{Moment, State};
pub(super) use listeners::Listeners;

/// Over how long new connections are counted, unless two snapshots are further apart.
const WINDOW: Duration = Duration::from_secs(5);

/// The connections to a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// How many are `ESTABLISHED`, those in the accept queue included.
    pub established: usize,
    /// How many opened in the [window](Connections::window), those that have closed since included.
    pub opened: usize,
}

/// A listener with the connections to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listener {
    id: RowId,
    /// Which address it listens on: twins (`SO_REUSEPORT`) have the same number.
    address: usize,
    clients: Clients,
}

/// A connection to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Accepted {
    id: RowId,
    address: usize,
    /// Which of several twins it belongs to; `None` if that is not known.
    listener: Option<RowId>,
}

/// The connections of one table: by listener, and by their two ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// By row id.
    listeners: Vec<Listener>,
    /// By row id, closed rows that linger included.
    accepted: Vec<Accepted>,
    /// By the id of the first.
    peers: Vec<(RowId, RowId)>,
    window: Window,
}

/// The time in which a new connection counts for the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Rows first seen after this, on the steady clock, are in it.
    pub(super) since: Duration,
    /// How long it is; zero at the first snapshot.
    pub length: Duration,
}

impl Window {
    /// Whether the row opened in it. A connection does not count before its handshake is complete.
    pub fn has(self, row: &Row) -> bool {
        row.first_seen.steady > self.since && is_countable(row)
    }
}

const fn is_countable(row: &Row) -> bool {
    !row.was_open_at_start && !matches!(row.socket.state, State::SynRecv | State::SynSent)
}

impl Window {
    /// `+3/s`, `+0.4/s`: so many in this window, per second; `None` if none.
    pub fn rate_text(self, opened: usize) -> Option<String> {
        let tenths = opened as u128 * 10_000 / self.length.as_millis().max(1);
        match tenths {
            _ if opened == 0 || self.length.is_zero() => None,
            0 => Some("+0.1/s".into()),
            1..10 => Some(format!("+0.{tenths}/s")),
            _ => Some(format!("+{}/s", (tenths + 5) / 10)),
        }
    }
}

impl Connections {
    /// Adds connections that opened in the window and have no row, by listener.
    pub(super) fn add_opened(&mut self, opened: &HashMap<RowId, usize>) {
        for listener in &mut self.listeners {
            listener.clients.opened += opened.get(&listener.id).unwrap_or(&0);
        }
    }

    /// Finds the connections among the rows, which are by id ascending.
    pub fn of(rows: &[Arc<Row>], window: Window) -> Self {
        let mut listeners = Listeners::of(rows);
        let mut accepted = Vec::new();
        for row in rows {
            if let Some((address, twin)) = listeners.accepting(&row.socket) {
                let is_established = row.socket.state == State::Established && !row.is_closed();
                let clients = Clients {
                    established: usize::from(is_established),
                    opened: usize::from(window.has(row)),
                };
                listeners.add(address, twin, clients);
                accepted.push(Accepted {
                    id: row.id,
                    address,
                    listener: twin.map(|twin| listeners.id(twin)),
                });
            }
        }
        Self {
            listeners: listeners.counted(),
            accepted,
            peers: peers::of(rows),
            window,
        }
    }

    /// The connections among the very same rows in a later window; `None` if they are to be found anew, as some may no
    /// longer be in it.
    pub(super) fn in_window(&self, window: Window) -> Option<Self> {
        let is_later = window.since >= self.window.since;
        let has_opened = |one: &Listener| one.clients.opened > 0;
        (is_later && !self.listeners.iter().any(has_opened)).then(|| Self {
            window,
            ..self.clone()
        })
    }

    /// The connections to this listener; `None` if the row is not a listener. Of several on one address
    /// (`SO_REUSEPORT`), a connection counts for the one whose process has it, or for each if that is not known.
    pub fn clients(&self, id: RowId) -> Option<Clients> {
        Some(self.listener(id)?.clients)
    }

    /// Whether any connection is to one of the listeners, closed ones that linger included.
    pub const fn are_any_accepted(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// The rows of the connections to this listener, closed ones that linger included.
    pub fn accepted_by(&self, id: RowId) -> impl Iterator<Item = RowId> {
        let listener = self.listener(id);
        let accepted = self.accepted.iter().filter(move |one| {
            let is_of_twin = || one.listener.is_none_or(|listener| listener == id);
            listener.is_some_and(|listener| one.address == listener.address) && is_of_twin()
        });
        accepted.map(|one| one.id)
    }

    /// The listener that accepted this connection; of twins that can't be distinguished the first.
    pub fn listener_of(&self, id: RowId) -> Option<RowId> {
        let at = self.accepted.binary_search_by_key(&id, |one| one.id).ok()?;
        let accepted = self.accepted[at];
        let mut twins = self.listeners.iter();
        let mut first = || twins.find(|one| one.address == accepted.address);
        accepted.listener.or_else(|| Some(first()?.id))
    }

    /// The other end of this connection, if it is a socket of this machine.
    pub fn peer(&self, id: RowId) -> Option<RowId> {
        let at = self.peers.binary_search_by_key(&id, |&(one, _)| one).ok()?;
        Some(self.peers[at].1)
    }

    /// The time in which new connections are counted.
    pub const fn window(&self) -> Window {
        self.window
    }

    fn listener(&self, id: RowId) -> Option<&Listener> {
        let at = self
            .listeners
            .binary_search_by_key(&id, |one| one.id)
            .ok()?;
        Some(&self.listeners[at])
    }
}

/// When the last snapshots were taken, as far back as the window reaches.
#[derive(Debug, Default)]
pub(super) struct SnapshotTimes(VecDeque<Duration>);

impl SnapshotTimes {
    /// Whether the row may be in the window of the next snapshot.
    pub fn may_count(&self, row: &Row) -> bool {
        let is_later = |&first: &Duration| row.first_seen.steady > first;
        is_countable(row) && self.0.front().is_some_and(is_later)
    }

    /// The first snapshot that was not taken before this; `None` if it is the next one.
    pub fn snapshot_of(&self, seen: Moment) -> Option<Duration> {
        let mut times = self.0.iter().copied();
        times.find(|&time| time >= seen.steady)
    }

    /// Adds a snapshot and returns the window that ends with it: from the last snapshot that is old enough, or else
    /// from the first.
    pub fn add(&mut self, taken_at: Moment) -> Window {
        let now = taken_at.steady;
        let times = &mut self.0;
        // A recording may have been moved back.
        while times.back().is_some_and(|&last| last > now) {
            times.pop_back();
        }
        times.push_back(now);
        let is_old = |time: &Duration| now.saturating_sub(*time) >= WINDOW;
        while times.get(1).is_some_and(is_old) {
            times.pop_front();
        }
        let since = times.front().copied().unwrap_or(now);
        Window {
            since,
            length: now.saturating_sub(since),
        }
    }
}
