//! Holds the rows and carries them from one snapshot to the next.
//!
//! A snapshot is not atomic, so one missing row proves nothing: a row that is gone from one reading
//! is kept as it was, and closed only when the next reading lacks it too. [`Table::has_unconfirmed_closes`]
//! asks for that reading soon. Where a new socket took the address of a missing listener, the two
//! stay one row, and whether that was a restart or a second listener is said once it is certain.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::changes::{announce, change, handover, learn_owner, set_conflict, take_end, update_row};
use super::conflicts::mark_conflicts;
use super::matching::{self, Address, Key};
use super::{ChangeKind, Counts, Event, Row, RowId, Table};
use crate::model::{
    EphemeralPorts, EphemeralUse, Kinds, Moment, Playback, Services, Snapshot, Socket,
};

/// How many closed rows linger at most; beyond that the oldest go early.
const MAX_LINGERING: usize = 10_000;

/// Compares each snapshot with the rows so far.
#[derive(Debug)]
pub struct Tracker {
    linger: Duration,
    services: Services,
    /// By row id ascending.
    live: Vec<Live>,
    /// In the order in which they closed.
    closed: Vec<Arc<Row>>,
    next_id: u64,
    /// The kinds of sockets in the last snapshot; `None` before the first.
    kinds: Option<Kinds>,
    /// The last table, and the ports for outgoing connections that it was made with.
    last: Option<(EphemeralPorts, Arc<Table>)>,
}

/// What one snapshot brought.
#[derive(Clone, Debug)]
pub struct TableUpdate {
    /// The table as it is now.
    pub table: Arc<Table>,
    /// What changed since the last one, in the order in which it was seen.
    pub events: Vec<Event>,
    /// Where in a recording it is.
    pub playback: Option<Playback>,
}

impl TableUpdate {
    /// Both as one: what this one brought, and then the other.
    #[must_use]
    pub fn followed_by(mut self, mut later: Self) -> Self {
        self.events.append(&mut later.events);
        Self {
            events: self.events,
            ..later
        }
    }
}

/// A row whose socket was in the last snapshot, or is missing from it for the first time.
#[derive(Debug)]
pub(super) struct Live {
    pub row: Arc<Row>,
    /// Its place in the last snapshot, if it was there under the key that it has now. Rows of the same
    /// key stand in the same order there as here.
    pub seat: Option<usize>,
    /// The reading from which it was missing.
    missing_since: Option<Moment>,
    /// The missing listener whose address, and whose place in the table, this one took.
    displaced: Option<Arc<Row>>,
}

impl Live {
    pub(super) fn new(row: Arc<Row>) -> Self {
        Self {
            row,
            seat: None,
            missing_since: None,
            displaced: None,
        }
    }
}

impl Tracker {
    /// A tracker that has seen nothing. Closed rows stay in the table for `linger`.
    pub fn new(linger: Duration) -> Self {
        Self {
            linger,
            services: Services::default(),
            live: Vec::new(),
            closed: Vec::new(),
            next_id: 0,
            kinds: None,
            last: None,
        }
    }

    /// From now on closed rows stay for this long; those that are gone stay gone.
    pub const fn set_linger(&mut self, linger: Duration) {
        self.linger = linger;
    }

    /// From the next snapshot on sockets have these names of the user's.
    pub fn set_services(&mut self, services: Services) {
        self.services = services;
    }

    /// Forgets every row, after a comparison that crashed half-way: the next snapshot is a first one. Row
    /// ids go on, so that none ever means two rows.
    pub fn reset(&mut self) {
        *self = Self {
            next_id: self.next_id,
            services: self.services.clone(),
            ..Self::new(self.linger)
        };
    }

