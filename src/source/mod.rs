//! Where snapshots come from: this machine, or a recording.
//!
//! A source implements [`Source`]. An operating system implements `Platform` (`platform.rs`), chosen in `system.rs`.
//!
//! It does not compare snapshots, and gets the time from its caller; the clocks that it reads itself only measure. A
//! failed read becomes a [`Problem`](crate::model::Problem) in the snapshot; it is an error only if nothing could be
//! read.

#[cfg(any(not(target_os = "linux"), test))]
pub(crate) mod excluded;
mod lineage;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
mod namespace;
pub(crate) mod netstat;
pub(crate) mod owners;
mod peers;
mod platform;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
pub(crate) mod process;
mod recording;
pub(crate) mod regular_file;
#[cfg(any(not(target_os = "linux"), test))]
mod relays;
mod system;
pub(crate) mod users;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::model::{Kinds, Moment, Origin, Pid, Playback, RefreshTimings, Snapshot};

pub use lineage::lineage;
#[cfg(target_os = "linux")]
pub use linux::namespaces::{NamespaceAccess, run_namespace_helper, set_namespace_helper};
#[cfg(target_os = "linux")]
pub use linux::process_events::{ProcessEvents, ProcessEventsError};
#[cfg(target_os = "linux")]
pub use linux::process_handle::{ProcessHandle, SignalDisposition};
#[cfg(target_os = "linux")]
pub(crate) use linux::tools::find as find_tool;
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
pub use linux::trace::{
    TraceError, TraceEvent, TraceKind, TraceOwners, TraceSink, TracedOwner, Tracer,
};
pub use namespace::{AccessError, HAS_NAMESPACES, network_namespace};
use owners::HiddenReason;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::find_tool;
#[cfg(not(target_os = "linux"))]
pub use portable::run_namespace_helper;
pub(crate) use process::proc_stat;
pub use process::{
    Mine, PinnedProcess, Project, is_of_project, is_own_users, project_folder_of, project_of,
};
pub(crate) use recording::{Redactor, Timeline};
pub use recording::{Replay, STANDARD_INPUT};
pub use system::{System, TraceUnavailable};
pub use users::{invoking_uid, own_uid};

/// An origin of snapshots, one after another.
pub trait Source: Send {
    /// Where its snapshots come from.
    fn origin(&self) -> Origin;

    /// Takes a snapshot; `at` becomes its time.
    ///
    /// # Errors
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

    /// Sets whether to read what the kernel counts about each socket. Returns whether that changes the next snapshot: it
    /// does not for a recording.
    fn set_counters(&mut self, _has_counters: bool) -> bool {
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
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux has some")
)]
pub(crate) enum OwnerPids {
    /// These processes, ascending; never empty.
    Known(Arc<[Pid]>),
    /// A process that this user may not read.
    Hidden,
    /// The kernel, or no process that could be read.
    Kernel,
    /// Not all processes have been read yet.
    Unknown,
    /// No process has it, or none was found yet.
    None,
}

impl OwnerPids {
    /// From the pids of netstat2: 0 is the system, or no process.
    #[cfg(any(not(target_os = "linux"), test))]
    pub(crate) fn of(pids: &[Pid]) -> Self {
        let pids = pids.iter().copied().filter(|&pid| pid != 0);
        let pids = pids.collect::<std::collections::BTreeSet<Pid>>();
        if pids.is_empty() {
            return Self::None;
        }
        Self::Known(pids.into_iter().collect())
    }
}

/// A source that can't take a snapshot.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A recording can't be opened, read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The recording.
        path: PathBuf,
        /// The error of the system; part of the message, so not also the source of the error.
        reason: io::Error,
    },
    /// A line of a recording is not a snapshot.
    #[error("{}:{line}: {reason}", path.display())]
    Recording {
        /// The recording.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Measures the parts of a snapshot, one after the other.
struct Meter(Instant);

impl Meter {
    #[expect(clippy::disallowed_methods, reason = "measures only")]
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the last call, and starts measuring the next part.
    fn lap(&mut self) -> Duration {
        let now = Self::start().0;
        now - std::mem::replace(&mut self.0, now)
    }
}
