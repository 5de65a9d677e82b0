//! A handle of a process: reads and signals through it reach only that process.
//!
//! An open `/proc/PID` stays bound to its process: once it has ended, reads below it fail with `ESRCH`, even if another
//! process has the pid. It is also a pidfd (`pidfd_open(2)`), which includes the pid namespace: if `/proc` belongs to
//! another namespace, a signal either reaches the same process or fails with `EINVAL`.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{self, Errno};

use super::owners::search::non_descriptor_owners::NonDescriptorSearch;
use super::proc::scan;
use crate::model::Pid;
use crate::source::proc_stat::{ProcStat, with_ancestors};

/// The most ancestors of a process to read.
const MAX_DEPTH: usize = 64;

/// A process; stays valid if its pid is reused.
#[derive(Debug)]
pub struct ProcessHandle {
    pid: Pid,
    directory: OwnedFd,
}

/// Reading fails with `ESRCH` once the process has ended.
impl ProcessHandle {
    /// The process that has this pid now.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` if there is none, or it is hidden from this user.
    pub fn open(pid: Pid) -> io::Result<Self> {
        let directory = scan::open_directory(scan::open_proc()?, pid.to_string())?;
        Ok(Self { pid, directory })
    }

    /// As [`Process::started_at_tick`](crate::model::Process::started_at_tick).
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn started_at_tick(&self) -> io::Result<u64> {
        let stat = ProcStat::parse(&self.read("stat")?).ok_or(Errno::IO)?;
        if stat.has_ended {
            return Err(Errno::SRCH);
        }
        Ok(stat.started_at_tick)
    }

    /// Whether it has one of these sockets, in its descriptor table or in other places.
    ///
    /// # Errors
    /// `ESRCH` once it has ended; `EACCES` if this user may not read its descriptors.
    pub fn has_one_of(&self, inodes: &HashSet<u32>) -> io::Result<bool> {
        let mut has_one = false;
        let read = scan::visit_sockets(&self.directory, "fd", |_, inode| {
            has_one |= inodes.contains(&inode);
        });
        if !has_one {
            let mut search = NonDescriptorSearch::new(inodes);
            search.scan(&self.directory, self.pid);
            has_one = !search.found.is_empty();
        }
        // Messages are read by pid, which is valid while the process exists.
        self.started_at_tick()?;
        // If the first thread has ended, root owns its table, but not the tables of the other threads.
        if has_one {
            return Ok(true);
        }
        read.map(|()| false)
    }

    /// Whether the kernel drops this signal rather than deliver it: the first process of a pid namespace gets only what
    /// it handles, and `SIGKILL` from outside (`pid_namespaces(7)`).
    pub(crate) fn kernel_drops_signal(&self, signal: i32) -> io::Result<bool> {
        const KILL: i32 = 9;
        let status = self.status()?;
        let pids = status.numbers("NSpid:", 10);
        Ok(match pids.last() {
            Some(1) if signal == KILL => pids.len() == 1,
            // The process may read a blocked signal from a `signalfd`.
            Some(1) => !status.has(signal, "SigCgt:") && !status.has(signal, "SigBlk:"),
            _ => false,
        })
    }

    /// Whether its real or saved user is one of these, so that they may signal it.
    pub(crate) fn runs_as_one_of(&self, uids: [u32; 2]) -> io::Result<bool> {
        // Real, effective, saved and file system.
        let of_process = self.status()?.numbers("Uid:", 10);
        let mut decisive = of_process.iter().step_by(2).take(2);
        Ok(decisive.any(|uid| uids.iter().any(|&own| u64::from(own) == *uid)))
    }

    /// Whether it is an ancestor of a process.
    pub(crate) fn is_ancestor_of(&self, pid: Pid) -> io::Result<bool> {
        let mut ancestors = with_ancestors(pid).skip(1).take(MAX_DEPTH);
        if ancestors.any(|parent| parent == self.pid) {
            // The ancestor was found by pid, which is valid while this process exists.
            self.started_at_tick()?;
            return Ok(true);
        }
        Ok(false)
    }

    /// How it reacts to this signal, by its state and its signal sets.
    pub(crate) fn disposition(&self, signal: i32) -> io::Result<SignalDisposition> {
        let status = self.status()?;
        let state = status.line("State:").trim_start().chars().next();
        Ok(match state {
            Some('T') => SignalDisposition::Stopped,
            Some('t') => SignalDisposition::Traced,
            Some('D') => SignalDisposition::Uninterruptible,
            _ if status.has(signal, "SigIgn:") => SignalDisposition::Ignored,
            _ if status.has(signal, "SigCgt:") => SignalDisposition::Handled,
            _ if status.has(signal, "SigBlk:") => SignalDisposition::Blocked,
            _ => SignalDisposition::Default,
        })
    }

    /// Whether it ignores this signal, even while it is stopped.
    pub(crate) fn ignores_signal(&self, signal: i32) -> io::Result<bool> {
        Ok(self.status()?.has(signal, "SigIgn:"))
    }

    fn status(&self) -> io::Result<Status> {
        // Only the name can contain arbitrary text.
        let text = self.read("status")?;
        Ok(Status(String::from_utf8_lossy(&text).into_owned()))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty())?;
        let mut bytes = Vec::new();
        let read = File::from(file).read_to_end(&mut bytes);
        read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(bytes)
    }
}

/// How a process reacts to a signal (`proc_pid_status(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalDisposition {
    /// It is stopped: no reaction until it is continued.
    Stopped,
    /// It is traced: no reaction until its debugger allows it.
    Traced,
    /// No reaction until its I/O in the kernel has ended.
    Uninterruptible,
    /// It ignores it.
    Ignored,
    /// It has blocked it.
    Blocked,
    /// It has a handler.
    Handled,
    /// The kernel's default action applies.
    Default,
}

/// As a pidfd.
impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// The text of `/proc/PID/status`.
struct Status(String);

impl Status {
    /// The value after the name of a line.
    fn line(&self, name: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default()
    }

    fn numbers(&self, name: &str, radix: u32) -> Vec<u64> {
        let number = |word| u64::from_str_radix(word, radix).ok();
        let words = self.line(name).split_ascii_whitespace();
        words.filter_map(number).collect()
    }

    /// Whether the set of signals in this line has this one.
    fn has(&self, signal: i32, name: &str) -> bool {
        let sets = self.numbers(name, 16);
        sets.iter().any(|set| set >> (signal - 1) & 1 == 1)
    }
}
