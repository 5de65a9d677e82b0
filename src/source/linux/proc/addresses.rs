//! The addresses of a network namespace, from the kernel's routing tables below `/proc/PID/net`, which needs no privilege and
//! does not enter the namespace.
//!
//! `fib_trie` lists a leaf as `|-- ADDRESS` and below it `/LENGTH SCOPE TYPE`; `ipv6_route` lists networks in hexadecimal,
//! their flags last but one.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use ipnet::IpNet;

/// The most to read of a table: a router has a million routes to other hosts.
const MOST_BYTES: u64 = 4 << 20;

/// `RTF_LOCAL` of `linux/ipv6_route.h`.
const LOCAL: u32 = 0x8000_0000;

/// Addresses that a namespace receives packets for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Local {
    pub(crate) net: IpNet,
    /// Not an address of its own, but that of every machine on a link.
    is_broadcast: bool,
}

/// Every address of the namespace of a process, or of `thread-self`; `None` if they can't be read.
pub(crate) fn of_process(process: &str) -> Option<Vec<Local>> {
    let folder = format!("/proc/{process}/net");
    let mut own = v4(&table(&format!("{folder}/fib_trie"))?);
    // A kernel without IPv6 has no such table.
    let ipv6 = format!("{folder}/ipv6_route");
    if Path::new(&ipv6).exists() {
        own.extend(v6(&table(&ipv6)?));
    }
    Some(own)
}

/// The addresses of the interfaces in the namespace of a process, but those of the loopback.
pub(crate) fn of_interfaces(process: &str) -> Option<Vec<IpAddr>> {
    Some(interfaces(&of_process(process)?))
}

fn interfaces(own: &[Local]) -> Vec<IpAddr> {
    let is_host =
        |one: &&Local| !one.is_broadcast && one.net.prefix_len() == one.net.max_prefix_len();
    let hosts = own.iter().filter(is_host).map(|one| one.net.addr());
    hosts.filter(|address| !address.is_loopback()).collect()
}

fn table(path: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    let length = file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    (u64::try_from(length).ok()? < MOST_BYTES).then_some(text)
}

fn v4(trie: &str) -> Vec<Local> {
    let mut own = Vec::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in trie.lines().map(str::trim) {
        let is_broadcast = line.ends_with(" BROADCAST");
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim().parse().ok();
        } else if (line.ends_with(" LOCAL") || is_broadcast)
            && let Some((length, _)) = line.strip_prefix('/').and_then(|line| line.split_once(' '))
            && let (Some(leaf), Ok(length)) = (leaf, length.parse())
            && let Ok(net) = IpNet::new(leaf.into(), length)
        {
            own.push(Local { net, is_broadcast });
        }
    }
    own.sort();
    own.dedup();
    own
}

fn v6(routes: &str) -> Vec<Local> {
    let net = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
        let address = u128::from_str_radix(words.first()?, 16).ok()?;
        let length = u8::from_str_radix(words.get(1)?, 16).ok()?;
        let address = IpAddr::V6(Ipv6Addr::from(address));
        let net = IpNet::new(address, length).ok()?;
        (flags & LOCAL != 0).then_some(Local {
            net,
            is_broadcast: false,
        })
    };
    routes.lines().filter_map(net).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
        Local:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.0\n        /8 host LOCAL\n\
        \x20    |-- 127.0.0.1\n        /32 host LOCAL\n\
        \x20    |-- 10.0.0.1\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";

    #[test]
    fn local_and_broadcast_leaves_are_ours() {
        let own: Vec<_> = v4(TRIE).iter().map(|one| one.net.to_string()).collect();
        let expected = [
            "10.0.0.1/32",
            "10.0.0.255/32",
            "127.0.0.0/8",
            "127.0.0.1/32",
        ];
        assert_eq!(own, expected);
        assert_eq!(interfaces(&v4(TRIE)), [IpAddr::from([10, 0, 0, 1])]);
    }

    #[test]
    fn local_routes_of_ipv6_are_ours() {
        let routes = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n\
            fd000000000000000000000000000002 80 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 00000000 00000002 00000000 80200001 eth0\n\
            00000000000000000000000000000001 80 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 00000000 00000002 00000000 80200001 lo\n";
        let own: Vec<_> = v6(routes).iter().map(|one| one.net.to_string()).collect();
        assert_eq!(own, ["fd00::2/128", "::1/128"]);
        let expected: IpAddr = "fd00::2".parse().unwrap();
        assert_eq!(interfaces(&v6(routes)), [expected]);
    }

    #[test]
    fn this_namespace_has_addresses_of_whole_networks() {
        let own = of_process("thread-self").expect("/proc is mounted");
        assert!(own.iter().all(|one| one.net.prefix_len() > 0), "{own:?}");
    }
}
