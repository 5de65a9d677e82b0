//! The interface that a link-local address belongs to: `eth0` of `fe80::1%eth0` (RFC 4007).

use std::fmt;
use std::net::Ipv6Addr;

/// The longest name of an interface (`IFNAMSIZ` without its NUL).
const MAX_LENGTH: usize = 15;

/// An interface by its name, or by its number if the name is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Whether an address is incomplete without its interface: link-local ones, and multicast on a link or an
    /// interface.
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

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
