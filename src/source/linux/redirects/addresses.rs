//! Every address of this network namespace, from the kernel's routing tables below `/proc/thread-self/net`: a packet for another address reaches no
//! server here, whatever a rule does with it.
//!
//! `fib_trie` lists a leaf as `|-- ADDRESS` and below it `/LENGTH SCOPE TYPE`;
//! `ipv6_route` lists networks in hexadecimal, their flags last but one.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};

/// The most to read of a table: a router has a million routes to other hosts.
const MOST_BYTES: u64 = 4 << 20;

/// `RTF_LOCAL` of `linux/ipv6_route.h`.
const LOCAL: u32 = 0x8000_0000;

/// Every address; `None` if they can't be read.
pub(super) fn read() -> Option<Vec<IpNet>> {
    let mut own = v4(&table("/proc/thread-self/net/fib_trie")?);
    // A kernel without IPv6 has no such table.
    if std::path::Path::new("/proc/thread-self/net/ipv6_route").exists() {
        own.extend(v6(&table("/proc/thread-self/net/ipv6_route")?));
    }
    (!own.is_empty()).then_some(own)
}

fn table(path: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    let length = file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    (u64::try_from(length).ok()? < MOST_BYTES).then_some(text)
}

fn v4(trie: &str) -> Vec<IpNet> {
    let mut own = Vec::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in trie.lines().map(str::trim_start) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim().parse().ok();
        } else if (line.ends_with(" LOCAL") || line.ends_with(" BROADCAST"))
            && let Some((length, _)) = line.strip_prefix('/').and_then(|line| line.split_once(' '))
            && let (Some(leaf), Ok(length)) = (leaf, length.parse())
        {
            own.extend(IpNet::new(leaf.into(), length));
        }
    }
    own.sort();
    own.dedup();
    own
}

fn v6(routes: &str) -> Vec<IpNet> {
    let net = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
        let address = u128::from_str_radix(words.first()?, 16).ok()?;
        let length = u8::from_str_radix(words.get(1)?, 16).ok()?;
        let address = IpAddr::V6(Ipv6Addr::from(address));
        (flags & LOCAL != 0).then(|| IpNet::new(address, length).ok())?
    };
    routes.lines().filter_map(net).collect()
}

/// `IPPROTO_RAW` of `raw(7)`: such a socket has no port and receives nothing.
const RAW: i32 = 255;

/// Whether the kernel finds no route when a socket is connected to the address, which sends no packet. A raw socket has no
/// port; without `CAP_NET_RAW` a UDP socket does it.
pub(super) fn is_unreachable(address: IpAddr) -> bool {
    let address = SocketAddr::new(address, 0);
    let socket = Socket::new(
        Domain::for_address(address),
        Type::RAW,
        Some(Protocol::from(RAW)),
    );
    let datagram = |_| Socket::new(Domain::for_address(address), Type::DGRAM, None);
    let connected = socket
        .or_else(datagram)
        .and_then(|socket| socket.connect(&address.into()));
    connected.is_err_and(|error| {
        let kinds = [ErrorKind::NetworkUnreachable, ErrorKind::HostUnreachable];
        kinds.contains(&error.kind())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_and_broadcast_leaves_are_ours() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
            Local:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.0\n        /8 host LOCAL\n\
            \x20    |-- 10.0.0.1\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";
        let own: Vec<_> = v4(trie).iter().map(ToString::to_string).collect();
        assert_eq!(own, ["10.0.0.1/32", "10.0.0.255/32", "127.0.0.0/8"]);
    }

    #[test]
    fn local_routes_of_ipv6_are_ours() {
        let routes = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n\
            00000000000000000000000000000001 80 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 00000000 00000002 00000000 80200001 lo\n";
        let own: Vec<_> = v6(routes).iter().map(ToString::to_string).collect();
        assert_eq!(own, ["::1/128"]);
    }

    #[test]
    fn loopback_is_always_there() {
        let own = read().expect("/proc is mounted");
        assert!(own.iter().all(|net| net.prefix_len() > 0), "{own:?}");
    }

    #[test]
    fn loopback_is_routed() {
        assert!(!is_unreachable("127.0.0.1".parse().unwrap()));
    }
}
