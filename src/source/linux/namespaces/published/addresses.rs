//! Which namespace has an address, by the files of a process in it.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::Members;
use crate::model::{Moment, NamespaceId, Pid, Protocol};
use crate::source::linux::background::containers::netns;

/// Addresses are read again after this time, if one is not found: they take up to a millisecond for each namespace.
const REREAD_AFTER: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Addresses {
    known: HashMap<NamespaceId, (Moment, Vec<IpAddr>)>,
}

impl Addresses {
    /// The namespace that has this address. If several do, of different engines, the one that listens on the port; `None` if
    /// that is not one.
    pub(super) fn namespace(
        &mut self,
        address: IpAddr,
        port: (Protocol, u16),
        members: &Members,
        at: Moment,
    ) -> Option<NamespaceId> {
        let mut found = self.with(address, members);
        if found.is_empty() {
            self.read(members, at);
            found = self.with(address, members);
        }
        if found.len() > 1 {
            found.retain(|id| {
                let pid = members.pids.get(id).and_then(|pids| pids.first());
                pid.is_some_and(|&pid| netns::has_listener(pid, port))
            });
        }
        match *found {
            [only] => Some(only),
            _ => None,
        }
    }

    fn with(&self, address: IpAddr, members: &Members) -> Vec<NamespaceId> {
        let known = self.known.iter();
        let known = known.filter(|(id, _)| members.namespaces.contains_key(id));
        let having = known.filter(|(_, (_, all))| all.contains(&address));
        having.map(|(&id, _)| id).collect()
    }

    fn read(&mut self, members: &Members, at: Moment) {
        self.known
            .retain(|id, _| members.namespaces.contains_key(id));
        for (&id, pids) in &members.pids {
            let known = self.known.get(&id);
            if known.is_some_and(|(read_at, _)| read_at.age(at) < REREAD_AFTER) {
                continue;
            }
            if let Some(addresses) = pids.iter().find_map(|&pid| addresses_of(pid)) {
                self.known.insert(id, (at, addresses));
            }
        }
    }
}

/// The addresses of the namespace of a process, but those of the loopback; `None` if it has ended.
fn addresses_of(pid: Pid) -> Option<Vec<IpAddr>> {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/net/{file}"));
    let trie = read("fib_trie").ok()?;
    let ipv6 = read("if_inet6").unwrap_or_default();
    let mut addresses = ipv4_of(&trie);
    addresses.extend(ipv6_of(&ipv6));
    addresses.retain(|address| !address.is_loopback());
    Some(addresses)
}

/// Local ones are `|-- ADDRESS`, and then `/32 host LOCAL`.
fn ipv4_of(fib_trie: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    let mut last = None;
    for line in fib_trie.lines().map(str::trim) {
        match line.strip_prefix("|-- ") {
            Some(address) => last = address.parse().ok(),
            None if line == "/32 host LOCAL" => addresses.extend(last.map(IpAddr::V4)),
            None => {}
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Lines of `/proc/net/if_inet6` begin with the address in hexadecimal.
fn ipv6_of(if_inet6: &str) -> Vec<IpAddr> {
    let address = |line: &str| u128::from_str_radix(line.get(..32)?, 16).ok();
    let addresses = if_inet6.lines().filter_map(address);
    addresses
        .map(|bits| Ipv6Addr::from_bits(bits).into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_found_in_the_files_of_the_kernel() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
                    |-- 172.17.0.2\n        /32 host LOCAL\n     |-- 172.17.255.255\n        /32 link BROADCAST\n\
                    Local:\n     |-- 172.17.0.2\n        /32 host LOCAL\n";
        assert_eq!(ipv4_of(trie), ["172.17.0.2".parse::<IpAddr>().unwrap()]);
        let table = "fd000000000000000000000000000002 02 40 00 80     eth0\nx\n";
        assert_eq!(ipv6_of(table), ["fd00::2".parse::<IpAddr>().unwrap()]);
    }
}
