//! Searches descriptor tables for a few sockets: the likeliest processes first, on several threads, and no longer than
//! necessary.
//!
//! Reading a descriptor costs about 3 µs, so on a machine with few of them all are read, and every process that shares a
//! socket is found. Beyond [`FEW`] the search ends when each socket has an owner, and then follows its inheritance to
//! parents and children, as far as they have it too. On such a machine a socket that was passed to an unrelated process,
//! or whose common parent has closed it, is found at one of its owners only.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::io;

use super::{Descriptor, Hints, Owners, ScanStats, spawn};
use crate::model::Pid;
use crate::source::linux::owners::procfs::{LiveProcfs, Procfs as _};
use crate::source::proc_stat::proc_stat;

/// Up to this number of descriptors on the whole machine, all of them are read.
const FEW: u64 = 8192;

/// How many processes a thread scans before it checks whether the search is over.
const CHUNK: usize = 4;

const MAX_THREADS: usize = 4;

/// How many relatives of owners are scanned at most.
const MAX_RELATIVES: usize = 1024;

/// Searches descriptor tables for these inodes.
///
/// # Errors
/// When processes can't be read.
pub(crate) fn search(wanted: &HashSet<u32>, hints: &Hints) -> io::Result<Owners> {
    let mut procfs = LiveProcfs::default();
    procfs.open()?;
    let pids = procfs.pids()?.into_iter();
    let mut processes: Vec<_> = pids
        .map(|pid| (procfs.descriptor_table(pid), pid))
        .collect();
    processes.sort_by_key(|(table, pid)| {
        let is_of_user = table.uid.is_some_and(|uid| hints.uids.contains(&uid));
        let likelihood = (hints.pids.contains(pid), is_of_user, table.descriptors);
        (Reverse(likelihood), *pid)
    });
    let total: u64 = processes.iter().map(|(table, _)| table.descriptors).sum();
    let pids: Vec<Pid> = processes.into_iter().map(|(_, pid)| pid).collect();
    let search = Search {
        procfs: &procfs,
        wanted,
        is_over: AtomicBool::new(false),
        processes: AtomicU64::new(0),
        descriptors: AtomicU64::new(0),
        reads_all: total <= FEW,
        state: Mutex::default(),
    };
    search.run(&pids);
    search.retry_postponed()?;
    if !search.reads_all {
        search.scan_relatives(&pids);
    }
    Ok(search.result())
}

struct Search<'a> {
    procfs: &'a LiveProcfs,
    wanted: &'a HashSet<u32>,
    is_over: AtomicBool,
    /// Scanned so far, by all threads.
    processes: AtomicU64,
    descriptors: AtomicU64,
    reads_all: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    found: HashMap<u32, Vec<Descriptor>>,
    /// Whether a process that may have sockets could not be read.
    is_refused: bool,
    /// Processes for which no descriptor was left, as the other threads had them.
    postponed: Vec<(Pid, io::Errno)>,
}

impl Search<'_> {
    /// Scans processes in this order, on as many threads as help.
    fn run(&self, pids: &[Pid]) {
        let next = AtomicUsize::new(0);
        let work = || {
            while !self.is_over.load(Ordering::Relaxed) {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                let Some(rest) = pids.get(first..).filter(|rest| !rest.is_empty()) else {
                    return;
                };
                for &pid in &rest[..rest.len().min(CHUNK)] {
                    self.scan(pid);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads() {
                // Where no thread can be started this one does it alone.
                let _ = spawn(scope, work);
            }
            work();
        });
    }

    /// Scans postponed processes again, on this thread alone.
    ///
    /// # Errors
    /// When no descriptor is left for that either.
    fn retry_postponed(&self) -> io::Result<()> {
        let postponed = std::mem::take(&mut self.state().postponed);
        for (pid, _) in postponed {
            self.scan(pid);
        }
        match self.state().postponed.first() {
            Some(&(_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Scans one process; whether it has one of the sockets.
    fn scan(&self, pid: Pid) -> bool {
        self.processes.fetch_add(1, Ordering::Relaxed);
        let read = match self.procfs.read(pid) {
            Ok(Some(read)) => read,
            Ok(None) => return false,
            Err(error) => {
                self.state().postponed.push((pid, error));
                return false;
            }
        };
        self.descriptors
            .fetch_add(read.descriptors, Ordering::Relaxed);
        let Some(mut sockets) = read.sockets else {
            let mut state = self.state();
            state.is_refused |= !state.is_refused && self.procfs.may_have_sockets_here(pid);
            return false;
        };
        sockets.retain(|(inode, _)| self.wanted.contains(inode));
        if sockets.is_empty() {
            return false;
        }
        let mut state = self.state();
        for (inode, number) in sockets {
            let descriptors = state.found.entry(inode).or_default();
            descriptors.push(Descriptor { pid, number });
        }
        if !self.reads_all && state.found.len() == self.wanted.len() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Follows the inheritance of each socket: from an owner to its parent and its children, and on from each of those
    /// that has it too.
    fn scan_relatives(&self, pids: &[Pid]) {
        let owners: Vec<Pid> = {
            let state = self.state();
            state.found.values().flatten().map(|one| one.pid).collect()
        };
        if owners.len() > MAX_RELATIVES {
            return;
        }
        let children = Children::of(pids);
        let mut scanned: HashSet<Pid> = owners.iter().copied().collect();
        let mut left = owners;
        while let Some(pid) = left.pop() {
            let parent = self.procfs.parent(pid).into_iter();
            for relative in parent.chain(children.of_process(pid)) {
                if scanned.len() < MAX_RELATIVES && scanned.insert(relative) && self.scan(relative)
                {
                    left.push(relative);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The panic of a thread continues where the scope ends.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn result(self) -> Owners {
        let state = std::mem::take(&mut *self.state());
        let mut descriptors = state.found;
        for of_inode in descriptors.values_mut() {
            of_inode.sort_unstable();
            of_inode.dedup_by_key(|one| one.pid);
        }
        Owners {
            descriptors,
            hidden: self.procfs.hidden_reason(state.is_refused),
            stats: ScanStats {
                processes: self.processes.into_inner(),
                descriptors: self.descriptors.into_inner(),
            },
            ..Owners::default()
        }
    }
}

/// The children of processes.
enum Children {
    /// In `/proc/PID/task/TID/children`.
    Listed,
    /// By parent, where the kernel was built without `CONFIG_PROC_CHILDREN`.
    ByParent(HashMap<Pid, Vec<Pid>>),
}

impl Children {
    fn of(pids: &[Pid]) -> Self {
        if Path::new("/proc/thread-self/children").exists() {
            return Self::Listed;
        }
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        for &pid in pids {
            if let Some(stat) = proc_stat(pid) {
                children.entry(stat.parent).or_default().push(pid);
            }
        }
        Self::ByParent(children)
    }

    fn of_process(&self, pid: Pid) -> Vec<Pid> {
        match self {
            Self::Listed => listed_children(pid),
            Self::ByParent(children) => children.get(&pid).cloned().unwrap_or_default(),
        }
    }
}

/// See `proc_pid_task_tid_children(5)`.
fn listed_children(pid: Pid) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let lists = tasks.into_iter().flatten().flatten().map(|task| {
        let text = std::fs::read_to_string(task.path().join("children"));
        text.unwrap_or_default()
    });
    let pids = |text: String| -> Vec<Pid> {
        let words = text.split_ascii_whitespace();
        words.filter_map(|pid| pid.parse().ok()).collect()
    };
    lists.flat_map(pids).collect()
}

fn threads() -> usize {
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    processors.min(MAX_THREADS)
}
