//! Holds the rows and carries them from one snapshot to the next.
//!
//! A snapshot is not atomic, so one missing row proves nothing: the row is kept, and closed only if it is also missing
//! from the next snapshot. [`Table::has_unconfirmed_closes`] requests that soon. Where a new socket took the address of
//! a missing listener, the two stay one row, and whether that was a restart or a second listener is reported once it is
//! certain.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::changes::{change, handover, learn_owner, set_conflict, take_end, update_row};
use super::closes::{Closes, Dropped, EndedCookies, is_leftover, short_row};
use super::conflicts::mark_conflicts;
use super::connections::SnapshotTimes;
use super::flows::FlowTracker;
use super::known::KnownIds;
use super::matching::{self, Address};
use super::row::Live;
use super::{ChangeKind, Connections, Counts, Event, Row, RowId, SocketEnd, Table};
use crate::model::{
    ClosedSocket, EarlierCounters, EphemeralPorts, EphemeralUse, Kinds, Moment, Namespace,
    NamespaceId, Playback, Services, Snapshot, Socket, State,
};

/// How many closed rows linger at most; beyond that the oldest go early.
const MAX_LINGERING: usize = 10_000;

/// Compares each snapshot with the rows so far.
#[derive(Debug, Default)]
pub struct Tracker {
    /// For how long closed rows stay; removed rows don't come back.
    pub linger: Duration,
    /// Whether one missing row proves that its socket closed: for a listing, as no later snapshot confirms it.
    pub closes_unconfirmed: bool,
    /// Whether counters are of an earlier time than their snapshot, so that nothing is concluded from them.
    has_old_counters: bool,
    /// Those that the rates of the next table are reckoned from, instead of those of the last snapshot.
    earlier_counters: Option<EarlierCounters>,
    /// The user's own names of services, used from the next snapshot on.
    pub services: Services,
    /// By row id ascending.
    live: Vec<Live>,
    /// In the order in which they closed.
    closed: Vec<Arc<Row>>,
    next_id: u64,
    /// The ids of sockets that another table has already.
    known: KnownIds,
    /// When the last snapshots were taken.
    times: SnapshotTimes,
    flows: FlowTracker,
    /// The kinds of sockets in the last snapshot; `None` before the first.
    kinds: Option<Kinds>,
    /// The last table, and the ports for outgoing connections that it was made with.
    last: Option<(Option<EphemeralPorts>, Arc<Table>)>,
    /// When the snapshot before the last one was taken.
    before_last: Option<Moment>,
    /// The sockets that closed last.
    ended: EndedCookies,
    /// The reports of the snapshot being applied.
    closes: Closes,
    /// The addresses of the sockets that were in no snapshot and closed before the last one.
    last_short: HashSet<Address>,
    /// Of those whose rows went before they left the window of the rates.
    dropped: Dropped,
    /// The changes so far by the snapshot being applied.
    events: Vec<Event>,
}

/// The changes by one snapshot.
#[derive(Clone, Debug)]
pub struct TableUpdate {
    /// The current table.
    pub table: Arc<Table>,
    /// The changes since the last one: what happened before the snapshot as the kernel reported it, then what the snapshot shows.
    pub events: Vec<Event>,
    /// Its position in a recording.
    pub playback: Option<Playback>,
}

impl Tracker {
    /// A tracker before the first snapshot. Closed rows stay in the table for `linger`.
    pub fn new(linger: Duration) -> Self {
        Self {
            linger,
            ..Self::default()
        }
    }

    /// The rows of sockets that are among these get the same ids, the others get ids above `last`.
    #[must_use]
    pub fn with_ids_of(self, rows: &[Arc<Row>], last: u64) -> Self {
        Self {
            known: KnownIds::of(rows),
            next_id: last,
            ..self
        }
    }

    /// The highest id that was given to a new row.
    pub const fn last_id(&self) -> u64 {
        self.next_id
    }

