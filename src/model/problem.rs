//! A problem of a snapshot, with its fix.

use serde::{Deserialize, Serialize};

use super::Text;

/// The code of a problem, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// Owners of some sockets can't be seen with this user's rights.
    HiddenOwners,
    /// The socket table, or a part of it, could not be read.
    TableUnreadable,
    /// Sockets of a requested kind can't be listed here.
    NotListed,
    /// Details beyond the plain table (queues, dual-stack, bound sockets) could not be read.
    DetailsUnreadable,
    /// Processes could not be read at all.
    ProcessesUnreadable,
    /// The table changed so much while it was read that rows may be missing from this snapshot.
    Interrupted,
    /// Sockets that open and close between two snapshots may be missing: the kernel could not report all of them, or can't.
    ShortLived,
    /// Sockets of other network namespaces, or their details, could not be read.
    Namespaces,
    /// Few ports are left for outgoing connections, or none. This follows from the table.
    EphemeralPorts,
    /// A recording could not be continued, or the one that is shown breaks off.
    RecordingEnded,
    /// A recording lacks sockets of this snapshot: there are more than it can hold.
    RecordingIncomplete,
}

impl ProblemCode {
    /// Whether there may be sockets that are not in the table at all.
    pub const fn is_unread(self) -> bool {
        matches!(self, Self::TableUnreadable | Self::NotListed)
    }
}

/// Something missing from this snapshot: a sentence with the fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is about.
    pub code: ProblemCode,
    /// How many rows it concerns, where that can be counted.
    pub count: Option<usize>,
    /// The problem, then the fix.
    pub message: Text,
    /// The same in a few words, for small spaces.
    pub brief: Text,
}

impl Problem {
    /// A problem without a row count, with the same text for both.
    pub fn new(code: ProblemCode, message: &str) -> Self {
        Self {
            code,
            count: None,
            message: Text::new(message),
            brief: Text::new(message),
        }
    }
}
