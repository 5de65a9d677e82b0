//! Holds the rows and carries them from one snapshot to the next.
//!
//! A snapshot is not atomic, so one missing row proves nothing: a row that is gone from one reading
//! is kept as it was, and closed only when the next reading lacks it too. [`Table::is_unsettled`]
//! asks for that reading soon. Where a new socket took the address of a missing listener, the two
//! stay one row, and whether that was a restart or a second listener is said once it is certain.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::matching::{self, Address};
use super::{Change, ChangeKind, Counts, Event, Row, RowId, Table};
use crate::model::{Moment, Owner, Pid, Problem, Process, Snapshot, Socket};

/// How many closed rows linger at most; beyond that the oldest go early.
const MAX_LINGERING: usize = 10_000;

/// Compares each snapshot with the rows so far.
#[derive(Debug)]
pub struct Tracker {
    linger: Duration,
    live: Vec<Live>,
    closed: Vec<Row>,
    next_id: u64,
    has_begun: bool,
}

/// What one snapshot brought.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The table as it is now.
    pub table: Arc<Table>,
    /// What changed since the last one, in the order in which it was seen.
    pub events: Vec<Event>,
}

/// A row whose socket was in the last snapshot, or is missing from it for the first time.
#[derive(Debug)]
pub(super) struct Live {
    pub row: Row,
    /// The reading from which it was missing.
    missing_since: Option<Moment>,
    /// The missing listener whose address, and whose place in the table, this one took.
    displaced: Option<Box<Row>>,
}

impl Live {
    fn new(row: Row) -> Self {
        Self {
            row,
            missing_since: None,
            displaced: None,
        }
    }
}

impl Tracker {
    /// A tracker that has seen nothing. Closed rows stay in the table for `linger`.
    pub const fn new(linger: Duration) -> Self {
        Self {
            linger,
            live: Vec::new(),
            closed: Vec::new(),
            next_id: 0,
            has_begun: false,
        }
    }

