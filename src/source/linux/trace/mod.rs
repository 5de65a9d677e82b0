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
mod sequence;

use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::event::{PollFlags, Timespec};
use rustix::thread::CapabilitySet;
use thiserror::Error;

use self::record::Record;
use self::rings::Rings;
use self::sequence::{Sequence, Step};
use super::rights::has_capability;
use super::update_thread::{UpdateThread, Updates};
use crate::model::{Endpoint, Pid, Process, Text};

pub use self::owners::{TraceOwners, TracedOwner};

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

/// What takes the events of a [`Tracer`], on its thread.
pub trait TraceSink: Send + 'static {
    /// Adds an event. Each follows those that it depends on: of one socket and one process they are in the order of their
    /// times.
    fn add_event(&mut self, event: TraceEvent);

    /// Events were lost between the last one and the next.
    fn add_gap(&mut self);
}

impl TraceSink for Vec<TraceEvent> {
    fn add_event(&mut self, event: TraceEvent) {
        self.push(event);
    }

    fn add_gap(&mut self) {}
}

/// Traces TCP sockets until it is dropped. A thread reads each process up to 20 ms after its first event. Of one that has
/// ended by then the short name is known; all of it has [`ProcessEvents::process_at`](crate::source::ProcessEvents).
pub struct Tracer<S = TraceOwners>(UpdateThread<Traced<S>>);

/// What was read from the rings.
struct Traced<S> {
    sink: S,
    lost: u64,
    gaps: u64,
}

impl<S: TraceSink> Tracer<S> {
    /// Starts tracing. What happened before is unknown.
    ///
    /// # Errors
    /// Without tracefs, or without the right to trace.
    pub fn start(sink: S) -> Result<Self, TraceError> {
        let rings = Rings::open()?;
        let failed = |error| TraceError::system("dup", error);
        let descriptors = rings.descriptors().map_err(failed)?;
        let traced = Traced {
            sink,
            lost: 0,
            gaps: 0,
        };
        let run = move |updates| follow(updates, Trace::of(rings), descriptors);
        let thread = UpdateThread::start("trace", traced, run);
        let failed = |error| TraceError::system("clone", error);
        Ok(Self(thread.map_err(failed)?))
    }

    /// Adds the events until now. Returns `false` if the thread is late, so that some may be missing.
    pub fn update(&self) -> bool {
        self.0.update()
    }

    /// Reads or changes what takes the events, as of the last update. Meanwhile the thread waits.
    pub fn with<R>(&self, read: impl FnOnce(&mut S) -> R) -> R {
        read(&mut self.0.lock().sink)
    }

    /// How many events and names were lost since the start because a ring was full.
    pub fn lost(&self) -> u64 {
        self.0.lock().lost
    }

    /// How often events were lost, or may have been.
    pub fn gaps(&self) -> u64 {
        self.0.lock().gaps
    }
}

/// Updates the trace after each period and when a ring is half full, until the thread is to end.
fn follow<S: TraceSink>(
    mut updates: Updates<Traced<S>>,
    mut trace: Trace,
    mut descriptors: Vec<OwnedFd>,
) {
    let mut has_events = false;
    while let Some(ready) = updates.wait(&descriptors, Some(&PERIODS[usize::from(has_events)])) {
        if remove_ended(&mut descriptors, &ready) {
            trace.lose(&updates);
        }
        has_events = trace.update(&updates);
    }
}

/// Removes the descriptors of processors that went offline, which stay ready. Returns whether there were any.
fn remove_ended(descriptors: &mut Vec<OwnedFd>, ready: &[PollFlags]) -> bool {
    let before = descriptors.len();
    let has_ended = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    let mut ready = ready.iter();
    descriptors.retain(|_| !ready.next().is_some_and(|one| one.intersects(has_ended)));
    descriptors.len() < before
}

const fn milliseconds(count: i64) -> Timespec {
    Timespec {
        tv_sec: 0,
        tv_nsec: count * 1_000_000,
    }
}

/// The rings, and the order of their records.
struct Trace {
    rings: Rings,
    sequence: Sequence,
}

impl<S: TraceSink> Traced<S> {
    /// All losses of a pass are one gap.
    fn apply(&mut self, steps: Vec<Step>) {
        let has_gap = steps.iter().any(|step| matches!(step, Step::Lost(_)));
        self.gaps += u64::from(has_gap);
        for step in steps {
            match step {
                Step::Event(event) => self.sink.add_event(event),
                Step::Lost(count) => {
                    self.lost += count;
                    self.sink.add_gap();
                }
            }
        }
    }
}

impl Trace {
    fn of(rings: Rings) -> Self {
        Self {
            rings,
            sequence: Sequence::default(),
        }
    }

    /// Reads the rings, and the processes of the new records: without the lock, as that may block. Returns whether there
    /// were any.
    fn update<S: TraceSink>(&mut self, updates: &Updates<Traced<S>>) -> bool {
        let mut has_events = false;
        for _ in 0..MAX_PASSES {
            let now = monotonic().saturating_sub(CLOCK_ERROR);
            let records = self.rings.read();
            let steps = self.sequence.steps(records, now);
            has_events |= !steps.is_empty();
            updates.lock().apply(steps);
            if !self.sequence.has_newer() {
                break;
            }
        }
        has_events
    }

    /// A processor is no longer traced: what it did last may be missing.
    fn lose<S: TraceSink>(&mut self, updates: &Updates<Traced<S>>) {
        let until = monotonic();
        let lost = Record::Lost {
            count: 0,
            from: Duration::ZERO,
            until,
        };
        let steps = self.sequence.steps(vec![lost], until);
        updates.lock().apply(steps);
    }
}

fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::MAX, Duration::from)
}

#[cfg(test)]
mod tests {
    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    #[test]
    fn a_descriptor_that_hung_up_is_polled_once() {
        let running = eventfd(0, EventfdFlags::empty()).unwrap();
        let (offline, _) = io::pipe().unwrap();
        let run = |mut updates: Updates<Vec<usize>>| {
            let mut descriptors = vec![OwnedFd::from(offline), running];
            while let Some(ready) = updates.wait(&descriptors, None) {
                remove_ended(&mut descriptors, &ready);
                updates.lock().push(descriptors.len());
            }
        };
        let thread = UpdateThread::start("test", Vec::new(), run).unwrap();
        for _ in 0..3 {
            assert!(thread.update());
        }
        // The first update may follow the end of the pipe and a request at once.
        let lengths = thread.lock();
        assert!(lengths.len() <= 4, "{lengths:?}");
        assert!(lengths.iter().all(|&length| length == 1), "{lengths:?}");
    }
}
