//! Which process connects, listens on and closes each TCP socket, by two tracepoints of the kernel.
//!
//! `sock:inet_sock_set_state` has the state of a socket as it changes. Of its records only those count that a process
//! causes by a system call: there the task is the process. In all others (an accepted connection, what the peer sent) it
//! is any process that was interrupted. `tcp:tcp_destroy_sock` has the cookie of a socket that is freed, by which
//! [`TraceOwners`] finds its process. Records are of all network namespaces, and none says of which one.
//!
//! It takes `CAP_PERFMON` and a readable tracefs. It switches nothing on in tracefs; perf events end with their
//! descriptors, so with this program, however that ends.
//!
//! Records of a process in another pid namespace, except one below ours, are left out: they have no pid here. Processors
//! that come online later are not traced.

mod format;
mod ioctl;
mod names;
mod owners;
mod record;
mod rings;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, write};
use rustix::thread::CapabilitySet;
use thiserror::Error;

use self::names::Names;
use self::record::{Record, SocketRecord};
use self::rings::Rings;
use super::rights::has_capability;
use crate::model::{Endpoint, Pid, Process, Text};

pub use self::owners::{TraceOwners, TracedOwner};

/// The most events that wait for [`Tracer::drain`]; the oldest are dropped.
const MAX_EVENTS: usize = 65_536;

/// How far the clock of records may be ahead of `clock_gettime(2)`: it is read without a lock.
const CLOCK_ERROR: Duration = Duration::from_micros(10);

/// How often the rings are read in a row while the newest records are too new.
const MAX_PASSES: usize = 8;

/// The time between two readings of the rings, after one with events and after one without. A wake-up for each event would
/// take several times as long as all else (27–80 µs a connection instead of 2–8, on a virtual machine).
const PERIODS: [Timespec; 2] = [milliseconds(20), milliseconds(10)];

/// Why sockets can't be traced.
#[derive(Debug, Error)]
pub enum TraceError {
    /// There is no tracefs.
    #[error("tracefs is not mounted; as root: mount -t tracefs tracefs /sys/kernel/tracing")]
    NotMounted,
    /// A file of tracefs can't be read.
    #[error("{} can't be read; run with sudo, or with {capabilities}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What this program lacks, such as `CAP_PERFMON and CAP_DAC_READ_SEARCH`.
        capabilities: &'static str,
    },
    /// The kernel refused events of other processes.
    #[error(
        "the kernel refuses events of other processes (EPERM); run with sudo, or with CAP_PERFMON"
    )]
    Refused,
    /// The kernel refused although this is root: of a container or another user namespace.
    #[error(
        "the kernel refuses events of other processes (EPERM) in this container or user namespace"
    )]
    Confined,
    /// The kernel has no such tracepoint.
    #[error("this kernel has no tracepoint {0}")]
    NoTracepoint(&'static str),
    /// The tracepoint lacks a field.
    #[error("tracepoint {0} has an unknown format")]
    UnknownFormat(&'static str),
    /// Another system call failed.
    #[error("{call}: {}", super::netlink::errno_name(error))]
    System {
        /// Its name.
        call: &'static str,
        /// Part of the message, so not also the source of the error.
        error: io::Error,
    },
}

impl TraceError {
    fn system(call: &'static str, error: io::Error) -> Self {
        Self::System { call, error }
    }

    fn unreadable(path: &Path) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            capabilities: if may_trace() {
                "CAP_DAC_READ_SEARCH"
            } else {
                "CAP_PERFMON and CAP_DAC_READ_SEARCH"
            },
        }
    }

    fn refused() -> Self {
        if may_trace() {
            Self::Confined
        } else {
            Self::Refused
        }
    }
}

/// Whether this program has the capability in its own user namespace.
fn may_trace() -> bool {
    let capabilities = CapabilitySet::PERFMON | CapabilitySet::SYS_ADMIN;
    let each = capabilities.iter().map(has_capability);
    each.flatten().any(|has_it| has_it)
}

