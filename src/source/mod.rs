//! Where snapshots come from (this machine, or a recording of one), and the evidence about a port.
//!
//! The only part of the library that asks the operating system about sockets and processes. It
//! does not compare readings and is told what time it is; the clocks that it reads itself only measure. What
//! could not be read is data (a [`Problem`](crate::model::Problem) in the snapshot); an error is
//! only what leaves nothing to show.

mod cpu_clock;
mod hidden_reason;
mod error;
#[cfg(any(not(target_os = "linux"), test))]
mod excluded;
mod frame;
mod inspector;
mod lineage;
#[cfg(target_os = "linux")]
mod linux;
mod meter;
mod netstat;
mod owners;
mod peers;
#[cfg(not(target_os = "linux"))]
mod portable;
mod process;
mod program;
mod proc_stat;
mod record;
mod redact;
mod replay;
mod system;
mod users;

use std::sync::Arc;

use crate::model::{RefreshTimings, Kinds, Moment, Pid, Playback, Snapshot};

use hidden_reason::HiddenReason;
pub use error::SourceError;
pub use inspector::PortInspector;
pub use lineage::lineage;
#[cfg(target_os = "linux")]
pub use linux::process_handle::{ProcessHandle, SignalDisposition};
pub use record::{DEFAULT_MAX_SIZE, Recorder};
pub use replay::{Replay, STANDARD_INPUT};
pub use system::System;
pub use users::own_uid;

/// Something that gives one reading after another.
pub trait Source: Send {
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

/// Who holds a socket, by pid: what the platform knows before the processes are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OwnerPids {
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

/// How much was looked at to find holders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ScanStats {
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
