//! Compares each snapshot with what was written, and writes what changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::closes::{LastShapes, Report};
use super::columns::{Column, Columns};
use super::counters;
use super::parts::{
    END_STEP, LOCAL, LastRows, Parts, REMOTE, change, write_end, write_ends, write_queue,
};
use super::records::Extras;
use super::slots::Slots;
use super::tables::Tables;
use super::{Batch, Changed, MAX_SOCKETS, bytes};
use crate::history::format::ChangeCounts;
use crate::model::{Age, ClosedSocket, Moment, Pid, Process, Protocol, Snapshot, Socket};

/// How long a problem may keep its text, in ms: that often has a count, which differs each time.
const PROBLEM_TEXT: i64 = 60_000;

/// Counters are stored every 10 seconds or less often, in ms: they take so many bytes a ms at most, before they are compressed. A
/// snapshot may come a little earlier.
const COUNTERS_EVERY: i64 = 9_100;
const COUNTERS_RATE: i64 = 3;

/// The most that two measurements of one end differ, in ms.
const JITTER: i64 = 1000;

/// Encodes the snapshots of a section.
pub(crate) struct Encoder {
    /// The first snapshot since the recorder started: times count from there.
    run: Moment,
    tables: Tables,
    slots: Slots,
    rows: LastRows,
    last_shapes: LastShapes,
    processes: HashMap<Pid, Arc<Process>>,
    extras: Extras,
    /// When they were written.
    extras_at: i64,
    /// The counters that were stored last, while some are read, and those before them.
    counters: Option<EncodedCounters>,
    earlier_counters: Option<EncodedCounters>,
    columns: Columns,
    /// The time of the last snapshot, as [`Encoder::time`].
    now: (i64, i64),
    /// The same of the last one in the columns.
    last_step: (i64, i64),
    counts: ChangeCounts,
    has_listener_change: bool,
}

/// Counters, and when they were read and are due again, on the clock of the section, in ms.
struct EncodedCounters {
    read_at: i64,
    due: i64,
    /// Empty if they are too many.
    bytes: Vec<u8>,
}

/// Writes counters, with their age at this time. Returns whether there are any.
fn put_counters(out: &mut Vec<u8>, counters: Option<&EncodedCounters>, now: i64) -> bool {
    let Some(counters) = counters else {
        return false;
    };
    bytes::put(out, counters.bytes.len() as u64);
    if !counters.bytes.is_empty() {
        bytes::put_signed(out, now - counters.read_at);
        out.extend_from_slice(&counters.bytes);
    }
    true
}

/// How many records of each kind a snapshot has.
#[derive(Default)]
struct StepCounts {
    opened: usize,
    short: usize,
    closed: usize,
    removed: usize,
    changed: usize,
}

impl Encoder {
    /// A section that begins with this snapshot, which [`keyframe`](Self::keyframe) writes. `run`: when the first snapshot
    /// since the recorder started was taken.
    pub fn new(first: &Snapshot, run: Moment) -> Self {
        let mut encoder = Self {
            run,
            tables: Tables::default(),
            slots: Slots::with_capacity(first.sockets.len().min(MAX_SOCKETS)),
            rows: LastRows::default(),
            last_shapes: LastShapes::default(),
            processes: first.processes.clone(),
            extras: Extras::of(first),
            extras_at: 0,
            counters: None,
            earlier_counters: None,
            columns: Columns::default(),
            now: (0, 0),
            last_step: (0, 0),
            counts: ChangeCounts::default(),
            has_listener_change: false,
        };
        encoder.now = encoder.time(first.taken_at);
        encoder.extras_at = encoder.now.0;
        encoder.counters = encoder.encoded_counters(first);
        encoder.slots.begin();
        let now = encoder.now.0;
        for socket in first.sockets.iter().take(MAX_SOCKETS) {
            let number = encoder.slots.number();
            let since = since(socket, now, false);
            let parts = Parts {
                inode: socket.inode,
                cookie: socket.cookie,
                queue: socket.queue,
                ends: ends(socket, now),
                ..Parts::default()
            };
            encoder.slots.add(number, socket, parts, since);
        }
        encoder
    }