    /// Takes in the next snapshot. What is in the first one is not new, nor is what it has of a kind that
    /// the one before was without.
    pub fn apply(&mut self, mut snapshot: Snapshot) -> TableUpdate {
        let now = snapshot.taken_at;
        let mut events = Vec::new();
        self.forget_others(snapshot.kinds);
        let rivals = self.release_displaced();
        let settled = self.live.len() - rivals.len();
        let mut sockets = std::mem::take(&mut snapshot.sockets);
        if !self.services.is_empty() {
            for socket in &mut sockets {
                socket.own_service = self.services.own_name(socket);
            }
        }
        let places = matching::places(&self.live, &sockets);
        self.settle(&rivals, &sockets, &places, &mut events);
        let newcomers = self.update_known(sockets, &places, now, &mut events);
        self.unseat(&rivals);
        self.forget_displaced(settled);
        self.close_missing(&newcomers, now, &mut events);
        self.admit(newcomers, snapshot.kinds, now, &mut events);
        self.forget_closed(now);
        self.live.sort_by_key(|live| live.row.id);
        self.kinds = Some(snapshot.kinds);
        let ports = snapshot.ephemeral.clone();
        let table = Arc::new(self.table(snapshot));
        self.last = ports.map(|ports| (ports, Arc::clone(&table)));
        TableUpdate {
            table,
            events,
            playback: None,
        }
    }

    /// Forgets the rows of kinds that are not read any more: whether they close is not seen.
    fn forget_others(&mut self, kinds: Kinds) {
        if self.kinds.is_none_or(|before| before == kinds) {
            return;
        }
        self.live.retain(|live| kinds.has(live.row.socket.protocol));
        self.closed.retain(|row| kinds.has(row.socket.protocol));
        // Their places in the snapshot went by what is no longer there.
        for live in &mut self.live {
            live.seat = None;
        }
    }

    /// Gives each displaced listener an entry of its own again, so that it can be found in the
    /// next snapshot. Returns pairs of indices: who took the place, who had it.
    fn release_displaced(&mut self) -> Vec<(usize, usize)> {
        let mut rivals = Vec::new();
        for successor in 0..self.live.len() {
            if let Some(row) = self.live[successor].displaced.take() {
                rivals.push((successor, self.live.len()));
                let missing_since = Some(self.live[successor].row.first_seen);
                self.live.push(Live {
                    missing_since,
                    ..Live::new(row)
                });
            }
        }
        rivals
    }

    /// Carries over every socket that is already known; returns those that are not. Afterwards
    /// `missing_since` is set on exactly the rows that this snapshot lacks: to `now` on those that
    /// the one before still had.
    fn update_known(
        &mut self,
        mut sockets: Vec<Socket>,
        places: &[Option<usize>],
        now: Moment,
        events: &mut Vec<Event>,
    ) -> Vec<Socket> {
        let mut is_present = vec![false; self.live.len()];
        for (seat, (socket, place)) in sockets.iter_mut().zip(places).enumerate() {
            if let Some(index) = *place {
                is_present[index] = true;
                let live = &mut self.live[index];
                live.missing_since = None;
                live.seat = Key::are_equal(&live.row.socket, socket).then_some(seat);
                update_row(&mut live.row, socket, now, events);
            }
        }
        for (live, is_present) in self.live.iter_mut().zip(is_present) {
            if !is_present {
                live.seat = None;
                live.missing_since.get_or_insert(now);
            }
        }
        if places.iter().all(Option::is_some) {
            return Vec::new();
        }
        let unplaced = sockets.into_iter().zip(places);
        let unplaced = unplaced.filter(|(_, place)| place.is_none());
        unplaced.map(|(socket, _)| socket).collect()
    }

    /// Decides, for each address that changed hands in the last snapshot, what that was. Whatever
    /// this snapshot says of the successor happened later; only its owner may be found out late.
    fn settle(
        &mut self,
        rivals: &[(usize, usize)],
        sockets: &[Socket],
        places: &[Option<usize>],
        events: &mut Vec<Event>,
    ) {
        let seats: HashMap<usize, usize> = if rivals.is_empty() {
            HashMap::new()
        } else {
            let seats = places.iter().enumerate();
            seats
                .filter_map(|(seat, place)| Some(((*place)?, seat)))
                .collect()
        };
        for &(successor, predecessor) in rivals {
            if let Some(&seat) = seats.get(&successor) {
                learn_owner(&mut self.live[successor].row, &sockets[seat]);
            }
            if seats.contains_key(&predecessor) {
                let id = self.new_id();
                Arc::make_mut(&mut self.live[successor].row).id = id;
                announce(&mut self.live[successor].row, ChangeKind::Opened, events);
            } else {
                let from = self.live[predecessor].row.socket.owner.clone();
                let kind = handover(from, &self.live[successor].row.socket.owner);
                if kind == ChangeKind::Opened {
                    // Not handed over: the one before has closed, though nobody saw the gap.
                    let at = self.live[successor].row.first_seen;
                    change(
                        &mut self.live[predecessor].row,
                        ChangeKind::Closed,
                        at,
                        events,
                    );
                }
                announce(&mut self.live[successor].row, kind, events);
            }
        }
    }

