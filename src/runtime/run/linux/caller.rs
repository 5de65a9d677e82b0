//! The process that makes a call. It is read while it waits for its answer, as it may end right after.

use super::calls::process_of;
use crate::model::{Pid, Process};
use crate::report::Caller;
use crate::source::process::ProcessReader;

/// A process, as far as it could be read.
pub(super) struct CallerProcess {
    pub(super) pid: Pid,
    pub(super) process: Option<Process>,
}

impl CallerProcess {
    /// The process of a thread.
    pub(super) fn of(thread: Pid, reader: &mut ProcessReader) -> Self {
        let pid = process_of(thread).map_or(thread, |(pid, _)| pid);
        Self {
            pid,
            process: reader.read(pid),
        }
    }

    pub(super) const fn report(&self) -> Caller<'_> {
        Caller {
            pid: self.pid,
            process: self.process.as_ref(),
        }
    }
}
