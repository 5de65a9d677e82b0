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
use std::time::Duration;

use super::connections::Listeners;
use super::matching::Address;
use super::row::Live;
use super::{Row, RowId, Window};
use crate::model::{ClosedSocket, EphemeralPorts, Moment, Owner, Protocol, Socket, State, TcpInfo};

/// How many of the last cookies are kept: a report may come after its row has closed.
const REMEMBERED: usize = 65_536;

/// What is known about the end of a row's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketEnd {
    /// When the kernel reported it.
    pub at: Moment,
    /// Its last counters.
    pub tcp: Option<TcpInfo>,
    /// The most time that it can have been open, if it was in no snapshot: since the last one before.
    pub opened_within: Option<Duration>,
    /// Whether it was in no snapshot and bound to a port that the kernel gives to no outgoing connection, without a peer and
    /// without a listener there that can have accepted it: it may have listened.
    pub may_have_listened: bool,
    /// The listener that accepted it, if it was in no snapshot.
    pub(super) accepted_by: Option<RowId>,
}

/// The reports of one snapshot that belong to no row yet.
#[derive(Debug, Default)]
pub(super) struct Closes {
    reports: Vec<Option<ClosedSocket>>,
    by_cookie: HashMap<NonZeroU64, usize>,
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
        let rows: HashMap<RowId, &Row> = rows.iter().map(|row| (row.id, &**row)).collect();
        let listening = live.iter().map(|live| &live.row.socket);
        let listening = listening.filter(|socket| socket.state == State::Listen);
        let listening = listening.map(|socket| socket.local.port).collect();
        let is_new = |one: &ClosedSocket| one.socket.cookie.is_none_or(|it| !ended.has(it));
        let short = left.filter(is_new).map(|mut closed| {
            let accepted_by = listeners.listener_of(&closed.socket);
            if let (Owner::None, Some(listener)) = (&closed.socket.owner, accepted_by) {
                infer_owner(&mut closed, rows.get(&listener).copied());
            }
            let end = SocketEnd {
                at: closed.at,
                tcp: closed.tcp,
                opened_within: Some(last.age(now)),
                may_have_listened: may_have_listened(&closed.socket, &listening, ports),
                accepted_by,
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
        accepted_by: None,
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

/// Sets the owner to that of the listener that accepted the connection.
fn infer_owner(closed: &mut ClosedSocket, listener: Option<&Row>) {
    if let Some(Owner::Known(processes)) = listener.map(|row| &row.socket.owner) {
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
    all: HashSet<NonZeroU64>,
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

/// The connections in no snapshot whose rows went early, as there were too many: they count for the rates of their listeners.
#[derive(Debug, Default)]
pub(super) struct Dropped(VecDeque<(Duration, HashMap<RowId, usize>)>);

impl Dropped {
    /// Adds rows that go early at the snapshot of `now`, and forgets those that are in no window any more.
    pub(super) fn add(&mut self, rows: impl Iterator<Item = Arc<Row>>, now: Moment) {
        let mut counts = HashMap::new();
        for row in rows.filter(|row| row.is_short()) {
            if let Some(listener) = row.end.as_ref().and_then(|end| end.accepted_by) {
                *counts.entry(listener).or_default() += 1;
            }
        }
        if !counts.is_empty() {
            self.0.push_back((now.steady, counts));
        }
    }

    /// How many of each listener went in the window.
    pub(super) fn in_window(&mut self, window: Window) -> HashMap<RowId, usize> {
        while self.0.front().is_some_and(|(at, _)| *at <= window.since) {
            self.0.pop_front();
        }
        let mut sums = HashMap::new();
        for (listener, count) in self.0.iter().flat_map(|(_, counts)| counts) {
            *sums.entry(*listener).or_default() += count;
        }
        sums
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
