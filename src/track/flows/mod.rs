//! What flows through each socket: its counters, how fast they grow, and the totals of each process.
//!
//! Beside the rows, as counters differ in nearly every snapshot and a row is only copied when it changes. Without counters
//! in the snapshot there is nothing here.

mod signs;

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use self::signs::Signs;
use super::row::Live;
use super::{Row, RowId, TroubleKind};
use crate::model::{
    BuildSpread, Counted, Counters, EarlierCounters, Moment, NamespaceId, Owner, Pid, Process,
    Socket, State, TcpInfo,
};

/// Totals of this many processes are kept although they have no socket now.
const MAX_IDLE_PROCESSES: usize = 10_000;

/// Payload in each direction: bytes, or bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// From the peer.
    pub received: u64,
    /// To the peer.
    pub sent: u64,
}

impl Bytes {
    fn of(counters: &Counters) -> Option<Self> {
        let tcp = counters.tcp.as_ref()?;
        Some(Self {
            received: tcp.bytes_received,
            sent: tcp.bytes_sent,
        })
    }

    /// Both directions together.
    pub const fn total(self) -> u64 {
        self.received.saturating_add(self.sent)
    }

    /// The sum of both, direction by direction.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            received: self.received.saturating_add(other.received),
            sent: self.sent.saturating_add(other.sent),
        }
    }

    /// What came since an earlier count; a count never falls.
    const fn since(self, earlier: Self) -> Self {
        Self {
            received: self.received.saturating_sub(earlier.received),
            sent: self.sent.saturating_sub(earlier.sent),
        }
    }

    /// Per second, if that many came in this time.
    fn per_second(self, time: Duration) -> Option<Self> {
        let micros = time.as_micros();
        let rate = |bytes: u64| {
            let rate = (u128::from(bytes) * 1_000_000 + micros / 2) / micros;
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        (micros > 0).then(|| Self {
            received: rate(self.received),
            sent: rate(self.sent),
        })
    }
}

/// What flows through one socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// As they were last read: those of a closed row are the last ones seen.
    pub counters: Counters,
    /// Payload in bytes per second since the snapshot before. `None` without one, for sockets whose payload the kernel does
    /// not count, and once the socket is closed.
    pub rates: Option<Bytes>,
    /// The cookie of the socket, as rows may change their sockets. `None` only in the default.
    cookie: Option<NonZeroU64>,
    /// When they were last read, on the steady clock.
    read_at: Duration,
    /// What the totals of its processes contain of it.
    credited: Bytes,
    /// `None` once the socket has no counters any more and while none are read, as then the last ones say nothing about now.
    signs: Option<Signs>,
}

impl Flow {
    fn first(counted: &Counted, socket: &Socket, now: Moment) -> Self {
        let counters = counted.counters;
        Self {
            counters,
            cookie: Some(counted.cookie),
            signs: Some(Signs::first(&counters, socket, now.steady)),
            read_at: now.steady,
            ..Self::default()
        }
    }

    /// The same flow with later counters.
    fn next(&self, counted: &Counted, socket: &Socket, now: Moment) -> Self {
        let Some(signs) = self.signs else {
            // Without counters in between it begins anew, but what has been credited stays.
            return Self {
                credited: self.credited,
                ..Self::first(counted, socket, now)
            };
        };
        let counters = counted.counters;
        let payload = Bytes::of(&counters).zip(Bytes::of(&self.counters));
        let rates = payload.and_then(|(now_is, was)| {
            let time = now.steady.saturating_sub(self.read_at);
            now_is.since(was).per_second(time)
        });
        Self {
            counters,
            rates,
            cookie: self.cookie,
            read_at: now.steady,
            credited: self.credited,
            signs: Some(signs.next([&self.counters, &counters], socket, now.steady)),
        }
    }

    /// The flow of a connection that ended with these counters. It is that of its socket from now on, or the next snapshot
    /// would count all of it again.
    fn last(
        tcp: Option<TcpInfo>,
        before: Option<&Self>,
        cookie: Option<NonZeroU64>,
        now: Moment,
    ) -> Self {
        let before = before.copied().unwrap_or_default();
        Self {
            cookie: cookie.or(before.cookie),
            read_at: now.steady,
            ..before.ended_with(tcp)
        }
    }

    /// With the TCP counters that were reported at its end.
    fn ended_with(self, tcp: Option<TcpInfo>) -> Self {
        let counters = Counters {
            tcp,
            ..self.counters
        };
        Self { counters, ..self }.stopped()
    }

    /// With the last counters, while there are no others.
    const fn missed(self) -> Self {
        Self {
            rates: None,
            ..self
        }
    }

    /// With the last counters, as there will be no others or none for a while.
    const fn stopped(self) -> Self {
        Self {
            rates: None,
            signs: None,
            ..self
        }
    }

    /// What the counters prove to be wrong.
    fn sign(&self, socket: &Socket) -> Option<TroubleKind> {
        self.signs?.trouble(&self.counters, socket, self.read_at)
    }

    /// Payload since the connection began.
    pub fn totals(&self) -> Option<Bytes> {
        Bytes::of(&self.counters)
    }
}

