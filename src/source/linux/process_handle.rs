//! A handle of a process: what is read through it, and a signal sent through it, concern that process and no other.
//!
//! An open `/proc/PID` stays with its process: once that has ended, reads below it fail with `ESRCH`, though another
//! process may have the pid by then. It is a pidfd as well (`pidfd_open(2)`), and as such knows its pid namespace: where
//! `/proc` is not that of our own, a signal either reaches the process that was read, or is refused with `EINVAL`.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{self, Errno};

use super::owners::search::other_places::Places;
use super::proc::scan;
use crate::model::Pid;
use crate::source::proc_stat::{ProcStat, proc_stat};

/// How many ancestors of a process are read at most.
const MAX_DEPTH: usize = 64;

/// A process, whatever becomes of its pid.
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
    /// `ENOENT` or `ESRCH` where there is none, or this user may not know of it.
    pub fn open(pid: Pid) -> io::Result<Self> {
        let directory = scan::open_directory(scan::open_proc()?, pid.to_string())?;
        Ok(Self { pid, directory })
    }

    /// As [`Process::started_at_tick`](crate::model::Process::started_at_tick).
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn started_at_tick(&self) -> io::Result<u64> {
        let stat = ProcStat::read(self.open_file("stat")?).map_err(errno)?;
        let stat = stat.ok_or(Errno::IO)?;
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
        has_one = has_one || Places::have_any(&self.directory, self.pid, inodes);
        // Messages are read by pid: that is this process's as long as it exists.
        self.started_at_tick()?;
        // Where the first thread has ended, its table is root's, but not those of the others.
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
            // What is blocked may be read from a `signalfd`.
            Some(1) => !status.has(signal, "SigCgt:") && !status.has(signal, "SigBlk:"),
            _ => false,
        })
    }

    /// Whether its real or saved user is one of these: then they may signal it.
    pub(crate) fn runs_as_one_of(&self, uids: [u32; 2]) -> io::Result<bool> {
        // Real, effective, saved and file system.
        let of_process = self.status()?.numbers("Uid:", 10);
        let mut decisive = of_process.iter().step_by(2).take(2);
        Ok(decisive.any(|uid| uids.iter().any(|&own| u64::from(own) == *uid)))
    }

    /// Whether it is an ancestor of a process.
    pub(crate) fn is_ancestor_of(&self, pid: Pid) -> io::Result<bool> {
        let parent = |pid: &Pid| proc_stat(*pid).map(|stat| stat.parent);
        let ancestors = std::iter::successors(parent(&pid), parent);
        if ancestors.take(MAX_DEPTH).any(|parent| parent == self.pid) {
            // The ancestor was found by pid: that is this process's as long as it exists.
            self.started_at_tick()?;
            return Ok(true);
        }
        Ok(false)
    }

    /// What it does about this signal, by its state and its sets of signals.
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

    /// Whether it ignores this signal, whether or not it runs.
    pub(crate) fn ignores_signal(&self, signal: i32) -> io::Result<bool> {
        Ok(self.status()?.has(signal, "SigIgn:"))
    }

    fn status(&self) -> io::Result<Status> {
        let mut bytes = Vec::new();
        let mut file = self.open_file("status")?;
        file.read_to_end(&mut bytes).map_err(errno)?;
        // Only the name may be anything.
        Ok(Status(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn open_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat(&self.directory, name, flags, Mode::empty()).map(File::from)
    }
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// What a process does about a signal (`proc_pid_status(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalDisposition {
    /// Nothing, until it is continued: it is stopped.
    Stopped,
    /// Nothing, until its debugger lets it.
    Traced,
    /// Nothing, until the I/O that it waits for in the kernel has ended.
    Uninterruptible,
    /// It ignores it.
    Ignored,
    /// It has blocked it.
    Blocked,
    /// It has a handler.
    Handled,
    /// The kernel's default.
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
    /// What is behind the name of a line.
    fn line(&self, name: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default()
    }

    fn numbers(&self, name: &str, radix: u32) -> Vec<u64> {
        let words = self.line(name).split_ascii_whitespace();
        words
            .filter_map(|word| u64::from_str_radix(word, radix).ok())
            .collect()
    }

    /// Whether the set of signals in this line has this one.
    fn has(&self, signal: i32, name: &str) -> bool {
        let sets = self.numbers(name, 16);
        sets.iter().any(|set| set >> (signal - 1) & 1 == 1)
    }
}
