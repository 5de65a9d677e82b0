//! The pseudonyms that were assigned so far.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Text, UnixName};

/// The first uid that replaces another.
const FIRST_UID: u32 = 1001;

/// Prefixes of a unit's name that show its engine (and so its stop command) or its kind.
const UNIT_PREFIXES: &str =
    "docker- libpod- nerdctl- cri-containerd- machine- user@ user- session-";

const UNIT_SUFFIXES: &str = ".service .socket .scope .slice";

/// Pseudonyms of users, units, containers, interfaces and unix sockets: a kind and a number.
#[derive(Default)]
pub(super) struct Names {
    uids: HashMap<u32, u32>,
    /// By the kind of thing.
    names: HashMap<&'static str, HashMap<Text, Text>>,
}

impl Names {
    /// 1001, 1002, …; 0 stays 0.
    pub(super) fn uid(&mut self, uid: u32) -> u32 {
        if uid == 0 {
            return 0;
        }
        let next = FIRST_UID.saturating_add(u32::try_from(self.uids.len()).unwrap_or(u32::MAX));
        *self.uids.entry(uid).or_insert(next)
    }

    /// `unit1.service`, `docker-2.scope`, `user@3.service`: the kind stays, the number is the unit's.
    pub(super) fn unit(&mut self, name: &Text) -> Text {
        let mut prefixes = UNIT_PREFIXES.split(' ');
        let prefix = prefixes.find(|prefix| name.starts_with(prefix));
        let mut suffixes = UNIT_SUFFIXES.split(' ');
        let suffix = suffixes.find(|suffix| name.ends_with(suffix));
        let (prefix, suffix) = (prefix.unwrap_or("unit"), suffix.unwrap_or_default());
        self.given("unit", name, |number| format!("{prefix}{number}{suffix}"))
    }

    /// `/path1`, `@name1`.
    pub(super) fn unix(&mut self, name: &UnixName) -> UnixName {
        match name {
            UnixName::Path(path) => UnixName::Path(self.numbered("/path", path)),
            UnixName::Abstract(name) => UnixName::Abstract(self.numbered("name", name)),
        }
    }

    /// `user1`, `container1`, `if1`. Every machine has `root` and `lo`.
    pub(super) fn numbered(&mut self, kind: &'static str, name: &Text) -> Text {
        if matches!((kind, &**name), ("user", "root") | ("if", "lo")) {
            return name.clone();
        }
        self.given(kind, name, |number| format!("{kind}{number}"))
    }

    /// The pseudonym of a name, made with the next number if there is none yet.
    fn given(
        &mut self,
        kind: &'static str,
        name: &Text,
        make: impl FnOnce(usize) -> String,
    ) -> Text {
        let given = self.names.entry(kind).or_default();
        let next = given.len() + 1;
        let given = given.entry(name.clone());
        given.or_insert_with(|| Text::new(&make(next))).clone()
    }
}

/// Pseudonyms of addresses, with the same family and scope, so that the table still makes sense. About 50 bytes each.
#[derive(Default)]
pub(super) struct Addresses {
    given: HashMap<IpAddr, IpAddr>,
    /// How many were assigned of each kind.
    counts: HashMap<IpAddr, u32>,
}

impl Addresses {
    /// The address itself where every machine has it (a wildcard, loopback, broadcast); of a v4-mapped address the
    /// pseudonym of the IPv4 address in it, mapped; else a number among those of its kind.
    pub(super) fn pseudonym(&mut self, address: IpAddr) -> IpAddr {
        if let IpAddr::V6(v6) = address
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            return match self.pseudonym(v4.into()) {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
                v6 @ IpAddr::V6(_) => v6,
            };
        }
        let Some(kind) = kind(address) else {
            return address;
        };
        if let Some(given) = self.given.get(&address) {
            return *given;
        }
        let count = self.counts.entry(kind).or_default();
        let mut pseudonym = address;
        // It may happen to be the address itself.
        while pseudonym == address {
            *count += 1;
            pseudonym = numbered(kind, *count);
        }
        self.given.insert(address, pseudonym);
        pseudonym
    }
}

/// The network for pseudonyms of such an address; `None` if the address identifies nothing.
///
/// Private networks (RFC 1918, 6598, 3927) stay apart, and public addresses become the last block, which is not in
/// use (RFC 1112). Of IPv6, link-local and unique-local addresses and the reaches of multicast stay apart (RFC 4291,
/// 4193), and public ones become those of documentation (RFC 3849).
fn kind(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(Ipv4Addr::BROADCAST) => None,
        _ if address.is_unspecified() || address.is_loopback() => None,
        IpAddr::V4(v4) => {
            let (first, second) = match v4.octets() {
                [10, ..] => (10, 0),
                [172, 16..=31, ..] => (172, 16),
                [192, 168, ..] => (192, 168),
                [100, 64..=127, ..] => (100, 64),
                [169, 254, ..] => (169, 254),
                [224..=239, ..] => (224, 0),
                _ => (240, 0),
            };
            Some([first, second, 0, 0].into())
        }
        IpAddr::V6(v6) => {
            let (first, second) = match v6.segments()[0] {
                first if first & 0xffc0 == 0xfe80 => (0xfe80, 0),
                first if first & 0xfe00 == 0xfc00 => (0xfd00, 0),
                first if first & 0xff00 == 0xff00 => (first, 0),
                _ => (0x2001, 0xdb8),
            };
            Some([first, second, 0, 0, 0, 0, 0, 0].into())
        }
    }
}

/// A network has as many pseudonyms as addresses, so none is assigned twice.
fn numbered(network: IpAddr, count: u32) -> IpAddr {
    match network {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().wrapping_add(count)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() + u128::from(count)).into(),
    }
}