    /// The same after a gap. A keyframe has no reports: those of this snapshot count as lost.
    pub fn after_gap(first: &Snapshot, run: Moment) -> Self {
        let mut encoder = Self::new(first, run);
        encoder.extras.lost_closes.dropped += first.closed.len() as u64;
        encoder
    }

    /// The same after another section of the same recorder: when states began is known from there, and rates go on.
    pub fn continued(first: &Snapshot, run: Moment, before: &mut Self) -> Self {
        let mut encoder = Self::new(first, run);
        // It began with the last snapshot of the other, whose counters may have been stored there.
        let other = |counters: &EncodedCounters| counters.read_at < encoder.now.0;
        let stored = [before.counters.take(), before.earlier_counters.take()];
        encoder.earlier_counters = stored.into_iter().flatten().find(other);
        before.slots.begin();
        for slot in encoder.slots.iter_mut() {
            if let Some(at) = before.slots.find_same(slot) {
                let known = before.slots.get(at);
                slot.since = known.since;
                slot.is_since_exact = known.is_since_exact;
            }
        }
        encoder
    }

    /// Whether a keyframe is needed, so that its tables begin anew.
    pub fn is_large(&self) -> bool {
        self.tables.are_large()
    }

    /// How many changes are in no frame yet.
    pub fn waiting(&self) -> u32 {
        let counts = self.counts;
        let counts = [counts.opened, counts.closed, counts.changed];
        counts.into_iter().map(u32::from).sum()
    }

    /// The time of a snapshot on the clock of the run, and how much more the wall clock has advanced; both in ms.
    fn time(&self, at: Moment) -> (i64, i64) {
        let steady = |at: Moment| i64::try_from(at.steady.as_millis()).unwrap_or(i64::MAX);
        let passed = steady(at) - steady(self.run);
        let wall = at.wall.as_millisecond() - self.run.wall.as_millisecond();
        (passed, wall - passed)
    }

    /// The time of a report on the clock of the run, so that its wall-clock time is exact, in ms: the steady clock has other
    /// milliseconds.
    fn time_by_wall(&self, at: Moment) -> i64 {
        at.wall.as_millisecond() - self.run.wall.as_millisecond() - self.now.1
    }

    /// Adds the changes since the snapshot before.
    pub fn add(&mut self, snapshot: &Snapshot) -> Changed {
        self.now = self.time(snapshot.taken_at);
        self.slots.begin();
        let mut counts = StepCounts::default();
        let had_listener_change = std::mem::take(&mut self.has_listener_change);
        let (new, known) = self.find(snapshot);
        let set = self.write_processes(snapshot);
        counts.opened = new.len();
        self.open(snapshot, new);
        let reports = self.reports(snapshot, &mut counts);
        self.close(&reports);
        counts.changed = self.change(snapshot, &known);
        let (removed, missing) = self.remove(&reports);
        counts.removed = removed;
        let has_extras = self.write_extras(snapshot);
        let has_counters = self.write_counters(snapshot);
        let is_any = has_extras
            || set
            || has_counters
            || counts.opened + counts.closed + counts.removed + counts.changed > 0;
        let changed = Changed {
            is_any,
            has_listener_change: self.has_listener_change,
        };
        self.has_listener_change |= had_listener_change;
        if is_any {
            self.write_step(&counts, [has_extras, set, has_counters, false]);
            self.count(&counts, missing);
        }
        changed
    }

    /// Takes the changes since the last call.
    pub fn take(&mut self) -> Batch {
        self.last_step = (0, 0);
        Batch {
            pieces: std::mem::take(&mut self.columns).into_pieces(),
            counts: std::mem::take(&mut self.counts),
            has_listener_change: std::mem::take(&mut self.has_listener_change),
        }
    }

