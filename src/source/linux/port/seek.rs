//! Who has these few sockets: the processes are looked at in the order of likelihood, and no longer
//! than it takes.
//!
//! The live table keeps an index of every socket (`holders`); one that asks about a single port
//! cannot wait for it. Looking at a descriptor costs about 3 µs, so on a machine with few of them all
//! are looked at and every process that shares the socket is found. Beyond [`FEW`] the search ends
//! when each socket has an owner, and then follows its inheritance to parents and children, as far as
//! they have it too. On such a machine a socket that was passed to a stranger, or whose common
//! parent has closed it, is found at one of its owners only.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use rustix::fs::{AtFlags, statat};
use rustix::io;

use super::super::room::Shortage;
use super::super::scan::{self, Sight};
use super::spawn;
use crate::model::Pid;
use crate::source::proc_stat::proc_stat;
use crate::source::{HiddenReason, ScanStats};

/// Up to how many descriptors, on the whole machine, all of them are looked at.
const FEW: u64 = 8192;

/// How many processes' descriptors a thread looks at before it looks whether it is done.
const CHUNK: usize = 4;

/// At most this many threads look at the same time.
const MAX_THREADS: usize = 4;

/// No more relatives of an owner than this are looked at.
const MAX_RELATIVES: usize = 1024;

/// A descriptor of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Descriptor {
    pub(in super::super) pid: Pid,
    pub(in super::super) number: u32,
}

/// Where to look first.
#[derive(Debug, Default)]
pub(in super::super) struct Hints {
    /// The processes in the control groups that the sockets were made in.
    pub(in super::super) pids: HashSet<Pid>,
    /// The users that the sockets belong to.
    pub(in super::super) uids: HashSet<u32>,
}

/// What was found.
#[derive(Debug, Default)]
pub(in super::super) struct Sought {
    /// The descriptors of each inode, by pid ascending, one for each process.
    pub(in super::super) found: HashMap<u32, Vec<Descriptor>>,
    /// Why there may be an owner that was not looked at.
    pub(in super::super) hidden_reason: Option<HiddenReason>,
    /// How much was looked at.
    pub(in super::super) looks: Looks,
}

impl Sought {
    /// Nobody could be looked at.
    pub(in super::super) fn nothing_seen() -> Self {
        Self {
            found: HashMap::new(),
            hidden_reason: Some(HiddenReason::NotPermitted),
            looks: Looks::default(),
        }
    }
}

/// A process that may be looked at.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    pid: Pid,
    uid: Option<u32>,
    /// How many descriptors it has; 0 before Linux 6.2.
    descriptors: u64,
}

/// Looks for the owners of these inodes.
///
/// # Errors
/// When `/proc` can't be read.
pub(in super::super) fn seek(wanted: &HashSet<u32>, hints: &Hints) -> io::Result<Sought> {
    let proc = scan::open_proc()?;
    let mut candidates: Vec<_> = scan::pids(&proc)?
        .into_iter()
        .map(|pid| candidate(&proc, pid))
        .collect();
    candidates.sort_by_key(|one| {
        let is_of_user = one.uid.is_some_and(|uid| hints.uids.contains(&uid));
        let likelihood = (hints.pids.contains(&one.pid), is_of_user, one.descriptors);
        (std::cmp::Reverse(likelihood), one.pid)
    });
    let total: u64 = candidates.iter().map(|one| one.descriptors).sum();
    let looks_at_all = total <= FEW;
    let search = Search {
        proc: &proc,
        wanted,
        is_over: AtomicBool::new(false),
        processes: AtomicU64::new(0),
        descriptors: AtomicU64::new(0),
        looks_at_all,
        state: Mutex::new(State {
            found: HashMap::new(),
            sight: Sight::here(),
            put_off: Vec::new(),
        }),
    };
    search.run(&candidates);
    search.make_up()?;
    if !looks_at_all {
        search.visit_relatives(&candidates);
    }
    let looks = search.looks();
    let State {
        mut found, sight, ..
    } = search
        .state
        .into_inner()
        .expect("no thread panicked while it had the lock, or the scope would have panicked too");
    for descriptors in found.values_mut() {
        descriptors.sort_unstable();
        descriptors.dedup_by_key(|one| one.pid);
    }
    Ok(Sought {
        found,
        hidden_reason: sight.hidden_reason,
        looks,
    })
}

/// One look tells whose the process is and how many descriptors it has.
fn candidate(proc: &OwnedFd, pid: Pid) -> Candidate {
    let directory = statat(proc, format!("{pid}/fd"), AtFlags::empty()).ok();
    let size = directory.as_ref().map(|directory| directory.st_size);
    Candidate {
        pid,
        uid: directory.map(|directory| directory.st_uid),
        descriptors: size.and_then(|size| size.try_into().ok()).unwrap_or(0),
    }
}

struct Search<'a> {
    proc: &'a OwnedFd,
    wanted: &'a HashSet<u32>,
    is_over: AtomicBool,
    /// Looked at so far, by all threads.
    processes: AtomicU64,
    descriptors: AtomicU64,
    looks_at_all: bool,
    state: Mutex<State>,
}

struct State {
    found: HashMap<u32, Vec<Descriptor>>,
    sight: Sight,
    /// Those for which there was no descriptor left, as the other threads had them.
    put_off: Vec<(Pid, io::Errno)>,
}

