//! Reads options and addresses of a socket of another process.
//!
//! `pidfd_getfd(2)` duplicates the socket for a few `getsockopt` calls, about 40 µs: no kernel table has `SO_REUSEADDR`
//! and `SO_REUSEPORT`. One socket at a time, closed at once: if its process were killed meanwhile, the port would stay
//! in use that long.

use std::os::fd::OwnedFd;

use rustix::fs::{fstat, readlink};
use rustix::io::{self, Errno};
use rustix::process::{Pid as RawPid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::{Domain, SockAddr, SockRef, Type};

use super::Descriptor;
use crate::model::{Endpoint, Protocol, SocketOptions};
use crate::source::linux::proc::scan;

/// The options and addresses of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketFacts {
    pub(crate) options: SocketOptions,
    /// `IPV6_V6ONLY`; `None` for an IPv4 socket.
    pub(crate) v6only: Option<bool>,
    /// TCP or UDP, or neither.
    pub(super) protocol: Option<Protocol>,
    pub(super) is_listening: bool,
    pub(super) local: Option<Endpoint>,
    pub(super) remote: Option<Endpoint>,
}

/// Reads the facts of this inode through a descriptor of a process that has it.
///
/// # Errors
/// `EPERM` where this process may not trace the other (`ptrace(2)`, "Ptrace access mode checking"), `ENOSYS` before Linux
/// 5.6, `ENOENT` where the descriptor is another one by now.
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

/// Duplicates a descriptor of another process.
///
/// # Errors
/// As [`read`].
pub(super) fn borrow(Descriptor { pid, number }: Descriptor) -> io::Result<OwnedFd> {
    let raw = i32::try_from(pid).ok().and_then(RawPid::from_raw);
    let pidfd = pidfd_open(raw.ok_or(Errno::SRCH)?, PidfdFlags::empty())?;
    let number = i32::try_from(number).map_err(|_| Errno::BADF)?;
    pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty())
}
