//! What only Linux tells: details of sockets, their holders by inode, units and containers.
//!
//! The plain table comes from netstat2 like everywhere. `sock_diag` adds what that leaves out,
//! `/proc/PID/fd` says who holds an inode, the cgroup tree says which unit or container it is.

mod accept;
mod cgroup;
mod detail;
mod holders;
mod join;
mod opening;
mod placement;
pub(super) mod port;
mod scan;
mod sock_diag;

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, netdevice, socket};

use self::cgroup::Cgroups;
use self::detail::Detail;
use self::holders::Holders;
use self::sock_diag::{Asked, DumpError, SockDiag};
use super::netstat::{self, PARTS, Part, Unreadable};
use super::{Blind, Holding};
use crate::model::{Moment, Pid, Problem, ProblemCode, Socket, Text};

/// This machine's sockets and who holds them.
#[derive(Default)]
pub(super) struct Platform {
    diag: SockDiag,
    details: Vec<Detail>,
    holders: Holders,
    cgroups: Cgroups,
}

impl Platform {
    /// Reads the table and everything about its sockets but their holders.
    pub(super) fn sockets(&mut self, at: Moment, problems: &mut Vec<Problem>) -> Vec<Socket> {
        let mut sockets = Vec::with_capacity(self.details.len() + 64);
        let unreadable = netstat::read(|socket, _| sockets.push(socket));
        let told = self.read_details(&sockets, problems);
        // The kernel's own word for the same trouble says more than netstat2's.
        let untold = unreadable.iter().filter(|one| !told.contains(&one.part));
        problems.extend(untold.map(table_problem));
        let found = join::join(&mut sockets, &self.details);
        self.cgroups
            .learn(self.details.iter().filter_map(|detail| detail.cgroup), at);
        let mut interfaces = Interfaces::default();
        for (socket, found) in sockets.iter_mut().zip(found) {
            let Some(detail) = found.map(|index| &self.details[index]) else {
                continue;
            };
            socket.interface = detail.interface.and_then(|index| interfaces.name(index));
            if let Some(place) = detail.cgroup.and_then(|id| self.cgroups.placement(id)) {
                socket.unit.clone_from(&place.unit);
                socket.container.clone_from(&place.container);
            }
        }
        sockets
    }

    /// Who holds each of the sockets, in their order.
    pub(super) fn holdings(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<Holding> {
        if let Err(error) = self
            .holders
            .update(sockets.iter().filter_map(|s| s.inode), at)
        {
            problems.push(processes_problem(&error));
        }
        let mut holdings: Vec<_> = sockets
            .iter()
            .map(|socket| {
                socket
                    .inode
                    .map_or(Holding::None, |inode| self.holders.of(inode))
            })
            .collect();
        accept::assign(sockets, &mut holdings);
        holdings
    }

    /// Why holders may be hidden.
    pub(super) const fn blind(&self) -> Option<Blind> {
        self.holders.blind()
    }

    /// Forgets processes that are no more. Whether a socket lost its last holder by that, so that
    /// it is worth asking again.
    pub(super) fn forget(&mut self, gone: &[Pid]) -> bool {
        self.holders.forget(gone)
    }

    /// Returns the parts whose trouble is among the problems now.
    fn read_details(&mut self, sockets: &[Socket], problems: &mut Vec<Problem>) -> Vec<Part> {
        self.details.clear();
        let mut told = Vec::new();
        for part in PARTS {
            let Err(error) = self.diag.dump(Asked::All(part), &mut self.details) else {
                continue;
            };
            told.push(part);
            // netstat2 takes an error of the kernel for the end of the table, and asks the same
            // question: a part without a row was not read at all.
            let in_table = sockets.iter().any(|socket| part.holds(socket));
            problems.push(match error {
                DumpError::Interrupted => interrupted_problem(part),
                error if in_table => details_problem(part, &error),
                error => table_problem(&Unreadable {
                    part,
                    reason: error.to_string(),
                }),
            });
        }
        told
    }
}

/// Names of interfaces, for one reading: an interface can be renamed and its index reused.
/// `/sys/class/net` would show those of the namespace that `/sys` was mounted in.
#[derive(Default)]
struct Interfaces {
    socket: Option<OwnedFd>,
    names: HashMap<u32, Option<Text>>,
}

impl Interfaces {
    fn name(&mut self, index: u32) -> Option<Text> {
        if self.socket.is_none() {
            self.socket = socket(AddressFamily::INET, SocketType::DGRAM, None).ok();
        }
        let socket = self.socket.as_ref()?;
        let look_up = || Some(Text::new(&netdevice::index_to_name(socket, index).ok()?));
        self.names.entry(index).or_insert_with(look_up).clone()
    }
}

fn table_problem(unreadable: &Unreadable) -> Problem {
    let (part, reason) = (unreadable.part.name(), &unreadable.reason);
    let message = format!("sockets of {part} can't be read ({reason}): their rows are missing");
    Problem::new(ProblemCode::TableUnreadable, &message)
}

fn details_problem(part: Part, error: &DumpError) -> Problem {
    let part = part.name();
    let message = format!(
        "details of {part} can't be read ({error}): queues and sockets that are only bound are missing"
    );
    Problem::new(ProblemCode::DetailsUnreadable, &message)
}

fn interrupted_problem(part: Part) -> Problem {
    let part = part.name();
    let message = format!("the table of {part} changed while it was read: rows may be missing");
    Problem::new(ProblemCode::Interrupted, &message)
}

fn processes_problem(error: &std::io::Error) -> Problem {
    let message = format!("/proc can't be read ({error}): owners are unknown; mount /proc");
    Problem::new(ProblemCode::ProcessesUnreadable, &message)
}
