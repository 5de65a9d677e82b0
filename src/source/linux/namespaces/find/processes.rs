//! The network namespace of each process, and of its threads.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, readlinkat, statat};
use rustix::io::Errno;

use super::sweep::Sweep;
use super::{Number, Reference};
use crate::model::{BuildSpread, Moment, Pid};
use crate::source::lineage::own_pid;
use crate::source::linux::scan;
use crate::source::process::cpu_clock::CpuClock;

/// The most threads of one process to read: 3 µs each.
const MOST_THREADS: usize = 2000;

/// What is known of a process.
struct Record {
    network: Option<Number>,
    /// The threads that are in another network namespace than their process, with its number.
    threads: Vec<(Pid, u64)>,
    /// The number of its mount namespace, if it may be read.
    mounts: Option<u64>,
    /// Read just before the others; `None` to have the record read again.
    clock: Option<CpuClock>,
}

/// The processes that are visible.
#[derive(Default)]
pub(super) struct Processes {
    records: HashMap<Pid, Record, BuildSpread>,
    /// The pid that was given last when they were listed.
    last_pid: Option<Pid>,
    sweep: Sweep,
}

impl Processes {
    /// Reads processes that started since the last time. Whether anything has changed.
    pub(super) fn update(&mut self) -> bool {
        let last_pid = last_pid();
        if last_pid.is_some() && last_pid == self.last_pid {
            // A process that ended is noticed when its namespace can't be entered by it, or by the sweep.
            return false;
        }
        self.last_pid = last_pid;
        let Ok(proc) = scan::open_proc() else {
            return false;
        };
        let Ok(pids) = scan::pids(&proc) else {
            return false;
        };
        let mut is_changed = false;
        if self.records.len() > pids.len() || pids.iter().any(|pid| !self.records.contains_key(pid))
        {
            let existing: HashSet<Pid> = pids.iter().copied().collect();
            let known = self.records.len();
            self.records.retain(|pid, _| existing.contains(pid));
            is_changed = self.records.len() != known;
        }
        for pid in pids {
            self.records.entry(pid).or_insert_with(|| {
                is_changed = true;
                Record::read(&proc, pid)
            });
        }
        is_changed
    }

    /// Reads processes again that ran since they were read, with their threads: as many as are due, or all of them.
    pub(super) fn sweep(&mut self, at: Moment, is_complete: bool) -> bool {
        let Self { records, sweep, .. } = self;
        let Ok(proc) = scan::open_proc() else {
            return false;
        };
        let mut is_changed = false;
        sweep.begin(is_complete, records.keys().copied());
        sweep.step(at, is_complete, |pid| {
            let Some(record) = records.get_mut(&pid) else {
                return 0;
            };
            let clock = record.clock.as_ref();
            if clock.is_some_and(CpuClock::has_not_advanced) {
                return 0;
            }
            let mut now = Record::read(&proc, pid);
            let cost = now.read_threads(&proc, pid);
            is_changed |= now.network != record.network || now.threads != record.threads;
            *record = now;
            cost
        });
        is_changed
    }

    /// Forgets a process that has ended, or a thread of it.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.records.remove(&pid);
        self.last_pid = None;
    }

    pub(super) const fn has_swept(&self) -> bool {
        self.sweep.is_over_once
    }

    /// The processes and threads in each namespace.
    pub(super) fn references(&self) -> impl Iterator<Item = (Number, Reference)> {
        self.records.iter().flat_map(|(&pid, record)| {
            let process = record
                .network
                .map(|number| (number, Reference::Process(pid)));
            let threads = record.threads.iter();
            let threads = threads
                .map(move |&(tid, inode)| (Number::Inode(inode), Reference::Thread { pid, tid }));
            process.into_iter().chain(threads)
        })
    }

    /// A process of each mount namespace.
    pub(super) fn mount_namespaces(&self) -> HashMap<u64, Pid> {
        let records = self.records.iter();
        let known = records.filter_map(|(&pid, record)| Some((record.mounts?, pid)));
        let mut first = HashMap::new();
        for (mounts, pid) in known {
            let known = first.entry(mounts).or_insert(pid);
            *known = pid.min(*known);
        }
        first
    }
}

impl Record {
    fn read(proc: &OwnedFd, pid: Pid) -> Self {
        // The sweep trusts a clock, and reads threads only then.
        Self {
            network: network(proc, pid),
            threads: Vec::new(),
            mounts: namespace(proc, &format!("{pid}/ns/mnt"), b"mnt:[").ok(),
            clock: None,
        }
    }

    /// Reads the threads; returns how many links were read.
    fn read_threads(&mut self, proc: &OwnedFd, pid: Pid) -> usize {
        self.clock = Some(CpuClock::read(pid));
        let Some(Number::Inode(own)) = self.network else {
            return 1;
        };
        let folder = format!("{pid}/task");
        // `.`, `..` and the process's first thread are among the links to the directory.
        let links = statat(proc, &folder, AtFlags::empty()).map_or(0, |task| task.st_nlink);
        if links <= 3 {
            return 2;
        }
        let threads = std::fs::read_dir(format!("/proc/{folder}"));
        let threads: Vec<Pid> = threads
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|&tid| tid != pid)
            .take(MOST_THREADS)
            .collect();
        let elsewhere = threads.iter().filter_map(|&tid| {
            let inode = namespace(proc, &format!("{folder}/{tid}/ns/net"), b"net:[").ok()?;
            (inode != own).then_some((tid, inode))
        });
        self.threads = elsewhere.collect();
        self.threads.sort_unstable();
        threads.len() + 2
    }
}

/// The number of a process's network namespace; `None` if it has ended.
fn network(proc: &OwnedFd, pid: Pid) -> Option<Number> {
    match namespace(proc, &format!("{pid}/ns/net"), b"net:[") {
        Ok(inode) => Some(Number::Inode(inode)),
        Err(Errno::ACCESS | Errno::PERM) => {
            let table = statat(proc, format!("{pid}/net/dev"), AtFlags::empty());
            Some(Number::Table(table.ok()?.st_ino))
        }
        Err(_) => None,
    }
}

/// The number in a link such as `net:[4026531840]`.
fn namespace(proc: &OwnedFd, path: &str, prefix: &[u8]) -> Result<u64, Errno> {
    let link = readlinkat(proc, path, Vec::with_capacity(32))?;
    scan::namespace(link.as_bytes(), prefix).ok_or(Errno::INVAL)
}

/// The pid that was last given to a process or a thread of this pid namespace (`proc_loadavg(5)`): if it is the same as
/// before, none has started since. `None` if `/proc` is that of another pid namespace.
fn last_pid() -> Option<Pid> {
    static IS_SAME_PID_NAMESPACE: LazyLock<bool> =
        LazyLock::new(|| own_pid() == Some(std::process::id()));
    let loads = std::fs::read_to_string("/proc/loadavg").ok();
    let loads = loads.filter(|_| *IS_SAME_PID_NAMESPACE)?;
    loads.split_ascii_whitespace().next_back()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pid_changes_when_a_process_starts() {
        let Some(before) = last_pid() else {
            return;
        };
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let after = last_pid().unwrap();
        child.wait().unwrap();
        assert_ne!(before, after);
    }

    #[test]
    fn this_process_is_in_our_namespace() {
        let mut processes = Processes::default();
        assert!(processes.update());
        let own = std::process::id();
        let network = processes.records[&own].network;
        let expected = rustix::fs::stat("/proc/self/ns/net").unwrap().st_ino;
        assert_eq!(network, Some(Number::Inode(expected)));
    }
}
