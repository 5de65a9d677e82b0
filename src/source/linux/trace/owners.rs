//! Which process a freed TCP socket was of: the events of its address in the kernel, and its cookie when it is freed.
//!
//! A wrong process is worse than none, so three things never happen. Endpoints are never compared across sockets: the
//! events of all network namespaces are here without saying which, and the same endpoints may exist in each. No event
//! is attributed to a later socket at the same address: a connect or listen begins a new socket there, and so does an
//! event whose endpoints or order don't fit the one before, as the record of a freed socket may be lost. And where two
//! processes opened and closed it, it has no single one.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use super::{TraceEvent, TraceKind, TraceSink};
use crate::model::{Endpoint, Pid, Process, Recent, Text};
use crate::source::linux::destroyed::MAX_PENDING;

/// The most open sockets.
const MAX_OPEN: usize = 16_384;

/// The most freed sockets: as many as reports of freed sockets that wait for a snapshot.
const MAX_FREED: usize = MAX_PENDING;

/// The pid of `kthreadd`, in the only pid namespace that has threads of the kernel.
const KTHREADD: Pid = 2;

/// The process of a freed socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedOwner {
    /// Its pid, which another process may have by now.
    pub pid: Pid,
    /// Its short name; empty if unknown.
    pub comm: Text,
    /// The process, if it could be read before it ended.
    pub process: Option<Arc<Process>>,
    /// When it did what it was seen to do, `CLOCK_MONOTONIC`: the pid was that process's then.
    pub at: Duration,
    /// When it connected or listened, `CLOCK_MONOTONIC`; `None` for an accepted connection, and if that was before the
    /// trace.
    pub opened_at: Option<Duration>,
}

/// The processes of the sockets of a trace. Memory is bounded; the oldest are forgotten.
pub struct TraceOwners {
    open: HashMap<u64, OpenSocket>,
    /// Addresses and numbers in the order of the first event of each socket; some are no longer open.
    order: VecDeque<(u64, u64)>,
    last_number: u64,
    freed: Recent<NonZeroU64, TracedOwner>,
}

impl Default for TraceOwners {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            order: VecDeque::new(),
            last_number: 0,
            freed: Recent::new(MAX_FREED),
        }
    }
}

/// The events of a socket since it has its address.
struct OpenSocket {
    number: u64,
    /// Its connect or listen.
    opened: Option<TraceEvent>,
    /// Its close, by the process or of the listener.
    closed: Option<TraceEvent>,
}

impl TraceOwners {
    /// Adds events, in the order of a [`Tracer`](super::Tracer); none may be missing, see [`Self::clear`].
    pub fn add(&mut self, events: impl IntoIterator<Item = TraceEvent>) {
        events.into_iter().for_each(|event| self.add_event(event));
    }

    /// The process of the freed socket with this cookie. Cookies are unique on the machine, in all network namespaces.
    /// `None` if it is unknown or may be one of two.
    pub fn owner_of(&self, cookie: NonZeroU64) -> Option<&TracedOwner> {
        self.freed.get(&cookie)
    }

    /// Forgets the open sockets, after a loss: what is missing may have begun another socket at one of the addresses.
    /// Freed ones stay.
    pub fn clear(&mut self) {
        self.open.clear();
        self.order.clear();
    }

    fn open(&mut self, event: TraceEvent) {
        self.begin(event.socket, Some(event), None);
    }

    /// A socket closes once. Another close, or one with other endpoints, is of another socket.
    fn close(&mut self, event: TraceEvent) {
        let socket = self.open.get_mut(&event.socket);
        let is_its = |socket: &&mut OpenSocket| {
            let opened = socket.opened.as_ref();
            socket.closed.is_none() && opened.is_some_and(|opened| have_same_ends(opened, &event))
        };
        match socket.filter(is_its) {
            Some(socket) => socket.closed = Some(event),
            None => self.begin(event.socket, None, Some(event)),
        }
    }

    fn free(&mut self, event: &TraceEvent) {
        let Some(socket) = self.open.remove(&event.socket) else {
            return;
        };
        if let Some((cookie, owner)) = event.cookie.zip(socket.owner(event)) {
            self.freed.insert(cookie, owner);
        }
    }

    fn begin(&mut self, address: u64, opened: Option<TraceEvent>, closed: Option<TraceEvent>) {
        self.last_number += 1;
        let number = self.last_number;
        let socket = OpenSocket {
            number,
            opened,
            closed,
        };
        self.open.insert(address, socket);
        self.order.push_back((address, number));
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        while self.open.len() > MAX_OPEN
            && let Some((address, number)) = self.order.pop_front()
        {
            if self.is_open(address, number) {
                self.open.remove(&address);
            }
        }
        if self.order.len() > 2 * MAX_OPEN {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|&(address, number)| self.is_open(address, number));
            self.order = order;
        }
    }

    fn is_open(&self, address: u64, number: u64) -> bool {
        let socket = self.open.get(&address);
        socket.is_some_and(|socket| socket.number == number)
    }
}