    /// Everything as of the last snapshot. Tables and numbers begin anew: the next changes build on this alone.
    pub fn keyframe(&mut self) -> Vec<Vec<u8>> {
        self.tables = Tables::default();
        (self.rows, self.last_shapes) = (LastRows::default(), LastShapes::default());
        let mut out = Columns::default();
        let tables = &mut self.tables;
        for slot in self.slots.iter_mut() {
            slot.parts = tables.parts(&slot.socket(), slot.parts.ends, &mut out);
        }
        self.slots.renumber(|slot| {
            let parts = slot.parts;
            (parts.shape, parts.local, parts.remote, parts.cookie)
        });
        let now = self.now.0;
        for slot in self.slots.iter_mut() {
            self.rows.write(&mut out, &slot.parts, now);
            // A tenth of a second, and whether it is exact.
            let age = u32::try_from((now - slot.since).max(0) / 100).unwrap_or(u32::MAX >> 1);
            let age = age.min(u32::MAX >> 1) << 1 | u32::from(slot.is_since_exact);
            out.put_planes(Column::Age, 4, age);
        }
        let mut processes: Vec<_> = self.processes.values().collect();
        processes.sort_unstable_by_key(|process| process.pid);
        bytes::put(out.of(Column::ProcessSet), 0);
        bytes::put(out.of(Column::ProcessSet), processes.len() as u64);
        for process in processes {
            let number = self.tables.process(process, &mut out);
            bytes::put(out.of(Column::ProcessSet), number.into());
        }
        put_json(out.of(Column::Extras), &self.extras);
        self.columns = out;
        self.last_step = (0, 0);
        let counts = StepCounts {
            opened: self.slots.len(),
            ..StepCounts::default()
        };
        let out = self.columns.of(Column::Counters);
        let stored = [&self.earlier_counters, &self.counters];
        let [has_earlier, has_counters] =
            stored.map(|counters| put_counters(out, counters.as_ref(), self.now.0));
        self.write_step(&counts, [true, true, has_counters, has_earlier]);
        self.last_step = (0, 0);
        std::mem::take(&mut self.columns).into_pieces()
    }

    /// The indices of the sockets that are new, and of the others each with that of its slot.
    fn find(&mut self, snapshot: &Snapshot) -> (Vec<usize>, Vec<(usize, usize)>) {
        let (mut new, mut known) = (Vec::new(), Vec::with_capacity(snapshot.sockets.len()));
        for (at, socket) in snapshot.sockets.iter().take(MAX_SOCKETS).enumerate() {
            match self.slots.find(socket) {
                Some(slot) => known.push((at, slot)),
                None => new.push(at),
            }
        }
        (new, known)
    }

    /// Writes new sockets, ordered so that they take the fewest bytes.
    fn open(&mut self, snapshot: &Snapshot, new: Vec<usize>) {
        let now = self.now.0;
        let added = snapshot.kinds.without(self.extras.kinds());
        let mut rows = Vec::with_capacity(new.len());
        for at in new {
            let socket = &snapshot.sockets[at];
            let parts = (self.tables).parts(socket, ends(socket, now), &mut self.columns);
            rows.push((parts, socket));
        }
        rows.sort_by_key(|(parts, _)| (parts.shape, parts.inode, parts.cookie));
        for (parts, socket) in rows {
            self.rows.write(&mut self.columns, &parts, now);
            let is_late = snapshot.late_namespaces.contains(&socket.namespace_id());
            let is_new = !is_late && !added.has(socket.protocol);
            let number = self.slots.number();
            let since = since(socket, now, is_new);
            self.note(socket);
            self.slots.add(number, socket, parts, since);
        }
    }

