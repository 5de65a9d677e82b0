//! Applies the kernel's reports of closed sockets to the rows.
//!
//! A row whose socket was reported is over at once, without a second look. A socket that no snapshot had becomes a row that is
//! closed from the start.
//!
//! The cookie identifies a socket. Where a row has none, its addresses do; so they do for a `TIME_WAIT`, as the kernel gives a
//! cookie when one is first read: a connection that no snapshot had may get one in the report, and its `TIME_WAIT` another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use super::connections::Listeners;
use super::matching::Address;
use super::row::Live;
use super::{Row, RowId, Window};
use crate::model::{
    BuildSpread, ClosedSocket, EphemeralPorts, Moment, NamespaceId, Owner, Protocol, Recent,
    Socket, State, TcpInfo,
};

/// How many of the last cookies are kept.
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
    reports: Vec<Option<Report>>,
    by_cookie: HashMap<NonZeroU64, usize, BuildSpread>,
    /// The first and the last report of each address.
    by_address: HashMap<Address, (usize, usize)>,
    /// The ports that were listened on until now.
    listening: HashSet<(NamespaceId, u16)>,
    /// When the snapshot before was taken.
    last: Option<Moment>,
}

#[derive(Debug)]
struct Report {
    closed: ClosedSocket,
    /// The listener that accepted it.
    accepted_by: Option<RowId>,
}

impl Closes {
    /// The reports, each with the listener that accepted the connection, if it is among the rows of two snapshots.
    pub(super) fn of(closed: Vec<ClosedSocket>, live: &[Live], last: Option<Moment>) -> Self {
        let mut all = Self {
            last,
            ..Self::default()
        };
        if closed.is_empty() {
            return all;
        }
        let listening = live.iter().map(|live| &live.row.socket);
        let listening = listening.filter(|socket| socket.state == State::Listen);
        let listening = listening.map(|socket| (socket.namespace_id(), socket.local.port));
        all.listening = listening.collect();
        let rows = steady_listeners(live);
        let listeners = Listeners::of(&rows);
        let owners = rows.iter().map(|row| (row.id, &row.socket.owner));
        let owners: HashMap<RowId, &Owner> = owners.collect();
        for (at, mut closed) in closed.into_iter().enumerate() {
            let ends = all.by_address.entry(Address::of(&closed.socket));
            ends.or_insert((at, at)).1 = at;
            if let Some(cookie) = closed.socket.cookie {
                all.by_cookie.insert(cookie, at);
            }
            let accepted_by = listeners.listener_of(&closed.socket);
            let owner = accepted_by.and_then(|id| owners.get(&id));
            match (&closed.socket.owner, owner) {
                (Owner::None, Some(Owner::Known(processes))) => {
                    closed.socket.owner = Owner::Inferred(Arc::clone(processes));
                }
                (Owner::None, Some(Owner::Hidden)) => closed.socket.owner = Owner::Hidden,
                _ => {}
            }
            all.reports.push(Some(Report {
                closed,
                accepted_by,
            }));
        }
        all
    }

    pub(super) const fn are_none(&self) -> bool {
        self.reports.is_empty()
    }

    /// Whether there is a report of these addresses.
    pub(super) fn has(&self, address: &Address) -> bool {
        self.by_address.contains_key(address)
    }

    /// Adds what is known about the end of its socket to a row. Returns whether its socket is reported as closed.
    pub(super) fn end(&mut self, live: &mut Live) -> bool {
        let socket = &live.row.socket;
        let by_cookie = socket.cookie.and_then(|cookie| self.by_cookie.get(&cookie));
        let at = by_cookie.copied().or_else(|| self.first_of_missing(live));
        let report = at.and_then(|at| self.reports[at].take());
        report.is_some_and(|report| {
            report.add_to(Arc::make_mut(&mut live.row));
            true
        })
    }

    /// The first report of the addresses of a row that is missing now: of one without a cookie, or of a `TIME_WAIT` that was
    /// new in the snapshot before and whose report was read too late for that.
    fn first_of_missing(&self, live: &Live) -> Option<usize> {
        let row = &live.row;
        let is_new = Some(row.first_seen) == self.last && !row.was_open_at_start;
        let is_time_wait = is_new && is_leftover(&row.socket) && row.end.is_none();
        let may_be = live.missing_since.is_some() && (row.socket.cookie.is_none() || is_time_wait);
        let found = may_be.then(|| self.by_address.get(&Address::of(&row.socket)));
        found.flatten().map(|&(first, _)| first)
    }

    /// The same for a `TIME_WAIT` of these addresses, which is of the last connection between them; it takes over the owner,
    /// too.
    pub(super) fn end_time_wait(&mut self, row: &mut Row) {
        if let Some(report) = self.take_last(&row.socket) {
            report.add_to(row);
        }
    }

    fn take_last(&mut self, socket: &Socket) -> Option<Report> {
        let &(_, last) = self.by_address.get(&Address::of(socket))?;
        self.reports[last].take()
    }

    /// The same for each row that is a `TIME_WAIT` without an end.
    pub(super) fn end_time_waits(&mut self, live: &mut [Live]) {
        if self.reports.iter().all(Option::is_none) {
            return;
        }
        let is_open_end = |live: &&mut Live| {
            let is_there = live.missing_since.is_none() && live.row.end.is_none();
            is_there && is_leftover(&live.row.socket)
        };
        for live in live.iter_mut().filter(is_open_end) {
            if let Some(report) = self.take_last(&live.row.socket) {
                report.add_to(Arc::make_mut(&mut live.row));
            }
        }
    }

