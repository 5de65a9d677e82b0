//! From the pids that hold a socket to its owner: processes as they were looked at, shared by all sockets
//! of the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::OwnerPids;
use super::process::Processes;
use crate::model::{BuildSpread, Moment, Owner, Pid, Socket};

/// Every pid that holds something, once. Most lists are shared, so each place is looked at once.
pub(super) fn pids(owner_pids: &[OwnerPids]) -> Vec<Pid> {
    let mut places: HashSet<usize, BuildSpread> = HashSet::default();
    let mut pids: Vec<Pid> = Vec::new();
    for holding in owner_pids {
        if let OwnerPids::Known(of_one) = holding
            && places.insert(of_one.as_ptr().addr())
        {
            pids.extend(of_one.iter());
        }
    }
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// The owner of each holding, in their order, with the processes looked at now.
pub(crate) fn owners(
    owner_pids: &[OwnerPids],
    processes: &mut Processes,
    at: Moment,
) -> Vec<Owner> {
    processes.refresh(&pids(owner_pids), at);
    let mut owners = Owners::default();
    owner_pids
        .iter()
        .map(|holding| owners.of(holding, processes))
        .collect()
}

/// Turns owner_pids into owners. Sockets of the same processes share one list of them, from one reading
/// to the next as long as nothing changes in it.
#[derive(Default)]
pub(super) struct Owners {
    known: HashMap<Arc<[Pid]>, Owner>,
    before: HashMap<Arc<[Pid]>, Owner>,
    /// The same by the place of each list, as long as that stands where it is: most are shared.
    by_place: HashMap<usize, Owner, BuildSpread>,
}

impl Owners {
    /// Gives each socket its owner.
    pub(super) fn assign(
        &mut self,
        sockets: &mut [Socket],
        owner_pids: &[OwnerPids],
        processes: &Processes,
    ) {
        self.before = std::mem::take(&mut self.known);
        for (socket, holding) in sockets.iter_mut().zip(owner_pids) {
            socket.owner = self.of(holding, processes);
        }
        self.by_place.clear();
        self.before.clear();
    }

    fn of(&mut self, holding: &OwnerPids, processes: &Processes) -> Owner {
        match holding {
            OwnerPids::Known(pids) => self.of_these(pids, processes),
            #[cfg(target_os = "linux")]
            OwnerPids::Hidden => Owner::Hidden,
            #[cfg(target_os = "linux")]
            OwnerPids::Kernel => Owner::Kernel,
            #[cfg(target_os = "linux")]
            OwnerPids::Unknown => Owner::Unknown,
            OwnerPids::None => Owner::None,
        }
    }

    fn of_these(&mut self, pids: &Arc<[Pid]>, processes: &Processes) -> Owner {
        let place = pids.as_ptr().addr();
        if let Some(owner) = self.by_place.get(&place) {
            return owner.clone();
        }
        let owner = match self.known.get(pids) {
            Some(owner) => owner.clone(),
            None => self.get_to_know(pids, processes),
        };
        self.by_place.insert(place, owner.clone());
        owner
    }

    fn get_to_know(&mut self, pids: &Arc<[Pid]>, processes: &Processes) -> Owner {
        let is_same = |before: &Owner| {
            let mut records = pids.iter().filter_map(|&pid| processes.get(pid));
            let mut same = before.processes().iter();
            same.all(|one| records.next().is_some_and(|other| Arc::ptr_eq(one, other)))
                && records.next().is_none()
        };
        let before = self.before.remove(pids).filter(is_same);
        let owner = before.unwrap_or_else(|| known(pids, processes));
        self.known.insert(Arc::clone(pids), owner.clone());
        owner
    }
}

/// A process that ended since the holders were looked for is left out.
fn known(pids: &[Pid], processes: &Processes) -> Owner {
    let alive: Arc<[_]> = pids
        .iter()
        .filter_map(|&pid| processes.get(pid))
        .cloned()
        .collect();
    if alive.is_empty() {
        Owner::None
    } else {
        Owner::Known(alive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_holder_is_asked_about_once() {
        let by = |pids: &[Pid]| OwnerPids::Known(pids.into());
        let owner_pids = [by(&[3, 5]), by(&[5]), OwnerPids::None, by(&[5]), by(&[1])];
        assert_eq!(pids(&owner_pids), [1, 3, 5]);
    }
}
