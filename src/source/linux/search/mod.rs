//! Who has each of a port's sockets: first where every tool looks, then in the unusual places.

pub(crate) mod options;
pub(crate) mod seek;
pub(crate) mod unlisted;
pub(super) mod unusual;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::thread;

use self::seek::{Descriptor, Hints};
use super::problems;
use super::room::{self, Shortage};
use crate::model::{Gap, GapCode, Pid, Place, Socket};
use crate::source::{Blind, Holding};

/// What was found out about owners, by inode.
#[derive(Default)]
pub(crate) struct Owners {
    /// For those in an ordinary table of descriptors.
    pub(crate) descriptors: HashMap<u32, Vec<Descriptor>>,
    unusual: HashMap<u32, Arc<[Pid]>>,
    places: HashMap<u32, Place>,
    blind: Option<Blind>,
    /// Whether nobody was looked at, for want of descriptors.
    is_short: bool,
}

impl Owners {
    /// Looks for the owners of these sockets.
    pub(crate) fn find(wanted: &HashSet<u32>, hints: &Hints, gaps: &mut Vec<Gap>) -> Self {
        let mut owners = Self::default();
        if wanted.is_empty() {
            return owners;
        }
        if let Err(shortage) = room::check() {
            owners.is_short = true;
            gaps.push(Gap::new(
                GapCode::Owners,
                &problems::no_descriptors(shortage).message,
            ));
            return owners;
        }
        match seek::seek(wanted, hints) {
            Ok(sought) => {
                owners.descriptors = sought.found;
                owners.blind = sought.blind;
            }
            Err(error) => {
                gaps.push(Gap::new(
                    GapCode::Owners,
                    &problems::processes(error).message,
                ));
                owners.is_short = Shortage::of(error).is_some();
                owners.blind = Some(Blind::NotPermitted);
                // To say that an owner is hidden by that would say it twice.
                return owners;
            }
        }
        let is_missing = |inode: &u32| !owners.descriptors.contains_key(inode);
        let missing: HashSet<u32> = wanted.iter().copied().filter(is_missing).collect();
        if !missing.is_empty() {
            owners.look_further(&missing, gaps);
        }
        if wanted
            .iter()
            .any(|&inode| owners.by_inode(inode) == Holding::Hidden)
        {
            let told = owners.blind.unwrap_or(Blind::NotPermitted).told("it");
            gaps.push(Gap::new(GapCode::Owners, &format!("an owner is {told}")));
        }
        owners
    }

    /// For what no process seems to have.
    fn look_further(&mut self, missing: &HashSet<u32>, gaps: &mut Vec<Gap>) {
        // Whoever can't read `/proc` was told so above.
        let (found, couriers) = unusual::seek(missing).unwrap_or_default();
        let is_found = |inode: &u32| found.contains_key(inode);
        if !couriers.is_empty() && !missing.iter().all(is_found) {
            let pids: Vec<_> = couriers.iter().map(ToString::to_string).collect();
            let message = format!(
                "descriptors wait in messages to other processes (pid {}): a socket may be among them",
                pids.join(", ")
            );
            gaps.push(Gap::new(GapCode::Owners, &message));
        }
        for (inode, found) in found {
            self.places.insert(inode, found.place);
            self.unusual.insert(inode, found.pids.into());
        }
    }

    /// Whether nobody was found to have a socket, though everybody could be looked at.
    pub(crate) fn is_ownerless(&self, inode: u32) -> bool {
        self.by_inode(inode) == Holding::Kernel
    }

    /// Who has a socket, as far as is known.
    pub(crate) fn of(&self, socket: &Socket) -> Holding {
        socket
            .inode
            .map_or(Holding::None, |inode| self.by_inode(inode))
    }

    pub(crate) fn by_inode(&self, inode: u32) -> Holding {
        if let Some(descriptors) = self.descriptors.get(&inode) {
            return Holding::By(descriptors.iter().map(|one| one.pid).collect());
        }
        match (self.unusual.get(&inode), self.blind) {
            (Some(pids), _) => Holding::By(Arc::clone(pids)),
            (None, _) if self.is_short => Holding::Unknown,
            (None, Some(_)) => Holding::Hidden,
            (None, None) => Holding::Kernel,
        }
    }

    /// Where a socket is held.
    pub(crate) fn place(&self, socket: &Socket) -> Place {
        let place = socket.inode.and_then(|inode| self.places.get(&inode));
        place.copied().unwrap_or(Place::Descriptors)
    }
}

/// Starts a thread. `Scope::spawn` panics where that is not allowed (`RLIMIT_NPROC`, a pids control group).
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<thread::ScopedJoinHandle<'scope, T>> {
    thread::Builder::new().spawn_scoped(scope, work)
}

/// What a thread found; a panic in it goes on here.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
