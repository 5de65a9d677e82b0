//! An address and a port, what kind of address it is, and the interface of a link-local one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Address family of a socket, as the kernel's table files it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Family {
    /// `AF_INET`.
    Ipv4,
    /// `AF_INET6`, including its dual-stack sockets.
    Ipv6,
}

impl Family {
    /// `ipv4` or `ipv6`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who can reach an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `0.0.0.0` or `::`: every address of this host.
    Any,
    /// 127.0.0.0/8, `::1`: this host only.
    Loopback,
    /// Private, link-local or unique-local: the networks around this host.
    Private,
    /// Routed on the public internet.
    Public,
}

/// An IP address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// The address; unspecified (`0.0.0.0`, `::`) where a socket is bound to every address.
    pub address: IpAddr,
    /// The port, 0–65535.
    pub port: u16,
}

impl Endpoint {
    /// No address and no port.
    pub const NOTHING: Self = Self::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

    /// Pairs an address with a port.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Self { address, port }
    }

    /// The family of the address.
    pub const fn family(&self) -> Family {
        match self.address {
            IpAddr::V4(_) => Family::Ipv4,
            IpAddr::V6(_) => Family::Ipv6,
        }
    }

    /// Whether the address is `::`.
    pub const fn is_v6_wildcard(self) -> bool {
        self.address.is_ipv6() && self.address.is_unspecified()
    }

    /// Whether the address is a wildcard and the port 0: the far side of an unconnected socket.
    pub const fn is_unspecified(&self) -> bool {
        self.address.is_unspecified() && self.port == 0
    }

    /// The same place with a v4-mapped address (`::ffff:127.0.0.1`) as the IPv4 address in it.
    #[must_use]
    pub fn to_canonical(self) -> Self {
        Self::new(self.address.to_canonical(), self.port)
    }

    /// Who can reach this address. A v4-mapped address counts as the IPv4 address in it.
    pub fn scope(&self) -> Scope {
        let is_private = match self.address.to_canonical() {
            address if address.is_unspecified() => return Scope::Any,
            address if address.is_loopback() => return Scope::Loopback,
            // RFC 1918 and 6598 ranges and link-local (RFC 3927).
            IpAddr::V4(v4) => {
                let is_shared = matches!(v4.octets(), [100, 64..=127, ..]);
                v4.is_private() || v4.is_link_local() || is_shared
            }
            // Unique-local (RFC 4193) and link-local (RFC 4291).
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
        };
        if is_private {
            Scope::Private
        } else {
            Scope::Public
        }
    }
}

impl fmt::Display for Endpoint {
    /// `127.0.0.1:80`, `[::1]:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip(), address.port())
    }
}

/// The longest name of an interface (`IFNAMSIZ` without its NUL).
const MAX_LENGTH: usize = 15;

/// The interface of a link-local address: `eth0` of `fe80::1%eth0` (RFC 4007), by its name, or its number if unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    bytes: [u8; MAX_LENGTH],
    length: usize,
}

impl Zone {
    /// The interface with this name, if it is valid and needs no quoting anywhere.
    pub fn new(name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"/:|()[]\"'%\\".contains(&byte);
        if name.is_empty() || name.len() > MAX_LENGTH || !name.bytes().all(is_plain) {
            return None;
        }
        let mut bytes = [0; MAX_LENGTH];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        let length = name.len();
        Some(Self { bytes, length })
    }

    /// Reads `fe80::1%eth0`.
    pub fn split(text: &str) -> Option<(Ipv6Addr, Self)> {
        let (address, zone) = text.split_once('%')?;
        Some((address.parse().ok()?, Self::new(zone)?))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<u32> {
        self.as_str().parse().ok()
    }

    /// Whether an address is incomplete without its interface: link-local, and multicast on a link or an interface.
    pub const fn is_needed_by(address: Ipv6Addr) -> bool {
        let [first, second, ..] = address.octets();
        address.is_unicast_link_local() || first == 0xff && matches!(second & 0xf, 1 | 2)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(address: &str) -> Scope {
        Endpoint::new(address.parse().unwrap(), 1).scope()
    }

    #[test]
    fn addresses_have_the_reach_their_rfcs_say() {
        assert_eq!(scope("0.0.0.0"), Scope::Any);
        assert_eq!(scope("::"), Scope::Any);
        assert_eq!(scope("127.9.0.1"), Scope::Loopback);
        assert_eq!(scope("::1"), Scope::Loopback);
        assert_eq!(scope("::ffff:127.0.0.1"), Scope::Loopback);
        assert_eq!(scope("10.0.0.1"), Scope::Private);
        assert_eq!(scope("100.64.0.1"), Scope::Private);
        assert_eq!(scope("fe80::1"), Scope::Private);
        assert_eq!(scope("fd00::1"), Scope::Private);
        assert_eq!(scope("8.8.8.8"), Scope::Public);
        assert_eq!(scope("2606:4700::1"), Scope::Public);
    }

    #[test]
    fn loopback_v6_is_printed_short() {
        assert_eq!(
            Endpoint::new("::1".parse().unwrap(), 80).to_string(),
            "[::1]:80"
        );
    }

    #[test]
    fn a_zone_is_the_name_or_the_number_of_an_interface() {
        let (address, zone) = Zone::split("fe80::1%eth0.7").unwrap();
        assert_eq!(address, "fe80::1".parse::<Ipv6Addr>().unwrap());
        assert_eq!((zone.as_str(), zone.number()), ("eth0.7", None));
        assert_eq!(Zone::new("12").unwrap().number(), Some(12));
        for wrong in ["", "a/b", "a b", "sixteen-letters-", "a%b", "é"] {
            assert_eq!(Zone::new(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_addresses_of_a_link_need_one() {
        let needs = |text: &str| Zone::is_needed_by(text.parse().unwrap());
        assert!(needs("fe80::1") && needs("ff02::1") && needs("ff01::1"));
        assert!(!needs("::1") && !needs("2001:db8::1") && !needs("ff05::1") && !needs("::"));
    }
}
