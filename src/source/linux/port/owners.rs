//! Who has each of a port's sockets: first where every tool looks, then in the unusual places.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::problems;
use super::super::room::{self, Shortage};
use super::seek::{self, Descriptor, Hints};
use super::unusual;
use crate::model::{FoundIn, Gap, GapCode, Pid, Socket};
use crate::source::{HiddenReason, OwnerPids};

/// What was found out about owners, by inode.
#[derive(Default)]
pub(super) struct Owners {
    /// For those in an ordinary table of descriptors.
    pub(super) descriptors: HashMap<u32, Vec<Descriptor>>,
    unusual: HashMap<u32, Arc<[Pid]>>,
    places: HashMap<u32, FoundIn>,
    hidden_reason: Option<HiddenReason>,
    /// Whether nobody was looked at, for want of descriptors.
    is_short: bool,
}

impl Owners {
    /// Looks for the owners of these sockets.
    pub(super) fn find(wanted: &HashSet<u32>, hints: &Hints, gaps: &mut Vec<Gap>) -> Self {
        let mut owners = Self::default();
        if wanted.is_empty() {
            return owners;
        }
        if let Err(shortage) = descriptor_limit::check() {
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
                owners.hidden_reason = sought.hidden_reason;
            }
            Err(error) => {
                gaps.push(Gap::new(
                    GapCode::Owners,
                    &problems::processes(error).message,
                ));
                owners.is_short = Shortage::of(error).is_some();
                owners.hidden_reason = Some(HiddenReason::NotPermitted);
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
            .any(|&inode| owners.by_inode(inode) == OwnerPids::Hidden)
        {
            let told = owners.hidden_reason.unwrap_or(HiddenReason::NotPermitted).describe("it");
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
    pub(super) fn is_ownerless(&self, inode: u32) -> bool {
        self.by_inode(inode) == OwnerPids::Kernel
    }

    /// Who has a socket, as far as is known.
    pub(super) fn of(&self, socket: &Socket) -> OwnerPids {
        socket
            .inode
            .map_or(OwnerPids::None, |inode| self.by_inode(inode))
    }

    pub(super) fn by_inode(&self, inode: u32) -> OwnerPids {
        if let Some(descriptors) = self.descriptors.get(&inode) {
            return OwnerPids::Known(descriptors.iter().map(|one| one.pid).collect());
        }
        match (self.unusual.get(&inode), self.hidden_reason) {
            (Some(pids), _) => OwnerPids::Known(Arc::clone(pids)),
            (None, _) if self.is_short => OwnerPids::Unknown,
            (None, Some(_)) => OwnerPids::Hidden,
            (None, None) => OwnerPids::Kernel,
        }
    }

    /// Where a socket is held.
    pub(super) fn place(&self, socket: &Socket) -> FoundIn {
        let place = socket.inode.and_then(|inode| self.places.get(&inode));
        place.copied().unwrap_or(FoundIn::Descriptors)
    }
}