    /// The reports in numbers. Those about sockets that no snapshot had are written here as rows.
    fn reports(&mut self, snapshot: &Snapshot, counts: &mut StepCounts) -> Vec<Report> {
        let mut reports = Vec::with_capacity(snapshot.closed.len());
        let mut reported = HashSet::new();
        for closed in snapshot.closed.iter().take(MAX_SOCKETS) {
            let slot = self.slots.find_closed(&closed.socket);
            let slot = slot.filter(|at| reported.insert(*at));
            let report = self.report(closed, slot);
            if slot.is_none() {
                self.rows
                    .write(&mut self.columns, &report.parts, self.now.0);
                counts.short += 1;
                self.note(&closed.socket);
            }
            reports.push(report);
        }
        counts.closed = reports.len();
        reports
    }

    fn report(&mut self, closed: &ClosedSocket, slot: Option<usize>) -> Report {
        let ends = ends(&closed.socket, self.now.0);
        let parts = self.tables.parts(&closed.socket, ends, &mut self.columns);
        let slot = slot.map(|at| (self.slots.get(at), self.slots.is_missing(at)));
        Report {
            socket: slot.map(|(slot, _)| (slot.number, slot.parts)),
            stays: slot.is_some_and(|(_, is_missing)| !is_missing),
            parts,
            at: self.time_by_wall(closed.at),
            tcp: closed.tcp,
        }
    }

    fn close(&mut self, reports: &[Report]) {
        let now = self.now.0;
        let (mut last, next) = (now, self.slots.next_number());
        for report in reports {
            let at = (next, last, now);
            (self.last_shapes).write(&mut self.columns, &mut self.rows, report, at);
            last = report.at;
        }
    }

    /// Writes the sockets that changed. Returns how many.
    fn change(&mut self, snapshot: &Snapshot, known: &[(usize, usize)]) -> usize {
        let (now, next) = (self.now.0, self.slots.next_number());
        let mut count = 0;
        for &(at, index) in known {
            let socket = &snapshot.sockets[at];
            let slot = self.slots.get_mut(index);
            let mut ends = ends(socket, now);
            let is_same_end = match (ends, slot.parts.ends) {
                (Some(one), Some(other)) => (one - other).abs() < JITTER,
                (one, other) => one == other,
            };
            if is_same_end && slot.is_unchanged(socket) {
                continue;
            }
            if is_same_end {
                ends = slot.parts.ends;
            }
            if slot.state() != socket.state {
                (slot.since, slot.is_since_exact) = (now, true);
            }
            let (number, before) = (next - slot.number, slot.parts);
            let is_server_change = is_server_change(&slot.socket(), socket, &self.extras);
            self.has_listener_change |= is_server_change;
            let parts = self.tables.parts(socket, ends, &mut self.columns);
            self.slots.change(index, socket, parts);
            self.columns.put_planes(Column::ChangeSlot, 4, number);
            let mask = write_change(&mut self.columns, &mut self.rows, (&before, &parts), now);
            self.columns.of(Column::ChangeMask).push(mask);
            count += 1;
        }
        count
    }

    /// Removes the sockets that are missing, and writes those without a report. Returns how many these are, and how many
    /// all are.
    fn remove(&mut self, reports: &[Report]) -> (usize, usize) {
        let missing = self.slots.missing();
        let numbers = reports.iter().filter_map(|report| report.socket);
        let reported: HashSet<u32> = numbers.map(|(number, _)| number).collect();
        let next = self.slots.next_number();
        let mut removed: Vec<u32> = Vec::new();
        for &at in &missing {
            let slot = self.slots.get(at);
            self.has_listener_change |= is_server(&slot.socket(), &self.extras);
            if !reported.contains(&slot.number) {
                removed.push(next - slot.number);
            }
        }
        removed.sort_unstable();
        for number in &removed {
            self.columns.put_planes(Column::RemovedSlot, 4, *number);
        }
        self.slots.remove(&missing);
        (removed.len(), missing.len())
    }

