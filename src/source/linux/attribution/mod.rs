//! Which process had a socket that was in no snapshot, by tracing: the process that opened or closed it.
//!
//! The kernel's report of a freed socket has its cookie, and so has the trace. Without a traced event nothing is said. A name
//! that is longer than the kernel's 15 letters, and the command line of a process that has ended, come from the proc connector
//! if this program may listen to it.

use std::sync::Arc;

use super::process_events::ProcessEvents;
use super::trace::{TraceError, TraceOwners, TracedOwner, Tracer};
use crate::model::{ClosedSocket, Owner, Process};

/// A running trace.
pub(super) struct Attribution {
    tracer: Tracer,
    /// Only in the initial network namespace.
    processes: Option<ProcessEvents>,
    /// The tracer's gaps that were taken.
    gaps: u64,
    /// How often the tracer was late, since that was taken.
    late: u64,
}

impl Attribution {
    pub(super) fn start() -> Result<Self, TraceError> {
        Ok(Self {
            // First, so that the processes of its first events are known.
            processes: ProcessEvents::start().ok(),
            tracer: Tracer::start(TraceOwners::default())?,
            gaps: 0,
            late: 0,
        })
    }

    /// How often events were lost, or were not read in time, since the last call.
    pub(super) fn take_losses(&mut self) -> u64 {
        let gaps = self.tracer.gaps();
        let before = std::mem::replace(&mut self.gaps, gaps);
        gaps - before + std::mem::take(&mut self.late)
    }

    /// Sets the owner of each socket that the trace has seen.
    pub(super) fn assign(&mut self, closed: &mut [ClosedSocket]) {
        self.late += u64::from(!self.tracer.update());
        let cookies: Vec<_> = closed.iter().map(|one| one.socket.cookie).collect();
        let owners: Vec<_> = self.tracer.with(|owners| {
            let owner = |cookie| owners.owner_of(cookie).cloned();
            cookies.into_iter().map(|one| one.and_then(owner)).collect()
        });
        for (one, owner) in closed.iter_mut().zip(owners) {
            if let Some(owner) = owner {
                one.socket.owner = Owner::Former([self.process(&owner)].into());
            }
        }
    }

    /// As much as is known of a process that may have ended.
    fn process(&self, owner: &TracedOwner) -> Arc<Process> {
        let whole = owner.process.clone().filter(|one| one.argv.is_some());
        let earlier = || {
            let events = self.processes.as_ref()?;
            events.process_at(owner.pid, owner.at)
        };
        let process = whole.or_else(earlier).or_else(|| owner.process.clone());
        process.unwrap_or_else(|| Arc::new(Process::new(owner.pid, owner.comm.clone())))
    }
}
