//! The socket table, in one pass from the kernel's dump to rows.
//!
//! netstat2 reads the same dump and passes on what other systems have too; here every row comes with
//! its queues, its interface, its control group and whether it is dual-stack, so a second dump to add
//! them would double the cost. TCP takes one walk for both families; where the kernel refuses that, a dump for each.
//! Where it refuses these too, `/proc/net` has the rows, with less in them; netstat2 is used where neither is understood.

use std::collections::HashSet;

mod bound;

use self::bound::{BoundSockets, processor_time};
use super::cgroup::Cgroups;
use super::netlink::{DumpError, DumpRequest, Extras, InetRow, KernelClock, Rows, SockDiag};
use super::placement::Placement;
use super::problems::{Instead, Troubles};
use super::{Interfaces, problems, proc_net};
use crate::model::{Moment, Pid, Problem, Protocol, Socket, State};
use crate::source::netstat::{self, Part};

/// Reads the table again and again.
#[derive(Default)]
pub(super) struct Table {
    diag: SockDiag,
    bound: BoundSockets,
    cgroups: Cgroups,
    /// Of each row of the last reading, the control group that it was made in; 0 for none.
    groups: Vec<u64>,
}

impl Table {
    /// Every socket, and everything about it but who has it; with `ages`, how old connections are. What could not
    /// be read becomes a problem.
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
        };
        reading.groups.clear();
        let mut troubles = Troubles::default();
        let (bound, began) = (self.bound.are_due(at), processor_time());
        let extras = Extras { bound, ages };
        let is_whole = reading.add_tcp(extras, &mut self.diag, &mut troubles, problems);
        if bound && is_whole {
            let took = processor_time().saturating_sub(began);
            self.bound.replace(reading.take_bound(), took, at);
        }
        for part in Part::of(Protocol::Udp) {
            let asked = (part, Extras::default());
            reading.add(asked, &mut self.diag, &mut troubles, problems);
        }
        problems.extend(troubles.told());
        reading.add_bound(&mut self.bound);
        let Reading {
            mut sockets,
            groups,
            ..
        } = reading;
        self.groups = groups;
        problems.extend(self.place(&mut sockets, at));
        sockets
    }

    /// The processes in the control groups that these rows of the last reading were made in.
    pub(super) fn members<'a>(
        &'a self,
        rows: impl Iterator<Item = usize> + 'a,
    ) -> impl Iterator<Item = Pid> + 'a {
        let groups: HashSet<u64> = rows
            .filter_map(|row| self.groups.get(row).copied())
            .collect();
        groups.into_iter().flat_map(|id| self.cgroups.members(id))
    }

    /// In which unit or container each row was made, and what could not be found out of that. Rows of one
    /// group mostly stand together.
    fn place(&mut self, sockets: &mut [Socket], at: Moment) -> Option<Problem> {
        self.cgroups
            .resolve(self.groups.iter().copied().filter(|&id| id != 0), at);
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
        let groups = self.groups.iter().filter(|&&id| id != 0);
        let missing = groups.filter(|&&id| self.cgroups.is_pending(id));
        problems::groups(missing.count())
    }
}

/// One reading, as it comes in.
struct Reading {
    sockets: Vec<Socket>,
    groups: Vec<u64>,
    interfaces: Interfaces,
    clock: KernelClock,
}

impl Reading {
    /// Adds TCP of both families. Whether that is all of it, and all that was asked for with it.
    fn add_tcp(
        &mut self,
        extras: Extras,
        diag: &mut SockDiag,
        troubles: &mut Troubles,
        problems: &mut Vec<Problem>,
    ) -> bool {
        match diag.dump(DumpRequest::Walk(extras), self) {
            Ok(()) => true,
            Err(DumpError::Interrupted) => {
                problems.push(problems::interrupted("TCP"));
                false
            }
            Err(_) => {
                let mut is_whole = true;
                for part in Part::of(Protocol::Tcp) {
                    is_whole &= self.add((part, extras), diag, troubles, problems);
                }
                is_whole
            }
        }
    }

    /// Adds a part of the table; from wherever it can be had. Whether that is all of it.
    fn add(
        &mut self,
        (part, extras): (Part, Extras),
        diag: &mut SockDiag,
        troubles: &mut Troubles,
        problems: &mut Vec<Problem>,
    ) -> bool {
        match diag.dump(DumpRequest::Table(part, extras), self) {
            Ok(()) => return true,
            Err(DumpError::Interrupted) => problems.push(problems::interrupted(part.name())),
            Err(error) => {
                let instead = self.add_otherwise(part, &error);
                troubles.add(part, error, instead);
            }
        }
        false
    }

    /// Adds a part that `sock_diag` did not give. netstat2 asks it the same question, so that helps only
    /// where it was answered.
    fn add_otherwise(&mut self, part: Part, error: &DumpError) -> Instead {
        match proc_net::read(part, self) {
            Ok(odd) => Instead::ProcNet { odd },
            Err(too) if matches!(error, DumpError::Malformed) => {
                let plain = netstat::read_part(part, &mut |socket, _| self.sockets.push(socket));
                self.groups.resize(self.sockets.len(), 0);
                plain.map_or(Instead::Nothing(too), |()| Instead::Netstat)
            }
            Err(too) => Instead::Nothing(too),
        }
    }

    /// Adds those that are bound and nothing else. Those that listen or have a peer by now are that no
    /// more.
    fn add_bound(&mut self, bound: &mut BoundSockets) {
        if bound.is_empty() {
            return;
        }
        let known: HashSet<u32> = self.sockets.iter().filter_map(|one| one.inode).collect();
        bound.forget(|inode| known.contains(&inode));
        for (socket, group) in bound.iter() {
            self.sockets.push(socket.clone());
            self.groups.push(*group);
        }
    }

    /// Takes out those that are bound and nothing else, which a dump has one after the other.
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
    fn push(&mut self, detail: InetRow) {
        // One that is merely bound and has no inode is being closed: it would be told as opened where it just ended.
        if detail.state == State::Bound && detail.inode.is_none() {
            return;
        }
        let mut socket = detail.socket();
        socket.interface = detail.interface.map(|index| self.interfaces.name(index));
        socket.age = detail.age.map(|age| self.clock.corrected(age));
        self.sockets.push(socket);
        self.groups.push(detail.cgroup.unwrap_or(0));
    }

    fn len(&self) -> usize {
        self.sockets.len()
    }

    fn truncate(&mut self, rows: usize) {
        self.sockets.truncate(rows);
        self.groups.truncate(rows);
    }
}