    /// Takes in the next snapshot. What is in the first one is not new.
    pub fn observe(&mut self, snapshot: Snapshot) -> Observation {
        let now = snapshot.taken_at;
        let mut events = Vec::new();
        let rivals = self.release_displaced();
        let settled = self.live.len() - rivals.len();
        let places = matching::places(&self.live, &snapshot.sockets);
        self.settle(&rivals, &snapshot.sockets, &places, &mut events);
        let newcomers = self.update_known(snapshot.sockets, &places, now, &mut events);
        self.forget_displaced(settled);
        self.close_missing(&newcomers, now, &mut events);
        self.admit(newcomers, now, &mut events);
        self.forget_closed(now);
        self.has_begun = true;
        let table = self.table(now, snapshot.processes, snapshot.problems);
        Observation {
            table: Arc::new(table),
            events,
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
                    row: *row,
                    missing_since,
                    displaced: None,
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
        sockets: Vec<Socket>,
        places: &[Option<usize>],
        now: Moment,
        events: &mut Vec<Event>,
    ) -> Vec<Socket> {
        let mut is_present = vec![false; self.live.len()];
        let mut newcomers = Vec::new();
        for (socket, place) in sockets.into_iter().zip(places) {
            match *place {
                Some(index) => {
                    is_present[index] = true;
                    self.live[index].missing_since = None;
                    update_row(&mut self.live[index].row, socket, now, events);
                }
                None => newcomers.push(socket),
            }
        }
        for (live, is_present) in self.live.iter_mut().zip(is_present) {
            if !is_present {
                live.missing_since.get_or_insert(now);
            }
        }
        newcomers
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
        let place_of = |index| places.iter().position(|&place| place == Some(index));
        for &(successor, predecessor) in rivals {
            if let Some(at) = place_of(successor) {
                learn_owner(&mut self.live[successor].row, &sockets[at]);
            }
            if place_of(predecessor).is_some() {
                self.live[successor].row.id = self.new_id();
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
        let mut index = 0;
        self.live.retain(|live| {
            index += 1;
            index <= settled || live.missing_since.is_none()
        });
    }

    /// Closes what two snapshots in a row lack, and connections whose addresses another has now.
    fn close_missing(&mut self, newcomers: &[Socket], now: Moment, events: &mut Vec<Event>) {
        let retaken: HashSet<Address> = newcomers.iter().map(Address::of).collect();
        let mut kept = Vec::with_capacity(self.live.len() + newcomers.len());
        for mut live in self.live.drain(..) {
            let is_gone = live.missing_since.is_some_and(|since| {
                since < now
                    || live.row.socket.is_connection()
                        && retaken.contains(&Address::of(&live.row.socket))
            });
            if is_gone {
                let at = live.missing_since.unwrap_or(now);
                change(&mut live.row, ChangeKind::Closed, at, events);
                live.row.is_in_conflict = false;
                self.closed.push(live.row);
            } else {
                kept.push(live);
            }
        }
        self.live = kept;
    }

    /// Makes rows of sockets that were not known.
    fn admit(&mut self, newcomers: Vec<Socket>, now: Moment, events: &mut Vec<Event>) {
        if !self.has_begun {
            let rows: Vec<_> = newcomers
                .into_iter()
                .map(|one| self.new_row(one, now))
                .collect();
            self.live.extend(rows.into_iter().map(Live::new));
            return;
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
        let before = std::mem::replace(&mut self.live[index], Live::new(row));
        self.live[index].displaced = Some(Box::new(before.row));
    }

    fn new_row(&mut self, socket: Socket, now: Moment) -> Row {
        Row {
            id: self.new_id(),
            socket: Arc::new(socket),
            first_seen: now,
            state_since: now,
            was_there_at_start: !self.has_begun,
            change: None,
            is_in_conflict: false,
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

    fn table(
        &mut self,
        taken_at: Moment,
        processes: HashMap<Pid, Arc<Process>>,
        problems: Vec<Problem>,
    ) -> Table {
        matching::mark_conflicts(&mut self.live);
        let mut rows: Vec<Row> = self
            .live
            .iter()
            .map(|live| &live.row)
            .chain(&self.closed)
            .cloned()
            .collect();
        rows.sort_unstable_by_key(|row| row.id);
        let counts = Counts::of(&rows);
        let is_unsettled = self.live.iter().any(|live| {
            let is_missing = live.missing_since.is_some() && !live.row.socket.is_connection();
            is_missing || live.displaced.is_some()
        });
        Table {
            taken_at,
            rows,
            processes,
            problems,
            counts,
            is_unsettled,
        }
    }
}

/// Takes over what the snapshot says of a known socket, and tells what changed.
fn update_row(row: &mut Row, mut socket: Socket, now: Moment, events: &mut Vec<Event>) {
    let before = Arc::clone(&row.socket);
    socket.owner = carried_owner(&before, &socket);
    if *before == socket {
        return;
    }
    let state_changed = before.state != socket.state;
    let from = changed_hands(&before, &socket).then(|| before.owner.clone());
    row.socket = Arc::new(socket);
    if state_changed {
        change(row, ChangeKind::State { from: before.state }, now, events);
    }
    if let Some(from) = from {
        change(row, ChangeKind::Owner { from }, now, events);
    }
}

/// Takes over who has the socket and nothing else.
fn learn_owner(row: &mut Row, seen: &Socket) {
    let owner = carried_owner(&row.socket, seen);
    if owner != row.socket.owner {
        let before = (*row.socket).clone();
        row.socket = Arc::new(Socket { owner, ..before });
    }
}

/// Who has the socket, given who had it: a socket that lost its process remembers it.
fn carried_owner(before: &Socket, now: &Socket) -> Owner {
    let (Owner::Known(had) | Owner::Past(had)) = &before.owner else {
        return now.owner.clone();
    };
    match now.owner {
        Owner::Known(_) | Owner::Hidden => now.owner.clone(),
        // It still has an inode and was not found at the first look: nothing new is known.
        Owner::None if now.inode.is_some() => before.owner.clone(),
        Owner::Unknown => before.owner.clone(),
        Owner::None | Owner::Kernel | Owner::Past(_) => Owner::Past(Arc::clone(had)),
    }
}

/// Whether none of the processes that have the socket had it before. A connection that waited in
/// an accept queue (no inode) was nobody's, though its listener is named as the owner.
fn changed_hands(before: &Socket, now: &Socket) -> bool {
    matches!(
        (&before.owner, &now.owner),
        (Owner::Known(_), Owner::Known(_))
    ) && before.inode.is_some()
        && !before.owner.shares_process_with(&now.owner)
}

/// What it is when a new socket holds an address that another held before: a change of owner only
/// if both are known and differ, otherwise the port was opened again.
fn handover(from: Owner, to: &Owner) -> ChangeKind {
    let are_known = !from.processes().is_empty() && !to.processes().is_empty();
    if are_known && !from.shares_process_with(to) {
        ChangeKind::Owner { from }
    } else {
        ChangeKind::Opened
    }
}

/// Tells of something that happened when the row was first seen.
fn announce(row: &mut Row, kind: ChangeKind, events: &mut Vec<Event>) {
    change(row, kind, row.first_seen, events);
}

fn change(row: &mut Row, kind: ChangeKind, at: Moment, events: &mut Vec<Event>) {
    if matches!(kind, ChangeKind::State { .. } | ChangeKind::Closed) {
        row.state_since = at;
    }
    let change = Change { at, kind };
    row.change = Some(change.clone());
    events.push(Event {
        change,
        row: row.clone(),
    });
}
