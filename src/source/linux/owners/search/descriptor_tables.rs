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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::io;

use super::{Descriptor, Hints, Owners, spawn};
use crate::model::{Pid, RefreshTimings};
use crate::source::linux::owners::procfs::{LiveProcfs, Procfs as _};
use crate::source::proc_stat::proc_stat;

/// Up to this number of descriptors on the whole machine, all of them are read.
const FEW: u64 = 8192;

/// How many processes a thread scans before it checks whether the search is over: neighbours often share a socket.
const CHUNK: usize = 4;

const MAX_THREADS: usize = 4;

/// How many relatives of owners are scanned at most.
const MAX_RELATIVES: usize = 1024;

/// Searches descriptor tables for these inodes. Fails if processes can't be read.
pub(crate) fn search(wanted: &HashSet<u32>, hints: &Hints) -> io::Result<Owners> {
    let mut procfs = LiveProcfs::default();
    let pids = procfs.open()?.into_iter();
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
        reads_all: total <= FEW,
        state: Mutex::default(),
    };
    search.run(&pids);
    // Postponed processes again, on this thread alone.
    let postponed = std::mem::take(&mut search.state().postponed);
    for (pid, _) in postponed {
        search.scan(pid);
    }
    if let Some(&(_, error)) = search.state().postponed.first() {
        return Err(error);
    }
    if !search.reads_all {
        search.scan_relatives(&pids);
    }
    let state = std::mem::take(&mut *search.state());
    let mut descriptors = state.found;
    for of_inode in descriptors.values_mut() {
        of_inode.sort_unstable();
        of_inode.dedup_by_key(|one| one.pid);
    }
    Ok(Owners {
        descriptors,
        hidden: procfs.hidden_reason(state.is_refused),
        stats: state.stats,
        ..Owners::default()
    })
}

struct Search<'a> {
    procfs: &'a LiveProcfs,
    wanted: &'a HashSet<u32>,
    reads_all: bool,
    state: Mutex<State>,
}

/// Of all threads.
#[derive(Default)]
struct State {
    found: HashMap<u32, Vec<Descriptor>>,
    is_over: bool,
    /// Whether a process that may have sockets could not be read.
    is_refused: bool,
    /// Processes for which no descriptor was left, as the other threads had them.
    postponed: Vec<(Pid, io::Errno)>,
    /// How much was read.
    stats: RefreshTimings,
}

impl Search<'_> {
    /// Scans processes in this order, on as many threads as help.
    fn run(&self, pids: &[Pid]) {
        let chunks: Vec<&[Pid]> = pids.chunks(CHUNK).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            while !self.state().is_over
                && let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed))
            {
                for &pid in *chunk {
                    self.scan(pid);
                }
            }
        };
        let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        thread::scope(|scope| {
            for _ in 1..processors.min(MAX_THREADS) {
                // Where no thread can be started this one does it alone.
                let _ = spawn(scope, work);
            }
            work();
        });
    }

    /// Scans one process; whether it has one of the sockets.
    fn scan(&self, pid: Pid) -> bool {
        let read = self.procfs.read(pid);
        let mut state = self.state();
        state.stats.searched += 1;
        let read = match read {
            Ok(Some(read)) => read,
            Ok(None) => return false,
            Err(error) => {
                state.postponed.push((pid, error));
                return false;
            }
        };
        state.stats.files += read.descriptors;
        let Some(mut sockets) = read.sockets else {
            state.is_refused |= !state.is_refused && self.procfs.may_have_sockets_here(pid);
            return false;
        };
        sockets.retain(|(inode, _)| self.wanted.contains(inode));
        if sockets.is_empty() {
            return false;
        }
        for (inode, number) in sockets {
            let descriptors = state.found.entry(inode).or_default();
            descriptors.push(Descriptor { pid, number });
        }
        state.is_over |= !self.reads_all && state.found.len() == self.wanted.len();
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
        // Without `CONFIG_PROC_CHILDREN` in the kernel, children are found by their parent.
        let are_listed = Path::new("/proc/thread-self/children").exists();
        let mut by_parent: HashMap<Pid, Vec<Pid>> = HashMap::new();
        for &pid in pids.iter().filter(|_| !are_listed) {
            if let Some(stat) = proc_stat(pid) {
                by_parent.entry(stat.parent).or_default().push(pid);
            }
        }
        let mut scanned: HashSet<Pid> = owners.iter().copied().collect();
        let mut left = owners;
        while let Some(pid) = left.pop() {
            let children = if are_listed {
                listed_children(pid)
            } else {
                by_parent.remove(&pid).unwrap_or_default()
            };
            for relative in self.procfs.parent(pid).into_iter().chain(children) {
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
}

/// See `proc_pid_task_tid_children(5)`.
fn listed_children(pid: Pid) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")));
    // Each pid ends in a space.
    let pids: String = lists.flatten().collect();
    let pids = pids.split_ascii_whitespace();
    pids.filter_map(|pid| pid.parse().ok()).collect()
}