    /// A displaced listener that stayed away lives on in its successor's row. Those before
    /// `settled` were not displaced.
    fn forget_displaced(&mut self, settled: usize) {
        let released = self.live.split_off(settled).into_iter();
        self.live
            .extend(released.filter(|live| live.missing_since.is_none()));
    }

    /// Rows that changed their place among the rows: which of several twins they are is looked up the
    /// next time.
    fn unseat(&mut self, rivals: &[(usize, usize)]) {
        for &(successor, predecessor) in rivals {
            self.live[successor].seat = None;
            self.live[predecessor].seat = None;
        }
    }

    /// Closes what two snapshots in a row lack, and connections whose addresses another has now.
    fn close_missing(&mut self, newcomers: &[Socket], now: Moment, events: &mut Vec<Event>) {
        if self.live.iter().all(|live| live.missing_since.is_none()) {
            return;
        }
        let retaken: HashSet<Address> = newcomers.iter().map(Address::of).collect();
        let is_gone = |live: &mut Live| {
            live.missing_since.is_some_and(|since| {
                since < now
                    || live.row.socket.is_connection()
                        && retaken.contains(&Address::of(&live.row.socket))
            })
        };
        for mut live in self.live.extract_if(.., is_gone) {
            let at = live.missing_since.unwrap_or(now);
            change(&mut live.row, ChangeKind::Closed, at, events);
            set_conflict(&mut live.row, false);
            self.closed.push(live.row);
        }
    }

    /// Makes rows of sockets that were not known, those that opened first before the others, as far as the
    /// inode says: twins (`SO_REUSEPORT`) stand in this order ever after, whatever the kernel's is.
    fn admit(
        &mut self,
        mut newcomers: Vec<Socket>,
        kinds: Kinds,
        now: Moment,
        events: &mut Vec<Event>,
    ) {
        let Some(before) = self.kinds else {
            let mut seated: Vec<_> = newcomers.into_iter().enumerate().collect();
            seated.sort_by_key(|(_, socket)| socket.inode);
            for (seat, socket) in seated {
                let row = Arc::new(self.first_row(socket, now));
                self.live.push(Live {
                    seat: Some(seat),
                    ..Live::new(row)
                });
            }
            return;
        };
        let is_added = kinds.without(before);
        newcomers.sort_by_key(|socket| socket.inode);
        let (added, newcomers): (Vec<_>, Vec<_>) = newcomers
            .into_iter()
            .partition(|socket| is_added.has(socket.protocol));
        for socket in added {
            let row = Arc::new(self.first_row(socket, now));
            self.live.push(Live::new(row));
        }
        if newcomers.is_empty() {
            return;
        }
        let mut vacant = self.vacant_places();
        let mut lingering = self.lingering_ids();
        let mut reopened = HashSet::new();
        for socket in newcomers {
            let address = Address::of(&socket);
            let mut row = self.new_row(socket, now);
            if let Some(index) = vacant.get_mut(&address).and_then(Vec::pop) {
                self.take_place(index, row);
                continue;
            }
            if let Some(id) = lingering.get_mut(&address).and_then(Vec::pop) {
                row.id = id;
                reopened.insert(id);
            }
            let mut row = Arc::new(row);
            announce(&mut row, ChangeKind::Opened, events);
            self.live.push(Live::new(row));
        }
        self.closed.retain(|row| !reopened.contains(&row.id));
    }