impl Search<'_> {
    /// Looks at the candidates in their order, on as many threads as help.
    fn run(&self, candidates: &[Candidate]) {
        let next = AtomicUsize::new(0);
        let work = || {
            while !self.is_over.load(Ordering::Relaxed) {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                let Some(rest) = candidates.get(first..).filter(|rest| !rest.is_empty()) else {
                    return;
                };
                for candidate in &rest[..rest.len().min(CHUNK)] {
                    self.visit(candidate.pid);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads() {
                // Where no thread can be started this one does it alone.
                let _ = spawn(scope, work);
            }
            work();
        });
    }

    /// Looks again at those that were put off, one after the other.
    ///
    /// # Errors
    /// When there is no descriptor left for one alone either.
    fn make_up(&self) -> io::Result<()> {
        let put_off = match self.state.lock() {
            Ok(mut state) => std::mem::take(&mut state.put_off),
            Err(_) => return Ok(()),
        };
        for (pid, _) in put_off {
            self.visit(pid);
        }
        let state = self.state.lock().ok();
        let error = state.and_then(|state| Some(state.put_off.first()?.1));
        error.map_or(Ok(()), Err)
    }

    fn looks(&self) -> Looks {
        ScanStats {
            processes: self.processes.load(Ordering::Relaxed),
            descriptors: self.descriptors.load(Ordering::Relaxed),
        }
    }

    /// Looks at one process; whether it has one of the sockets.
    fn visit(&self, pid: Pid) -> bool {
        let (mut seen_here, mut descriptors) = (Vec::new(), 0);
        let outcome = scan::visit_links(self.proc, &format!("{pid}/fd"), |number, link| {
            descriptors += 1;
            if let Some(inode) = scan::inode(link).filter(|inode| self.wanted.contains(inode)) {
                seen_here.push((inode, Descriptor { pid, number }));
            }
        });
        self.processes.fetch_add(1, Ordering::Relaxed);
        self.descriptors.fetch_add(descriptors, Ordering::Relaxed);
        let has_one = !seen_here.is_empty();
        if !has_one && outcome.is_ok() {
            return false;
        }
        // A thread that panicked has the scope panic at its end: there is nothing to repair here.
        let Ok(mut state) = self.state.lock() else {
            return has_one;
        };
        match outcome {
            Err(error) if Shortage::of(error).is_some() => state.put_off.push((pid, error)),
            _ => state.sight.take_in(pid, &outcome),
        }
        for (inode, descriptor) in seen_here {
            state.found.entry(inode).or_default().push(descriptor);
        }
        if !self.looks_at_all && state.found.len() == self.wanted.len() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        has_one
    }

    /// Follows the inheritance of each socket: from an owner up to its parent and down to its
    /// children, and on from each of those that has it too.
    fn visit_relatives(&self, candidates: &[Candidate]) {
        let owners: Vec<Pid> = match self.state.lock() {
            Ok(state) => state.found.values().flatten().map(|one| one.pid).collect(),
            Err(_) => return,
        };
        if owners.len() > MAX_RELATIVES {
            return;
        }
        let family = Family::of(candidates);
        let mut visited: HashSet<Pid> = owners.iter().copied().collect();
        let mut heirs = owners;
        while let Some(pid) = heirs.pop() {
            // What all processes descend from is nobody's relative.
            let parent = proc_stat(pid).map(|proc_stat| proc_stat.parent);
            let relatives = parent.filter(|&parent| parent > 1).into_iter();
            for relative in relatives.chain(family.children(pid)) {
                if visited.len() < MAX_RELATIVES && visited.insert(relative) && self.visit(relative)
                {
                    heirs.push(relative);
                }
            }
        }
    }
}

/// Who descends from whom.
struct Family {
    /// By parent; `None` where the kernel lists the children of a process itself.
    children: Option<HashMap<Pid, Vec<Pid>>>,
}

impl Family {
    /// Where the kernel was built without `CONFIG_PROC_CHILDREN`, every process is asked for its
    /// parent.
    fn of(candidates: &[Candidate]) -> Self {
        if std::path::Path::new("/proc/thread-self/children").exists() {
            return Self { children: None };
        }
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        let parts = in_parallel(candidates, |part| {
            let parent = |one: &Candidate| Some((proc_stat(one.pid)?.parent, one.pid));
            part.iter().filter_map(parent).collect::<Vec<_>>()
        });
        for (parent, child) in parts.into_iter().flatten() {
            children.entry(parent).or_default().push(child);
        }
        Self {
            children: Some(children),
        }
    }

    /// The children of a process (`proc_pid_task_tid_children(5)`).
    fn children(&self, pid: Pid) -> Vec<Pid> {
        if let Some(children) = &self.children {
            return children.get(&pid).cloned().unwrap_or_default();
        }
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
        let tasks = tasks.into_iter().flatten().flatten();
        let mut pids = Vec::new();
        for task in tasks {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            pids.extend(
                text.split_ascii_whitespace()
                    .filter_map(|pid| pid.parse::<Pid>().ok()),
            );
        }
        pids
    }
}

/// As many threads as help here.
fn threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    processors.min(MAX_THREADS)
}

/// Does the work on equal parts at the same time.
fn in_parallel<T: Send>(
    candidates: &[Candidate],
    work: impl Fn(&[Candidate]) -> T + Sync,
) -> Vec<T> {
    let part = candidates.len().div_ceil(threads()).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let parts = candidates.chunks(part);
        let threads: Vec<_> = parts
            .map(|part| spawn(scope, move || work(part)).map_err(|_| part))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.map_or_else(work, super::joined))
            .collect()
    })
}
