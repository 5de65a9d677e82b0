//! Addresses and ports in a filter: how they are read, and which endpoints they mean.
//!
//! `10.0.0.7`, `10.0.0.0/8`, `::1`, `fe80::1%eth0`, `localhost`, each alone or with a port behind it as in
//! `10.0.0.7:443`, `[::1]:8000-8999`, `localhost:https`; or the port alone, `:443`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net};

use super::error::shown;
use super::value;
use crate::model::{Endpoint, Protocol, Scope, Socket, Zone};

/// What an address should have been.
const ACCEPTED: &str =
    "an address, 10.0.0.0/8 or localhost, also with a port as in 10.0.0.1:443 or [::1]:443";

/// Which end of a socket is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Its own.
    Local,
    /// The peer's; a socket without one never matches.
    Remote,
    /// Any of them.
    Either,
}

/// An address, a port, or both. At least one is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The address; `None` for any.
    pub host: Option<Host>,
    /// The port; `None` for any.
    pub ports: Option<Ports>,
}

/// One address or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// Every loopback address, IPv4 and IPv6.
    Localhost,
    /// A network; one address is a network of that alone. Its host bits are zero.
    Net(IpNet),
    /// An address of a socket that is bound to this interface.
    Zoned(Ipv6Addr, Zone),
}

/// One port or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    /// A range; one port is a range of that alone.
    Range(RangeInclusive<u16>),
    /// The ports of a service.
    Service {
        /// Its name in the service table.
        name: &'static str,
        /// Where it is registered; never empty.
        ports: Vec<(Protocol, u16)>,
    },
}

/// Why a text is no place.
#[derive(Debug)]
pub(super) enum PlaceError {
    /// It does not begin with an address.
    NotAnAddress(String),
    /// It does, but this is wrong with the port or the interface after it.
    WrongPort(String),
}

impl PlaceError {
    /// The sentence to show.
    pub fn message(self) -> String {
        match self {
            Self::NotAnAddress(message) | Self::WrongPort(message) => message,
        }
    }
}

impl Place {
    /// A port at any address.
    pub const fn at_port(ports: Ports) -> Self {
        Self {
            host: None,
            ports: Some(ports),
        }
    }

    /// Reads an address, a port after a colon, or both.
    pub fn read(text: &str) -> Result<Self, PlaceError> {
        if text.is_empty() {
            let message = format!("the address is missing: write {ACCEPTED}");
            return Err(PlaceError::NotAnAddress(message));
        }
        if let Some(host) = Host::read(text) {
            host.is_named()?;
            return Ok(Self {
                host: Some(host),
                ports: None,
            });
        }
        let (host, port) = split(text).ok_or_else(|| {
            PlaceError::NotAnAddress(format!("{} is no address: write {ACCEPTED}", shown(text)))
        })?;
        host.map_or(Ok(()), Host::is_named)?;
        let ports = port
            .map(value::ports)
            .transpose()
            .map_err(PlaceError::WrongPort)?;
        Ok(Self { host, ports })
    }

    /// The same, where the port may also stand without a colon before it.
    pub fn read_or_port(text: &str) -> Result<Self, PlaceError> {
        let place = Self::read(text);
        let is_no_address = matches!(place, Err(PlaceError::NotAnAddress(_)));
        if !is_no_address || text.is_empty() || text.contains([':', '.', '/', '[', '%']) {
            return place;
        }
        match value::ports(text) {
            Ok(ports) => Ok(Self::at_port(ports)),
            // Digits are meant as a port.
            Err(message) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                Err(PlaceError::WrongPort(message))
            }
            Err(_) => place.map_err(|error| {
                let message = format!("{}; or a port (443, https)", error.message());
                PlaceError::NotAnAddress(message)
            }),
        }
    }

    /// Whether an end of this socket lies in it. The protocol decides which ports a service has.
    pub fn contains(&self, socket: &Socket, endpoint: &Endpoint) -> bool {
        self.host.is_none_or(|host| host.contains(socket, endpoint))
            && self
                .ports
                .as_ref()
                .is_none_or(|ports| ports.contains(socket.protocol, endpoint.port))
    }
}

/// Takes a place apart into its host and what stands behind the colon; `None` if it does not
/// begin with a host. Only brackets tell where an IPv6 address ends and a port begins.
fn split(text: &str) -> Option<(Option<Host>, Option<&str>)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (host, rest) = inside.split_once(']')?;
        let host = Host::read(host).filter(|_| host.contains(':'))?;
        return match rest.strip_prefix(':') {
            None if rest.is_empty() => Some((Some(host), None)),
            port => Some((Some(host), Some(port?))),
        };
    }
    let (host, port) = text.rsplit_once(':')?;
    if host.is_empty() {
        return Some((None, Some(port)));
    }
    let is_host = host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok()
        || host.parse::<Ipv4Net>().is_ok();
    let host = Host::read(host).filter(|_| is_host)?;
    Some((Some(host), Some(port)))
}

impl Host {
    /// Reads `localhost`, an address or a network. What is v4-mapped is the IPv4 in it.
    fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("localhost") {
            return Some(Self::Localhost);
        }
        if let Some((address, zone)) = Zone::split(text)
            && address.to_ipv4_mapped().is_none()
        {
            return Some(Self::Zoned(address, zone));
        }
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let net = address.or_else(|_| text.parse::<IpNet>()).ok()?.trunc();
        Some(Self::Net(unmapped(net).unwrap_or(net)))
    }

    /// Refuses an interface by its number: a table has names alone.
    fn is_named(self) -> Result<(), PlaceError> {
        match self {
            Self::Zoned(_, zone) if zone.number().is_some() => {
                let message =
                    "the interface is named here, as in fe80::1%eth0: no row has its number";
                Err(PlaceError::WrongPort(message.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// A v4-mapped address lies in the networks of both its forms.
    fn contains(self, socket: &Socket, endpoint: &Endpoint) -> bool {
        match self {
            Self::Localhost => endpoint.scope() == Scope::Loopback,
            Self::Net(net) => {
                net.contains(&endpoint.address) || net.contains(&endpoint.address.to_canonical())
            }
            Self::Zoned(address, zone) => {
                let interface = socket.interface.as_deref();
                endpoint.address == address && interface == Some(zone.as_str())
            }
        }
    }
}

/// The IPv4 network in a v4-mapped one (`::ffff:10.0.0.0/104`); `None` if it is something else.
fn unmapped(net: IpNet) -> Option<IpNet> {
    let IpNet::V6(v6) = net else { return None };
    let bits = v6.prefix_len().checked_sub(96)?;
    let v4 = Ipv4Net::new(v6.addr().to_ipv4_mapped()?, bits).ok()?;
    Some(IpNet::V4(v4))
}

impl Ports {
    fn contains(&self, protocol: Protocol, port: u16) -> bool {
        match self {
            Self::Range(range) => range.contains(&port),
            Self::Service { ports, .. } => ports.contains(&(protocol, port)),
        }
    }
}
