//! Reads options and addresses of sockets of other processes, and finds those that no table shows.
//!
//! `pidfd_getfd(2)` duplicates the socket for a few `getsockopt` calls, about 40 µs: no kernel table has `SO_REUSEADDR`
//! and `SO_REUSEPORT`. One socket at a time, closed at once: if its process were killed meanwhile, the port would stay
//! in use that long.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;

use rustix::fs::{fstat, readlink};
use rustix::io::{self, Errno};
use rustix::process::{Pid as RawPid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::{Domain, SockAddr, SockRef, Type};

use super::Descriptor;
use crate::model::{Endpoint, Holder, Pid, Protocol, Socket, SocketOptions, State};
use crate::source::linux::owners::procfs::{LiveProcfs, Procfs as _};
use crate::source::linux::proc::scan;

/// The options and addresses of a socket.
pub(crate) struct SocketFacts {
    pub(crate) options: SocketOptions,
    /// `IPV6_V6ONLY`; `None` for an IPv4 socket.
    pub(crate) v6only: Option<bool>,
    /// TCP or UDP, or neither.
    protocol: Option<Protocol>,
    is_listening: bool,
    local: Option<Endpoint>,
    remote: Option<Endpoint>,
}

/// Reads the facts of this inode through a descriptor of a process that has it. Fails with `EPERM` where this process may
/// not trace the other (`ptrace(2)`, "Ptrace access mode checking"), `ENOSYS` before Linux 5.6, `ENOENT` where the
/// descriptor is another one by now.
pub(crate) fn read(inode: u32, descriptor: Descriptor) -> io::Result<SocketFacts> {
    let Descriptor { pid, number } = descriptor;
    // Check first that the descriptor number still refers to the socket.
    let link = readlink(format!("/proc/{pid}/fd/{number}"), Vec::new())?;
    if scan::inode(link.to_bytes()) != Some(inode) {
        return Err(Errno::NOENT);
    }
    let socket = borrow(descriptor)?;
    if fstat(&socket)?.st_ino != u64::from(inode) {
        return Err(Errno::NOENT);
    }
    let socket = SockRef::from(&socket);
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let endpoint = |address: std::io::Result<SockAddr>| Some(address.ok()?.as_socket()?.into());
    Ok(SocketFacts {
        options: SocketOptions {
            reuse_address: socket.reuse_address().map_err(errno)?,
            reuse_port: socket.reuse_port().map_err(errno)?,
        },
        v6only: socket.only_v6().ok(),
        // Multipath TCP has another protocol number.
        protocol: match (socket.domain().ok(), socket.r#type().ok()) {
            (Some(Domain::IPV4 | Domain::IPV6), Some(Type::STREAM)) => Some(Protocol::Tcp),
            (Some(Domain::IPV4 | Domain::IPV6), Some(Type::DGRAM)) => Some(Protocol::Udp),
            _ => None,
        },
        is_listening: socket.is_listener().unwrap_or(false),
        local: endpoint(socket.local_addr()),
        remote: endpoint(socket.peer_addr()),
    })
}

/// Duplicates a descriptor of another process; fails as [`read`] does.
pub(crate) fn borrow(Descriptor { pid, number }: Descriptor) -> io::Result<OwnedFd> {
    let raw = i32::try_from(pid).ok().and_then(RawPid::from_raw);
    let pidfd = pidfd_open(raw.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    let number = i32::try_from(number).map_err(|_| Errno::BADF)?;
    pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty())
}

/// A socket that was found, and its owners, ascending.
pub(crate) struct Unlisted {
    pub(crate) holder: Holder,
    pub(crate) pids: Vec<Pid>,
}

/// Finds the sockets of a port that are not among those `listed`, by inode, from the address of every socket of every
/// process.
///
/// Linux before 6.8 lists no socket that is only bound, and in a sandbox without netlink no socket is listed at all.
/// Used only for a refused bind without an explanation. Fails if `/proc` can't be read.
pub(crate) fn unlisted(
    protocol: Protocol,
    port: u16,
    listed: &HashSet<u32>,
) -> io::Result<Vec<Unlisted>> {
    let mut procfs = LiveProcfs::default();
    let mut pids = procfs.open()?;
    pids.sort_unstable();
    // Unix, netlink and packet sockets have no port; with the position of the inode in a line of each table.
    let others = [("unix", 6), ("netlink", 9), ("packet", 8)];
    let others = others.map(|(table, word)| scan::inodes_in(table, word));
    let mut found: BTreeMap<u32, Option<Unlisted>> = BTreeMap::new();
    for pid in pids {
        // A process that can't be read is a gap of owners in general.
        let read = procfs.read(pid).ok().flatten();
        for (inode, number) in read.and_then(|read| read.sockets).unwrap_or_default() {
            if listed.contains(&inode) || others.iter().any(|inodes| inodes.contains(&inode)) {
                continue;
            }
            let of_port = found.entry(inode).or_insert_with(|| {
                let holder = holder(protocol, port, inode, Descriptor { pid, number })?;
                let pids = Vec::new();
                Some(Unlisted { holder, pids })
            });
            if let Some(Unlisted { pids, .. }) = of_port
                && pids.last() != Some(&pid)
            {
                pids.push(pid);
            }
        }
    }
    Ok(found.into_values().flatten().collect())
}

/// The socket, if it is one of the port.
fn holder(protocol: Protocol, port: u16, inode: u32, descriptor: Descriptor) -> Option<Holder> {
    let facts = read(inode, descriptor).ok()?;
    let local = facts.local.filter(|_| facts.protocol == Some(protocol))?;
    if local.port != port {
        return None;
    }
    let state = match (protocol, facts.is_listening, facts.remote) {
        (Protocol::Tcp, true, _) => State::Listen,
        (Protocol::Tcp, false, None) => State::Bound,
        (_, _, None) => State::Unconn,
        (_, _, Some(_)) => State::Established,
    };
    let mut socket = Socket::new(protocol, local, facts.remote, state);
    socket.inode = Some(inode);
    let v6only = facts.v6only.filter(|_| local.is_v6_wildcard());
    socket.dual_stack = v6only.map(|v6only| !v6only);
    Some(Holder {
        options: Some(facts.options),
        v6only: facts.v6only,
        ..Holder::new(socket)
    })
}
