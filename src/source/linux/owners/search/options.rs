//! The options of another process's socket, asked of the socket itself.
//!
//! `pidfd_getfd(2)` lends us the socket for the moment of three `getsockopt` calls, about 40 µs; no
//! table of the kernel tells `SO_REUSEADDR` or `SO_REUSEPORT`. One at a time, given back at once: if
//! its process were killed meanwhile, the port would stay taken for that moment.

use std::os::fd::OwnedFd;

use rustix::fs::{fstat, readlink};
use rustix::io::{self, Errno};
use rustix::process::{Pid as RawPid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::{Domain, SockAddr, SockRef, Type};

use super::Descriptor;
use crate::model::{Endpoint, Protocol, SocketOptions};
use crate::source::linux::proc::scan;

/// What a socket says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) options: SocketOptions,
    /// `IPV6_V6ONLY`; `None` for an IPv4 socket.
    pub(crate) v6only: Option<bool>,
    /// Whether it is TCP or UDP (or neither).
    pub(crate) protocol: Option<Protocol>,
    pub(crate) is_listening: bool,
    pub(crate) local: Option<Endpoint>,
    pub(crate) remote: Option<Endpoint>,
}

/// Asks the socket of this inode through a descriptor of a process that has it.
///
/// # Errors
/// `EPERM` where this process may not trace the other (`ptrace(2)`, "Ptrace access mode checking"),
/// `ENOSYS` before Linux 5.6, `ENOENT` where the descriptor is another one by now.
pub(crate) fn ask(inode: u32, descriptor: Descriptor) -> io::Result<Told> {
    // Not to borrow for nothing what has that number by now.
    let link = readlink(
        format!("/proc/{}/fd/{}", descriptor.pid, descriptor.number),
        Vec::new(),
    )?;
    if scan::inode(link.to_bytes()) != Some(inode) {
        return Err(Errno::NOENT);
    }
    let socket = borrow(descriptor)?;
    if fstat(&socket)?.st_ino != u64::from(inode) {
        return Err(Errno::NOENT);
    }
    let asked = SockRef::from(&socket);
    let told = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    Ok(Told {
        options: SocketOptions {
            reuse_address: asked.reuse_address().map_err(told)?,
            reuse_port: asked.reuse_port().map_err(told)?,
        },
        v6only: asked.only_v6().ok(),
        // Multipath TCP calls itself by another number.
        protocol: match (asked.domain().ok(), asked.r#type().ok()) {
            (Some(Domain::IPV4 | Domain::IPV6), Some(Type::STREAM)) => Some(Protocol::Tcp),
            (Some(Domain::IPV4 | Domain::IPV6), Some(Type::DGRAM)) => Some(Protocol::Udp),
            _ => None,
        },
        is_listening: asked.is_listener().unwrap_or(false),
        local: endpoint(asked.local_addr()),
        remote: endpoint(asked.peer_addr()),
    })
}

fn endpoint(address: std::io::Result<SockAddr>) -> Option<Endpoint> {
    Some(address.ok()?.as_socket()?.into())
}

/// A descriptor of another process, lent for as long as it is kept.
///
/// # Errors
/// As [`ask`].
pub(crate) fn borrow(Descriptor { pid, number }: Descriptor) -> io::Result<OwnedFd> {
    let raw = i32::try_from(pid).ok().and_then(RawPid::from_raw);
    let pidfd = pidfd_open(raw.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    let number = i32::try_from(number).map_err(|_| Errno::BADF)?;
    pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty())
}