/// Flows by row id ascending.
type RowFlows = Vec<(RowId, Flow)>;

/// What flows through the sockets of one table. Empty unless counters are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// By row id ascending.
    rows: RowFlows,
    /// Those of rows that only the table before had, likewise: the last counters of sockets that have closed.
    gone: RowFlows,
    /// Of the processes of the table, by pid.
    processes: HashMap<Pid, Bytes>,
    is_counted: bool,
}

impl Flows {
    /// That of a row of the table, or of one that closed and is no longer in it; `None` if nothing was counted of it.
    pub fn of(&self, row: RowId) -> Option<&Flow> {
        let find = |rows: &'_ [(RowId, Flow)]| rows.binary_search_by_key(&row, |(id, _)| *id).ok();
        match find(&self.rows) {
            Some(at) => Some(&self.rows[at].1),
            None => find(&self.gone).map(|at| &self.gone[at].1),
        }
    }

    /// The same with the last counters of a connection whose end was reported: a row that lingers too shortly for a flow has
    /// them, too.
    pub fn of_row(&self, row: &Row) -> Option<Flow> {
        let known = self.of(row.id).copied();
        let end = row.end.as_ref().and_then(|end| end.tcp);
        if end.is_none() {
            return known;
        }
        Some(known.unwrap_or_default().ended_with(end))
    }

    /// Those of the rows of the table, by row id.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &Flow)> {
        self.rows.iter().map(|(id, flow)| (*id, flow))
    }

    /// The payload of all connections of a process since counting began, those that have closed since included: it never
    /// falls. A connection that several processes share counts for each of them; one that ended while nothing was counted
    /// may be missing.
    pub fn totals_of(&self, pid: Pid) -> Option<Bytes> {
        self.processes.get(&pid).copied()
    }

    /// Whether counters were read.
    pub const fn is_counted(&self) -> bool {
        self.is_counted
    }
}

/// Carries the flows from one snapshot to the next.
#[derive(Debug, Default)]
pub(super) struct FlowTracker {
    /// Those of the last snapshot with counters. If the last one had none, they only say what has been credited.
    last: Arc<Flows>,
    totals: HashMap<Pid, ProcessTotals>,
}

/// The totals of one process, which its start distinguishes from others with its pid.
#[derive(Clone, Copy, Debug)]
struct ProcessTotals {
    started_at_tick: Option<u64>,
    bytes: Bytes,
}

impl ProcessTotals {
    /// Whether they are of an earlier process with this pid. A record may lack its start.
    fn is_of_other(&self, process: &Process) -> bool {
        let starts = self.started_at_tick.zip(process.started_at_tick);
        starts.is_some_and(|(one, other)| one != other)
    }
}

impl FlowTracker {
    /// The flows of these rows, which are by id, from the counters of a snapshot. Without counters there are none, and totals
    /// go on with the next ones.
    pub(super) fn update(
        &mut self,
        counted: Option<&[Counted]>,
        rows: &[Arc<Row>],
        processes: &HashMap<Pid, Arc<Process>>,
        now: Moment,
    ) -> Arc<Flows> {
        let Some(counted) = counted else {
            self.pause();
            return Arc::default();
        };
        let (mut rows_with_flows, gone) = self.carry(counted, rows, now);
        for (row, flow) in &mut rows_with_flows {
            self.credit(row, flow);
        }
        self.forget_processes(processes);
        let present = processes.keys();
        let totals = present.filter_map(|&pid| Some((pid, self.totals.get(&pid)?.bytes)));
        let flows = rows_with_flows.into_iter();
        self.last = Arc::new(Flows {
            is_counted: true,
            processes: totals.collect(),
            gone,
            rows: flows.map(|(row, flow)| (row.id, flow)).collect(),
        });
        Arc::clone(&self.last)
    }

    /// The flows of the last snapshot with their rates since an earlier time. A socket without counters then has none.
    pub(super) fn set_rates_since(
        &mut self,
        earlier: &EarlierCounters,
        rows: &[Arc<Row>],
    ) -> Arc<Flows> {
        let by_cookie = by_cookie(&earlier.counters);
        let flows = Arc::make_mut(&mut self.last);
        for (id, flow) in &mut flows.rows {
            let row = rows.binary_search_by_key(id, |row| row.id);
            let Some(namespace) = row.ok().map(|at| rows[at].socket.namespace_id()) else {
                continue;
            };
            let then = flow
                .cookie
                .and_then(|cookie| by_cookie.get(&(namespace, cookie)));
            let payload = flow
                .totals()
                .zip(then.and_then(|then| Bytes::of(&then.counters)));
            flow.rates = payload.and_then(|(now, then)| now.since(then).per_second(earlier.before));
        }
        Arc::clone(&self.last)
    }

    fn pause(&mut self) {
        if self.last.is_counted {
            let rows = self.last.rows.iter();
            self.last = Arc::new(Flows {
                rows: rows.map(|(id, flow)| (*id, flow.stopped())).collect(),
                ..Flows::default()
            });
        }
    }