    /// The sockets that were in no snapshot, each with what is known about its end. `since`: the snapshot before the last one;
    /// a socket that was open then would have been in it or in that one. `ports`: those for outgoing connections.
    pub(super) fn short(
        self,
        ended: &EndedCookies,
        since: Option<Moment>,
        ports: Option<&EphemeralPorts>,
    ) -> Vec<(ClosedSocket, SocketEnd)> {
        let is_new = |one: &Report| one.closed.socket.cookie.is_none_or(|it| !ended.has(it));
        let Self {
            reports, listening, ..
        } = self;
        let mut left = reports.into_iter().flatten().filter(is_new).peekable();
        if left.peek().is_none() {
            return Vec::new();
        }
        let short = left.map(|report| {
            let end = SocketEnd {
                opened_within: opened_within(&report.closed, since),
                may_have_listened: may_have_listened(&report.closed.socket, &listening, ports),
                ..report.end()
            };
            (report.closed, end)
        });
        short.collect()
    }
}

impl Report {
    fn end(&self) -> SocketEnd {
        SocketEnd {
            at: self.closed.at,
            tcp: self.closed.tcp,
            opened_within: None,
            may_have_listened: false,
            accepted_by: self.accepted_by,
        }
    }

    fn add_to(self, row: &mut Row) {
        row.end = Some(Arc::new(self.end()));
        let is_better = match (&row.socket.owner, &self.closed.socket.owner) {
            (Owner::None | Owner::Unknown, _) => true,
            (Owner::Inferred(_), traced) => matches!(traced, Owner::Former(_)),
            _ => false,
        };
        if is_better {
            row.socket.owner = self.closed.socket.owner;
        }
    }
}

/// The listeners that were there in the last two snapshots, so that every connection in between was to them.
fn steady_listeners(live: &[Live]) -> Vec<Arc<Row>> {
    let is_steady = |live: &&Live| {
        let is_whole = live.missing_since.is_none() && live.replaced.is_none();
        is_whole && live.row.socket.state == State::Listen
    };
    let steady = live.iter().filter(is_steady);
    steady.map(|live| Arc::clone(&live.row)).collect()
}

/// The most time that a socket in no snapshot can have been open. Sockets that are only bound, and those of other namespaces,
/// are not in every snapshot.
fn opened_within(closed: &ClosedSocket, since: Option<Moment>) -> Option<Duration> {
    let is_always_read = closed.socket.remote.is_some() && closed.socket.is_own();
    Some(since.filter(|_| is_always_read)?.age(closed.at))
}

/// Whether it is what the kernel keeps of a connection that was freed: a `TIME_WAIT`, or an orphan in `FIN_WAIT2`, which ends
/// as one.
pub(super) fn is_leftover(socket: &Socket) -> bool {
    let is_final = matches!(socket.state, State::TimeWait | State::FinWait2);
    socket.protocol == Protocol::Tcp && socket.inode.is_none() && is_final
}

/// Whether it was bound to a port of its choice and is not an accepted connection that the kernel has cleared.
fn may_have_listened(
    socket: &Socket,
    listening: &HashSet<(NamespaceId, u16)>,
    ports: Option<&EphemeralPorts>,
) -> bool {
    let port = socket.local.port;
    let is_chosen = ports.is_some_and(|ports| !ports.range.contains(&port));
    let may_be_accepted =
        socket.protocol == Protocol::Tcp && listening.contains(&(socket.namespace_id(), port));
    socket.remote.is_none() && is_chosen && !may_be_accepted
}

/// The cookies of the sockets that closed last, and whether the kernel reported their end: a report may come after its row has
/// closed, and without one a socket may live on.
#[derive(Debug)]
pub(super) struct EndedCookies(Recent<NonZeroU64, bool>);

impl Default for EndedCookies {
    fn default() -> Self {
        Self(Recent::new(REMEMBERED))
    }
}

impl EndedCookies {
    pub(super) fn has(&self, cookie: NonZeroU64) -> bool {
        self.0.contains(&cookie)
    }

    pub(super) fn has_reported(&self, cookie: NonZeroU64) -> bool {
        self.0.get(&cookie) == Some(&true)
    }

    pub(super) fn extend(&mut self, cookie: Option<NonZeroU64>, is_reported: bool) {
        if let Some(cookie) = cookie {
            self.0.insert(cookie, is_reported);
        }
    }
}

/// The connections whose rows went before the window of the rate of their listener did: they count for it all the same. By the
/// snapshot that had them, or would have had them.
#[derive(Debug, Default)]
pub(super) struct Dropped(BTreeMap<Duration, HashMap<RowId, usize>>);

impl Dropped {
    /// Adds a connection to this listener that was first seen at or shortly before this snapshot.
    pub(super) fn add(&mut self, listener: RowId, seen: Duration) {
        *self.0.entry(seen).or_default().entry(listener).or_default() += 1;
    }

    /// How many of each listener opened in the window. Forgets the others.
    pub(super) fn in_window(&mut self, window: Window) -> HashMap<RowId, usize> {
        let until = window.since.saturating_add(window.length);
        self.0.retain(|&at, _| at > window.since && at <= until);
        let mut sums = HashMap::new();
        for (listener, count) in self.0.values().flatten() {
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
        sign: None,
        ends_at: None,
        end: Some(Arc::new(end)),
    }
}
