//! The table of TCP and UDP, in one pass from the kernel's dump to sockets.
//!
//! netstat2 reads the same dump but keeps only what other systems have too; here every row has its queues, its
//! interface, its control group and whether it is dual-stack, which would take a second dump. TCP takes one walk for
//! both families; if that fails, a dump for each; if these fail too, `/proc/net`, with fewer details; netstat2 is the
//! last fallback.

mod bound;

use std::collections::HashSet;

use self::bound::{BoundSockets, processor_time};
use super::cgroup::Cgroups;
use super::interfaces::Interfaces;
use super::netlink::{DumpError, DumpRequest, Extras, InetRow, KernelClock, Rows, SockDiag};
use super::placement::Placement;
use super::problems;
use super::problems::{Instead, Troubles};
use super::proc::net;
use crate::model::{Moment, Pid, Problem, Protocol, Socket, State};
use crate::source::netstat::{self, Part};

/// Reads the table for one snapshot after another.
#[derive(Default)]
pub(super) struct Table {
    diag: SockDiag,
    bound: BoundSockets,
    cgroups: Cgroups,
    /// The control group that each row of the last snapshot was made in; 0 for none.
    groups: Vec<u64>,
}

impl Table {
    /// Every socket with all data except its owners; `ages`: also how old connections are. A failed read becomes a
    /// problem.
    pub(super) fn read(
        &mut self,
        at: Moment,
        ages: bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Socket> {
        let mut reading = Reading {
            sockets: Vec::with_capacity(self.groups.len() + 64),
            groups: std::mem::take(&mut self.groups),
            interfaces: Interfaces::default(),
            clock: KernelClock::now(),
            troubles: Troubles::default(),
        };
        reading.groups.clear();
        let (bound, began) = (self.bound.are_due(at), processor_time());
        let is_complete = reading.add_tcp(Extras { bound, ages }, &mut self.diag);
        if bound && is_complete {
            let took = processor_time().saturating_sub(began);
            self.bound.replace(reading.take_bound(), took, at);
        }
        for part in Part::of(Protocol::Udp) {
            reading.add(part, Extras::default(), &mut self.diag);
        }
        reading.add_bound(&mut self.bound.rows);
        let mut sockets = reading.sockets;
        self.groups = reading.groups;
        problems.extend(reading.troubles.problems());
        problems.extend(self.place(&mut sockets, at));
        sockets
    }

    /// The processes in the control groups that these rows of the last snapshot were made in.
    pub(super) fn members<'a>(
        &'a self,
        rows: impl Iterator<Item = usize> + 'a,
    ) -> impl Iterator<Item = Pid> + 'a {
        let groups: HashSet<u64> = rows
            .filter_map(|row| self.groups.get(row).copied())
            .collect();
        groups.into_iter().flat_map(|id| self.cgroups.members(id))
    }

    /// Adds the unit or container that each row was made in; a problem says how many are not known yet. Rows of one group
    /// mostly come one after the other.
    fn place(&mut self, sockets: &mut [Socket], at: Moment) -> Option<Problem> {
        let groups = self.groups.iter().copied().filter(|&id| id != 0);
        self.cgroups.resolve(groups.clone(), at);
        let mut last: (u64, Option<&Placement>) = (0, None);
        for (socket, &group) in sockets.iter_mut().zip(&self.groups) {
            if group != last.0 {
                last = (group, self.cgroups.placement(group));
            }
            if let Some(place) = last.1 {
                socket.unit.clone_from(&place.unit);
                socket.container.clone_from(&place.container);
            }
        }
        let missing = groups.filter(|&id| self.cgroups.is_pending(id));
        problems::groups(missing.count())
    }
}

/// The rows of one snapshot.
struct Reading {
    sockets: Vec<Socket>,
    groups: Vec<u64>,
    interfaces: Interfaces,
    clock: KernelClock,
    troubles: Troubles,
}

impl Reading {
    /// Adds TCP of both families. Whether it is complete, with the extras.
    fn add_tcp(&mut self, extras: Extras, diag: &mut SockDiag) -> bool {
        match diag.dump(DumpRequest::Walk(extras), self) {
            Ok(()) => true,
            Err(DumpError::Interrupted) => {
                self.troubles.add_interrupted("TCP");
                false
            }
            Err(_) => {
                let parts = Part::of(Protocol::Tcp).map(|part| self.add(part, extras, diag));
                parts.fold(true, |all, one| all & one)
            }
        }
    }

    /// Adds a part of the table from the first source that works. Returns whether it is complete.
    fn add(&mut self, part: Part, extras: Extras, diag: &mut SockDiag) -> bool {
        let error = match diag.dump(DumpRequest::Table(part, extras), self) {
            Ok(()) => return true,
            Err(DumpError::Interrupted) => {
                self.troubles.add_interrupted(part.name());
                return false;
            }
            Err(error) => error,
        };
        let instead = match net::read(part, self) {
            Ok(odd) => Instead::ProcNet { odd },
            // netstat2 sends the same request, so it helps only if that succeeded.
            Err(too) if matches!(error, DumpError::Malformed) => {
                let read = netstat::read_part(part, &mut |socket, _| self.sockets.push(socket));
                self.groups.resize(self.sockets.len(), 0);
                read.map_or(Instead::Nothing(too), |()| Instead::Netstat)
            }
            Err(too) => Instead::Nothing(too),
        };
        self.troubles.add(part, error, instead);
        false
    }

    /// Adds bound sockets of an earlier snapshot, but those that listen or have a peer by now.
    fn add_bound(&mut self, bound: &mut Vec<(Socket, u64)>) {
        if bound.is_empty() {
            return;
        }
        let known: HashSet<u32> = self.sockets.iter().filter_map(|one| one.inode).collect();
        bound.retain(|(socket, _)| socket.inode.is_none_or(|inode| !known.contains(&inode)));
        for (socket, group) in bound {
            self.sockets.push(socket.clone());
            self.groups.push(*group);
        }
    }

    /// Removes the bound sockets, which a dump has one after the other.
    fn take_bound(&mut self) -> Vec<(Socket, u64)> {
        let mut bound = Vec::new();
        let is_bound = |socket: &Socket| socket.state == State::Bound;
        while let Some(start) = self.sockets.iter().position(is_bound) {
            let others = self.sockets[start..].iter().position(|one| !is_bound(one));
            let end = others.map_or(self.sockets.len(), |count| start + count);
            let sockets = self.sockets.drain(start..end);
            bound.extend(sockets.zip(self.groups.drain(start..end)));
        }
        bound
    }
}

impl Rows for Reading {
    fn push(&mut self, row: InetRow) {
        // A bound socket without an inode is being closed: it would appear as newly opened.
        if row.state == State::Bound && row.inode.is_none() {
            return;
        }
        let mut socket = row.socket();
        socket.interface = row.interface.map(|index| self.interfaces.name(index));
        socket.age = row.age.map(|age| self.clock.corrected(age));
        self.sockets.push(socket);
        self.groups.push(row.cgroup.unwrap_or(0));
    }

    fn len(&self) -> usize {
        self.sockets.len()
    }

    fn truncate(&mut self, rows: usize) {
        self.sockets.truncate(rows);
        self.groups.truncate(rows);
    }
}