impl TraceSink for TraceOwners {
    fn add_event(&mut self, event: TraceEvent) {
        match event.kind {
            TraceKind::Connect | TraceKind::Listen => self.open(event),
            TraceKind::Close | TraceKind::StopListening => self.close(event),
            TraceKind::Destroy => self.free(&event),
        }
    }

    fn add_gap(&mut self) {
        self.clear();
    }
}

impl OpenSocket {
    /// Its process, if it is this socket that is freed, and only one process can be meant.
    fn owner(&self, freed: &TraceEvent) -> Option<TracedOwner> {
        let events = [self.opened.as_ref(), self.closed.as_ref()];
        let mut events = events.into_iter().flatten();
        if !events.clone().all(|event| is_same_socket(event, freed)) {
            return None;
        }
        let first = events.next().and_then(owner_of_event)?;
        let owner = match events.next() {
            Some(last) => single(first, owner_of_event(last)?)?,
            None => first,
        };
        let opened_at = self.opened.as_ref().map(|event| event.at);
        Some(TracedOwner { opened_at, ..owner })
    }
}

/// The process of an event; `None` if it is in another pid namespace, or a thread of the kernel: those close sockets for
/// processes (of files in flight on Unix sockets, of rings of `io_uring(7)`).
fn owner_of_event(event: &TraceEvent) -> Option<TracedOwner> {
    let is_known = event.pid != 0 && event.pid != Pid::MAX;
    let is_kernel = event.process.as_deref().is_some_and(is_kernel_thread);
    (is_known && !is_kernel).then(|| TracedOwner {
        pid: event.pid,
        comm: event.comm.clone(),
        process: event.process.clone(),
        at: event.at,
        opened_at: None,
    })
}

/// Whether a process is a thread of the kernel, and so `kthreadd` or a child of it.
pub(super) fn is_kernel_thread(process: &Process) -> bool {
    let is_below = process.pid == KTHREADD || process.parent == Some(KTHREADD);
    is_below && process.argv.is_none() && process.executable.is_none()
}

/// The process that opened and closed a socket, if it is the same one. The record that says more.
fn single(opened: TracedOwner, closed: TracedOwner) -> Option<TracedOwner> {
    let is_reused = match (&opened.process, &closed.process) {
        (Some(one), Some(other)) => !one.is_same(other),
        _ => false,
    };
    if opened.pid != closed.pid || is_reused {
        return None;
    }
    let says_more = |one: &TracedOwner| (one.process.is_some(), !one.comm.is_empty());
    Some(if says_more(&closed) > says_more(&opened) {
        closed
    } else {
        opened
    })
}

/// Whether an event is of the socket that is freed, given that both have its address.
///
/// A connection that failed or was reset by its own process (`SO_LINGER` of 0) has lost its endpoints when it is freed;
/// then the process itself frees it. So does one that closes a listener, but not one that destroys the listener of
/// another (`SOCK_DESTROY`).
fn is_same_socket(event: &TraceEvent, freed: &TraceEvent) -> bool {
    let is_by_same_thread = (event.pid, event.tid) == (freed.pid, freed.tid);
    if event.kind == TraceKind::StopListening {
        return have_same_ends(event, freed) && is_by_same_thread;
    }
    let is_disconnected = freed.remote.is_none_or(|remote| remote.port == 0);
    if event.remote.is_some() && is_disconnected {
        return event.pid == freed.pid && is_same_port(event.local, freed.local);
    }
    have_same_ends(event, freed)
}

/// Whether both have the same endpoints, as far as each has its own yet.
fn have_same_ends(one: &TraceEvent, other: &TraceEvent) -> bool {
    let address = |end: Endpoint| end.to_canonical().address;
    let [here, there] = [one.local, other.local].map(address);
    let is_same_address = here == there || here.is_unspecified() || there.is_unspecified();
    let [one_remote, other_remote] =
        [one.remote, other.remote].map(|end| end.map(Endpoint::to_canonical));
    is_same_address && is_same_port(one.local, other.local) && one_remote == other_remote
}

/// Whether both have the same port, or one of them has none yet.
const fn is_same_port(one: Endpoint, other: Endpoint) -> bool {
    one.port == other.port || one.port == 0 || other.port == 0
}

#[cfg(test)]
#[path = "owners_tests.rs"]
mod tests;
