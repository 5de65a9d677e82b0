//! Applies what was written, one snapshot after another.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::bytes::{Input, Malformed};
use super::closes::{LastShapes, Report};
use super::columns::{Column, ColumnInputs};
use super::counters;
use super::entries::{Entries, json};
use super::parts::{LOCAL, LastRows, Parts, REMOTE, change, read_end, read_ends, read_queue};
use super::records::Extras;
use super::{MAX_SOCKETS, MAX_STEPS};
use crate::history::StoredCounters;
use crate::model::{
    Age, BuildSpread, ClosedSocket, Counted, Moment, Pid, Process, Snapshot, Socket,
};

/// A socket of the current snapshot. Its parts have been checked: they are in the tables.
#[derive(Clone, Copy, Debug)]
struct Slot {
    parts: Parts,
    /// Since when it is in its state, on the clock of the section, in ms, and whether that was seen.
    since: i64,
    is_since_exact: bool,
}

/// What a snapshot changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    pub opened: Vec<Socket>,
    /// The sockets that are no longer in the table.
    pub removed: Vec<Socket>,
    /// The sockets that changed: before, and now.
    pub changed: Vec<(Socket, Socket)>,
    pub closed: Vec<ClosedSocket>,
}

/// The changes of one snapshot: its time and what to read of the columns.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    taken_at: Moment,
    /// Time on the clock of the section, and how much more the wall clock has advanced; in ms.
    time: (i64, i64),
    has_extras: bool,
    has_set: bool,
    /// Whether there are counters, and before them earlier ones, which only a keyframe has.
    has_counters: [bool; 2],
    opened: usize,
    short: usize,
    closed: usize,
    removed: usize,
    changed: usize,
}

impl Step {
    pub fn taken_at(&self) -> Moment {
        self.taken_at
    }
}

/// The wall clock when the recorder started, in ms since 1970. The steady clock counts from there.
#[derive(Clone, Copy, Debug)]
struct Clock(i64);

/// Counters as they were stored.
struct ReadCounters {
    /// As [`Step::time`].
    time: (i64, i64),
    counters: Arc<[Counted]>,
}

/// Decodes the frames of a section from a keyframe on.
pub(crate) struct Decoder {
    clock: Clock,
    now: (i64, i64),
    taken_at: Moment,
    entries: Entries,
    rows: LastRows,
    last_shapes: LastShapes,
    slots: HashMap<u32, Slot, BuildSpread>,
    next_number: u32,
    processes: HashMap<Pid, Arc<Process>>,
    extras: Extras,
    /// The latest ones, while they were read, and those before them.
    counters: [Option<ReadCounters>; 2],
    /// What the last snapshot changed; `None` while that is not needed.
    difference: Option<Difference>,
    /// What is left of the frame.
    columns: ColumnInputs,
}

impl Decoder {
    /// The state of a keyframe.
    /// `wall`: when its snapshot was taken, in ms since 1970.
    pub fn new(raw: &[u8], wall: i64) -> Result<Self, Malformed> {
        let mut decoder = Self {
            clock: Clock(0),
            now: (0, 0),
            taken_at: Moment::default(),
            entries: Entries::default(),
            rows: LastRows::default(),
            last_shapes: LastShapes::default(),
            slots: HashMap::default(),
            next_number: 0,
            processes: HashMap::new(),
            extras: Extras::default(),
            counters: [None, None],
            difference: None,
            columns: ColumnInputs::default(),
        };
        let steps = decoder.read(raw)?;
        let [step] = &steps[..] else {
            return Err("a keyframe has one snapshot".to_owned());
        };
        decoder.apply(step, false)?;
        let (passed, drift) = step.time;
        decoder.clock = Clock(wall.saturating_sub(passed).saturating_sub(drift));
        decoder.taken_at = decoder.clock.moment(step.time);
        for number in 0..decoder.next_number {
            let age = decoder.columns.planes(Column::Age, 4);
            let slot = decoder.slots.get_mut(&number);
            let slot = slot.ok_or("a keyframe removes sockets")?;
            slot.since = step.time.0.saturating_sub(i64::from(age >> 1) * 100);
            slot.is_since_exact = age & 1 != 0;
        }
        Ok(decoder)
    }

