//! How long a refresh takes, so that a user can find the slow part.

use std::ops::Add;
use std::time::Duration;

use super::Moment;

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
