//! What a refresh takes, so that a user can tell what is slow.

use std::ops::Add;
use std::time::Duration;

use super::Moment;

/// Where the time of one refresh went, by the clock on the wall, and what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshTimings {
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

impl RefreshTimings {
    /// All of its parts together.
    pub fn total(&self) -> Duration {
        self.dump + self.owners + self.processes + self.diff
    }
}

/// What both took together, part by part.
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
    /// When its reading was taken.
    pub taken_at: Moment,
    /// How many sockets were read.
    pub rows: usize,
    /// What it took.
    pub cost: RefreshTimings,
}