    /// Writes which processes are there now. Returns whether these are others than before.
    fn write_processes(&mut self, snapshot: &Snapshot) -> bool {
        let now = &snapshot.processes;
        let is_known = |(pid, process): &(&Pid, &Arc<Process>)| {
            self.processes
                .get(*pid)
                .is_some_and(|known| known == *process)
        };
        let mut added: Vec<_> = now.iter().filter(|one| !is_known(one)).collect();
        let mut removed: Vec<Pid> = Vec::new();
        if added.len() + self.processes.len() != now.len() {
            let pids = self.processes.keys().copied();
            removed.extend(pids.filter(|pid| !now.contains_key(pid)));
        }
        if added.is_empty() && removed.is_empty() {
            return false;
        }
        added.sort_unstable_by_key(|(pid, _)| **pid);
        removed.sort_unstable();
        let out = self.columns.of(Column::ProcessSet);
        bytes::put(out, removed.len() as u64);
        for pid in removed {
            bytes::put(out, pid.into());
            self.processes.remove(&pid);
        }
        bytes::put(out, added.len() as u64);
        for (pid, process) in added {
            let number = self.tables.process(process, &mut self.columns);
            bytes::put(self.columns.of(Column::ProcessSet), number.into());
            self.processes.insert(*pid, Arc::clone(process));
        }
        true
    }

    /// Writes problems and the like if they changed. Returns whether they did.
    fn write_extras(&mut self, snapshot: &Snapshot) -> bool {
        let mut now = Extras::of(snapshot);
        let are_same_problems = now.problems.len() == self.extras.problems.len()
            && now
                .problems
                .iter()
                .zip(&self.extras.problems)
                .all(|(one, other)| one.code == other.code);
        if are_same_problems && self.now.0 - self.extras_at < PROBLEM_TEXT {
            now.problems.clone_from(&self.extras.problems);
        }
        if now == self.extras {
            return false;
        }
        self.has_listener_change |= !are_same_problems;
        put_json(self.columns.of(Column::Extras), &now);
        self.extras = now.lasting();
        self.extras_at = self.now.0;
        true
    }

    /// Writes the counters if they were read and are due; once they are no longer read or too many, that. Returns whether it did.
    fn write_counters(&mut self, snapshot: &Snapshot) -> bool {
        let due = self.counters.as_ref().map(|counters| counters.due);
        match (&snapshot.counters, due) {
            (None, None) => false,
            (None, Some(_)) => {
                (self.counters, self.earlier_counters) = (None, None);
                bytes::put(self.columns.of(Column::Counters), 0);
                true
            }
            (Some(_), Some(due)) if self.now.0 < due => false,
            (Some(_), _) => {
                let counters = self.encoded_counters(snapshot);
                self.earlier_counters = std::mem::replace(&mut self.counters, counters);
                let out = self.columns.of(Column::Counters);
                put_counters(out, self.counters.as_ref(), self.now.0)
            }
        }
    }

    /// The counters of a snapshot.
    fn encoded_counters(&self, snapshot: &Snapshot) -> Option<EncodedCounters> {
        let counted = snapshot.counters.as_deref()?;
        let read_at = self.now.0;
        let encoded = counters::encode(&counted[..counted.len().min(snapshot.sockets.len())]);
        let length = i64::try_from(encoded.len()).unwrap_or(i64::MAX);
        let stored = Some(encoded).filter(|encoded| encoded.len() <= counters::MAX_LENGTH);
        Some(EncodedCounters {
            read_at,
            due: read_at + COUNTERS_EVERY.max(length / COUNTERS_RATE),
            bytes: stored.unwrap_or_default(),
        })
    }

    /// `has`: extras, a set of processes, counters, and before them earlier ones.
    fn write_step(&mut self, counts: &StepCounts, has: [bool; 4]) {
        let (passed, drift) = self.now;
        let last = std::mem::replace(&mut self.last_step, self.now);
        let out = self.columns.of(Column::Steps);
        bytes::put_signed(out, passed - last.0);
        bytes::put_signed(out, drift - last.1);
        let [has_extras, has_set, has_counters, has_earlier] = has.map(u8::from);
        out.push(has_extras | has_set << 1 | has_counters << 2 | has_earlier << 3);
        for count in [
            counts.opened,
            counts.short,
            counts.closed,
            counts.removed,
            counts.changed,
        ] {
            bytes::put(out, count as u64);
        }
    }

