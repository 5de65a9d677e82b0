//! How Linux tells of sockets: the table, their holders by inode, units and containers.
//!
//! `sock_diag` has the table, `/proc/PID/fd` says who holds an inode, the cgroup tree says which unit
//! or container it is.

mod accept;
mod age;
pub(super) mod background;
mod bound;
mod cgroup;
mod detail;
mod dump;
mod ephemeral;
mod families;
mod holders;
mod opening;
pub(super) mod pinned;
mod placement;
pub(super) mod port;
mod problems;
mod proc_net;
mod rights;
mod room;
mod scan;
mod sock_diag;
mod table;
pub(super) mod tools;
mod unix_table;

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;

use rustix::net::netdevice::index_to_name;
use rustix::net::{AddressFamily, SocketType, socket};

use self::holders::{Effort, Holders};
use self::port::seek::{self, Hints};
use self::room::Shortage;
use self::table::Table;
use super::{HiddenReason, OwnerPids, ScanStats};
use crate::model::{EphemeralPorts, Kinds, Moment, Pid, Problem, Socket, Text};

/// For no more sockets than this their owners alone are looked for.
const FEW: usize = 64;

/// This machine's sockets and who holds them.
#[derive(Default)]
pub(super) struct Platform {
    table: Table,
    holders: Holders,
    ephemeral: ephemeral::Settings,
    /// The kinds of sockets that are read.
    kinds: Kinds,
    /// Why holders may be hidden, where they were not looked for through the index.
    hidden_reason: Option<HiddenReason>,
    /// What nobody was found to hold when its holders were last looked for like that.
    missed: HashSet<u32>,
    /// What was looked at then.
    looks: Looks,
    /// Whether somebody waits for the next reading more than for all owners in it.
    partial_owners_first: bool,
    /// Whether the last reading had no descriptor to look at processes with.
    is_short: bool,
}

impl Platform {
    /// Reads the table and everything about its sockets but their holders.
    /// With `ages`, how old connections are.
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

    /// The table is shown before its owners: let them come when they are found.
    pub(super) const fn set_partial_owners_first(&mut self) {
        self.partial_owners_first = true;
    }

    /// Who holds each of the sockets, in their order. The first time everybody is found, unless there
    /// is haste; later as far as one reading of many can find out.
    pub(super) fn owner_pids(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        if self.is_short(problems) {
            return unknown(sockets);
        }
        let effort = if self.partial_owners_first {
            Effort::Bounded
        } else {
            Effort::Whole
        };
        self.indexed(sockets, at, effort, problems)
    }

    /// Who holds each of the sockets that are wanted, in their order; for the others what is known.
    /// Leaves nothing out that can be found.
    pub(super) fn requested_owner_pids(
        &mut self,
        sockets: &[Socket],
        is_wanted: &[bool],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        let wanted = (0..sockets.len()).filter(|&row| is_wanted.get(row) == Some(&true));
        let inodes: HashSet<u32> = wanted
            .clone()
            .filter_map(|row| sockets[row].inode)
            .collect();
        if self.is_short(problems) {
            return unknown(sockets);
        }
        if inodes.len() > FEW {
            return self.indexed(sockets, at, Effort::Whole, problems);
        }
        let hints = Hints {
            pids: self.table.members(wanted.clone()).collect(),
            uids: wanted.filter_map(|row| sockets[row].uid).collect(),
        };
        self.sought(sockets, &inodes, &hints, problems)
    }

    fn indexed(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        effort: Effort,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        let (mut owner_pids, outcome) = self.holders.owner_pids(sockets, at, effort);
        if let Err(error) = outcome {
            problems.push(problems::processes(error));
        }
        self.hidden_reason = self.holders.hidden_reason();
        accept_queue::assign(sockets, &mut owner_pids);
        owner_pids
    }

    /// Looks for the holders of these few inodes alone.
    fn sought(
        &mut self,
        sockets: &[Socket],
        inodes: &HashSet<u32>,
        hints: &Hints,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        if inodes.is_empty() {
            return vec![OwnerPids::None; sockets.len()];
        }
        let sought = match seek::seek(inodes, hints) {
            Ok(sought) => sought,
            Err(error) => {
                problems.push(problems::processes(error));
                if Shortage::of(error).is_some() {
                    return unknown(sockets);
                }
                seek::Sought::nothing_seen()
            }
        };
        self.hidden_reason = sought.hidden_reason;
        self.looks = self.looks + sought.looks;
        let of = |inode: u32| match sought.found.get(&inode) {
            Some(found) => OwnerPids::Known(found.iter().map(|one| one.pid).collect()),
            None if !inodes.contains(&inode) => OwnerPids::Unknown,
            // It may be on its way: outside only if it is so a second time.
            None if sought.hidden_reason == Some(HiddenReason::OtherNamespace)
                && !self.missed.contains(&inode) =>
            {
                OwnerPids::Unknown
            }
            None if sought.hidden_reason.is_some() => OwnerPids::Hidden,
            None if self.missed.contains(&inode) => OwnerPids::Kernel,
            None => OwnerPids::None,
        };
        let holding = |socket: &Socket| socket.inode.map_or(OwnerPids::None, of);
        let mut owner_pids: Vec<_> = sockets.iter().map(holding).collect();
        accept_queue::assign(sockets, &mut owner_pids);
        let is_missed = |inode: &u32| !sought.found.contains_key(inode);
        self.missed = inodes.iter().copied().filter(is_missed).collect();
        owner_pids
    }

    /// Why holders may be hidden.
    pub(super) const fn hidden_reason(&self) -> Option<HiddenReason> {
        self.hidden_reason
    }

    /// Forgets processes that are no more. Whether a socket lost its last holder by that, so that
    /// it is worth asking again.
    pub(super) fn forget(&mut self, gone: &[Pid]) -> bool {
        self.holders.forget(gone)
    }

    /// Whether the next reading is wanted soon, as it goes on where this one ended. Without a descriptor
    /// it would get no further.
    pub(super) fn has_unscanned_processes(&self) -> bool {
        !self.is_short && self.holders.is_in_first_round()
    }

    /// Whether there is no descriptor to look at processes with; that is told.
    fn is_short(&mut self, problems: &mut Vec<Problem>) -> bool {
        let shortage = descriptor_limit::check().err();
        problems.extend(shortage.map(problems::no_descriptors));
        self.is_short = shortage.is_some();
        self.is_short
    }

    /// What was looked at since this was last asked.
    pub(super) fn take_scan_stats(&mut self) -> ScanStats {
        std::mem::take(&mut self.looks) + self.holders.take_scan_stats()
    }
}

/// Nobody was looked at: whoever holds a socket is not known now. What was known before holds.
fn unknown(sockets: &[Socket]) -> Vec<OwnerPids> {
    let holding = |socket: &Socket| match socket.inode {
        Some(_) => OwnerPids::Unknown,
        None => OwnerPids::None,
    };
    sockets.iter().map(holding).collect()
}

/// Names of interfaces, for one reading: an interface can be renamed and its index reused.
/// `/sys/class/net` would show those of the namespace that `/sys` was mounted in.
#[derive(Default)]
struct Interfaces {
    socket: Option<OwnedFd>,
    names: HashMap<u32, Text>,
}

impl Interfaces {
    /// The name, or `#4` where it can't be had or is no text: without one the socket would seem to be
    /// on all interfaces.
    fn name(&mut self, index: u32) -> Text {
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
