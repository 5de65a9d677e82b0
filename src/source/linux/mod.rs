//! The sockets of Linux: the table, their owners, units and containers.
//!
//! `netlink` reads the table, `/proc/PID/fd` says which processes have an inode, the cgroup tree says which unit or
//! container it belongs to.

pub(crate) mod background;
pub(crate) mod cgroup;
pub(crate) mod ephemeral;
mod families;
pub(crate) mod netlink;
pub(crate) mod owners;
pub(crate) mod placement;
pub(crate) mod problems;
pub(crate) mod proc;
pub(super) mod process_handle;
mod table;
pub(crate) mod tools;

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;

use rustix::net::netdevice::index_to_name;
use rustix::net::{AddressFamily, SocketType, socket};

use self::owners::index::{OwnerIndex, ScanExtent};
use self::owners::{Hints, Owners, accept_queue};
use self::proc::descriptor_limit::Shortage;
use self::table::Table;
use super::{HiddenReason, OwnerPids, ScanStats};
use crate::model::{EphemeralPorts, Kinds, Moment, Pid, Problem, Socket, Text};

// What other rooms use.
pub(crate) use self::families::unix_table;
pub(crate) use self::netlink as sock_diag;
pub(crate) use self::owners::accept_queue as accept;
pub(crate) use self::proc::{
    descriptor_limit, descriptor_limit as room, net as proc_net, rights, scan,
};
pub(super) use self::process_handle as pinned;

/// Until the renames.
pub(crate) mod search {
    pub(crate) use super::owners::search::*;
    pub(crate) mod seek {
        pub(crate) use super::{Descriptor, Hints};
    }
}

/// Until the renames.
pub(crate) mod detail {
    pub(crate) use super::netlink::InetRow;
}

/// Up to this number of sockets, owners are found by a search instead of the index.
const FEW: usize = 64;

/// The sockets of this machine and the processes that have them.
#[derive(Default)]
pub(super) struct Platform {
    table: Table,
    index: OwnerIndex,
    ephemeral: ephemeral::Settings,
    /// The kinds of sockets that are read.
    kinds: Kinds,
    /// Why owners may be hidden, by the last scan.
    hidden: Option<HiddenReason>,
    /// The sockets that the last search found no owner of.
    missed: HashSet<u32>,
    /// The cost of searches.
    stats: ScanStats,
    /// Whether the next snapshot is more urgent than the owners in it.
    partial_owners_first: bool,
    /// Whether the last scan had no descriptor left to read processes with.
    is_short: bool,
}

