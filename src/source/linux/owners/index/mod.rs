//! The owners of every socket, from an index that is kept from one snapshot to the next.
//!
//! A known inode costs a hash lookup. A new one is searched where it most likely is (see `new_sockets`), and one
//! without an owner again at growing intervals. A sweep checks each process about every ten seconds and scans it if it
//! ran: that finds changes by forks and passed or closed descriptors, which don't change the table. The total cost is
//! limited: see [`ScanBudget`].

mod new_sockets;
mod processes;
mod sweep;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rustix::io;

use self::processes::ProcessIndex;
use self::sweep::{ScanBudget, Sweep};
use crate::model::{BuildSpread, Moment, Pid, RefreshTimings, Socket};
use crate::source::linux::owners::Descriptor;
use crate::source::linux::owners::procfs::{LiveProcfs, Procfs};
use crate::source::linux::proc::descriptor_limit::Shortage;
use crate::source::{HiddenReason, OwnerPids};

/// Inodes of sockets; the kernel numbers them one after the other.
type Inodes = HashSet<u32, BuildSpread>;

/// The cost of scanning a process besides its descriptors: opening and reading their list.
const PROCESS_COST: u64 = 4;

/// How much one snapshot may scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanExtent {
    /// What the budget allows; the next snapshot continues.
    Bounded,
    /// Everything: there is no next snapshot.
    Complete,
}

/// When to search again for a socket that no process was found to have.
#[derive(Clone, Copy, Default)]
struct RetryBackoff {
    /// How often in a row no owner was found.
    misses: u32,
    /// How many snapshots to skip before the next search.
    skip: u32,
    /// Whether the last search ended before it had read every process.
    is_unfinished: bool,
}

pub(crate) struct OwnerIndex<P: Procfs = LiveProcfs> {
    procfs: P,
    processes: ProcessIndex<P::Clock>,
    ownerless: HashMap<u32, RetryBackoff, BuildSpread>,
    sweep: Sweep,
    search_budget: ScanBudget,
    sweep_budget: ScanBudget,
    updated_at: Option<Moment>,
    /// Whether there was a snapshot before the last one.
    is_later: bool,
    /// Why the last scan could not read processes.
    error: Option<io::Errno>,
    /// How much was read since it was last taken.
    stats: RefreshTimings,
    /// What scans came across besides the owners.
    by_products: Option<ByProducts>,
}

/// What scans come across besides the owners, for finding network namespaces.
#[derive(Default)]
pub(crate) struct ByProducts {
    /// The number of each network namespace that a process keeps by a descriptor, with the descriptor's number.
    pub(crate) networks: HashMap<Pid, Vec<(u64, u32)>>,
    /// Whether these have changed since this was last set to false.
    pub(crate) have_networks_changed: bool,
    /// Whether every process was scanned once.
    pub(crate) is_first_scan_over: bool,
    /// The inodes and descriptors of sockets, of the processes that were scanned since these were last taken.
    pub(crate) sockets: Vec<(u32, Descriptor)>,
}

/// The most sockets that are kept until they are taken.
const MOST_SOCKETS: usize = 1 << 20;

impl ByProducts {
    fn add(&mut self, pid: Pid, networks: Vec<(u64, u32)>, sockets: &[(u32, u32)]) {
        let known = self.networks.get(&pid).map_or(&[][..], |known| known);
        if networks != known {
            self.have_networks_changed = true;
            if networks.is_empty() {
                self.networks.remove(&pid);
            } else {
                self.networks.insert(pid, networks);
            }
        }
        let room = MOST_SOCKETS.saturating_sub(self.sockets.len());
        let sockets = sockets.iter().take(room);
        self.sockets
            .extend(sockets.map(|&(inode, number)| (inode, Descriptor { pid, number })));
    }

    fn forget(&mut self, pid: Pid) {
        self.have_networks_changed |= self.networks.remove(&pid).is_some();
    }
}

impl<P: Procfs + Default> Default for OwnerIndex<P> {
    fn default() -> Self {
        Self {
            procfs: P::default(),
            processes: ProcessIndex::default(),
            ownerless: HashMap::default(),
            sweep: Sweep::default(),
            search_budget: ScanBudget::SEARCH,
            sweep_budget: ScanBudget::SWEEP,
            updated_at: None,
            is_later: false,
            error: None,
            stats: RefreshTimings::default(),
            by_products: None,
        }
    }
}

