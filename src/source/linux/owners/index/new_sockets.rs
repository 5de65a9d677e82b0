//! The order in which processes are scanned for new sockets.

use std::collections::HashSet;

use rustix::io;

use super::processes::Record;
use super::{Inodes, OwnerIndex, ScanExtent};
use crate::model::{Pid, Protocol, Socket, State};
use crate::source::linux::owners::procfs::Procfs;

/// When a scan ends, besides at the end of its budget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    AllFound,
    EveryProcess,
}

impl<P: Procfs> OwnerIndex<P> {
    /// Searches for new sockets. Whether it came to an end.
    ///
    /// First in processes that listen on the port of a new connection; then in all new processes, as they have few
    /// descriptors and mostly own a new listener, and in the parents of those that have one; then in those with
    /// sockets, then in the others. Processes too large for the rest of the budget come last: otherwise they would use
    /// all of it for every snapshot as long as they run, and the sockets of others would never be found.
    pub(super) fn search(
        &mut self,
        sockets: &[Socket],
        wanted: &mut Inodes,
        extent: ScanExtent,
    ) -> io::Result<bool> {
        // The owners of listeners on ports of wanted sockets.
        let is_wanted =
            |socket: &&Socket| socket.inode.is_some_and(|inode| wanted.contains(&inode));
        let port = |socket: &Socket| (socket.protocol, socket.local.port);
        let ports: HashSet<(Protocol, u16)> = sockets.iter().filter(is_wanted).map(port).collect();
        let is_listener =
            |socket: &&Socket| socket.state == State::Listen && ports.contains(&port(socket));
        let inodes = sockets
            .iter()
            .filter(is_listener)
            .filter_map(|socket| socket.inode);
        let owners = inodes.filter_map(|inode| self.processes.owners(inode));
        let listeners: HashSet<Pid> = owners.flat_map(|pids| pids.iter().copied()).collect();
        let (near, _) = self.by_size(listeners, extent);
        let is_over = self.scan_in_order(&near, wanted, extent, Until::AllFound);
        if wanted.is_empty() || !is_over {
            return Ok(is_over);
        }
        let pids = self.procfs.open()?.into_iter();
        let (mut new, known): (Vec<Pid>, Vec<Pid>) =
            pids.partition(|&pid| self.processes.get(pid).is_none());
        // The youngest first.
        new.sort_unstable_by(|one, other| other.cmp(one));
        let searched = wanted.clone();
        // Its siblings and its parent mostly have the same sockets, so scan all of them in any case.
        self.scan_in_order(&new, wanted, extent, Until::EveryProcess);
        let is_owner = |record: &Record<_>| record.sockets().iter().any(|it| searched.contains(it));
        let is_owner = |pid: &&Pid| self.processes.get(**pid).is_some_and(is_owner);
        let owners = new.iter().filter(is_owner);
        let parents: HashSet<Pid> = owners.filter_map(|&pid| self.procfs.parent(pid)).collect();
        let (parents, _) = self.by_size(parents, extent);
        self.scan_in_order(&parents, wanted, ScanExtent::Complete, Until::EveryProcess);
        let (mut rest, large) = self.by_size(known, extent);
        rest.retain(|pid| !near.contains(pid));
        rest.extend(large);
        Ok(self.scan_in_order(&rest, wanted, extent, Until::AllFound))
    }

    /// Scans these processes; whether it came to the end.
    fn scan_in_order(
        &mut self,
        pids: &[Pid],
        wanted: &mut Inodes,
        extent: ScanExtent,
        until: Until,
    ) -> bool {
        for &pid in pids {
            if until == Until::AllFound && wanted.is_empty() {
                return true;
            }
            if extent == ScanExtent::Bounded && self.search_budget.is_spent() {
                return false;
            }
            let cost = self.scan_process(pid, wanted);
            self.search_budget.spend(cost);
        }
        true
    }

    /// Those of these processes that may have new sockets, the fewest descriptors first: those within the budget, with
    /// sockets before without, and apart from them the larger ones.
    fn by_size(
        &self,
        pids: impl IntoIterator<Item = Pid>,
        extent: ScanExtent,
    ) -> (Vec<Pid>, Vec<Pid>) {
        let record = |pid| self.processes.get(pid);
        // Whether it is readable and may have new descriptors since its scan. A complete scan trusts no clock: that of a
        // process on another processor is a tick late.
        let may_have_more = |record: &Record<P::Clock>| {
            let is_complete = extent == ScanExtent::Complete;
            record.sockets.is_some() && (is_complete || !self.procfs.is_idle_since(&record.clock))
        };
        let size = |pid| record(pid).map_or(0, |record| record.descriptors);
        let has_none = |pid| record(pid).is_none_or(|record| record.sockets().is_empty());
        let left = self.search_budget.left();
        let pids = pids.into_iter();
        let (mut small, mut large): (Vec<Pid>, Vec<Pid>) = pids
            .filter(|&pid| record(pid).is_some_and(may_have_more))
            .partition(|&pid| size(pid) < left);
        small.sort_unstable_by_key(|&pid| (has_none(pid), size(pid), pid));
        large.sort_unstable_by_key(|&pid| (size(pid), pid));
        (small, large)
    }
}
