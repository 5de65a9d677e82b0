//! Real binds, which depend on the operating system, and their results.
//!
//! A socket is made, bound and closed, one at a time. It never listens: that would add no information (a bound socket
//! can listen) and clients would reach it. `SO_REUSEPORT` is never set: its success leaves a mark in the kernel's port
//! table that lets later binds succeed wrongly. A bind sends nothing and has the port for about a microsecond.

#[cfg(windows)]
mod exclusive;
mod own;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::{fmt, io};

use serde::{Serialize, Serializer};
use socket2::{Domain, Socket, Type};

pub(in crate::bind) use self::own::inode_of;
pub use self::own::is_own_probe;
use super::{Address, BindAttempt};
use crate::model::{Protocol, Zone};

/// What is bound: an address, and `IPV6_V6ONLY` for one of IPv6.
pub(in crate::bind) type Bind = (IpAddr, Option<bool>);

/// One trial bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The address that was bound; `0.0.0.0` or `::` for every address of the family.
    pub address: IpAddr,
    /// `IPV6_V6ONLY` of the socket; `None` for IPv4.
    pub v6only: Option<bool>,
    /// Whether the socket had `SO_REUSEADDR`, which most servers set.
    pub reuse_address: bool,
    /// The result.
    pub result: ProbeResult,
}

/// The result of a trial bind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProbeResult {
    /// The bind succeeded (and was undone at once).
    Ok,
    /// The socket could not be made or bound: the error's name, or `errno 123` if `bind` is not known to return it.
    Errno(Cow<'static, str>),
}

impl Probe {
    /// The address and `IPV6_V6ONLY`.
    pub(in crate::bind) const fn bind(&self) -> Bind {
        (self.address, self.v6only)
    }

    /// Whether it was of every IPv6 address, and of no IPv4 address.
    pub(in crate::bind) const fn is_v6_wildcard(&self) -> bool {
        matches!(self.v6only, Some(true)) && self.address.is_unspecified()
    }
}

impl ProbeResult {
    /// Whether the bind succeeded.
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// Whether it is the error of this name.
    pub fn is(&self, errno: &str) -> bool {
        !self.is_ok() && self.as_str() == errno
    }

    /// Whether another socket has the port.
    pub fn is_in_use(&self) -> bool {
        self.is("EADDRINUSE")
    }

    /// `ok` or the error's name, as JSON and the screen write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Errno(name) => name,
        }
    }
}

impl fmt::Display for ProbeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ProbeResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Binds `port` on the addresses of `address` and returns each trial in the order it was made.
///
/// TCP is bound with `SO_REUSEADDR`, and without it too if that succeeds and `wants_plain` says so: a plain bind that
/// succeeds makes a server fail that starts in the same microsecond; one with the option never disturbed a server
/// that sets it too. UDP is bound without options only: it would receive at once what is sent to a socket that it
/// shares a port with. For every address the two wildcards are bound, and a loopback address only if its wildcard
/// failed.
pub fn probe(
    protocol: Protocol,
    address: Address,
    port: u16,
    wants_plain: &dyn Fn(&Probe) -> bool,
) -> Vec<Probe> {
    let try_bind = |ip: IpAddr, reuse_address| {
        let v6only = v6only_of(ip);
        let result = with_port(ip, address.zone(), port)
            .and_then(|to_bind| bound(protocol, to_bind, v6only, reuse_address));
        Probe {
            address: ip,
            v6only,
            reuse_address,
            result: result.map_or_else(|error| outcome_of(&error), |_| ProbeResult::Ok),
        }
    };
    probes(protocol, address, wants_plain, try_bind)
}

/// A wildcard takes one family only, so that each answer is about one family. A single address must not: a v4-mapped one
/// cannot be bound by a socket that is IPv6 only.
pub(super) fn v6only_of(ip: IpAddr) -> Option<bool> {
    ip.is_ipv6().then(|| ip.is_unspecified())
}

