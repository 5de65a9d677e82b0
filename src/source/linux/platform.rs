//! Linux as a source of snapshots.

use std::collections::HashSet;

use super::attribution::Attribution;
use super::destroyed::{Drained, Listener};
use super::namespaces::Namespaces;
use super::netlink::Extras;
use super::owners::index::{OwnerIndex, ScanExtent};
use super::owners::search::in_descriptor_tables;
use super::owners::{Hints, Owners, accept_queue};
use super::proc::descriptor_limit;
use super::table::Table;
use super::{ephemeral, families, problems};
use crate::model::{
    ClosedSocket, Counted, EphemeralPorts, Kinds, LostCloses, Moment, NamespaceId, Pid, Problem,
    RefreshTimings, Socket,
};
use crate::source::{HiddenReason, OwnerPids};

/// Up to this number of sockets, owners are found by a search instead of the index.
const FEW: usize = 64;

/// Whether a snapshot is followed by others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FollowedBy {
    /// It was requested by itself, so it waits for what is read in the background.
    None,
    #[default]
    Others,
}

/// The sockets of this machine and their owners.
#[derive(Default)]
pub(crate) struct Platform {
    table: Table,
    index: OwnerIndex,
    /// The other network namespaces, if they are read.
    namespaces: Option<Namespaces>,
    /// The reports of closed sockets, if they are read and the kernel has them.
    closes: Option<Listener>,
    drained: Drained,
    /// The trace by which their processes are known, if it was requested.
    attribution: Option<Attribution>,
    ephemeral: ephemeral::Settings,
    /// The kinds of sockets that are read.
    kinds: Kinds,
    /// What is read of each TCP and UDP socket.
    extras: Extras,
    /// Why owners may be hidden, by the last scan.
    hidden: Option<HiddenReason>,
    /// The sockets for which the last search found no owner.
    missed: HashSet<u32>,
    /// The cost of searches.
    stats: RefreshTimings,
    /// Whether to show the next snapshot before its owners are complete.
    partial_owners_first: bool,
    followed_by: FollowedBy,
    /// Whether the last search for owners came across another namespace.
    has_new_namespaces: bool,
    /// Whether the last scan ran out of file descriptors.
    is_short: bool,
}

impl crate::source::platform::Platform for Platform {
    fn sockets(&mut self, at: Moment, ages: bool, problems: &mut Vec<Problem>) -> Vec<Socket> {
        let is_complete = !self.partial_owners_first;
        let extras = Extras {
            ages,
            ..self.extras
        };
        let (others, index) = (&mut self.namespaces, &self.index);
        let closes = self.closes.as_ref();
        let mut sockets = self.table.read(at, extras, problems, || {
            let others = others.as_mut();
            let process_with = |inode| index.process_with(inode);
            let everywhere = closes.and_then(Listener::everywhere);
            let read =
                others.map(|all| all.read((at, extras, is_complete), &process_with, everywhere));
            read.unwrap_or_default()
        });
        if !self.kinds.optional().is_empty() {
            sockets.extend(families::read(self.kinds, problems));
        }
        sockets
    }

    fn set_kinds(&mut self, kinds: Kinds) {
        self.kinds = kinds;
    }

    fn set_counters(&mut self, has_counters: bool) {
        self.extras.counters = has_counters;
    }

    fn take_counters(&mut self) -> Vec<Counted> {
        let mut counters = self.table.take_counters();
        let others = self.namespaces.as_mut();
        counters.extend(others.into_iter().flat_map(Namespaces::take_counters));
        counters
    }

    fn set_all_namespaces(&mut self) {
        self.namespaces = Some(Namespaces::default());
        self.index.set_all_networks();
        self.listen_everywhere();
    }

    fn set_closes(&mut self, is_on: bool) {
        if is_on != self.closes.is_some() {
            self.closes = is_on.then(Listener::start).and_then(Result::ok);
        }
        self.listen_everywhere();
    }

    fn start_trace(&mut self) -> Result<(), String> {
        if self.attribution.is_none() {
            let attribution = Attribution::start().map_err(|error| error.to_string())?;
            self.attribution = Some(attribution);
        }
        Ok(())
    }

    fn take_trace_losses(&mut self) -> u64 {
        let attribution = self.attribution.as_mut();
        attribution.map_or(0, Attribution::take_losses)
    }

    fn drain_closed(&mut self) {
        self.drained = self
            .closes
            .as_ref()
            .map(Listener::drain)
            .unwrap_or_default();
    }

    fn take_closed(&mut self, dump: &[Socket], at: Moment) -> (Vec<ClosedSocket>, LostCloses) {
        let drained = std::mem::take(&mut self.drained);
        let namespaces = self.namespaces.as_ref();
        let namespace = |number| namespaces.and_then(|all| all.of_reports(number));
        let closed = self.closes.as_mut();
        let closed = closed.map(|all| all.closed(drained, (dump, at), namespace));
        let mut closed = closed.unwrap_or_default();
        if let Some(attribution) = &mut self.attribution {
            attribution.assign(&mut closed.0);
        }
        closed
    }

