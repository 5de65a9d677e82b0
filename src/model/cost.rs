//! What a refresh takes, so that a user can tell what is slow.

use std::time::Duration;

/// Where the time of one refresh went, by the clock on the wall, and what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Reading the table.
    pub dump: Duration,
    /// Looking for the processes that hold its sockets.
    pub owners: Duration,
    /// Reading what is shown of those processes.
    pub processes: Duration,
    /// Comparing with the refresh before.
    pub diff: Duration,
    /// How many processes were looked through for their sockets.
    pub searched: u64,
    /// How many files below `/proc` were read: links of descriptors, and what describes a process.
    pub files: u64,
}

impl Cost {
    /// All of its parts together.
    pub fn total(&self) -> Duration {
        self.dump + self.owners + self.processes + self.diff
    }
}
