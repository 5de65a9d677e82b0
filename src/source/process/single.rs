//! One process, read at once: for a process that may end within a millisecond.
//!
//! The files are those that a table's records are made of, without what takes longer or changes later: no project, and
//! no name of a user that is not in `/etc/passwd` until it was looked up.

use std::fs;

use jiff::Timestamp;

use super::proc_stat::{ProcStat, proc_stat};
use super::record::{Arguments, links_of, lossy};
use crate::model::{Pid, Process, ProgramFacts, Text};
use crate::source::users::Users;

/// Clock ticks of `proc_pid_stat(5)` in a second.
const TICKS: u64 = 100;

/// The most bytes of arguments to keep: a process that has ended is remembered.
const MAX_ARGUMENTS: usize = 16 * 1024;

/// Reads single processes; it keeps the names of users.
pub(crate) struct ProcessReader {
    users: Users,
    /// Seconds since 1970, as sysinfo has it for the start times of the table.
    booted_at: u64,
}

impl Default for ProcessReader {
    fn default() -> Self {
        Self {
            users: Users::default(),
            booted_at: sysinfo::System::boot_time().unwrap_or_default(),
        }
    }
}

impl ProcessReader {
    /// Reads a process. `None` if it is gone, or if it became another process or program meanwhile. A process that has ended and
    /// was not waited for has its short name and user, but no arguments.
    pub(crate) fn read(&mut self, pid: Pid) -> Option<Process> {
        let stat = proc_stat(pid)?;
        let mut arguments = Arguments::of(pid);
        arguments.shorten(MAX_ARGUMENTS);
        let ([executable, folder], uid) = (links_of(pid), effective_uid(pid));
        let is_same = |now: ProcStat| {
            (now.started_at_tick, now.name) == (stat.started_at_tick, stat.name.clone())
        };
        if !proc_stat(pid).is_some_and(is_same) {
            return None;
        }
        let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
        let comm = lossy(&stat.name);
        let facts = ProgramFacts {
            comm: &comm,
            executable: executable.as_deref(),
            argv: &words,
        };
        let joined = words.join(" ");
        let path = executable.as_deref();
        Some(Process {
            parent: Some(stat.parent).filter(|&parent| parent != 0),
            comm: Text::new(&comm),
            executable: path.map(|path| Text::new(path.strip_suffix(" (deleted)").unwrap_or(path))),
            argv: (!words.is_empty()).then(|| words.iter().map(|one| Text::whole(one)).collect()),
            is_argv_truncated: arguments.is_truncated,
            command: (!joined.is_empty()).then(|| Text::new(&joined)),
            cwd: folder.as_deref().map(Text::new),
            started_at: self.time_of(stat.started_at_tick),
            started_at_tick: Some(stat.started_at_tick),
            user: uid.map(|uid| self.user(uid)),
            uid,
            ..Process::new(pid, facts.name().as_str())
        })
    }

    fn time_of(&self, tick: u64) -> Option<Timestamp> {
        let second = self.booted_at.checked_add(tick / TICKS)?;
        Timestamp::from_second(i64::try_from(second).ok()?).ok()
    }

    fn user(&mut self, uid: u32) -> Text {
        let name = self.users.name(uid);
        name.unwrap_or_else(|| Text::new(&uid.to_string()))
    }
}

/// The second number of `Uid:` in `proc_pid_status(5)`.
fn effective_uid(pid: Pid) -> Option<u32> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::model::Moment;
    use crate::source::process::Processes;

    #[test]
    fn a_process_is_the_same_as_in_the_table() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let (pid, mut reader) = (child.id(), ProcessReader::default());
        // During the exec it has no arguments for a moment.
        let read = (0..1000).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            reader.read(pid).filter(|process| process.argv.is_some())
        });
        let mut processes = Processes::default();
        processes.refresh(&[pid], Moment::default());
        let listed = Process {
            project: None,
            ..(**processes.get(pid).unwrap()).clone()
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(read, Some(listed));
    }

    #[test]
    fn a_process_that_is_gone_is_none() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(ProcessReader::default().read(pid), None);
    }

    #[test]
    fn long_arguments_are_cut_and_say_so() {
        let mut arguments = Arguments {
            words: vec!["x".repeat(10), "y".repeat(10), "z".into()],
            is_truncated: false,
        };
        arguments.shorten(21);
        assert!(!arguments.is_truncated);
        arguments.shorten(15);
        assert!(arguments.is_truncated);
        assert_eq!(arguments.words, ["x".repeat(10)]);
    }
}
