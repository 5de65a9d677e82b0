//! The arguments of bind(2) and listen(2), as a program wrote them, and the addresses of sockets.

use std::ffi::OsStr;
use std::fmt;
use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use rustix::net::sockopt::{socket_domain, socket_protocol, socket_type};
use rustix::net::{AddressFamily, SocketAddrAny, SocketType, getsockname, ipproto};

use super::filter;
use super::listener::Notification;
use crate::bind::BindCall;
use crate::model::{Protocol, Zone};

/// The kernel's `struct sockaddr_storage`: it refuses longer addresses.
const MAX_ADDRESS: usize = 128;

/// The second argument, and for bind(2) the third.
pub(super) enum Argument {
    Address(Vec<u8>),
    Backlog(i32),
}

/// An address with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) address: IpAddr,
    /// The number of the interface of a link-local address; 0 without one.
    pub(crate) scope: u32,
    pub(crate) port: u16,
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// TCP or UDP over IP; `None` for other sockets.
pub(super) fn protocol_of(socket: &OwnedFd) -> Option<Protocol> {
    if !matches!(
        socket_domain(socket).ok()?,
        AddressFamily::INET | AddressFamily::INET6
    ) {
        return None;
    }
    match (socket_type(socket).ok()?, socket_protocol(socket).ok()??) {
        (SocketType::STREAM, ipproto::TCP | ipproto::MPTCP) => Some(Protocol::Tcp),
        (SocketType::DGRAM, ipproto::UDP) => Some(Protocol::Udp),
        _ => None,
    }
}

/// The argument of the call, and the address that it is about. `None` if it is malformed: the kernel says so.
pub(super) fn argument_of(
    notified: &Notification,
    call: BindCall,
    socket: &OwnedFd,
) -> Option<(Argument, Local)> {
    if call == BindCall::Listen {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "as the kernel reads it: an int"
        )]
        let backlog = notified.arguments[1] as i32;
        return Some((Argument::Backlog(backlog), local_of(socket)?));
    }
    let address = address_of(notified)?;
    let local = parse(&address, socket)?;
    Some((Argument::Address(address), local))
}

/// The address that bind(2) was given, read once.
fn address_of(notified: &Notification) -> Option<Vec<u8>> {
    let length = usize::try_from(notified.arguments[2] & 0xFFFF_FFFF).ok()?;
    if !(2..=MAX_ADDRESS).contains(&length) {
        return None;
    }
    let mut address = vec![0; length];
    let thread = nix::unistd::Pid::from_raw(notified.thread.try_into().ok()?);
    let remote = RemoteIoVec {
        base: usize::try_from(notified.arguments[1]).ok()?,
        len: length,
    };
    let read = process_vm_readv(thread, &mut [IoSliceMut::new(&mut address)], &[remote]);
    (read == Ok(length)).then_some(address)
}

/// The name in a `struct sockaddr_un` that bind(2) was given: empty, a path, or a name after a zero byte. `None` if it is
/// an address of another family.
pub(super) fn unix_name(notified: &Notification) -> Option<Vec<u8>> {
    let unix = AddressFamily::UNIX.as_raw().to_ne_bytes();
    let is_bind = notified.call == filter::Call::Bind;
    let address = is_bind.then(|| address_of(notified)).flatten()?;
    address.strip_prefix(&unix).map(<[u8]>::to_vec)
}

/// The path of such a name, relative to the folder of the caller; `None` if it is no path.
pub(super) fn path_of(name: &[u8]) -> Option<PathBuf> {
    let path = name.split(|&byte| byte == 0).next()?;
    (!path.is_empty()).then(|| OsStr::from_bytes(path).into())
}

/// `struct sockaddr_in` and `sockaddr_in6`, as far as the kernel wants them.
fn parse(address: &[u8], socket: &OwnedFd) -> Option<Local> {
    let family = AddressFamily::from_raw(u16::from_ne_bytes(address.first_chunk().copied()?));
    let port = u16::from_be_bytes(address.get(2..4)?.try_into().ok()?);
    match (family, socket_domain(socket).ok()?) {
        // The wildcard may lack its family: an old mistake that the kernel forgives.
        (AddressFamily::INET | AddressFamily::UNSPEC, AddressFamily::INET)
            if address.len() >= 16 =>
        {
            let v4: [u8; 4] = address.get(4..8)?.try_into().ok()?;
            Some(Local {
                address: IpAddr::from(v4),
                scope: 0,
                port,
            })
        }
        (AddressFamily::INET6, AddressFamily::INET6) if address.len() >= 24 => {
            let v6: [u8; 16] = address.get(8..24)?.try_into().ok()?;
            let scope = address.get(24..28).and_then(|bytes| bytes.try_into().ok());
            Some(Local {
                address: IpAddr::from(v6),
                scope: scope.map_or(0, u32::from_ne_bytes),
                port,
            })
        }
        _ => None,
    }
}

/// The address of a socket.
pub(super) fn local_of(socket: &OwnedFd) -> Option<Local> {
    let address: SocketAddrAny = getsockname(socket).ok()?;
    let address = SocketAddr::try_from(address).ok()?;
    Some(Local {
        address: address.ip(),
        scope: match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => v6.scope_id(),
        },
        port: address.port(),
    })
}

/// The name of an interface; `None` without one, or if it is gone.
pub(super) fn zone_of(socket: BorrowedFd<'_>, scope: u32) -> Option<Zone> {
    let named = (scope != 0).then(|| rustix::net::netdevice::index_to_name(socket, scope));
    Zone::new(&named?.ok()?)
}