    pub fn taken_at(&self) -> Moment {
        self.taken_at
    }

    /// What the last snapshot changed, if it was kept.
    pub fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    /// The sockets, in the order in which they were written.
    pub fn sockets(&self) -> Vec<Socket> {
        let mut numbers: Vec<u32> = self.slots.keys().copied().collect();
        numbers.sort_unstable();
        let slots = numbers.iter().filter_map(|number| self.slots.get(number));
        slots.filter_map(|slot| self.socket(slot)).collect()
    }

    pub fn processes(&self) -> &HashMap<Pid, Arc<Process>> {
        &self.processes
    }

    /// Enters a frame. Its snapshots have to be applied in order, before the next frame.
    pub fn read(&mut self, raw: &[u8]) -> Result<Vec<Step>, Malformed> {
        self.columns = ColumnInputs::split(raw)?;
        self.entries.extend(&mut self.columns)?;
        let mut steps = Vec::new();
        let mut time = (0, 0);
        while self.columns.left(Column::Steps) > 0 {
            if steps.len() == MAX_STEPS {
                return Err(format!("it has more than {MAX_STEPS} snapshots"));
            }
            let step = (self.columns).read(Column::Steps, |input| self.clock.step(input, time))?;
            time = step.time;
            steps.push(step);
        }
        Ok(steps)
    }

    /// Applies the changes of a snapshot.
    ///
    /// Whether to keep what changed, and which sockets were reported as closed: on the way to another snapshot that is
    /// not needed.
    pub fn apply(&mut self, step: &Step, keeps_difference: bool) -> Result<(), Malformed> {
        (self.now, self.taken_at) = (step.time, step.taken_at);
        self.difference = keeps_difference.then(Difference::default);
        self.extras = std::mem::take(&mut self.extras).lasting();
        self.open(step.opened)?;
        self.close(step.short, step.closed)?;
        for _ in 0..step.changed {
            self.change()?;
        }
        for _ in 0..step.removed {
            let number = self.number(Column::RemovedSlot);
            self.remove(number)?;
        }
        if step.has_set {
            self.read_processes()?;
        }
        if step.has_extras {
            self.extras = json(&mut self.columns, Column::Extras)?;
        }
        let [has_counters, has_earlier] = step.has_counters;
        if has_earlier {
            self.read_counters(MAX_SOCKETS)?;
        }
        if has_counters {
            self.read_counters(self.slots.len())?;
        }
        Ok(())
    }

    /// Nothing is in the place of those that are no longer read.
    fn read_counters(&mut self, limit: usize) -> Result<(), Malformed> {
        let stored = self.columns.read(Column::Counters, |input| {
            let length = input.count(counters::MAX_LENGTH)?;
            if length == 0 {
                return Ok(None);
            }
            let age = input.signed()?;
            let bytes = input.bytes(length)?;
            let counters = counters::decode(&mut Input::new(bytes), limit)?;
            Ok(Some((age, counters)))
        })?;
        let (passed, drift) = self.now;
        let read = stored.map(|(age, counters)| {
            let read_at = passed.saturating_sub(age.max(0));
            ReadCounters {
                time: (read_at, drift),
                counters: counters.into(),
            }
        });
        let last = self.counters[0].take();
        self.counters = [read, last];
        Ok(())
    }

    /// The latest counters of the sockets while they were read, and those before them.
    pub fn counters(&self) -> [Option<StoredCounters>; 2] {
        self.counters.each_ref().map(|read| {
            let read = read.as_ref()?;
            Some(StoredCounters {
                read_at: self.clock.moment(read.time).wall,
                counters: Arc::clone(&read.counters),
            })
        })
    }

