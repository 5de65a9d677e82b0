//! Patterns for addresses and ports: `10.0.0.7`, `10.0.0.0/8`, `::1`, `fe80::1%eth0`, `localhost`, each with or
//! without a port as in `10.0.0.7:443`, `[::1]:8000-8999`, `localhost:https`; or ports alone, `:443`, `:80,443`, `:>1024`.

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;

use super::number::Comparison;
use crate::model::{Endpoint, Protocol, Scope, Socket, Zone};

/// An end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Local,
    /// A socket without a peer never matches.
    Remote,
    Either,
}

/// An address, a port, or both. At least one is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EndpointPattern {
    /// `None` for any.
    pub host: Option<Host>,
    /// `None` for any.
    pub ports: Option<Ports>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// Every loopback address, IPv4 and IPv6.
    Localhost,
    /// A network, with zero host bits. A single address is a network of one.
    Net(IpNet),
    /// An address of a socket that is bound to this interface.
    Zoned(Ipv6Addr, Zone),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    /// A single port is a range of one.
    Range(RangeInclusive<u16>),
    Compared(Comparison<u16>),
    Service {
        /// Its name in the service table.
        name: Arc<str>,
        /// Where it is registered; never empty.
        ports: Vec<(Protocol, u16)>,
    },
    /// At least two, each a range or a service.
    OneOf(Vec<Ports>),
}

impl EndpointPattern {
    /// Whether an end of the socket matches.
    pub fn matches(&self, side: Side, socket: &Socket) -> bool {
        let has_such_an_end = match self.ports {
            None => socket.has_address(),
            Some(_) => socket.protocol.has_ports(),
        };
        let local = Some(&socket.local).filter(|_| side != Side::Remote);
        let remote = socket.remote.as_ref().filter(|_| side != Side::Local);
        let mut ends = local.into_iter().chain(remote);
        has_such_an_end && ends.any(|end| self.matches_end(socket, end))
    }

    fn matches_end(&self, socket: &Socket, end: &Endpoint) -> bool {
        let host = self.host.as_ref();
        host.is_none_or(|host| host.contains(socket, end))
            && self
                .ports
                .as_ref()
                .is_none_or(|ports| ports.contain(socket.protocol, end.port))
    }
}

impl Ports {
    /// The ports of a service depend on the protocol.
    fn contain(&self, protocol: Protocol, port: u16) -> bool {
        match self {
            Self::Range(range) => range.contains(&port),
            Self::Compared(comparison) => comparison.holds(&port),
            Self::Service { ports, .. } => ports.contains(&(protocol, port)),
            Self::OneOf(all) => all.iter().any(|one| one.contain(protocol, port)),
        }
    }

    /// Whether none is known by a name.
    pub fn are_numbers(&self) -> bool {
        match self {
            Self::Range(_) | Self::Compared(_) => true,
            Self::Service { .. } => false,
            Self::OneOf(all) => all.iter().all(Self::are_numbers),
        }
    }
}

impl Host {
    /// A v4-mapped address is in the networks of both its forms.
    fn contains(&self, socket: &Socket, endpoint: &Endpoint) -> bool {
        let address = endpoint.address;
        match self {
            Self::Localhost => endpoint.scope() == Scope::Loopback,
            Self::Net(net) => net.contains(&address) || net.contains(&address.to_canonical()),
            Self::Zoned(zoned, zone) => {
                address == *zoned && socket.interface.as_deref() == Some(zone.as_str())
            }
        }
    }
}