    /// From now on counters are stored ones, of an earlier time than their snapshot: nothing is concluded from them, and the rates
    /// of the next table are since those before them.
    pub fn expect_stored_counters(&mut self, earlier: Option<EarlierCounters>) {
        self.has_old_counters = true;
        self.earlier_counters = earlier;
    }

    /// Forgets every row, after a comparison that crashed half-way: the next snapshot is a first one. Row ids go on, so
    /// that none ever means two rows.
    pub fn reset(&mut self) {
        *self = Self {
            next_id: self.next_id,
            closes_unconfirmed: self.closes_unconfirmed,
            has_old_counters: self.has_old_counters,
            services: self.services.clone(),
            ..Self::new(self.linger)
        };
    }

    /// Compares the next snapshot with the rows. Sockets of the first one are not new, nor are those of a kind or of a
    /// namespace that was not read before.
    pub fn apply(&mut self, mut snapshot: Snapshot) -> TableUpdate {
        let (now, kinds) = (snapshot.taken_at, snapshot.kinds);
        let mut sockets = std::mem::take(&mut snapshot.sockets);
        Socket::name_services(&mut sockets, &self.services);
        self.drop_other_kinds(kinds);
        let replacements = self.release_replaced();
        let not_released = self.live.len() - replacements.len();
        let rows = matching::rows(&self.live, &sockets);
        self.resolve(&replacements, &sockets, &rows);
        let newcomers = self.update_known(sockets, &rows, now);
        for (successor, predecessor) in replacements {
            // They moved among the rows: which of several twins they are is looked up the next time.
            self.live[successor].dump_index = None;
            self.live[predecessor].dump_index = None;
        }
        // A replaced listener that stayed away lives on in its successor's row.
        let released = self.live.split_off(not_released).into_iter();
        for live in released {
            if live.missing_since.is_none() {
                self.live.push(live);
            } else {
                // Its report may be read later.
                self.ended.extend(live.row.socket.cookie, false);
            }
        }
        self.closes = Closes::of(
            std::mem::take(&mut snapshot.closed),
            &self.live,
            self.last.as_ref().map(|(_, table)| table.taken_at),
        );
        let newcomers = self.without_closed(newcomers);
        self.close_missing(&newcomers, now);
        let late = std::mem::take(&mut snapshot.late_namespaces);
        self.add(newcomers, (kinds, &late), now);
        self.add_short(snapshot.ephemeral.as_ref());
        self.drop_closed(now);
        self.live.sort_by_key(|live| live.row.id);
        self.kinds = Some(kinds);
        let ports = snapshot.ephemeral.clone();
        let table = Arc::new(self.table(snapshot));
        self.before_last = self.last.as_ref().map(|(_, table)| table.taken_at);
        self.last = Some((ports, Arc::clone(&table)));
        // Those of reports happened before the snapshot, in the order of the reports: their times are less exact.
        let mut events = std::mem::take(&mut self.events);
        events.sort_by_key(|event| event.change.at.steady >= now.steady);
        TableUpdate {
            table,
            events,
            playback: None,
        }
    }

    /// Drops the rows of kinds that are no longer read, as their end would not be seen.
    fn drop_other_kinds(&mut self, kinds: Kinds) {
        if self.kinds.is_none_or(|before| before == kinds) {
            return;
        }
        self.live.retain(|live| kinds.has(live.row.socket.protocol));
        self.closed.retain(|row| kinds.has(row.socket.protocol));
        // Their places in the dump counted what is no longer there.
        for live in &mut self.live {
            live.dump_index = None;
        }
    }

    /// Gives each replaced listener an entry of its own again, to be found in the next snapshot. Returns the indices of
    /// each successor and of the one that it replaced.
    fn release_replaced(&mut self) -> Vec<(usize, usize)> {
        let mut replacements = Vec::new();
        for successor in 0..self.live.len() {
            if let Some(row) = self.live[successor].replaced.take() {
                replacements.push((successor, self.live.len()));
                let missing_since = Some(self.live[successor].row.first_seen);
                self.live.push(Live {
                    missing_since,
                    ..Live::new(row)
                });
            }
        }
        replacements
    }

