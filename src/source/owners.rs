//! Turns the pids of a socket's owners into processes, in lists that sockets share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::OwnerPids;
use super::process::Processes;
use crate::model::{BuildSpread, Moment, Owner, Pid, Socket};

/// Every pid that owns something, ascending, once. Most lists are shared, so each is read once, by address.
pub(super) fn pids(owner_pids: &[OwnerPids]) -> Vec<Pid> {
    let mut addresses: HashSet<usize, BuildSpread> = HashSet::default();
    let mut pids: Vec<Pid> = Vec::new();
    for owner in owner_pids {
        if let OwnerPids::Known(list) = owner
            && addresses.insert(list.as_ptr().addr())
        {
            pids.extend(list.iter());
        }
    }
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// The owners, in the same order, with their processes updated.
pub(crate) fn owners(
    owner_pids: &[OwnerPids],
    processes: &mut Processes,
    at: Moment,
) -> Vec<Owner> {
    processes.refresh(&pids(owner_pids), at);
    let mut owners = Owners::default();
    let owner = |pids| owners.of(pids, processes);
    owner_pids.iter().map(owner).collect()
}

/// Turns pids into owners. Sockets with the same list of pids share one list of processes, which is reused in the next
/// snapshot if nothing in it changed.
#[derive(Default)]
pub(super) struct Owners {
    /// By address of the list of pids, which is kept alive so that the address is not reused.
    known: Known,
    before: Known,
}

type Known = HashMap<usize, (Arc<[Pid]>, Owner), BuildSpread>;

impl Owners {
    /// Gives each socket its owner.
    pub(super) fn assign(
        &mut self,
        sockets: &mut [Socket],
        owner_pids: &[OwnerPids],
        processes: &Processes,
    ) {
        self.before = std::mem::take(&mut self.known);
        for (socket, pids) in sockets.iter_mut().zip(owner_pids) {
            socket.owner = self.of(pids, processes);
        }
        self.before.clear();
    }

    fn of(&mut self, owner_pids: &OwnerPids, processes: &Processes) -> Owner {
        let pids = match owner_pids {
            OwnerPids::Known(pids) => pids,
            OwnerPids::Hidden => return Owner::Hidden,
            OwnerPids::Kernel => return Owner::Kernel,
            OwnerPids::Unknown => return Owner::Unknown,
            OwnerPids::None => return Owner::None,
        };
        let address = pids.as_ptr().addr();
        if let Some((_, owner)) = self.known.get(&address) {
            return owner.clone();
        }
        // A process that ended since the scan is left out.
        let alive = pids.iter().filter_map(|&pid| processes.get(pid));
        let is_unchanged = |(_, owner): &(_, Owner)| {
            let before = owner.processes().iter().map(Arc::as_ptr);
            before.eq(alive.clone().map(Arc::as_ptr))
        };
        let owner = match self.before.remove(&address).filter(is_unchanged) {
            Some((_, owner)) => owner,
            None if alive.clone().next().is_none() => Owner::None,
            None => Owner::Known(alive.cloned().collect()),
        };
        self.known
            .insert(address, (Arc::clone(pids), owner.clone()));
        owner
    }
}

/// Why a process can't be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux has it")
)]
pub(crate) enum HiddenReason {
    /// This user may not read it, root may.
    NotPermitted,
    /// Same, but no program started from here can become root (`no_new_privs`), so `sudo` fails.
    Confined,
    /// Even root can't read it without these capabilities.
    Lacking(&'static str),
    /// A security module forbids reading it, even with all capabilities.
    Forbidden,
    /// It runs outside this user namespace, whose root has no rights there.
    OtherUsers,
    /// It runs outside this pid namespace, so its pid is unknown here.
    OtherNamespace,
}

impl HiddenReason {
    /// The end of a sentence that begins with the owners; `them` is the pronoun for these.
    pub(crate) fn describe(self, them: &str) -> String {
        match self {
            Self::NotPermitted => format!("hidden: run as root to see {them}"),
            Self::Confined => format!(
                "hidden: run as root to see {them}, outside this sandbox (no_new_privs stops sudo)"
            ),
            Self::Lacking(capabilities) => {
                format!("hidden even from root: it takes {capabilities} to see {them}")
            }
            Self::Forbidden => {
                format!("hidden even from root: a security module forbids reading {them}")
            }
            Self::OtherUsers => {
                format!("outside this user namespace: run on the host as root to see {them}")
            }
            Self::OtherNamespace => {
                format!("outside this pid namespace: run on the host to see {them}")
            }
        }
    }

    /// The end of a phrase such as "2 owners hidden": what would show them, or what hides them.
    pub(crate) fn brief(self) -> String {
        let remedy = match self {
            Self::NotPermitted => "run with sudo",
            Self::Confined => "run as root, outside this sandbox",
            Self::Lacking(capabilities) => capabilities,
            Self::Forbidden => return "hidden by a security module".to_owned(),
            Self::OtherUsers | Self::OtherNamespace => "outside this container",
        };
        format!("hidden ({remedy})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_owner_is_listed_once() {
        let by = |pids: &[Pid]| OwnerPids::Known(pids.into());
        let owner_pids = [by(&[3, 5]), by(&[5]), OwnerPids::None, by(&[5]), by(&[1])];
        assert_eq!(pids(&owner_pids), [1, 3, 5]);
    }
}