    /// Each row with its flow, if there is one; and the flows of rows that only the last table had. One walk over both lists, as
    /// looking up ten thousand rows would take longer than the kernel takes to count.
    fn carry<'a>(
        &self,
        counted: &[Counted],
        rows: &'a [Arc<Row>],
        now: Moment,
    ) -> (Vec<(&'a Row, Flow)>, RowFlows) {
        let by_cookie = by_cookie(counted);
        let mut before = self.last.rows.iter().peekable();
        let mut flows = Vec::with_capacity(counted.len());
        let mut gone = Vec::new();
        for row in rows {
            while let Some((id, flow)) = before.next_if(|(id, _)| *id < row.id) {
                gone.push((*id, flow.stopped()));
            }
            // A row that took the id of a closed one is another socket.
            let known = before.next_if(|(id, _)| *id == row.id);
            let known = known.filter(|(_, known)| known.read_at >= row.first_seen.steady);
            let cookie = row.socket.cookie.filter(|_| !row.is_closed());
            let counters =
                cookie.and_then(|cookie| by_cookie.get(&(row.socket.namespace_id(), cookie)));
            let end = row.end.as_ref().and_then(|end| end.tcp);
            let flow = match (counters, known) {
                (_, known) if end.is_some() => {
                    let known = known.map(|(_, flow)| flow);
                    let is_same = |flow: &&Flow| {
                        let mut cookies = flow.cookie.into_iter().zip(row.socket.cookie);
                        cookies.all(|(one, other)| one == other)
                    };
                    Flow::last(end, known.filter(is_same), row.socket.cookie, now)
                }
                (Some(one), Some((_, known))) if known.cookie == Some(one.cookie) => {
                    known.next(one, &row.socket, now)
                }
                (Some(one), _) => Flow::first(one, &row.socket, now),
                (None, Some((_, known))) if has_ended(row) => known.stopped(),
                // Missing from an interrupted dump.
                (None, Some((_, known))) => known.missed(),
                (None, None) => continue,
            };
            flows.push((&**row, flow));
        }
        gone.extend(before.map(|(id, flow)| (*id, flow.stopped())));
        if !self.last.is_counted {
            gone.clear();
        }
        (flows, gone)
    }

    /// Sets what the counters prove to be wrong in each row, which is rarely anything new. `live` are by id, and `rows` have the
    /// same rows.
    pub(super) fn set_signs(&self, live: &mut [Live], rows: &mut [Arc<Row>]) {
        let mut flows = self.last.rows.iter().peekable();
        for live in live {
            let row = &live.row;
            while flows.next_if(|(id, _)| *id < row.id).is_some() {}
            let flow = flows.next_if(|(id, _)| *id == row.id);
            let sign = flow.and_then(|(_, flow)| flow.sign(&row.socket));
            if row.sign != sign {
                let id = row.id;
                Arc::make_mut(&mut live.row).sign = sign;
                if let Ok(at) = rows.binary_search_by_key(&id, |row| row.id) {
                    rows[at] = Arc::clone(&live.row);
                }
            }
        }
    }

    /// Adds what came to the totals of the processes of its socket, or of those that had it.
    fn credit(&mut self, row: &Row, flow: &mut Flow) {
        // The process of the listener may have passed the connection to another one.
        let owners = match &row.socket.owner {
            Owner::Inferred(_) => &[],
            owner => owner.processes(),
        };
        let Some(payload) = flow.totals().filter(|_| !owners.is_empty()) else {
            return;
        };
        let new = payload.since(flow.credited);
        if new == Bytes::default() {
            return;
        }
        flow.credited = payload;
        for process in owners {
            let started_at_tick = process.started_at_tick;
            let totals = self.totals.entry(process.pid);
            let totals = totals.or_insert(ProcessTotals {
                started_at_tick,
                bytes: Bytes::default(),
            });
            if totals.is_of_other(process) {
                *totals = ProcessTotals {
                    started_at_tick,
                    bytes: Bytes::default(),
                };
            }
            totals.started_at_tick = totals.started_at_tick.or(started_at_tick);
            totals.bytes = totals.bytes.plus(new);
        }
    }

    /// Drops the totals of processes without a socket once they are many, and those of processes whose pid another has.
    fn forget_processes(&mut self, processes: &HashMap<Pid, Arc<Process>>) {
        let is_crowded = self.totals.len() > processes.len() + MAX_IDLE_PROCESSES;
        self.totals.retain(|pid, totals| {
            let present = processes.get(pid);
            present.map_or(!is_crowded, |process| !totals.is_of_other(process))
        });
    }
}

type ByCookie<'a> = HashMap<(NamespaceId, NonZeroU64), &'a Counted, BuildSpread>;

fn by_cookie(counted: &[Counted]) -> ByCookie<'_> {
    let keyed = counted.iter().map(|one| ((one.namespace, one.cookie), one));
    keyed.collect()
}

/// Whether the kernel counts nothing more of its connection.
fn has_ended(row: &Row) -> bool {
    row.is_closed() || row.socket.state == State::TimeWait
}

#[cfg(test)]
#[path = "../tests/flows.rs"]
mod tests;