/// What happened to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// `connect(2)`. The local port is 0 unless it was bound.
    Connect,
    /// `listen(2)`.
    Listen,
    /// An open connection was closed, by `close(2)`, `shutdown(2)` or the end of the process.
    Close,
    /// A listener was closed. With `SOCK_DESTROY` of `sock_diag(7)` the process is that which requested it.
    StopListening,
    /// The kernel freed it. The process is the right one only where the close was immediate. Perf events lose some of
    /// these records without counting them.
    Destroy,
}

/// One change of a TCP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// What happened.
    pub kind: TraceKind,
    /// When, `CLOCK_MONOTONIC`.
    pub at: Duration,
    /// The process (thread group), as `/proc` has it if that is of this pid namespace.
    pub pid: Pid,
    /// The thread.
    pub tid: Pid,
    /// The kernel's short name of the process; empty if unknown.
    pub comm: Text,
    /// The process, if it could be read before it ended.
    pub process: Option<Arc<Process>>,
    /// The kernel's address of the socket. Another socket may get it later.
    pub socket: u64,
    /// The local endpoint; its port is 0 if it has none yet.
    pub local: Endpoint,
    /// The remote endpoint; `None` for a listener, and where the kernel removed it before it freed the socket.
    pub remote: Option<Endpoint>,
    /// The socket's cookie: only of [`TraceKind::Destroy`].
    pub cookie: Option<NonZeroU64>,
}

