//! Moments of a history, and what is known about the time between them.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Counted, EarlierCounters, Endpoint, Moment, Protocol, Snapshot, Socket, clean};

/// Times from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first time.
    pub from: Timestamp,
    /// The last time.
    pub to: Timestamp,
}

impl TimeRange {
    /// All times.
    pub const ALL: Self = Self {
        from: Timestamp::MIN,
        to: Timestamp::MAX,
    };

    /// Whether both have a time in common.
    pub fn overlaps(&self, from: Timestamp, to: Timestamp) -> bool {
        from <= self.to && self.from <= to
    }
}

/// Identifies a snapshot in a store. Positions are in the order in which the snapshots were written, even where the clock
/// was set back in between. A position stays valid until its segment is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The file's number.
    pub(crate) file: u64,
    /// Where the frame begins in the file.
    pub(crate) offset: u64,
    /// Which snapshot of the frame it is.
    pub(crate) step: u32,
}

/// A snapshot of the store.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Its position.
    pub position: Position,
    /// The wall-clock time of the next snapshot; until then nothing is known to have changed. `None` if it is the last one.
    pub next: Option<Timestamp>,
    /// Of a snapshot found by time: the gap that this time is in. The snapshot is the last one before it.
    pub gap: Option<Gap>,
    /// Whether it begins a run, after a gap or as the first: sockets that are new in it may have opened earlier.
    pub begins_run: bool,
    /// Whether names and addresses are pseudonyms.
    pub is_redacted: bool,
    /// The counters of the sockets, if they were read then. They are stored less often than the rest.
    pub counters: Option<StoredCounters>,
    /// Those that were stored before them: between the two the rates are known.
    pub earlier_counters: Option<EarlierCounters>,
}

/// The counters of the sockets in a snapshot.
#[derive(Clone, Debug)]
pub struct StoredCounters {
    /// When it was taken.
    pub read_at: Timestamp,
    /// Of its TCP and UDP sockets.
    pub counters: Arc<[Counted]>,
}

impl StoredCounters {
    /// Those of an earlier time, for rates. `None` if the clock was set back between them.
    pub(super) fn since(&self, earlier: Self) -> Option<EarlierCounters> {
        let before = self.read_at.duration_since(earlier.read_at);
        Some(EarlierCounters {
            counters: earlier.counters,
            before: before.try_into().ok()?,
        })
    }
}

impl Recorded {
    /// The snapshot as one of a later time, up to which nothing has changed: with the ages of that time.
    pub fn snapshot_at(self, time: Timestamp) -> Snapshot {
        let mut snapshot = self.snapshot;
        let later = time.duration_since(snapshot.taken_at.wall);
        let Ok(later) = Duration::try_from(later) else {
            return snapshot;
        };
        snapshot.taken_at = Moment {
            steady: snapshot.taken_at.steady.saturating_add(later),
            wall: time,
        };
        for socket in &mut snapshot.sockets {
            socket.age = socket.age.map(|age| age.after(later));
            socket.expires_in = socket.expires_in.map(|left| left.saturating_sub(later));
        }
        snapshot
    }
}

/// A time of which nothing is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The time of the last snapshot before it.
    pub from: Timestamp,
    /// The time of the first snapshot after it; before `from` if the clock was set back.
    pub to: Timestamp,
    /// Why.
    pub reason: GapReason,
}

/// Why nothing is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The recorder was stopped.
    Stopped,
    /// The recorder ended without closing the store: killed, or the machine lost its power.
    Crashed,
    /// No snapshots were taken: the table was paused, or the machine was suspended or too busy.
    NoSnapshots,
    /// The wall clock was set: nothing is missing, only the times jump.
    ClockSet,
    /// The disk was full, or nearly.
    DiskFull,
    /// The disk was too slow.
    Overflow,
    /// The file can't be read there.
    Damaged,
}

impl GapReason {
    /// A clause for a sentence: `the recorder was stopped`.
    pub const fn clause(self) -> &'static str {
        match self {
            Self::Stopped => "the recorder was stopped",
            Self::Crashed => "the recorder ended unexpectedly",
            Self::NoSnapshots => {
                "no snapshots were taken: paused, or the machine was suspended or too busy"
            }
            Self::ClockSet => "the clock was set",
            Self::DiskFull => "the disk was full",
            Self::Overflow => "the disk was too slow",
            Self::Damaged => "the file is damaged",
        }
    }
}