    /// Decides the kind of change for each address with a new socket in the last snapshot. Changes of the successor in
    /// this snapshot happened later; only its owner may be found late.
    fn resolve(
        &mut self,
        replacements: &[(usize, usize)],
        sockets: &[Socket],
        rows: &[Option<usize>],
    ) {
        if replacements.is_empty() {
            return;
        }
        let mut socket_of = vec![None; self.live.len()];
        for (at, row) in rows.iter().enumerate() {
            if let Some(row) = *row {
                socket_of[row] = Some(at);
            }
        }
        for &(successor, predecessor) in replacements {
            if let Some(at) = socket_of[successor] {
                learn_owner(&mut self.live[successor].row, &sockets[at]);
            }
            let at = self.live[successor].row.first_seen;
            let kind = if socket_of[predecessor].is_some() {
                let id = self.new_id();
                Arc::make_mut(&mut self.live[successor].row).id = id;
                ChangeKind::Opened
            } else {
                let from = self.live[predecessor].row.socket.owner.clone();
                let kind = handover(from, &self.live[successor].row.socket.owner);
                if kind == ChangeKind::Opened {
                    // The owner did not change: the one before closed between the snapshots.
                    let closed = &mut self.live[predecessor].row;
                    change(closed, ChangeKind::Closed, at, &mut self.events);
                }
                kind
            };
            change(&mut self.live[successor].row, kind, at, &mut self.events);
        }
    }

    /// Updates every row whose socket is in the snapshot; returns the sockets without a row, with their places
    /// in the dump. Afterwards `missing_since` is set on exactly the rows that this snapshot lacks: to `now` on
    /// those that the one before still had.
    fn update_known(
        &mut self,
        mut sockets: Vec<Socket>,
        rows: &[Option<usize>],
        now: Moment,
    ) -> Vec<(usize, Socket)> {
        let mut is_present = vec![false; self.live.len()];
        for (at, (socket, row)) in sockets.iter_mut().zip(rows).enumerate() {
            if let Some(index) = *row {
                is_present[index] = true;
                let live = &mut self.live[index];
                live.missing_since = None;
                let has_same_key = update_row(live, socket, now, &mut self.events);
                live.dump_index = has_same_key.then_some(at);
            }
        }
        for (live, _) in self.live.iter_mut().zip(is_present).filter(|(_, is)| !is) {
            live.dump_index = None;
            live.missing_since.get_or_insert(now);
        }
        // Nearly always nothing is new: no socket is moved then. Of a first snapshot all are: a list that grows would
        // move them again and again.
        let count = rows.iter().filter(|row| row.is_none()).count();
        let mut new = Vec::with_capacity(count);
        if count > 0 {
            let all = sockets.into_iter().enumerate().zip(rows);
            new.extend(all.filter_map(|(socket, row)| row.is_none().then_some(socket)));
        }
        new
    }

    /// Without what is left of connections that closed in the snapshot before, as that lacked it: a snapshot is not atomic.
    fn without_closed(&mut self, mut newcomers: Vec<(usize, Socket)>) -> Vec<(usize, Socket)> {
        let last_short = std::mem::take(&mut self.last_short);
        newcomers.retain(|(_, socket)| {
            let is_known = |cookie| self.ended.has_reported(cookie);
            let was_short = || {
                let address = Address::of(socket);
                last_short.contains(&address) && !self.closes.has(&address)
            };
            let has_closed =
                is_leftover(socket) && (socket.cookie.is_some_and(is_known) || was_short());
            if has_closed {
                self.ended.extend(socket.cookie, true);
            }
            !has_closed
        });
        newcomers
    }

