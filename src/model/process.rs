//! A process that holds sockets, or an ancestor of one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Text;

/// Process id.
pub type Pid = u32;

/// What is known of one process. Identity is `pid` together with its start: pids are reused.
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
    /// The same in clock ticks since boot, of which a second has a hundred (Linux, field 22 of
    /// `proc_pid_stat(5)`): exact, and untouched when the wall clock is set. Older recordings lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_tick: Option<u64>,
    /// Name of the user it runs as, or the uid in digits where the name is unknown.
    pub user: Option<Text>,
}

impl Process {
    /// Whether both records speak of the same process, not merely of the same pid.
    pub fn is_same(&self, other: &Self) -> bool {
        let have_same_start = match (self.started_at_tick, other.started_at_tick) {
            (Some(one), Some(other)) => one == other,
            _ => self.started_at == other.started_at,
        };
        self.pid == other.pid && have_same_start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: Pid, second: i64, tick: Option<u64>) -> Process {
        Process {
            pid,
            parent: None,
            name: "node".into(),
            command: None,
            started_at: Timestamp::from_second(second).ok(),
            started_at_tick: tick,
            user: None,
        }
    }

    #[test]
    fn a_pid_that_was_reused_within_the_second_is_another_process() {
        let one = process(12, 500, Some(50_010));
        assert!(one.is_same(&process(12, 500, Some(50_010))));
        assert!(!one.is_same(&process(12, 500, Some(50_020))));
        assert!(!one.is_same(&process(13, 500, Some(50_010))));
    }

    #[test]
    fn the_tick_counts_where_the_wall_clock_was_set_and_the_second_where_no_tick_is_known() {
        let one = process(12, 500, Some(50_010));
        assert!(one.is_same(&process(12, 900, Some(50_010))));
        assert!(one.is_same(&process(12, 500, None)));
        assert!(!one.is_same(&process(12, 501, None)));
    }
}