    fn describe(&mut self, sockets: &mut Vec<Socket>, at: Moment) {
        if let Some(namespaces) = &mut self.namespaces {
            let is_single = self.followed_by == FollowedBy::None;
            namespaces.publish(sockets, at, is_single);
            namespaces.name_containers(sockets, at);
        }
    }

    fn take_has_new_namespaces(&mut self) -> bool {
        std::mem::take(&mut self.has_new_namespaces)
    }

    fn take_late_namespaces(&mut self) -> Vec<NamespaceId> {
        let namespaces = self.namespaces.as_mut();
        namespaces.map(Namespaces::take_late).unwrap_or_default()
    }

    fn namespace_problem(&self, hidden_owners: usize) -> Option<Problem> {
        self.namespaces.as_ref()?.problem(hidden_owners)
    }

    fn ephemeral(&mut self, at: Moment) -> Option<EphemeralPorts> {
        self.ephemeral.at(at)
    }

    fn set_partial_owners_first(&mut self) {
        self.partial_owners_first = true;
    }

    fn owner_pids(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        self.followed_by = FollowedBy::Others;
        if self.check_descriptors(problems) {
            return unknown_owners(sockets);
        }
        let extent = if self.partial_owners_first {
            ScanExtent::Bounded
        } else {
            ScanExtent::Complete
        };
        self.indexed_owners(sockets, at, extent, problems)
    }

    fn requested_owner_pids(
        &mut self,
        sockets: &[Socket],
        is_wanted: &[bool],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        self.followed_by = if self.partial_owners_first {
            FollowedBy::Others
        } else {
            FollowedBy::None
        };
        if self.check_descriptors(problems) {
            return unknown_owners(sockets);
        }
        let wanted = (0..sockets.len()).filter(|&row| is_wanted.get(row) == Some(&true));
        let inodes = wanted.clone().filter_map(|row| sockets[row].inode);
        let inodes: HashSet<u32> = inodes.collect();
        if inodes.len() > FEW || self.namespaces.is_some() {
            return self.indexed_owners(sockets, at, ScanExtent::Complete, problems);
        }
        let hints = Hints {
            pids: self.table.members(wanted.clone()).collect(),
            uids: wanted.filter_map(|row| sockets[row].uid).collect(),
        };
        if inodes.is_empty() {
            return vec![OwnerPids::None; sockets.len()];
        }
        let found = in_descriptor_tables(&inodes, &hints).unwrap_or_else(|error| {
            problems.push(problems::processes(error));
            Owners::unreadable(error)
        });
        if found.is_short {
            return unknown_owners(sockets);
        }
        self.hidden = found.hidden;
        self.stats = self.stats + found.stats;
        let of_inode = |inode: u32| match found.pids(inode) {
            Some(pids) => OwnerPids::Known(pids),
            None if !inodes.contains(&inode) => OwnerPids::Unknown,
            None => OwnerPids::not_found(found.hidden, self.missed.contains(&inode)),
        };
        let owner = |socket: &Socket| socket.inode.map_or(OwnerPids::None, of_inode);
        let mut owners: Vec<_> = sockets.iter().map(owner).collect();
        accept_queue::assign(sockets, &mut owners);
        let is_missed = |inode: &u32| found.pids(*inode).is_none();
        self.missed = inodes.iter().copied().filter(is_missed).collect();
        owners
    }

    fn hidden_reason(&self) -> Option<HiddenReason> {
        self.hidden
    }

    fn forget(&mut self, ended: &[Pid]) -> bool {
        self.index.forget(ended)
    }

    fn has_unscanned_processes(&self) -> bool {
        !self.is_short && self.index.is_in_first_sweep()
    }

    fn take_scan_stats(&mut self) -> RefreshTimings {
        std::mem::take(&mut self.stats) + self.index.take_stats()
    }
}

impl Platform {
    fn listen_everywhere(&mut self) {
        if let (Some(closes), Some(_)) = (&mut self.closes, &self.namespaces) {
            closes.listen_everywhere();
        }
    }

    fn indexed_owners(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        extent: ScanExtent,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        let (mut owners, outcome) = self.index.owners(sockets, at, extent);
        problems.extend(outcome.err().map(problems::processes));
        self.hidden = self.index.hidden_reason();
        accept_queue::assign(sockets, &mut owners);
        if let (Some(namespaces), Some(found)) = (&mut self.namespaces, self.index.by_products()) {
            let is_complete = extent == ScanExtent::Complete;
            self.has_new_namespaces |= namespaces.learn(found, sockets, at, is_complete);
        }
        owners
    }

    /// Whether file descriptors ran out before the scan; if so, adds a problem.
    fn check_descriptors(&mut self, problems: &mut Vec<Problem>) -> bool {
        let shortage = descriptor_limit::check().err();
        problems.extend(shortage.map(problems::no_descriptors));
        self.is_short = shortage.is_some();
        self.is_short
    }
}

/// No process was scanned, so the known owners are kept.
fn unknown_owners(sockets: &[Socket]) -> Vec<OwnerPids> {
    let owner = |inode: Option<u32>| inode.map_or(OwnerPids::None, |_| OwnerPids::Unknown);
    sockets.iter().map(|socket| owner(socket.inode)).collect()
}