    /// Closes rows that are missing from this snapshot, if they were missing from the one before, were reported as closed,
    /// are connections whose addresses have a new socket, or need no proof. A listener whose address has a new one is not closed yet.
    fn close_missing(&mut self, newcomers: &[(usize, Socket)], now: Moment) {
        let is_missing = |live: &Live| live.missing_since.is_some();
        if self.closes.are_none() && !self.live.iter().any(is_missing) {
            return;
        }
        let newcomers = newcomers.iter().map(|(_, socket)| Address::of(socket));
        let retaken: HashSet<Address> = newcomers.collect();
        let closes_unconfirmed = self.closes_unconfirmed;
        let is_gone = |live: &mut Live| {
            // What is left of a freed connection may be missing from one snapshot.
            let is_reported = self.closes.end(live) && !is_leftover(&live.row.socket);
            live.missing_since.is_some_and(|since| {
                let is_retaken = || retaken.contains(&Address::of(&live.row.socket));
                let is_proved = since < now || is_reported || closes_unconfirmed;
                if live.row.socket.is_connection() {
                    is_proved || is_retaken()
                } else {
                    since < now || is_proved && !is_retaken()
                }
            })
        };
        for mut live in self.live.extract_if(.., is_gone) {
            let end = live.row.end.as_ref().map(|end| end.at);
            let is_time_wait = is_leftover(&live.row.socket);
            let at = end.filter(|_| !is_time_wait).or(live.missing_since);
            change(
                &mut live.row,
                ChangeKind::Closed,
                at.unwrap_or(now),
                &mut self.events,
            );
            set_conflict(&mut live.row, false);
            let is_reported = live.row.end.is_some();
            self.ended.extend(live.row.socket.cookie, is_reported);
            self.closed.push(live.row);
        }
    }

    /// Adds a closed row for each reported socket that no snapshot had. The first snapshot has none: such a socket may have
    /// opened before tracking began.
    fn add_short(&mut self, ports: Option<&EphemeralPorts>) {
        let mut closes = std::mem::take(&mut self.closes);
        closes.end_time_waits(&mut self.live);
        if self.last.is_none() {
            return;
        }
        let short = closes.short(&self.ended, self.before_last, ports);
        let mut blinking = self.closed_ports(&short);
        for (mut closed, end) in short {
            self.ended.extend(closed.socket.cookie, true);
            Socket::name_services(std::slice::from_mut(&mut closed.socket), &self.services);
            let address = Address::of(&closed.socket);
            self.last_short.insert(address);
            let id = blinking.get(&address).copied();
            let id = id.unwrap_or_else(|| self.id_of(&closed.socket));
            if closed.socket.remote.is_none() {
                blinking.insert(address, id);
            }
            let mut row = Arc::new(short_row(id, closed, end));
            let at = row.first_seen;
            change(&mut row, ChangeKind::GoneBetween, at, &mut self.events);
            self.closed.push(row);
        }
        if !blinking.is_empty() {
            let mut seen = HashSet::new();
            self.closed.reverse();
            self.closed.retain(|row| seen.insert(row.id));
            self.closed.reverse();
        }
    }

    /// Drops the closed rows that have lingered long enough, and the oldest of too many.
    fn drop_closed(&mut self, now: Moment) {
        let linger = self.linger;
        let is_over = |row: &mut Arc<Row>| row.state_since.age(now) >= linger;
        let mut gone: Vec<_> = self.closed.extract_if(.., is_over).collect();
        let excess = self.closed.len().saturating_sub(MAX_LINGERING);
        gone.extend(self.closed.drain(..excess));
        self.count_dropped(&gone, now);
    }

    /// Lets dropped rows count for the rates of their listeners as long as they would have.
    fn count_dropped(&mut self, rows: &[Arc<Row>], now: Moment) {
        let last = self.last.as_ref().map(|(_, table)| &table.connections);
        for row in rows.iter().filter(|row| self.times.may_count(row)) {
            let accepted_by = row.end.as_ref().and_then(|end| end.accepted_by);
            let listener = accepted_by.or_else(|| last?.listener_of(row.id));
            if let Some(listener) = listener {
                let seen = self.times.snapshot_of(row.first_seen);
                self.dropped.add(listener, seen.unwrap_or(now.steady));
            }
        }
    }

