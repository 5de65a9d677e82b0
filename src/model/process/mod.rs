//! A process that has sockets, or an ancestor of one.

mod lineage;
mod naming;
mod rule;
mod signal;
mod starter;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::Text;
pub use lineage::{Guard, Lineage, Member};
pub use naming::ProgramFacts;
pub use rule::ProcessRule;
pub use signal::Signal;
pub use starter::{LeftOver, StartedBy, StarterKind};

/// Process id.
pub type Pid = u32;

/// One process. Its identity is `pid` together with its start, as pids are reused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id, as seen from this process's pid namespace.
    pub pid: Pid,
    /// Parent's process id, if it has one that is visible.
    pub parent: Option<Pid>,
    /// Its name for people: the executable, or the interpreter and its script.
    pub name: Text,
    /// The kernel's own short name (`comm` of `proc(5)`, cut at 15 bytes): what `ps` and `top` show.
    /// Empty in older recordings, whose `name` it was.
    #[serde(default)]
    pub comm: Text,
    /// As `/proc/PID/exe` has it (without ` (deleted)`); `None` if unreadable: another user's process, a kernel thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<Text>,
    /// All arguments, not truncated; `None` if unreadable or empty.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "uncut"
    )]
    pub argv: Option<Arc<[Text]>>,
    /// Whether `argv` is incomplete: it is longer than `execve(2)` accepts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_argv_truncated: bool,
    /// The arguments joined by a space, cut as every `Text`; `None` if they can't be read or are empty.
    pub command: Option<Text>,
    /// Working directory when the record was made: a later `chdir(2)` doesn't show. `None` as with `executable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Text>,
    /// The folder of its project: the nearest one with a manifest or a repository above `cwd`, or else above its script.
    /// `None` if there is none, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Text>,
    /// The git branch that the project's repository is on, read again every few seconds; the first digits of the commit
    /// if it is on none. `None` without a repository, or if it can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Text>,
    /// The name of the linked worktree (`git worktree add`) that the project is in; `None` for a main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Text>,
    /// What started it: the nearest ancestor that is known for starting others, else what its environment names, else its
    /// unit. `None` if none of these says it, and for a process that has no socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<StartedBy>,
    /// Why it is left over, if it is known to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_over: Option<LeftOver>,
    /// Its session (`setsid(2)`), by the pid of the process that began it. Only on Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u32>,
    /// When it started, to the second.
    pub started_at: Option<Timestamp>,
    /// The same in clock ticks since boot, of which a second has a hundred (Linux, field 22 of
    /// `proc_pid_stat(5)`): exact, and untouched when the wall clock is set. Older recordings lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_tick: Option<u64>,
    /// Name of the user it runs as, or the uid in digits where the name is unknown.
    pub user: Option<Text>,
    /// The effective uid; `None` on Windows and in older recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
}

impl Process {
    /// A process with only pid and name; the name is also its `comm`.
    pub fn new(pid: Pid, name: impl Into<Text>) -> Self {
        let name = name.into();
        Self {
            pid,
            comm: name.clone(),
            name,
            ..Self::default()
        }
    }

    /// How a sentence names it: `node server.js (812)`.
    pub fn name_and_pid(&self) -> String {
        format!("{} ({})", self.name, self.pid)
    }

    /// Whether `command` is truncated.
    pub fn is_command_cut(&self) -> bool {
        let is_cut = |command: &Text| command.ends_with('…');
        self.argv.is_some() && self.command.as_ref().is_some_and(is_cut)
    }

    /// The command line with all arguments, joined by a space; empty if it is not known.
    pub fn full_command(&self) -> String {
        match &self.argv {
            Some(argv) => argv.join(" "),
            None => self.command.as_deref().unwrap_or_default().to_owned(),
        }
    }

    /// The name without the script: shown where arguments must be hidden.
    pub fn program_name(&self) -> &str {
        let is_program = |path: &Text| path.ends_with(&format!("/{}", self.name));
        if self.name == self.comm || self.executable.as_ref().is_some_and(is_program) {
            return &self.name;
        }
        self.name.split(' ').next().unwrap_or_default()
    }

    /// The last part of its project's path, which people call the project by.
    pub fn project_name(&self) -> Option<&str> {
        let path = self.project.as_deref()?;
        path.rsplit(['/', '\\']).find(|part| !part.is_empty())
    }

    /// Whether both records are of the same process, not just the same pid.
    pub fn is_same(&self, other: &Self) -> bool {
        let have_same_start = match (self.started_at_tick, other.started_at_tick) {
            (Some(one), Some(other)) => one == other,
            _ => self.started_at == other.started_at,
        };
        self.pid == other.pid && have_same_start
    }
}

/// Arguments in a recording: texts that are cleaned and not cut.
fn uncut<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<[Text]>>, D::Error> {
    let argv = Option::<Vec<String>>::deserialize(deserializer)?;
    Ok(argv.map(|argv| argv.iter().map(|one| Text::whole(one)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: Pid, second: i64, tick: Option<u64>) -> Process {
        Process {
            started_at: Timestamp::from_second(second).ok(),
            started_at_tick: tick,
            ..Process::new(pid, "node")
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
