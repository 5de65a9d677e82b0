//! The rows of one port, as the kernel gives them: everything but what must be looked for in `/proc`.

use std::collections::{HashMap, HashSet};

use super::super::detail::Detail;
use super::super::sock_diag::{Asked, DumpError, SockDiag};
use super::super::{Interfaces, problems, proc_net};
use crate::model::{Gap, GapCode, Holder, Protocol};
use crate::source::netstat::Part;

/// Linux before this version does not list sockets that are only bound (commit 91051f003948).
const LISTS_BOUND_SOCKETS: (u32, u32) = (6, 8);

/// The rows, and the control groups that their sockets were made in.
#[derive(Default)]
pub(super) struct Rows {
    /// In the order in which they are told: what listens first.
    pub(super) holders: Vec<Holder>,
    /// By inode.
    pub(super) groups: HashMap<u32, u64>,
    /// What could not be read.
    pub(super) gaps: Vec<Gap>,
}

/// Reads the rows of the port, in both families and all states.
pub(super) fn read(diag: &mut SockDiag, protocol: Protocol, port: u16) -> Rows {
    let mut gaps = Vec::new();
    let details = dump(diag, protocol, port, &mut gaps);
    if protocol == Protocol::Tcp && kernel_version().is_some_and(|it| it < LISTS_BOUND_SOCKETS) {
        let message = "sockets that are only bound can't be seen: that takes Linux 6.8";
        gaps.push(Gap::new(GapCode::BoundSockets, message));
    }
    let mut interfaces = Interfaces::default();
    let mut holders: Vec<_> = details
        .iter()
        .map(|detail| holder(detail, &mut interfaces))
        .collect();
    holders.sort_by_key(|holder| {
        let socket = &holder.socket;
        (socket.state, socket.local, socket.remote, socket.inode)
    });
    let group = |detail: &Detail| detail.inode.zip(detail.cgroup);
    Rows {
        holders,
        groups: details.iter().filter_map(group).collect(),
        gaps,
    }
}

/// Every port of the protocol that has a row; `None` where not all rows can be read.
pub(super) fn ports(diag: &mut SockDiag, protocol: Protocol) -> Option<HashSet<u16>> {
    let is_whole = kernel_version().is_some_and(|version| version >= LISTS_BOUND_SOCKETS);
    let mut details = Vec::new();
    for part in Part::of(protocol) {
        diag.dump(Asked::All(part), &mut details).ok()?;
    }
    let ports = details.iter().map(|detail| detail.local.port);
    is_whole.then(|| ports.collect())
}

/// The inodes of the port's sockets.
pub(super) fn inodes(diag: &mut SockDiag, protocol: Protocol, port: u16) -> HashSet<u32> {
    let details = dump(diag, protocol, port, &mut Vec::new());
    details.iter().filter_map(|detail| detail.inode).collect()
}

fn dump(diag: &mut SockDiag, protocol: Protocol, port: u16, gaps: &mut Vec<Gap>) -> Vec<Detail> {
    let mut details = Vec::new();
    for part in Part::of(protocol) {
        let gap = match diag.dump(Asked::OnPort(part, port), &mut details) {
            Ok(()) => continue,
            Err(DumpError::Interrupted) => {
                Gap::new(GapCode::Table, &problems::changed(part.name()))
            }
            Err(error) => dump_otherwise(part, &error, &mut details),
        };
        // What is wrong with one family is mostly wrong with both.
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    }
    // The kernel (6.18) does not compare the port for sockets that are only bound, `/proc/net` has all.
    details.retain(|detail| detail.local.port == port);
    details
}

/// The rows of a part that `sock_diag` did not give, and what they lack.
fn dump_otherwise(part: Part, error: &DumpError, details: &mut Vec<Detail>) -> Gap {
    match proc_net::read(part, details) {
        Ok(_) => {
            let why = problems::why(error);
            let message = format!("{why}: sockets that are only bound can't be seen");
            Gap::new(GapCode::BoundSockets, &message)
        }
        Err(too) => {
            let what = format!("sockets of {}", part.name());
            Gap::new(GapCode::Table, &problems::unread(&what, error, &too))
        }
    }
}

fn holder(detail: &Detail, interfaces: &mut Interfaces) -> Holder {
    let mut socket = detail.socket();
    socket.interface = detail.interface.map(|index| interfaces.name(index));
    Holder {
        v6only: detail.v6only,
        expires_in: detail.expires_in,
        opening: detail.opening,
        ..Holder::new(socket)
    }
}

/// Major and minor number of the kernel's version.
fn kernel_version() -> Option<(u32, u32)> {
    let uname = rustix::system::uname();
    let mut numbers = uname.release().to_str().ok()?.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