    /// The closed rows without a peer by address, if any of these sockets has none: a port that opens and closes again and
    /// again stays one row.
    fn closed_ports(&self, short: &[(ClosedSocket, SocketEnd)]) -> HashMap<Address, RowId> {
        if short
            .iter()
            .all(|(closed, _)| closed.socket.remote.is_some())
        {
            return HashMap::new();
        }
        let is_port = |row: &&Arc<Row>| row.is_short() && row.socket.remote.is_none();
        let ports = self.closed.iter().filter(is_port);
        ports
            .map(|row| (Address::of(&row.socket), row.id))
            .collect()
    }

    /// Makes rows of sockets that were not known, those that opened first before the others, as far as the
    /// inode says: twins (`SO_REUSEPORT`) stay in this order, whatever the kernel's is.
    fn add(
        &mut self,
        mut newcomers: Vec<(usize, Socket)>,
        (kinds, late): (Kinds, &[NamespaceId]),
        now: Moment,
    ) {
        let added = self
            .kinds
            .map_or(Kinds::ALL, |before| kinds.without(before));
        newcomers.sort_by_key(|(_, socket)| socket.inode);
        self.live.reserve(newcomers.len());
        let is_added = |(_, socket): &mut (usize, Socket)| {
            let is_late = late.contains(&socket.namespace_id());
            // Of our own namespace only rows without a socket can be late.
            added.has(socket.protocol)
                || is_late && (!socket.is_own() || socket.state == State::Dnat)
        };
        for (at, socket) in newcomers.extract_if(.., is_added) {
            let row = Row {
                was_open_at_start: true,
                ..self.new_row(socket, now)
            };
            self.live.push(Live {
                dump_index: Some(at),
                ..Live::new(Arc::new(row))
            });
        }
        if !newcomers.is_empty() {
            self.open(newcomers.into_iter().map(|(_, socket)| socket), now);
        }
    }

    /// A socket that takes the address of a missing listener takes its place, too. One that opens where another
    /// closed gets the id of that row, so that the cursor stays on a port that closes and opens; of several, each
    /// another.
    fn open(&mut self, sockets: impl Iterator<Item = Socket>, now: Moment) {
        let is_vacant =
            |live: &Live| live.missing_since.is_some() && !live.row.socket.is_connection();
        let rows = self.live.iter().enumerate().rev();
        let vacant = rows.filter(|(_, live)| is_vacant(live));
        let mut vacant = by_address(vacant.map(|(at, live)| (&live.row.socket, at)));
        let mut closed = by_address(self.closed.iter().map(|row| (&row.socket, row.id)));
        let mut reopened = HashSet::new();
        for socket in sockets {
            let address = Address::of(&socket);
            let mut row = self.new_row(socket, now);
            if let Some(at) = vacant.get_mut(&address).and_then(Vec::pop) {
                // Under its id, until the next snapshot shows what that was.
                row.id = self.live[at].row.id;
                let before = std::mem::replace(&mut self.live[at], Live::new(Arc::new(row)));
                self.live[at].replaced = Some(before.row);
                continue;
            }
            if let Some(id) = closed.get_mut(&address).and_then(Vec::pop) {
                row.id = id;
                reopened.insert(id);
            }
            let mut row = Arc::new(row);
            change(&mut row, ChangeKind::Opened, now, &mut self.events);
            self.live.push(Live::new(row));
        }
        let is_replaced = |row: &mut Arc<Row>| reopened.contains(&row.id);
        let replaced: Vec<_> = self.closed.extract_if(.., is_replaced).collect();
        self.count_dropped(&replaced, now);
    }

    fn new_row(&mut self, mut socket: Socket, now: Moment) -> Row {
        let is_time_wait = is_leftover(&socket);
        let mut row = Row {
            id: self.id_of(&socket),
            ends_at: take_end(&mut socket, now),
            socket,
            first_seen: now,
            state_since: now,
            was_open_at_start: false,
            change: None,
            is_in_conflict: false,
            sign: None,
            end: None,
        };
        if is_time_wait {
            self.closes.end_time_wait(&mut row);
        }
        row
    }

