//! One process, read at once: for a process that may end within a millisecond.
//!
//! The files are those that a table's records are made of, without what takes longer or changes later: no project, and
//! no name of a user that is not in `/etc/passwd` until it was looked up.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags, open, openat, readlinkat};

use super::proc_stat::ProcStat;
use super::record::{Arguments, lossy};
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
    /// Reads a process. `None` if it is gone at the start, or executes another program meanwhile. One that ends meanwhile
    /// has what was read by then: the arguments first, as it loses them first.
    pub(crate) fn read(&mut self, pid: Pid) -> Option<Process> {
        let folder = Folder::open(pid)?;
        let stat = folder.stat()?;
        let mut arguments = folder.arguments();
        arguments.shorten(MAX_ARGUMENTS);
        let uid = folder.effective_uid();
        let [executable, cwd] = ["exe", "cwd"].map(|name| folder.link(name));
        let is_other = |now: ProcStat| now.name != stat.name;
        if folder.stat().is_some_and(is_other) {
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
            cwd: cwd.as_deref().map(Text::new),
            started_at: self.time_of(stat.started_at_tick),
            started_at_tick: Some(stat.started_at_tick),
            session: stat.session(),
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

/// The folder of a process in `/proc`. It stays that of the same process: after its end its files can't be read, also if
/// another process has its pid.
struct Folder(OwnedFd);

impl Folder {
    fn open(pid: Pid) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(format!("/proc/{pid}"), flags, Mode::empty());
        folder.ok().map(Self)
    }

    fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(openat(&self.0, name, flags, Mode::empty())?.into())
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(name).ok()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn stat(&self) -> Option<ProcStat> {
        ProcStat::parse(&self.bytes("stat")?)
    }

    fn arguments(&self) -> Arguments {
        let file = self.file("cmdline");
        file.and_then(Arguments::read_from).unwrap_or_default()
    }

    fn link(&self, name: &str) -> Option<String> {
        let path = readlinkat(&self.0, name, Vec::new()).ok()?;
        Some(lossy(path.as_bytes()))
    }

    /// The second number of `Uid:` in `proc_pid_status(5)`.
    fn effective_uid(&self) -> Option<u32> {
        let status = self.bytes("status")?;
        let status = String::from_utf8_lossy(&status);
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    }
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
            branch: None,
            worktree: None,
            started_by: None,
            left_over: None,
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
