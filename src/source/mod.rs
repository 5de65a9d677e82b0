//! Where snapshots come from: this machine, or a recording.
//!
//! It does not compare snapshots, and gets the time from its caller; the clocks that it reads itself only measure. A
//! failed read becomes a [`Problem`](crate::model::Problem) in the snapshot; it is an error only if nothing could be
//! read.

mod error;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod excluded;
mod lineage;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
mod meter;
pub(crate) mod netstat;
pub(crate) mod owners;
mod peers;
mod platform;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
pub(crate) mod process;
mod recording;
mod system;
pub(crate) mod users;

use std::sync::Arc;

use crate::model::{Kinds, Moment, Origin, Pid, Playback, RefreshTimings, Snapshot};

pub use error::SourceError;
pub use lineage::lineage;
#[cfg(target_os = "linux")]
pub use linux::process_handle::{ProcessHandle, SignalDisposition};
use owners::HiddenReason;
pub(crate) use process::proc_stat;
pub use recording::{DEFAULT_MAX_SIZE, Recorder, Replay, STANDARD_INPUT};
pub use system::System;
pub use users::own_uid;

/// An origin of snapshots, one after another.
pub trait Source: Send {
    /// Where its snapshots come from.
    fn origin(&self) -> Origin;

    /// Takes a snapshot; `at` becomes its time.
    ///
    /// # Errors
    ///
    /// When there is nothing to show at all. Any other failed read is among the snapshot's problems.
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError>;

    /// Before the first snapshot: only the sockets, if finding their owners takes a noticeable time. Owners are
    /// [unknown](crate::model::Owner::Unknown) in it.
    fn take_without_owners(&mut self, _at: Moment) -> Option<Snapshot> {
        None
    }

    /// Whether the last snapshot lacks owners that the next one will have, if it is taken at once.
    fn wants_immediate_retake(&self) -> bool {
        false
    }

    /// Returns to the initial state, after a crash that may have left things half done.
    fn reset(&mut self) {}

    /// Sets the kinds of sockets to read, besides TCP and UDP. Returns whether that changes the next snapshot: it does
    /// not for a recording.
    fn set_kinds(&mut self, _kinds: Kinds) -> bool {
        false
    }

    /// The position of the last snapshot in a recording; `None` for other sources.
    fn playback(&self) -> Option<Playback> {
        None
    }

    /// How long the last snapshot took; zero for a recording.
    fn timings(&self) -> RefreshTimings {
        RefreshTimings::default()
    }
}

/// The pids of a socket's owners: what the platform knows before the processes are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnerPids {
    /// These processes, ascending; never empty.
    Known(Arc<[Pid]>),
    /// A process that this user may not read.
    #[cfg(target_os = "linux")]
    Hidden,
    /// The kernel, or no process that could be read.
    #[cfg(target_os = "linux")]
    Kernel,
    /// Not all processes have been read yet.
    #[cfg(target_os = "linux")]
    Unknown,
    /// No process has it, or none was found yet.
    None,
}

impl OwnerPids {
    /// From the pids of netstat2: 0 is the system, or no process.
    #[cfg(any(not(target_os = "linux"), test))]
    pub(crate) fn of(pids: &[Pid]) -> Self {
        let mut pids: Vec<Pid> = pids.iter().copied().filter(|&pid| pid != 0).collect();
        pids.sort_unstable();
        pids.dedup();
        if pids.is_empty() {
            Self::None
        } else {
            Self::Known(pids.into())
        }
    }
}

/// How much a scan for owners read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScanStats {
    processes: u64,
    descriptors: u64,
}

impl std::ops::Add for ScanStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            processes: self.processes + other.processes,
            descriptors: self.descriptors + other.descriptors,
        }
    }
}
