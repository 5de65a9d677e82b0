//! A process that holds sockets, or an ancestor of one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Text;

/// Process id.
pub type Pid = u32;

/// What is known of one process. Identity is `pid` together with `started_at`: pids are reused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id, as seen from this process's pid namespace.
    pub pid: Pid,
    /// Parent's process id, if it has one that is visible.
    pub parent: Option<Pid>,
    /// Short name (`comm` on Linux).
    pub name: Text,
    /// Command line, arguments joined by a space; `None` if it can't be read or is empty.
    pub command: Option<Text>,
    /// When it started, to the second.
    pub started_at: Option<Timestamp>,
    /// Name of the user it runs as, or the uid in digits where the name is unknown.
    pub user: Option<Text>,
}

impl Process {
    /// Whether both records speak of the same process, not merely of the same pid.
    pub fn is_same(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started_at == other.started_at
    }
}