    /// The snapshot as of the last changes.
    pub fn snapshot(&self) -> Snapshot {
        let closed = self.difference.as_ref().map(|one| one.closed.clone());
        Snapshot {
            taken_at: self.taken_at,
            kinds: self.extras.kinds(),
            sockets: self.sockets(),
            processes: self.processes.clone(),
            problems: self.extras.problems.clone(),
            late_namespaces: self.extras.late_namespaces.clone(),
            counters: None,
            ephemeral: self.extras.ephemeral.clone(),
            closed: closed.unwrap_or_default(),
            lost_closes: self.extras.lost_closes,
        }
    }

    fn open(&mut self, count: usize) -> Result<(), Malformed> {
        if count > MAX_SOCKETS.saturating_sub(self.slots.len()) {
            return Err(format!("there are more than {MAX_SOCKETS} sockets"));
        }
        let now = self.now.0;
        for _ in 0..count {
            let parts = (self.rows).read(&mut self.columns, &self.entries.shapes, now)?;
            self.entries.check(&parts)?;
            let slot = Slot {
                parts,
                since: now,
                is_since_exact: true,
            };
            if let Some(socket) = self.kept(&slot) {
                self.difference.get_or_insert_default().opened.push(socket);
            }
            self.slots.insert(self.next_number, slot);
            self.next_number = self.next_number.checked_add(1).ok_or("too many sockets")?;
        }
        Ok(())
    }

    fn close(&mut self, short: usize, count: usize) -> Result<(), Malformed> {
        let now = self.now.0;
        let mut rows = VecDeque::new();
        for _ in 0..short {
            let parts = (self.rows).read(&mut self.columns, &self.entries.shapes, now)?;
            rows.push_back(parts);
        }
        let mut last = now;
        for _ in 0..count {
            let slots = &self.slots;
            let report = self.last_shapes.read(
                &mut self.columns,
                &mut self.rows,
                &self.entries.shapes,
                |number| slots.get(&number).map(|slot| slot.parts),
                || rows.pop_front(),
                (self.next_number, last, now),
            )?;
            last = report.at;
            self.entries.check(&report.parts)?;
            if self.difference.is_some() {
                let closed = self.closed(&report)?;
                self.difference.get_or_insert_default().closed.push(closed);
            }
            if let Some((number, _)) = report.socket.filter(|_| !report.stays) {
                self.remove(number)?;
            }
        }
        Ok(())
    }

    fn closed(&self, report: &Report) -> Result<ClosedSocket, Malformed> {
        let mut socket = self.entries.socket(&report.parts)?;
        socket.expires_in = expires_in(report.parts.ends, self.now.0);
        Ok(ClosedSocket {
            socket,
            at: self.clock.moment((report.at, self.now.1)),
            tcp: report.tcp,
        })
    }

    fn change(&mut self) -> Result<(), Malformed> {
        let number = self.number(Column::ChangeSlot);
        let now = self.now.0;
        let columns = &mut self.columns;
        let mask = columns.byte(Column::ChangeMask)?;
        let has = |bit: u8| mask & bit != 0;
        let slot = self.slots.get_mut(&number);
        let slot = slot.ok_or("a change is about no socket")?;
        let mut parts = slot.parts;
        if has(change::SHAPE) {
            parts.shape = columns.planes(Column::RowShape, 3);
        }
        let shape = self.entries.shape(parts.shape)?;
        if has(change::LOCAL) {
            parts.local = read_end(columns, LOCAL)?.unwrap_or_default();
        }
        if has(change::REMOTE) {
            parts.remote = read_end(columns, REMOTE)?;
        }
        parts.inode = parts.inode.filter(|_| shape.has_inode);
        if has(change::INODE) {
            parts.inode = Some(self.rows.read_inode(columns)?);
        }
        parts.cookie = parts.cookie.filter(|_| shape.has_cookie);
        if has(change::COOKIE) {
            parts.cookie = self.rows.read_cookie(columns)?;
        }
        if has(change::QUEUE) {
            parts.queue = read_queue(columns, shape)?;
        }
        parts.ends = parts.ends.filter(|_| shape.has_end);
        if has(change::ENDS) {
            parts.ends = Some(read_ends(columns, now)?);
        }
        self.entries.check(&parts)?;
        if shape.state() != self.entries.shape(slot.parts.shape)?.state() {
            (slot.since, slot.is_since_exact) = (now, true);
        }
        let before = std::mem::replace(&mut slot.parts, parts);
        if let Some(difference) = &mut self.difference {
            let both = (self.entries.socket(&before)?, self.entries.socket(&parts)?);
            difference.changed.push(both);
        }
        Ok(())
    }