    /// Adds to the counts of the frame. A socket that stays as `TIME_WAIT` has not closed yet.
    fn count(&mut self, counts: &StepCounts, missing: usize) {
        let add = |sum: &mut u16, count: usize| {
            *sum = sum.saturating_add(u16::try_from(count).unwrap_or(u16::MAX));
        };
        add(&mut self.counts.opened, counts.opened + counts.short);
        add(&mut self.counts.closed, missing + counts.short);
        add(&mut self.counts.changed, counts.changed);
    }

    fn note(&mut self, socket: &Socket) {
        self.has_listener_change |= is_server(socket, &self.extras);
    }
}

/// Writes what differs from the socket as it was, and returns the mask.
fn write_change(
    out: &mut Columns,
    rows: &mut LastRows,
    (before, after): (&Parts, &Parts),
    now: i64,
) -> u8 {
    let mut mask = 0;
    if after.shape != before.shape {
        mask |= change::SHAPE;
        out.put_planes(Column::RowShape, 3, after.shape);
    }
    if after.local != before.local {
        mask |= change::LOCAL;
        write_end(out, LOCAL, Some(after.local));
    }
    if after.remote != before.remote {
        mask |= change::REMOTE;
        write_end(out, REMOTE, after.remote);
    }
    if let Some(inode) = after.inode.filter(|_| after.inode != before.inode) {
        mask |= change::INODE;
        rows.write_inode(out, inode);
    }
    if let Some(cookie) = after.cookie.filter(|_| after.cookie != before.cookie) {
        mask |= change::COOKIE;
        rows.write_cookie(out, cookie);
    }
    if after.queue != before.queue {
        mask |= change::QUEUE;
        write_queue(out, after);
    }
    if let Some(ends) = after.ends.filter(|_| after.ends != before.ends) {
        mask |= change::ENDS;
        write_ends(out, ends, now);
    }
    mask
}

/// Since when a socket is in its state, and whether that is exact. Of a new one that is now.
fn since(socket: &Socket, now: i64, is_new: bool) -> (i64, bool) {
    let (before, is_exact) = match socket.age {
        _ if is_new => (Duration::ZERO, true),
        Some(Age::Exactly(before)) => (before, true),
        Some(Age::AtLeast(before)) => (before, false),
        None => (Duration::ZERO, false),
    };
    let before = i64::try_from(before.as_millis()).unwrap_or(i64::MAX);
    (now.saturating_sub(before), is_exact)
}

/// When a socket ends by itself, on the clock of the section, in ms.
fn ends(socket: &Socket, now: i64) -> Option<i64> {
    let left = i64::try_from(socket.expires_in?.as_millis()).unwrap_or(i64::MAX);
    // As it will be read.
    Some(now.saturating_add(left / END_STEP * END_STEP))
}

/// Whether a socket serves a port: not a client's UDP socket, which has no peer either.
fn is_server(socket: &Socket, extras: &Extras) -> bool {
    let is_client = || {
        let ports = extras.ephemeral.as_ref();
        let is_ephemeral = ports.is_some_and(|ports| ports.range.contains(&socket.local.port));
        socket.protocol == Protocol::Udp && is_ephemeral
    };
    socket.is_listening() && !is_client()
}

/// Whether more than a queue of such a socket changed.
fn is_server_change(before: &Socket, after: &Socket, extras: &Extras) -> bool {
    let is_either = is_server(before, extras) || is_server(after, extras);
    let is_same = before.state == after.state
        && before.local == after.local
        && before.owner == after.owner
        && before.published == after.published;
    is_either && !is_same
}

fn put_json(out: &mut Vec<u8>, record: &impl Serialize) {
    // The records are structs of plain values: only memory could fail.
    let json = serde_json::to_vec(record).unwrap_or_default();
    bytes::put(out, json.len() as u64);
    out.extend_from_slice(&json);
}
