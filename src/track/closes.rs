//! Applies the kernel's reports of closed sockets to the rows.
//!
//! A row whose socket was reported is over at once, without a second look. A socket that no snapshot had becomes a row that is
//! closed from the start.
//!
//! The cookie identifies a socket. Where a row has none, its addresses do; so they do for a `TIME_WAIT`, as the kernel gives a
//! cookie when one is first read: a connection that no snapshot had may get one in the report, and its `TIME_WAIT` another.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;

use super::connections::Listeners;
use super::matching::Address;
use super::row::Live;
use super::{Row, RowId};
use crate::model::{
    BuildSpread, ClosedSocket, EphemeralPorts, Moment, Owner, Protocol, Socket, SocketEnd, State,
};

/// How many of the last cookies are kept: a report may come after its row has closed.
const REMEMBERED: usize = 65_536;

/// The reports of one snapshot that belong to no row yet.
#[derive(Debug, Default)]
pub(super) struct Closes {
    reports: Vec<Option<ClosedSocket>>,
    by_cookie: HashMap<NonZeroU64, usize, BuildSpread>,
    by_address: HashMap<Address, usize>,
}

impl Closes {
    pub(super) fn of(closed: Vec<ClosedSocket>) -> Self {
        let mut closes = Self::default();
        for (at, one) in closed.iter().enumerate() {
            closes.by_address.insert(Address::of(&one.socket), at);
            if let Some(cookie) = one.socket.cookie {
                closes.by_cookie.insert(cookie, at);
            }
        }
        closes.reports = closed.into_iter().map(Some).collect();
        closes
    }

    pub(super) const fn are_none(&self) -> bool {
        self.reports.is_empty()
    }

    /// Adds what is known about the end of its socket to a row. Returns whether its socket is reported as closed.
    pub(super) fn end(&mut self, live: &mut Live) -> bool {
        let (row, is_missing) = (&mut live.row, live.missing_since.is_some());
        let at = match row.socket.cookie {
            Some(cookie) => self.by_cookie.get(&cookie),
            None if is_missing => self.by_address.get(&Address::of(&row.socket)),
            None => None,
        };
        let report = at.and_then(|&at| self.reports[at].take());
        report.is_some_and(|report| {
            add_end(row, &report);
            true
        })
    }

    /// Adds the end to each `TIME_WAIT` whose connection is reported as closed with its addresses.
    pub(super) fn end_time_waits(&mut self, live: &mut [Live]) {
        if self.reports.iter().all(Option::is_none) {
            return;
        }
        let is_open_end = |live: &&mut Live| {
            let is_there = live.missing_since.is_none() && live.row.end.is_none();
            is_there && live.row.socket.state == State::TimeWait
        };
        for live in live.iter_mut().filter(is_open_end) {
            let at = self.by_address.get(&Address::of(&live.row.socket));
            if let Some(report) = at.and_then(|&at| self.reports[at].take()) {
                add_end(&mut live.row, &report);
            }
        }
    }

    /// The sockets that were neither in the snapshot of `last` nor in that of `now`, each with what is known about its end.
    /// `ports`: those for outgoing connections.
    pub(super) fn short(
        self,
        ended: &EndedCookies,
        live: &[Live],
        (last, now): (Moment, Moment),
        ports: Option<&EphemeralPorts>,
    ) -> Vec<(ClosedSocket, SocketEnd)> {
        let mut left = self.reports.into_iter().flatten().peekable();
        if left.peek().is_none() {
            return Vec::new();
        }
        let rows = steady_listeners(live, now);
        let listeners = Listeners::of(&rows);
        let rows = rows.iter().map(|row| (row.id, &**row)).collect();
        let listening = live.iter().map(|live| &live.row.socket);
        let listening = listening.filter(|socket| socket.state == State::Listen);
        let listening = listening.map(|socket| socket.local.port).collect();
        let is_new = |one: &ClosedSocket| one.socket.cookie.is_none_or(|it| !ended.has(it));
        let short = left.filter(is_new).map(|mut closed| {
            if closed.socket.owner == Owner::None {
                infer_owner(&mut closed, &listeners, &rows);
            }
            let end = SocketEnd {
                at: closed.at,
                tcp: closed.tcp,
                opened_within: Some(last.age(now)),
                may_have_listened: may_have_listened(&closed.socket, &listening, ports),
            };
            (closed, end)
        });
        short.collect()
    }
}

fn add_end(row: &mut Arc<Row>, report: &ClosedSocket) {
    Arc::make_mut(row).end = Some(Arc::new(SocketEnd {
        at: report.at,
        tcp: report.tcp,
        opened_within: None,
        may_have_listened: false,
    }));
}

/// The listeners that were there in the last two snapshots, so that every connection in between was to them.
fn steady_listeners(live: &[Live], now: Moment) -> Vec<Arc<Row>> {
    let is_steady = |live: &&Live| {
        let is_whole = live.missing_since.is_none() && live.replaced.is_none();
        is_whole && live.row.first_seen < now && live.row.socket.state == State::Listen
    };
    let steady = live.iter().filter(is_steady);
    steady.map(|live| Arc::clone(&live.row)).collect()
}

/// Sets the owner to that of the only listener that can have accepted the connection.
fn infer_owner(closed: &mut ClosedSocket, listeners: &Listeners<'_>, rows: &HashMap<RowId, &Row>) {
    let listener = listeners.listener_of(&closed.socket);
    let row = listener.and_then(|id| rows.get(&id));
    if let Some(Owner::Known(processes)) = row.map(|row| &row.socket.owner) {
        closed.socket.owner = Owner::Inferred(Arc::clone(processes));
    }
}

/// Whether it was bound to a port of its choice and is not an accepted connection that the kernel has cleared.
fn may_have_listened(
    socket: &Socket,
    listening: &HashSet<u16>,
    ports: Option<&EphemeralPorts>,
) -> bool {
    let port = socket.local.port;
    let is_chosen = ports.is_some_and(|ports| !ports.range.contains(&port));
    let may_be_accepted = socket.protocol == Protocol::Tcp && listening.contains(&port);
    socket.remote.is_none() && is_chosen && !may_be_accepted
}

/// The cookies of the sockets that closed last.
#[derive(Debug, Default)]
pub(super) struct EndedCookies {
    all: HashSet<NonZeroU64, BuildSpread>,
    order: VecDeque<NonZeroU64>,
}

impl EndedCookies {
    pub(super) fn has(&self, cookie: NonZeroU64) -> bool {
        self.all.contains(&cookie)
    }

    pub(super) fn add(&mut self, cookie: NonZeroU64) {
        if !self.all.insert(cookie) {
            return;
        }
        self.order.push_back(cookie);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

/// A row that is closed from the start.
pub(super) fn short_row(id: RowId, closed: ClosedSocket, end: SocketEnd) -> Row {
    let at: Moment = closed.at;
    Row {
        id,
        socket: closed.socket,
        first_seen: at,
        state_since: at,
        was_open_at_start: false,
        change: None,
        is_in_conflict: false,
        ends_at: None,
        end: Some(Arc::new(end)),
    }
}