    /// The number of a socket, counted back from the next one.
    fn number(&mut self, column: Column) -> u32 {
        let back = self.columns.planes(column, 4);
        self.next_number.wrapping_sub(back)
    }

    fn remove(&mut self, number: u32) -> Result<(), Malformed> {
        let slot = self.slots.remove(&number);
        let slot = slot.ok_or("a socket is removed that is not there")?;
        if let Some(socket) = self.kept(&slot) {
            self.difference.get_or_insert_default().removed.push(socket);
        }
        Ok(())
    }

    /// The socket, if what changed is kept.
    fn kept(&self, slot: &Slot) -> Option<Socket> {
        self.difference.as_ref()?;
        self.socket(slot)
    }

    fn socket(&self, slot: &Slot) -> Option<Socket> {
        let now = self.now.0;
        let passed = u64::try_from(now.saturating_sub(slot.since)).unwrap_or_default();
        let passed = Duration::from_millis(passed);
        let age = if slot.is_since_exact {
            Age::Exactly(passed)
        } else {
            Age::AtLeast(passed)
        };
        let socket = self.entries.socket(&slot.parts).ok()?;
        Some(Socket {
            age: Some(age),
            expires_in: expires_in(slot.parts.ends, now),
            ..socket
        })
    }

    fn read_processes(&mut self) -> Result<(), Malformed> {
        let limit = self.columns.left(Column::ProcessSet);
        let removed = (self.columns).read(Column::ProcessSet, |input| input.count(limit))?;
        for _ in 0..removed {
            let pid = self.columns.small(Column::ProcessSet)?;
            self.processes.remove(&pid);
        }
        let added = (self.columns).read(Column::ProcessSet, |input| input.count(limit))?;
        for _ in 0..added {
            let number = self.columns.small(Column::ProcessSet)?;
            let process = self.entries.process(number)?;
            self.processes.insert(process.pid, Arc::clone(process));
        }
        Ok(())
    }
}

/// How long after now a socket ends.
fn expires_in(ends: Option<i64>, now: i64) -> Option<Duration> {
    let left = ends?.saturating_sub(now);
    Some(Duration::from_millis(
        u64::try_from(left).unwrap_or_default(),
    ))
}

impl Clock {
    fn moment(self, (passed, drift): (i64, i64)) -> Moment {
        let steady = self.0.saturating_add(passed);
        let wall = steady.saturating_add(drift);
        let range = Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond();
        let wall = wall.clamp(*range.start(), *range.end());
        Moment {
            steady: Duration::from_millis(u64::try_from(steady).unwrap_or_default()),
            wall: Timestamp::from_millisecond(wall).unwrap_or_default(),
        }
    }

    fn step(self, input: &mut Input<'_>, last: (i64, i64)) -> Result<Step, Malformed> {
        let passed = last.0.saturating_add(input.signed()?);
        let drift = last.1.saturating_add(input.signed()?);
        let flags = input.byte()?;
        Ok(Step {
            taken_at: self.moment((passed, drift)),
            time: (passed, drift),
            has_extras: flags & 1 != 0,
            has_set: flags & 2 != 0,
            has_counters: [flags & 4 != 0, flags & 8 != 0],
            opened: input.count(MAX_SOCKETS)?,
            short: input.count(MAX_SOCKETS)?,
            closed: input.count(MAX_SOCKETS)?,
            removed: input.count(MAX_SOCKETS)?,
            changed: input.count(MAX_SOCKETS)?,
        })
    }
}
