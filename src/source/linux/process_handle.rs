//! A process that is held fast, so that all that is read of it, and a signal, concern it and no other.
//!
//! An open `/proc/PID` stays with its process: once that has ended, whatever is read below it fails
//! with `ESRCH`, though another process may have the pid by then. It is a pidfd as well
//! (`pidfd_open(2)`), and as such knows to which pid namespace it belongs: where `/proc` is not that
//! of our own, a signal either reaches the process that was looked at, or is refused with `EINVAL`.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{self, Errno};

use super::owners::search::other_places::Places;
use super::proc::scan;
use crate::model::Pid;
use crate::source::proc_stat::{Sign, proc_stat, sign};

/// How far up an ancestor is looked for.
const MAX_DEPTH: usize = 64;

/// A process that can't become another one.
#[derive(Debug)]
pub struct ProcessHandle {
    pid: Pid,
    directory: OwnedFd,
}

impl ProcessHandle {
    /// Whichever process has this pid now.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` where there is none, or where this user may not even know of it.
    pub fn open(pid: Pid) -> io::Result<Self> {
        let directory = scan::open_directory(scan::open_proc()?, pid.to_string())?;
        Ok(Self { pid, directory })
    }

    /// As [`Process::started_at_tick`](crate::model::Process::started_at_tick).
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn started_at_tick(&self) -> io::Result<u64> {
        let sign = self.sign()?;
        if sign.has_ended {
            return Err(Errno::SRCH);
        }
        Ok(sign.proc_stat.started_at_tick)
    }

    /// Whether it holds one of these sockets: in its table of descriptors, or in one of the places
    /// where no tool looks.
    ///
    /// # Errors
    /// `ESRCH` once it has ended; `EACCES` if this user may not look.
    pub fn has_one_of(&self, inodes: &HashSet<u32>) -> io::Result<bool> {
        let mut holds = false;
        let seen = scan::visit_sockets(&self.directory, "fd", |_, inode| {
            holds |= inodes.contains(&inode);
        });
        holds = holds || Places::have_any(&self.directory, self.pid, inodes);
        // Messages were looked at by pid: it is this process's as long as it is there.
        self.started_at_tick()?;
        // Where the first thread has ended, its table is root's, but not those of the others.
        if holds {
            Ok(true)
        } else {
            seen.map(|()| false)
        }
    }

    /// Whether the kernel drops a signal of this number rather than deliver it: the first process of
    /// a pid namespace gets what it handles, and `SIGKILL` from outside (`pid_namespaces(7)`).
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn kernel_drops_signal(&self, signal: i32) -> io::Result<bool> {
        const KILL: i32 = 9;
        let status = self.status()?;
        let pids = numbers(&status, "NSpid:", 10);
        if pids.last() != Some(&1) {
            return Ok(false);
        }
        let of_signal = |set: u64| set >> (signal - 1) & 1 == 1;
        // What is blocked may be read from a `signalfd`.
        let sets = ["SigCgt:", "SigBlk:"].map(|name| numbers(&status, name, 16));
        let handles = sets.iter().flatten().any(|&set| of_signal(set));
        Ok(if signal == KILL {
            pids.len() == 1
        } else {
            !handles
        })
    }

    /// Whether it runs as one of these users, really or when it likes: then they may signal it.
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn runs_as_one_of(&self, uids: [u32; 2]) -> io::Result<bool> {
        // Real, effective, saved and that for files.
        let of_process = numbers(&self.status()?, "Uid:", 10);
        let mut decisive = of_process.iter().step_by(2).take(2);
        Ok(decisive.any(|uid| uids.iter().any(|&own| u64::from(own) == *uid)))
    }

    /// Whether a process descends from it.
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn is_ancestor_of(&self, pid: Pid) -> io::Result<bool> {
        let mut next = pid;
        for _ in 0..MAX_DEPTH {
            let Some(parent) = proc_stat(next).map(|proc_stat| proc_stat.parent) else {
                break;
            };
            if parent == self.pid {
                // It was looked up by pid: that is this process's as long as it is there.
                return self.started_at_tick().map(|_| true);
            }
            next = parent;
        }
        Ok(false)
    }

    /// What it does about a signal of this number, as far as its state and its sets of signals say.
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn disposition(&self, signal: i32) -> io::Result<SignalDisposition> {
        let status = self.status()?;
        let state = status.lines().find_map(|line| line.strip_prefix("State:"));
        match state.and_then(|state| state.trim_start().chars().next()) {
            Some('T') => return Ok(SignalDisposition::Stopped),
            Some('t') => return Ok(SignalDisposition::Traced),
            Some('D') => return Ok(SignalDisposition::Uninterruptible),
            _ => {}
        }
        let has = |name| {
            numbers(&status, name, 16)
                .iter()
                .any(|set| set >> (signal - 1) & 1 == 1)
        };
        Ok(if has("SigIgn:") {
            SignalDisposition::Ignored
        } else if has("SigCgt:") {
            SignalDisposition::Handled
        } else if has("SigBlk:") {
            SignalDisposition::Blocked
        } else {
            SignalDisposition::Default
        })
    }

    /// Whether it ignores a signal of this number, whether or not it runs.
    ///
    /// # Errors
    /// `ESRCH` once it has ended.
    pub fn ignores_signal(&self, signal: i32) -> io::Result<bool> {
        let sets = numbers(&self.status()?, "SigIgn:", 16);
        Ok(sets.iter().any(|set| set >> (signal - 1) & 1 == 1))
    }

    fn sign(&self) -> io::Result<Sign> {
        let told = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        sign(self.open_file("stat")?)
            .map_err(told)?
            .ok_or(Errno::IO)
    }

    fn status(&self) -> io::Result<String> {
        let told = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        let mut bytes = Vec::new();
        self.open_file("status")?
            .read_to_end(&mut bytes)
            .map_err(told)?;
        // Only the name may be anything.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn open_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat(&self.directory, name, flags, Mode::empty()).map(File::from)
    }
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
    /// What the kernel does where a process says nothing.
    Default,
}

/// As a pidfd.
impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// The numbers of a line of `/proc/PID/status`.
fn numbers(status: &str, name: &str, radix: u32) -> Vec<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let words = line.unwrap_or_default().split_ascii_whitespace();
    words
        .filter_map(|word| u64::from_str_radix(word, radix).ok())
        .collect()
}