/// The binds to make, in their order, each as `try_bind` answers it.
pub(super) fn probes(
    protocol: Protocol,
    address: Address,
    wants_plain: &dyn Fn(&Probe) -> bool,
    try_bind: impl Fn(IpAddr, bool) -> Probe,
) -> Vec<Probe> {
    let reuses = REUSE_SHARES && protocol == Protocol::Tcp;
    let mut probes = Vec::new();
    for ip in address.ips() {
        let first = try_bind(ip, reuses);
        let is_open = first.result.is_ok();
        let is_plain_wanted = is_open && first.reuse_address && wants_plain(&first);
        probes.push(first);
        if is_plain_wanted {
            probes.push(try_bind(ip, false));
        } else if !is_open && address == Address::Every {
            let loopback = match ip {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            probes.push(try_bind(loopback, reuses));
        }
    }
    probes
}

/// Makes the bind of an attempt once more, with a socket of our own that has the same options but for `SO_REUSEPORT`,
/// which is never set here.
pub fn probe_again(attempt: &BindAttempt) -> Probe {
    let bound = with_port(attempt.address, attempt.zone, attempt.port).and_then(|to_bind| {
        bound(
            attempt.protocol,
            to_bind,
            attempt.v6only,
            attempt.reuse_address,
        )
    });
    Probe {
        result: result_of(bound.map(drop)),
        ..attempt.probe()
    }
}

/// The result of a system call.
pub fn result_of(result: io::Result<()>) -> ProbeResult {
    result.map_or_else(|error| outcome_of(&error), |()| ProbeResult::Ok)
}

/// Whether the [rules](super::rules) apply to this system: they were only measured on Linux.
pub(super) const RULES_ARE_MEASURED: bool = cfg!(target_os = "linux");

/// Whether `SO_REUSEADDR` lets a server bind beside what an earlier one left. On Windows it takes a port
/// away from the socket that has it, so it is never set there, and `SO_EXCLUSIVEADDRUSE` is.
pub(super) const REUSE_SHARES: bool = cfg!(not(windows));

/// A socket with this address; close-on-exec from the start (socket2 sees to it).
pub(super) fn bound(
    protocol: Protocol,
    address: SocketAddr,
    v6only: Option<bool>,
    reuse_address: bool,
) -> io::Result<Socket> {
    let kind = match protocol {
        Protocol::Tcp => Type::STREAM,
        _ => Type::DGRAM,
    };
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    own::remember(&socket);
    if let Some(v6only) = v6only {
        socket.set_only_v6(v6only)?;
    }
    if reuse_address {
        socket.set_reuse_address(true)?;
    }
    #[cfg(windows)]
    exclusive::set_exclusive(&socket)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

pub(super) fn outcome_of(error: &io::Error) -> ProbeResult {
    let raw = error.raw_os_error().unwrap_or(0);
    let known = ERRNOS.iter().find(|(number, _)| *number == raw);
    ProbeResult::Errno(match known {
        Some(&(_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("errno {raw}")),
    })
}

/// The address with a port, and with the number of its interface where it has one.
pub(super) fn with_port(address: IpAddr, zone: Option<Zone>, port: u16) -> io::Result<SocketAddr> {
    match (address, zone) {
        (IpAddr::V6(v6), Some(zone)) => Ok(SocketAddrV6::new(v6, port, 0, number_of(zone)?).into()),
        _ => Ok(SocketAddr::new(address, port)),
    }
}

/// The interface by its name, if there is one of that name or number.
#[cfg(target_os = "linux")]
pub fn interface(zone: Zone) -> Option<Zone> {
    use rustix::net::netdevice::{index_to_name, name_to_index};
    let socket = any_socket().ok()?;
    // An interface may be called as a number is: its name counts.
    if name_to_index(&socket, zone.as_str()).is_ok() {
        return Some(zone);
    }
    Zone::new(&index_to_name(&socket, zone.number()?).ok()?)
}

#[cfg(target_os = "linux")]
fn number_of(zone: Zone) -> io::Result<u32> {
    use rustix::net::netdevice::name_to_index;
    Ok(name_to_index(any_socket()?, zone.as_str())?)
}

/// Any socket of the namespace works for the query.
#[cfg(target_os = "linux")]
fn any_socket() -> io::Result<rustix::fd::OwnedFd> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let (family, flags) = (AddressFamily::INET, SocketFlags::CLOEXEC);
    Ok(socket_with(family, SocketType::DGRAM, flags, None)?)
}

/// The interface by its number, if there is one: only numbers are understood here.
#[cfg(not(target_os = "linux"))]
pub fn interface(zone: Zone) -> Option<Zone> {
    number_of(zone).ok().map(|_| zone)
}

#[cfg(not(target_os = "linux"))]
fn number_of(zone: Zone) -> io::Result<u32> {
    let number = zone.number().filter(|&number| number > 0);
    number.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The errors of `socket`, `setsockopt` and `bind`, with this system's numbers.
#[cfg(unix)]
static ERRNOS: [(i32, &str); 16] = {
    use rustix::io::Errno;
    [
        (Errno::ADDRINUSE.raw_os_error(), "EADDRINUSE"),
        (Errno::ADDRNOTAVAIL.raw_os_error(), "EADDRNOTAVAIL"),
        (Errno::ACCESS.raw_os_error(), "EACCES"),
        (Errno::PERM.raw_os_error(), "EPERM"),
        (Errno::INVAL.raw_os_error(), "EINVAL"),
        (Errno::AFNOSUPPORT.raw_os_error(), "EAFNOSUPPORT"),
        (Errno::PROTONOSUPPORT.raw_os_error(), "EPROTONOSUPPORT"),
        (Errno::OPNOTSUPP.raw_os_error(), "EOPNOTSUPP"),
        (Errno::NOPROTOOPT.raw_os_error(), "ENOPROTOOPT"),
        (Errno::MFILE.raw_os_error(), "EMFILE"),
        (Errno::NFILE.raw_os_error(), "ENFILE"),
        (Errno::NOBUFS.raw_os_error(), "ENOBUFS"),
        (Errno::NOMEM.raw_os_error(), "ENOMEM"),
        (Errno::NODEV.raw_os_error(), "ENODEV"),
        (Errno::NETDOWN.raw_os_error(), "ENETDOWN"),
        (Errno::NOSYS.raw_os_error(), "ENOSYS"),
    ]
};

/// Winsock's numbers under the names that the other systems use. `WSAEACCES` may also mean a
/// port range that Windows has set aside.
#[cfg(windows)]
static ERRNOS: [(i32, &str); 8] = [
    (10013, "EACCES"),
    (10022, "EINVAL"),
    (10024, "EMFILE"),
    (10042, "ENOPROTOOPT"),
    (10047, "EAFNOSUPPORT"),
    (10048, "EADDRINUSE"),
    (10049, "EADDRNOTAVAIL"),
    (10055, "ENOBUFS"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_has_its_name_and_an_unknown_one_its_number() {
        for (raw, name) in ERRNOS {
            let outcome = outcome_of(&io::Error::from_raw_os_error(raw));
            assert_eq!(outcome.as_str(), name);
        }
        let outcome = outcome_of(&io::Error::from_raw_os_error(9999));
        assert_eq!(outcome.as_str(), "errno 9999");
    }
}
