//! The owners of a few sockets, found once: in descriptor tables first, then in the other places.

mod descriptor_tables;
pub(crate) mod non_descriptor_owners;
pub(crate) mod options;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::thread;

use rustix::io::Errno;

pub(crate) use self::descriptor_tables::search as in_descriptor_tables;
use self::non_descriptor_owners::NonDescriptorSearch;
use crate::model::{FoundIn, Gap, GapCode, Pid, RefreshTimings, Socket};
use crate::source::linux::problems;
use crate::source::linux::proc::descriptor_limit::{self, Shortage};
use crate::source::{HiddenReason, OwnerPids};

/// A descriptor of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Descriptor {
    pub(crate) pid: Pid,
    pub(crate) number: u32,
}

/// Which processes to scan first.
#[derive(Default)]
pub(crate) struct Hints {
    /// Those in the control groups that the sockets were made in.
    pub(crate) pids: HashSet<Pid>,
    /// The users of the sockets.
    pub(crate) uids: HashSet<u32>,
}

/// The result of a search, by inode.
#[derive(Default)]
pub(crate) struct Owners {
    /// For sockets in descriptor tables: by pid ascending, one for each process.
    descriptors: HashMap<u32, Vec<Descriptor>>,
    /// For sockets outside descriptor tables.
    elsewhere: HashMap<u32, (Arc<[Pid]>, FoundIn)>,
    /// Why an owner may be hidden.
    pub(crate) hidden: Option<HiddenReason>,
    /// Whether no process was scanned, for want of descriptors.
    pub(crate) is_short: bool,
    /// How much was read.
    pub(crate) stats: RefreshTimings,
}

impl Owners {
    /// Searches everywhere. Unreadable parts become gaps.
    pub(crate) fn find(inodes: &HashSet<u32>, hints: &Hints, gaps: &mut Vec<Gap>) -> Self {
        if inodes.is_empty() {
            return Self::default();
        }
        let mut gap = |message: &str| gaps.push(Gap::new(GapCode::Owners, message));
        if let Err(shortage) = descriptor_limit::check() {
            gap(&problems::no_descriptors(shortage).message);
            return Self {
                is_short: true,
                ..Self::default()
            };
        }
        let mut owners = match in_descriptor_tables(inodes, hints) {
            Ok(owners) => owners,
            Err(error) => {
                gap(&problems::processes(error).message);
                // No further gap for owners that this hides.
                return Self::unreadable(error);
            }
        };
        let is_missing = |inode: &&u32| !owners.descriptors.contains_key(inode);
        let missing: HashSet<u32> = inodes.iter().filter(is_missing).copied().collect();
        if !missing.is_empty() {
            let mut search = NonDescriptorSearch::new(&missing);
            // That `/proc` can't be read is a gap already.
            let _ = search.scan_all();
            if let Some(message) = search.unread_messages() {
                gap(&message);
            }
            owners.elsewhere = search.found;
        }
        let is_hidden = |&inode: &u32| owners.by_inode(inode) == OwnerPids::Hidden;
        if inodes.iter().any(is_hidden) {
            let reason = owners.hidden.unwrap_or(HiddenReason::NotPermitted);
            gap(&format!("an owner is {}", reason.describe("it")));
        }
        owners
    }

    /// The result if processes can't be read.
    pub(crate) fn unreadable(error: Errno) -> Self {
        Self {
            hidden: Some(HiddenReason::NotPermitted),
            is_short: Shortage::of(error).is_some(),
            ..Self::default()
        }
    }

    /// Whether no process has a socket, though every process could be read.
    pub(crate) fn is_ownerless(&self, inode: u32) -> bool {
        self.by_inode(inode) == OwnerPids::Kernel
    }

    /// The owners of a socket, as far as is known.
    pub(crate) fn of(&self, socket: &Socket) -> OwnerPids {
        let inode = socket.inode;
        inode.map_or(OwnerPids::None, |inode| self.by_inode(inode))
    }

    pub(crate) fn by_inode(&self, inode: u32) -> OwnerPids {
        match self.pids(inode) {
            Some(pids) => OwnerPids::Known(pids),
            None if self.is_short => OwnerPids::Unknown,
            None => OwnerPids::not_found(self.hidden, true),
        }
    }

    /// The processes that were found to have a socket.
    pub(crate) fn pids(&self, inode: u32) -> Option<Arc<[Pid]>> {
        if let Some(descriptors) = self.descriptors.get(&inode) {
            return Some(descriptors.iter().map(|one| one.pid).collect());
        }
        let (pids, _) = self.elsewhere.get(&inode)?;
        Some(Arc::clone(pids))
    }

    /// A descriptor of a socket.
    pub(crate) fn descriptor(&self, inode: u32) -> Option<Descriptor> {
        self.descriptors.get(&inode)?.first().copied()
    }

    /// Where a socket was found.
    pub(crate) fn place(&self, socket: &Socket) -> FoundIn {
        let found = socket.inode.and_then(|inode| self.elsewhere.get(&inode));
        found.map_or(FoundIn::Descriptors, |&(_, place)| place)
    }
}

/// Starts a thread. `Scope::spawn` panics where that is not allowed (`RLIMIT_NPROC`, a pids control group).
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<thread::ScopedJoinHandle<'scope, T>> {
    thread::Builder::new().spawn_scoped(scope, work)
}

/// The result of a thread; its panic continues here.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
