//! The socket table, in one pass from the kernel's dump to rows.
//!
//! netstat2 reads the same dump and passes on what other systems have too; here every row comes with
//! its queues, its interface, its control group and whether it is dual-stack, so a second dump to add
//! them would double the cost. Where the kernel refuses it, `/proc/net` has the rows, with less in them;
//! netstat2 is asked where neither is understood.

use std::collections::HashSet;

use super::bound::BoundSockets;
use super::cgroup::Cgroups;
use super::detail::Detail;
use super::placement::Placement;
use super::problems::{Instead, Troubles};
use super::sock_diag::{Asked, DumpError, Rows, SockDiag};
use super::{Interfaces, problems, proc_net};
use crate::model::{Moment, Pid, Problem, Socket};
use crate::source::netstat::{self, PARTS, Part};

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
    /// Every socket, and everything about it but who has it. What could not be read is told as a
    /// problem.
    pub(super) fn read(&mut self, at: Moment, problems: &mut Vec<Problem>) -> Vec<Socket> {
        // Bound sockets before the others: one that begins to listen in between is in both, not in none.
        self.bound.refresh(&mut self.diag, at, problems);
        let mut reading = Reading {
            sockets: Vec::with_capacity(self.groups.len() + 64),
            groups: std::mem::take(&mut self.groups),
            interfaces: Interfaces::default(),
        };
        reading.groups.clear();
        let mut troubles = Troubles::default();
        for part in PARTS {
            reading.add(part, &mut self.diag, &mut troubles, problems);
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
            .learn(self.groups.iter().copied().filter(|&id| id != 0), at);
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
        let missing = groups.filter(|&&id| self.cgroups.is_yet_to_be_found(id));
        problems::groups(missing.count())
    }
}

/// One reading, as it comes in.
struct Reading {
    sockets: Vec<Socket>,
    groups: Vec<u64>,
    interfaces: Interfaces,
}

impl Reading {
    /// Adds a part of the table; from wherever it can be had.
    fn add(
        &mut self,
        part: Part,
        diag: &mut SockDiag,
        troubles: &mut Troubles,
        problems: &mut Vec<Problem>,
    ) {
        match diag.dump(Asked::Table(part), self) {
            Ok(()) => {}
            Err(DumpError::Interrupted) => problems.push(problems::interrupted(part)),
            Err(error) => {
                let instead = self.add_otherwise(part, &error);
                troubles.add(part, error, instead);
            }
        }
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
        for detail in bound.iter() {
            self.push(detail.clone());
        }
    }
}

impl Rows for Reading {
    fn push(&mut self, detail: Detail) {
        let mut socket = detail.socket();
        socket.interface = detail.interface.map(|index| self.interfaces.name(index));
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