impl<P: Procfs> OwnerIndex<P> {
    /// Updates the index for a snapshot and returns the owners of its sockets, in their order. The error says that
    /// `/proc` can't be read: owners that are not known are hidden then.
    pub(crate) fn owners(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        extent: ScanExtent,
    ) -> (Vec<OwnerPids>, io::Result<()>) {
        let elapsed = self.updated_at.map_or(Duration::ZERO, |last| last.age(at));
        self.is_later = self.updated_at.is_some();
        self.updated_at = Some(at);
        self.search_budget.refill(elapsed);
        self.sweep_budget.refill(elapsed);
        let (mut owners, mut wanted) = self.known_owners(sockets);
        let stats = self.stats;
        self.error = None;
        let outcome = self.scan(sockets, &mut wanted, (at, elapsed), extent);
        // If one process can't be read, still read the others.
        let outcome = outcome.and_then(|is_over| self.error.map_or(Ok(is_over), Err));
        self.error = outcome.err();
        let processes = &self.processes;
        if let Ok(is_over) = outcome {
            self.ownerless
                .retain(|&inode, _| processes.owners(inode).is_none());
            for inode in &wanted {
                if let Some(backoff) = self.ownerless.get_mut(inode) {
                    backoff.is_unfinished = !is_over;
                    if is_over {
                        // The second search is at once, later ones after 1, 2, 4, … snapshots.
                        let skip = backoff.misses.checked_sub(1);
                        backoff.skip = skip.map_or(0, |exponent| 1 << exponent.min(16));
                        backoff.misses = backoff.misses.saturating_add(1);
                    }
                }
            }
        }
        let has_scanned = self.stats != stats;
        for (socket, owner) in sockets.iter().zip(&mut owners) {
            if has_scanned || *owner == OwnerPids::Unknown {
                let inode = socket.inode;
                *owner = inode.map_or(OwnerPids::None, |inode| self.owner(inode));
            }
        }
        (owners, outcome.map(drop))
    }

    /// The known owners of each socket, and the inodes without an owner that are due for a search. Drops inodes that
    /// are gone from the table.
    fn known_owners(&mut self, sockets: &[Socket]) -> (Vec<OwnerPids>, Inodes) {
        let mut before = std::mem::take(&mut self.ownerless);
        let mut wanted = Inodes::default();
        let mut known = |socket: &Socket| {
            let Some(inode) = socket.inode else {
                return OwnerPids::None;
            };
            if let Some(pids) = self.processes.owners(inode) {
                return OwnerPids::Known(Arc::clone(pids));
            }
            let mut backoff = before.remove(&inode).unwrap_or_default();
            if backoff.skip == 0 {
                wanted.insert(inode);
            }
            backoff.skip = backoff.skip.saturating_sub(1);
            self.ownerless.insert(inode, backoff);
            OwnerPids::Unknown
        };
        (sockets.iter().map(&mut known).collect(), wanted)
    }

    /// Scans due processes. Returns whether all processes that may have wanted sockets were scanned.
    fn scan(
        &mut self,
        sockets: &[Socket],
        wanted: &mut Inodes,
        (at, elapsed): (Moment, Duration),
        extent: ScanExtent,
    ) -> io::Result<bool> {
        // Other namespaces may be found although this one has no socket.
        let is_wanted = !wanted.is_empty() || self.by_products.is_some();
        let is_beginning = self.sweep.began_at.is_none() && is_wanted;
        if is_beginning {
            self.begin_sweep(at)?;
        }
        if self.sweep.is_first {
            self.first_sweep_step(wanted, extent);
        }
        let is_over = !self.sweep.is_first
            && (is_beginning || wanted.is_empty() || self.search(sockets, wanted, extent)?);
        if !self.sweep.is_first {
            self.sweep_step(wanted, elapsed, at)?;
        }
        Ok(is_over)
    }

