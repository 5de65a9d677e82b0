//! One snapshot of the system's tables, its place in a recording, and how long it took.

use std::collections::HashMap;
use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

use super::{
    ClosedSocket, Counted, EphemeralPorts, Kinds, LostCloses, Moment, NamespaceId, Pid, Problem,
    Process, Socket,
};

/// The system's sockets and processes at a moment. Not atomic: a row may be missing from one and back in the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken.
    pub taken_at: Moment,
    /// The kinds of sockets that were read.
    pub kinds: Kinds,
    /// Every socket of these kinds, in the order of the system's table.
    pub sockets: Vec<Socket>,
    /// The owners and their ancestors.
    pub processes: HashMap<Pid, Arc<Process>>,
    /// The problems: what could not be read.
    pub problems: Vec<Problem>,
    /// The other network namespaces whose sockets are read for the first time although they existed before: those sockets
    /// are not new. Our own among them: its rows without a socket are.
    pub late_namespaces: Vec<NamespaceId>,
    /// The counters of its TCP and UDP sockets, in no order; `None` unless they were requested.
    pub counters: Option<Vec<Counted>>,
    /// The port range for outgoing connections; `None` if unknown.
    pub ephemeral: Option<EphemeralPorts>,
    /// The sockets that were closed since the snapshot before, as the kernel reported it, in that order; empty if it does not
    /// report them. None of them is among `sockets`, except as a `TIME_WAIT`.
    pub closed: Vec<ClosedSocket>,
    /// Those that were closed and not reported.
    pub lost_closes: LostCloses,
}

/// Which snapshot of a recording is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    /// The snapshot's number; the first is 1.
    pub number: usize,
    /// How many there are; `None` until they are counted.
    pub total: Option<usize>,
    /// Whether it is the last one.
    pub has_ended: bool,
}

/// Where the time of one refresh went, by the wall clock, and how much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshTimings {
    /// Reading the table.
    pub dump: Duration,
    /// Finding the owners of its sockets.
    pub owners: Duration,
    /// Reading the details of those processes.
    pub processes: Duration,
    /// Comparing with the previous refresh.
    pub diff: Duration,
    /// How many processes were searched for their sockets.
    pub searched: u64,
    /// How many files below `/proc` were read: descriptor links, and files about processes.
    pub files: u64,
}

impl RefreshTimings {
    /// All of its parts together.
    pub fn total(&self) -> Duration {
        self.dump + self.owners + self.processes + self.diff
    }
}

/// The sum, part by part.
impl Add for RefreshTimings {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            dump: self.dump + other.dump,
            owners: self.owners + other.owners,
            processes: self.processes + other.processes,
            diff: self.diff + other.diff,
            searched: self.searched + other.searched,
            files: self.files + other.files,
        }
    }
}

/// One refresh as it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// When its snapshot was taken.
    pub taken_at: Moment,
    /// How many sockets were read.
    pub rows: usize,
    /// How long it took.
    pub cost: RefreshTimings,
}