impl Platform {
    /// Reads the table and everything about its sockets except their owners. With `ages`, how old connections are.
    pub(super) fn sockets(
        &mut self,
        at: Moment,
        ages: bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Socket> {
        let mut sockets = self.table.read(at, ages, problems);
        if !self.kinds.optional().is_empty() {
            sockets.extend(families::read(self.kinds, problems));
        }
        sockets
    }

    /// Reads these kinds of sockets from now on, TCP and UDP in any case.
    pub(super) const fn set_kinds(&mut self, kinds: Kinds) {
        self.kinds = kinds;
    }

    /// The ports that outgoing connections get.
    pub(super) fn ephemeral(&mut self, at: Moment) -> Option<EphemeralPorts> {
        self.ephemeral.at(at)
    }

    /// The table is shown without waiting for owners: later snapshots complete them.
    pub(super) const fn set_partial_owners_first(&mut self) {
        self.partial_owners_first = true;
    }

    /// The owners of each socket, in their order. The first time all are found, unless partial owners are wanted first;
    /// later as many as one snapshot of a series can find.
    pub(super) fn owner_pids(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
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

    /// The owners of each wanted socket that can be found, and of the others what is known, in their order.
    pub(super) fn requested_owner_pids(
        &mut self,
        sockets: &[Socket],
        is_wanted: &[bool],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        if self.check_descriptors(problems) {
            return unknown_owners(sockets);
        }
        let wanted = (0..sockets.len()).filter(|&row| is_wanted.get(row) == Some(&true));
        let inodes = wanted.clone().filter_map(|row| sockets[row].inode);
        let inodes: HashSet<u32> = inodes.collect();
        if inodes.len() > FEW {
            return self.indexed_owners(sockets, at, ScanExtent::Complete, problems);
        }
        let hints = Hints {
            pids: self.table.members(wanted.clone()).collect(),
            uids: wanted.filter_map(|row| sockets[row].uid).collect(),
        };
        self.searched_owners(sockets, &inodes, &hints, problems)
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
        owners
    }

    /// Searches for the owners of these few inodes.
    fn searched_owners(
        &mut self,
        sockets: &[Socket],
        inodes: &HashSet<u32>,
        hints: &Hints,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        if inodes.is_empty() {
            return vec![OwnerPids::None; sockets.len()];
        }
        let found = match Owners::in_descriptor_tables(inodes, hints) {
            Ok(found) => found,
            Err(error) => {
                problems.push(problems::processes(error));
                if Shortage::of(error).is_some() {
                    return unknown_owners(sockets);
                }
                Owners::unreadable(error)
            }
        };
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

    /// Why owners may be hidden.
    pub(super) const fn hidden_reason(&self) -> Option<HiddenReason> {
        self.hidden
    }

    /// Removes processes that have ended. Whether a socket lost its last owner, so that it is worth finding its owners
    /// again.
    pub(super) fn forget(&mut self, ended: &[Pid]) -> bool {
        self.index.forget(ended)
    }

    /// Whether the next snapshot should follow at once, as it continues the scan of this one. Without a descriptor it
    /// would get no further.
    pub(super) fn has_unscanned_processes(&self) -> bool {
        !self.is_short && self.index.is_in_first_sweep()
    }

    /// Whether no descriptor is left to read processes with, which is a problem.
    fn check_descriptors(&mut self, problems: &mut Vec<Problem>) -> bool {
        let shortage = descriptor_limit::check().err();
        problems.extend(shortage.map(problems::no_descriptors));
        self.is_short = shortage.is_some();
        self.is_short
    }

    /// What was scanned since the last call.
    pub(super) fn take_scan_stats(&mut self) -> ScanStats {
        std::mem::take(&mut self.stats) + self.index.take_stats()
    }
}

/// No process was scanned. What was known before stays.
fn unknown_owners(sockets: &[Socket]) -> Vec<OwnerPids> {
    let owner = |socket: &Socket| match socket.inode {
        Some(_) => OwnerPids::Unknown,
        None => OwnerPids::None,
    };
    sockets.iter().map(owner).collect()
}

/// Names of interfaces, for one reading: an interface can be renamed and its index reused.
/// `/sys/class/net` would show those of the namespace that `/sys` was mounted in.
#[derive(Default)]
pub(crate) struct Interfaces {
    socket: Option<OwnedFd>,
    names: HashMap<u32, Text>,
}

impl Interfaces {
    /// The name, or `#4` where it can't be had or is no text: without one the socket would seem to be
    /// on all interfaces.
    pub(crate) fn name(&mut self, index: u32) -> Text {
        if self.socket.is_none() {
            self.socket = socket(AddressFamily::INET, SocketType::DGRAM, None).ok();
        }
        let look_up = || {
            let name = self.socket.as_ref().map(|it| index_to_name(it, index));
            let name = name.and_then(Result::ok);
            Text::new(&name.unwrap_or_else(|| format!("#{index}")))
        };
        self.names.entry(index).or_insert_with(look_up).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_whose_name_cannot_be_had_goes_by_its_number() {
        let mut interfaces = Interfaces::default();
        assert_eq!(&*interfaces.name(1), "lo");
        assert_eq!(&*interfaces.name(2_000_000_000), "#2000000000");
    }
}