    /// Scans a process and removes its sockets from `wanted`; returns the cost in descriptors.
    fn scan_process(&mut self, pid: Pid, wanted: &mut Inodes) -> u64 {
        let clock = self.procfs.clock(pid);
        self.stats.searched += 1;
        let read = match self.procfs.read(pid) {
            Ok(Some(read)) => read,
            Ok(None) => {
                self.processes.forget(pid);
                if let Some(found) = &mut self.by_products {
                    found.forget(pid);
                }
                return PROCESS_COST;
            }
            Err(error) => {
                self.error = Some(error);
                return PROCESS_COST;
            }
        };
        self.stats.files += read.descriptors;
        if let Some(found) = &mut self.by_products {
            let sockets = read.sockets.as_deref().unwrap_or_default();
            found.add(pid, read.networks, sockets);
        }
        let inodes = match read.sockets {
            Some(sockets) => {
                let mut inodes: Vec<u32> = sockets.into_iter().map(|(inode, _)| inode).collect();
                inodes.sort_unstable();
                inodes.dedup();
                Some(inodes)
            }
            None => (!self.procfs.may_have_sockets_here(pid)).then(Vec::new),
        };
        let inodes = self.processes.record(pid, clock, inodes, read.descriptors);
        if !wanted.is_empty() {
            for inode in inodes {
                wanted.remove(inode);
            }
        }
        read.descriptors + PROCESS_COST
    }

    /// The owner of an inode, as far as is known.
    fn owner(&self, inode: u32) -> OwnerPids {
        if let Some(pids) = self.processes.owners(inode) {
            return OwnerPids::Known(Arc::clone(pids));
        }
        // This process may have no descriptor left to read others with.
        let is_short = self.error.and_then(Shortage::of).is_some();
        match self.ownerless.get(&inode) {
            Some(backoff) if !backoff.is_unfinished && !is_short => {
                let hidden = self.hidden_reason();
                // Sockets of the first snapshot without a visible owner mostly belong to processes outside, and stay
                // so.
                let is_certain = backoff.misses > 1 || hidden.is_some() && !self.is_later;
                OwnerPids::not_found(hidden, is_certain)
            }
            // If a scan just found its last owner without it, the next snapshot searches for another.
            _ => OwnerPids::Unknown,
        }
    }

    /// Whether the first sweep is unfinished and sockets have no owner yet: the next snapshot continues it. After an
    /// error a retry is not urgent.
    pub(crate) fn is_in_first_sweep(&self) -> bool {
        self.error.is_none()
            && self.sweep.is_first
            && self.ownerless.values().any(|backoff| backoff.is_unfinished)
    }

    /// Why owners may be hidden.
    pub(crate) fn hidden_reason(&self) -> Option<HiddenReason> {
        if self.error.is_some() {
            return Some(HiddenReason::NotPermitted);
        }
        let is_refused = self.processes.has_unreadable();
        self.procfs.hidden_reason(is_refused)
    }

    /// Removes processes that have ended. Whether that left a socket without an owner.
    pub(crate) fn forget(&mut self, ended: &[Pid]) -> bool {
        let mut is_any_lost = false;
        for &pid in ended {
            is_any_lost |= self.processes.forget(pid);
            if let Some(found) = &mut self.by_products {
                found.forget(pid);
            }
        }
        is_any_lost
    }

    pub(crate) fn by_products(&mut self) -> Option<&mut ByProducts> {
        let is_first_scan_over = self.sweep.began_at.is_some() && !self.sweep.is_first;
        let found = self.by_products.as_mut()?;
        found.is_first_scan_over = is_first_scan_over;
        Some(found)
    }

    /// A process that has this socket, as far as is known.
    pub(crate) fn process_with(&self, inode: u32) -> Option<Pid> {
        self.processes.owners(inode)?.first().copied()
    }

    pub(crate) fn take_stats(&mut self) -> RefreshTimings {
        std::mem::take(&mut self.stats)
    }
}

impl OwnerIndex {
    /// The sockets are those of all network namespaces: keeps what scans come across besides the owners.
    pub(crate) fn set_all_networks(&mut self) {
        self.procfs.has_all_networks = true;
        self.by_products.get_or_insert_default();
    }
}

#[cfg(test)]
mod tests;