/// A part of a file that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file; `None` in memory.
    pub file: Option<PathBuf>,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How many bytes, if known.
    pub length: Option<u64>,
    /// What it is.
    pub kind: DamageKind,
}

impl Damage {
    /// `/var/lib/sockeye/1795822085-3.seg is damaged at byte 812: a checksum is wrong`
    pub fn sentence(&self) -> String {
        let file = self.file.as_deref().map(Path::to_string_lossy);
        let file = file.unwrap_or("the recording".into());
        let (file, at) = (clean(&file), self.offset);
        let what = match &self.kind {
            DamageKind::Incomplete => {
                return format!("{file} breaks off at byte {at}: its last frame is incomplete");
            }
            DamageKind::Version(version) => {
                return format!(
                    "{file} has frames of version {version} from byte {at} on: a later sockeye reads them"
                );
            }
            DamageKind::NoFrame => "no frame begins there",
            DamageKind::Checksum => "a checksum is wrong",
            DamageKind::Missing => "frames before it are missing",
            DamageKind::Content(what) => what,
        };
        format!("{file} is damaged at byte {at}: {what}")
    }
}

/// What is wrong with a part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The last frame is incomplete: the recorder ended while writing it, or is about to complete it.
    Incomplete,
    /// No frame begins where one should.
    NoFrame,
    /// Its checksum is wrong.
    Checksum,
    /// Frames are missing before this one.
    Missing,
    /// It was written by a later version of the program: this one.
    Version(u8),
    /// Its checksum is right, but it is not a frame that this program can have written.
    Content(String),
}

/// Whose changes to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKey {
    /// Every socket with this port on its own side.
    Port {
        /// Of this protocol.
        protocol: Protocol,
        /// The port.
        port: u16,
    },
    /// Every socket without a peer that has this port, on whatever address.
    Unconnected {
        /// Of this protocol.
        protocol: Protocol,
        /// The port.
        port: u16,
    },
    /// One socket.
    Socket {
        /// Its protocol.
        protocol: Protocol,
        /// Its own address and port.
        local: Endpoint,
        /// Its peer.
        remote: Option<Endpoint>,
        /// Its cookie, if known; otherwise every socket with these addresses counts.
        cookie: Option<NonZeroU64>,
    },
}

impl ChangeKey {
    /// The key of a socket.
    pub fn of(socket: &Socket) -> Self {
        Self::Socket {
            protocol: socket.protocol,
            local: socket.local,
            remote: socket.remote,
            cookie: socket.cookie,
        }
    }

    /// Whether it is about this socket.
    pub(crate) fn has(&self, socket: &Socket) -> bool {
        match self {
            Self::Port { protocol, port } => {
                socket.protocol == *protocol && socket.port() == Some(*port)
            }
            Self::Unconnected { protocol, port } => {
                let has_port = socket.protocol == *protocol && socket.port() == Some(*port);
                has_port && socket.remote.is_none()
            }
            Self::Socket {
                protocol,
                local,
                remote,
                cookie,
            } => match (cookie, socket.cookie) {
                (Some(one), Some(other)) => *one == other,
                _ => {
                    socket.protocol == *protocol
                        && socket.local == *local
                        && socket.remote == *remote
                }
            },
        }
    }

    /// The port that it is about, if it is about one.
    pub(crate) fn port(&self) -> Option<u16> {
        let (protocol, port) = match self {
            Self::Port { protocol, port } | Self::Unconnected { protocol, port } => {
                (protocol, *port)
            }
            Self::Socket {
                protocol, local, ..
            } => (protocol, local.port),
        };
        protocol.has_ports().then_some(port)
    }
}

/// How many sockets changed in a part of a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins; it ends where the next one begins.
    pub from: Timestamp,
    /// Sockets that opened, connections included.
    pub opened: u64,
    /// Sockets that closed.
    pub closed: u64,
    /// Sockets with another state, owner or address.
    pub changed: u64,
    /// Whether a socket without a peer opened, closed or changed: a listener, a bound port.
    pub has_listener_change: bool,
    /// Whether the recorder ran at any time in it.
    pub is_recorded: bool,
    /// Whether something is missing of it: all of it, or less.
    pub has_gap: bool,
}