    /// Forces a lookup of every row by its key.
    #[cfg(test)]
    pub(super) fn forget_dump_order(&mut self) {
        for live in &mut self.live {
            live.dump_index = None;
        }
    }

    fn id_of(&mut self, socket: &Socket) -> RowId {
        let known = self.known.take(socket);
        known.unwrap_or_else(|| self.new_id())
    }

    const fn new_id(&mut self) -> RowId {
        self.next_id += 1;
        RowId(self.next_id)
    }

    /// The rows, and the data of the snapshot besides its sockets.
    fn table(&mut self, snapshot: Snapshot) -> Table {
        mark_conflicts(&mut self.live);
        let live = self.live.iter().map(|live| &live.row);
        let mut rows: Vec<_> = live.chain(&self.closed).cloned().collect();
        // The live ones are in order already, which a stable sort makes use of.
        rows.sort_by_key(|row| row.id);
        let (counters, processes) = (snapshot.counters.as_deref(), &snapshot.processes);
        let mut flows = (self.flows).update(counters, &rows, processes, snapshot.taken_at);
        if let Some(earlier) = self.earlier_counters.take() {
            flows = self.flows.set_rates_since(&earlier, &rows);
        }
        if !self.has_old_counters {
            self.flows.set_signs(&mut self.live, &mut rows);
        }
        let window = self.times.add(snapshot.taken_at);
        // What was found of the rows of the last table counts if none of them has changed.
        let are_same = |(one, other)| Arc::ptr_eq(one, other);
        let last = self.last.as_ref().filter(|(_, table)| {
            table.rows.len() == rows.len() && table.rows.iter().zip(&rows).all(are_same)
        });
        let connections = last.and_then(|(_, table)| table.connections.in_window(window));
        let mut connections = connections.unwrap_or_else(|| Connections::of(&rows, window));
        connections.add_opened(&self.dropped.in_window(window));
        let ephemeral = snapshot.ephemeral.map(|ports| {
            let last = last.filter(|(then, _)| then.as_ref() == Some(&ports));
            let last_use = last.and_then(|(_, table)| table.ephemeral.clone());
            last_use.unwrap_or_else(|| {
                let is_open = |row: &&Arc<Row>| !row.is_closed() && row.socket.is_own();
                let open = rows.iter().filter(is_open);
                EphemeralUse::of(&ports, open.map(|row| &row.socket))
            })
        });
        let mut problems = snapshot.problems;
        problems.extend(ephemeral.as_ref().and_then(EphemeralUse::problem));
        let is_unconfirmed = |live: &Live| {
            let is_missing = live.missing_since.is_some() && !live.row.socket.is_connection();
            is_missing || live.replaced.is_some()
        };
        Table {
            taken_at: snapshot.taken_at,
            counts: Counts::of(&rows),
            namespaces: namespaces(&rows),
            connections,
            flows,
            rows,
            processes: snapshot.processes,
            problems,
            lost_closes: snapshot.lost_closes,
            ephemeral,
            has_unconfirmed_closes: self.live.iter().any(is_unconfirmed),
        }
    }
}

/// The other network namespaces in order of their ids, each with its number of open sockets.
fn namespaces(rows: &[Arc<Row>]) -> Vec<(Arc<Namespace>, usize)> {
    let others = rows.iter().filter(|row| !row.is_closed());
    let others = others.filter_map(|row| row.socket.namespace.as_ref());
    let mut found: BTreeMap<NamespaceId, (Arc<Namespace>, usize)> = BTreeMap::new();
    for other in others {
        let known = found.entry(other.id);
        known.or_insert_with(|| (Arc::clone(other), 0)).1 += 1;
    }
    found.into_values().collect()
}

/// The values of each address, the last one last.
fn by_address<'a, T>(all: impl Iterator<Item = (&'a Socket, T)>) -> HashMap<Address, Vec<T>> {
    let mut index: HashMap<Address, Vec<T>> = HashMap::new();
    for (socket, value) in all {
        index.entry(Address::of(socket)).or_default().push(value);
    }
    index
}