/// Traces TCP sockets until it is dropped. A thread reads each process up to 20 ms after its first event. Of one that has
/// ended by then the short name is known; all of it has [`ProcessEvents::process_at`](crate::source::ProcessEvents).
pub struct Tracer {
    trace: Arc<Mutex<Trace>>,
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Tracer {
    /// Starts tracing. What happened before is unknown.
    ///
    /// # Errors
    /// Without tracefs, or without the right to trace.
    pub fn start() -> Result<Self, TraceError> {
        let rings = Rings::open()?;
        let failed = |error| TraceError::system("dup", error);
        let descriptors = rings.descriptors().map_err(failed)?;
        let failed = |error: Errno| TraceError::system("eventfd", error.into());
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(failed)?;
        let failed = |error| TraceError::system("dup", error);
        let stopped = stop.try_clone().map_err(failed)?;
        let trace = Arc::new(Mutex::new(Trace::of(rings)));
        let shared = Arc::clone(&trace);
        let thread = Builder::new().name("trace".into());
        let thread = thread.spawn(move || follow(&shared, &descriptors, &stopped));
        let failed = |error| TraceError::system("clone", error);
        Ok(Self {
            trace,
            stop,
            thread: Some(thread.map_err(failed)?),
        })
    }

    /// The events since the last call. Each follows those that it depends on: of one socket and one process they are in
    /// the order of their times.
    pub fn drain(&self) -> Vec<TraceEvent> {
        self.drain_and_count().0
    }

    /// The same with the number of gaps by then.
    fn drain_and_count(&self) -> (Vec<TraceEvent>, u64) {
        let mut trace = lock(&self.trace);
        trace.update();
        (trace.events.drain(..).collect(), trace.gaps)
    }

    /// How many events and names were lost since the start, because a ring was full or [`drain`](Self::drain) was not
    /// called. After a loss [`TraceOwners::update`] starts anew.
    pub fn lost(&self) -> u64 {
        lock(&self.trace).lost
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = write(&self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Updates the trace after each period and when a ring is half full, until `stop` is readable.
fn follow(trace: &Mutex<Trace>, rings: &[OwnedFd], stop: &OwnedFd) {
    let mut has_events = false;
    loop {
        let all = std::iter::once(stop).chain(rings);
        let mut ready: Vec<_> = all.map(|one| PollFd::new(one, PollFlags::IN)).collect();
        match poll(&mut ready, Some(&PERIODS[usize::from(has_events)])) {
            Ok(_) if !ready[0].revents().is_empty() => return,
            Ok(_) => has_events = lock(trace).update(),
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

const fn milliseconds(count: i64) -> Timespec {
    Timespec {
        tv_sec: 0,
        tv_nsec: count * 1_000_000,
    }
}

fn lock(trace: &Mutex<Trace>) -> MutexGuard<'_, Trace> {
    trace.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rings, and what was read from them.
struct Trace {
    rings: Rings,
    names: Names,
    /// Records that are newer than the start of the last pass.
    newer: Vec<Record>,
    events: VecDeque<TraceEvent>,
    lost: u64,
    /// How often events were lost, or may have been.
    gaps: u64,
}

impl Trace {
    fn of(rings: Rings) -> Self {
        Self {
            rings,
            names: Names::default(),
            newer: Vec::new(),
            events: VecDeque::new(),
            lost: 0,
            gaps: 0,
        }
    }

    /// Reads the rings, and the processes of the new records. Returns whether there were any.
    fn update(&mut self) -> bool {
        let before = self.events.len();
        for _ in 0..MAX_PASSES {
            self.read_once();
            if self.newer.is_empty() {
                break;
            }
        }
        let has_events = self.events.len() > before;
        let excess = self.events.len().saturating_sub(MAX_EVENTS);
        self.events.drain(..excess);
        self.lost += excess as u64;
        self.gaps += u64::from(excess > 0);
        has_events
    }

    /// The rings are read one after another. What a record depends on (the start of its process, an earlier change of its
    /// socket) is in a ring before it happens. So all that the records up to now depend on has been read, but not what
    /// newer ones depend on, which may be in a ring that was read before.
    fn read_once(&mut self) {
        let now = monotonic().saturating_sub(CLOCK_ERROR);
        self.newer.extend(self.rings.read());
        self.newer.sort_by_key(Record::at);
        let mut left = changes_by_pid(&self.newer);
        let is_old = |record: &Record| record.at().is_none_or(|at| at <= now);
        let newer = self.newer.split_off(self.newer.partition_point(is_old));
        for record in std::mem::replace(&mut self.newer, newer) {
            self.names.apply(&record);
            match record {
                Record::Socket(record) => self.add(&record, &left),
                Record::Lost(count) => {
                    self.lost += count;
                    self.gaps += 1;
                    self.names.clear();
                }
                Record::Comm { pid, .. } | Record::Fork { pid, .. } => {
                    if let Some(count) = left.get_mut(&pid) {
                        *count -= 1;
                    }
                }
            }
        }
    }

    /// Adds an event. The pid is 0 or -1 where the process is unknown, which counts only for a freed socket.
    fn add(&mut self, record: &SocketRecord, left: &HashMap<Pid, usize>) {
        let (pid, kind) = (record.pid, record.kind);
        let is_known = pid != 0 && pid != Pid::MAX;
        let (comm, process) = match kind {
            TraceKind::Destroy => (Text::default(), None),
            _ if !is_known => (Text::default(), None),
            _ => {
                let has_changed = left.get(&pid).is_some_and(|&count| count > 0);
                self.names.process_at(pid, record.at, has_changed)
            }
        };
        self.events.push_back(TraceEvent {
            kind,
            at: record.at,
            pid,
            tid: record.tid,
            comm,
            process,
            socket: record.socket,
            local: record.local,
            remote: record.remote,
            cookie: record.cookie,
        });
    }
}

/// How many records of a new name or a new process there are of each pid.
fn changes_by_pid(records: &[Record]) -> HashMap<Pid, usize> {
    let mut changes = HashMap::new();
    for record in records {
        if let Record::Comm { pid, .. } | Record::Fork { pid, .. } = record {
            *changes.entry(*pid).or_default() += 1;
        }
    }
    changes
}

fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::MAX, Duration::from)
}
