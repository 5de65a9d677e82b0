//! Where snapshots come from (this machine, or a recording of one), and the evidence about a port.
//!
//! The only part of the library that asks the operating system about sockets and processes. It
//! does not compare readings and is told what time it is; the clocks that it reads itself only measure. What
//! could not be read is data (a [`Problem`](crate::model::Problem) in the snapshot); an error is
//! only what leaves nothing to show.

mod cpu_clock;
mod error;
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod excluded;
mod hidden_reason;
mod lineage;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
mod meter;
pub(crate) mod netstat;
pub(crate) mod owners;
mod peers;
#[cfg(not(target_os = "linux"))]
mod portable;
mod proc_stat;
pub(crate) mod process;
mod program;
mod recording;
mod system;
pub(crate) mod users;

use std::sync::Arc;

use crate::model::{Kinds, Moment, Origin, Pid, Playback, RefreshTimings, Snapshot};

pub use error::SourceError;
use hidden_reason::HiddenReason;
pub use lineage::lineage;
#[cfg(target_os = "linux")]
pub use linux::process_handle::{ProcessHandle, SignalDisposition};
pub use recording::{DEFAULT_MAX_SIZE, Recorder, Replay, STANDARD_INPUT};
pub use system::System;
pub use users::own_uid;

/// Something that gives one reading after another.
pub trait Source: Send {
    /// Where its snapshots come from.
    fn origin(&self) -> &Origin;

    /// Takes a reading; `at` becomes its time.
    ///
    /// # Errors
    ///
    /// When there is nothing to show at all. What merely could not be seen is among the
    /// snapshot's problems.
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError>;

    /// Before the first reading: what can be had of it at once, where the whole takes long enough to be
    /// waited for. Owners are [unknown](crate::model::Owner::Unknown) in it.
    fn take_without_owners(&mut self, _at: Moment) -> Option<Snapshot> {
        None
    }

    /// Whether the last reading lacks owners that the next one will have, if it is taken at once.
    fn wants_immediate_retake(&self) -> bool {
        false
    }

    /// After a reading that crashed, which may have left things half done: forgets all that was learned,
    /// as if none had been taken.
    fn reset(&mut self) {}

    /// Reads these kinds of sockets from now on, TCP and UDP in any case. Whether that makes the next
    /// reading another one: a recording has what it has.
    fn set_kinds(&mut self, _kinds: Kinds) -> bool {
        false
    }

    /// Where in a recording the last reading stands; `None` for a source that is no recording.
    fn playback(&self) -> Option<Playback> {
        None
    }

    /// What the last reading took; nothing where it came from a recording.
    fn timings(&self) -> RefreshTimings {
        RefreshTimings::default()
    }
}

/// The pids of a socket's owners: what the platform knows before the processes are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnerPids {
    /// These processes, ascending; never empty.
    Known(Arc<[Pid]>),
    /// A process that this user may not look at.
    #[cfg(target_os = "linux")]
    Hidden,
    /// The kernel, or no process that could be looked at.
    #[cfg(target_os = "linux")]
    Kernel,
    /// It was not looked for everywhere yet.
    #[cfg(target_os = "linux")]
    Unknown,
    /// Nobody, or nobody was found yet.
    None,
}

impl OwnerPids {
    /// From the pids that netstat2 tells: 0 stands for the system, or for nobody.
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

/// How much was looked at to find holders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScanStats {
    /// Processes.
    processes: u64,
    /// Their descriptors.
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
