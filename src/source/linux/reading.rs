//! The rows of one snapshot of one network namespace, as dumps and files add them.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

use super::interfaces::Interfaces;
use super::namespaces::UserMap;
use super::netlink::{DumpError, DumpRequest, Extras, InetRow, KernelClock, Rows, SockDiag};
use super::problems::{Instead, Troubles};
use super::proc::net;
use crate::model::{Counters, Protocol, Socket, State};
use crate::source::netstat::{self, Part};

/// The rows of one snapshot.
pub(super) struct Reading {
    pub(super) sockets: Vec<Socket>,
    /// The control group that each was made in; 0 for none.
    pub(super) groups: Vec<u64>,
    /// The counters of sockets by their cookies, if they are read. A dump that was repeated has some twice, the last ones last.
    pub(super) counters: Vec<(NonZeroU64, Counters)>,
    interfaces: Interfaces,
    clock: KernelClock,
    pub(super) troubles: Troubles,
    elsewhere: Option<Elsewhere>,
}

/// For dumps over a socket that was opened in other namespaces: neither files nor another socket can replace it.
struct Elsewhere {
    users: UserMap,
    has_failed: bool,
}

impl Reading {
    pub(super) fn with_capacity(sockets: usize) -> Self {
        Self {
            sockets: Vec::with_capacity(sockets),
            groups: Vec::with_capacity(sockets),
            counters: Vec::new(),
            interfaces: Interfaces::default(),
            clock: KernelClock::now(),
            troubles: Troubles::default(),
            elsewhere: None,
        }
    }

    /// The same for dumps over a socket that was opened in another network namespace and in the user namespace with this
    /// map; `socket` is a second descriptor of it.
    pub(super) fn over(socket: OwnedFd, users: UserMap, sockets: usize) -> Self {
        Self {
            interfaces: Interfaces::of(socket),
            elsewhere: Some(Elsewhere {
                users,
                has_failed: false,
            }),
            ..Self::with_capacity(sockets)
        }
    }

    /// Whether a dump over such a socket failed, so that rows are missing.
    pub(super) fn has_failed(&self) -> bool {
        let elsewhere = self.elsewhere.as_ref();
        elsewhere.is_some_and(|elsewhere| elsewhere.has_failed)
    }

    /// Adds TCP of both families. Whether it is complete, with the extras.
    pub(super) fn add_tcp(&mut self, extras: Extras, diag: &mut SockDiag) -> bool {
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
    pub(super) fn add(&mut self, part: Part, extras: Extras, diag: &mut SockDiag) -> bool {
        let error = match diag.dump(DumpRequest::Table(part, extras), self) {
            Ok(()) => return true,
            Err(DumpError::Interrupted) => {
                self.troubles.add_interrupted(part.name());
                return false;
            }
            Err(error) => error,
        };
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.has_failed = true;
            return false;
        }
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

    /// Adds sockets of an earlier snapshot that were only bound, but not if they listen or have a peer by now: those are
    /// removed from the list.
    pub(super) fn add_bound(&mut self, bound: &mut Vec<(Socket, u64)>) {
        if bound.is_empty() {
            return;
        }
        let known: HashSet<u32> = self.sockets.iter().filter_map(|one| one.inode).collect();
        bound.retain(|(socket, _)| socket.inode.is_none_or(|inode| !known.contains(&inode)));
        for (socket, group) in &*bound {
            self.sockets.push(socket.clone());
            self.groups.push(*group);
        }
    }

    /// Removes the bound sockets, which a dump has one after the other.
    pub(super) fn take_bound(&mut self) -> Vec<(Socket, u64)> {
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
        // One without an inode is being closed: the kernel reads the state first. A bound socket would appear as newly
        // opened, a listener as one that lost its owner.
        if matches!(row.state, State::Bound | State::Listen) && row.inode.is_none() {
            return;
        }
        let mut socket = row.socket();
        socket.interface = row.interface.map(|index| self.interfaces.name(index));
        if let Some(elsewhere) = &self.elsewhere {
            // One that waits to be accepted has neither an inode nor a user.
            let has_user = |uid: &u32| row.inode.is_some() || *uid != UserMap::OUTSIDERS;
            let uid = socket.uid.filter(has_user);
            socket.uid = uid.and_then(|uid| elsewhere.users.outside(uid));
        }
        socket.age = row.age.map(|age| self.clock.corrected(age));
        if row.counters != Counters::default()
            && let Some(cookie) = row.cookie
        {
            self.counters.push((cookie, row.counters));
        }
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