    /// The closed rows of each address, the latest last. Who opens there again gets the id of one,
    /// so that the cursor stays on a port that closes and opens; of several, each another.
    fn lingering_ids(&self) -> HashMap<Address, Vec<RowId>> {
        let mut ids: HashMap<Address, Vec<RowId>> = HashMap::new();
        for row in &self.closed {
            ids.entry(Address::of(&row.socket))
                .or_default()
                .push(row.id);
        }
        ids
    }

    /// Addresses of sockets without a peer that this snapshot lacks.
    fn vacant_places(&self) -> HashMap<Address, Vec<usize>> {
        let mut vacant: HashMap<Address, Vec<usize>> = HashMap::new();
        for (index, live) in self.live.iter().enumerate().rev() {
            if live.missing_since.is_some() && !live.row.socket.is_connection() {
                vacant
                    .entry(Address::of(&live.row.socket))
                    .or_default()
                    .push(index);
            }
        }
        vacant
    }

    /// Shows `row` where the missing one was, under its id, until the next snapshot settles it.
    fn take_place(&mut self, index: usize, mut row: Row) {
        row.id = self.live[index].row.id;
        let before = std::mem::replace(&mut self.live[index], Live::new(Arc::new(row)));
        self.live[index].displaced = Some(before.row);
    }

    /// A row of what was there when its kind was read first.
    fn first_row(&mut self, socket: Socket, now: Moment) -> Row {
        Row {
            was_open_at_start: true,
            ..self.new_row(socket, now)
        }
    }

    fn new_row(&mut self, mut socket: Socket, now: Moment) -> Row {
        Row {
            id: self.new_id(),
            ends_at: take_end(&mut socket, now),
            socket,
            first_seen: now,
            state_since: now,
            was_open_at_start: false,
            change: None,
            is_in_conflict: false,
        }
    }

    /// Makes it look up every row by its key again.
    #[cfg(test)]
    pub(super) fn forget_seats(&mut self) {
        for live in &mut self.live {
            live.seat = None;
        }
    }

    const fn new_id(&mut self) -> RowId {
        self.next_id += 1;
        RowId(self.next_id)
    }

    fn forget_closed(&mut self, now: Moment) {
        let linger = self.linger;
        self.closed.retain(|row| row.state_since.age(now) < linger);
        let excess = self.closed.len().saturating_sub(MAX_LINGERING);
        self.closed.drain(..excess);
    }

    /// How the ports are used, if nothing has changed since that was last counted.
    fn last_use(&self, ports: &EphemeralPorts, rows: &[Arc<Row>]) -> Option<EphemeralUse> {
        let (then, table) = self.last.as_ref()?;
        let mut both = table.rows.iter().zip(rows);
        let are_same = then == ports
            && table.rows.len() == rows.len()
            && both.all(|(one, other)| Arc::ptr_eq(one, other));
        table.ephemeral.clone().filter(|_| are_same)
    }

    /// The rows, and what the snapshot says besides its sockets.
    fn table(&mut self, read: Snapshot) -> Table {
        mark_conflicts(&mut self.live);
        let live = self.live.iter().map(|live| &live.row);
        let mut rows: Vec<_> = live.chain(&self.closed).cloned().collect();
        // The live ones are in order already, which a stable sort makes use of.
        rows.sort_by_key(|row| row.id);
        let counts = Counts::of(&rows);
        let ephemeral = read.ephemeral.map(|ports| {
            self.last_use(&ports, &rows).unwrap_or_else(|| {
                let open = rows.iter().filter(|row| !row.is_closed());
                EphemeralUse::of(&ports, open.map(|row| &row.socket))
            })
        });
        let mut problems = read.problems;
        problems.extend(ephemeral.as_ref().and_then(EphemeralUse::problem));
        let has_unconfirmed_closes = self.live.iter().any(|live| {
            let is_missing = live.missing_since.is_some() && !live.row.socket.is_connection();
            is_missing || live.displaced.is_some()
        });
        Table {
            taken_at: read.taken_at,
            rows,
            processes: read.processes,
            problems,
            counts,
            ephemeral,
            has_unconfirmed_closes,
        }
    }
}
