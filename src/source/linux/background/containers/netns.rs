//! Sockets and addresses of another network namespace, read from outside: from the tables below `/proc/PID/net`, which
//! needs no privilege and does not enter or keep the namespace.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::IpAddr;

use crate::model::{Pid, Protocol, State};
use crate::source::linux::background::facts::all_pids;
use crate::source::linux::{proc_net, scan};
use crate::source::netstat::Part;

/// The processes of each network namespace but that of this thread, by the namespace's number.
pub(super) fn namespaces() -> HashMap<u64, Vec<Pid>> {
    let own = scan::network_of(scan::THIS_THREAD).ok();
    let mut found: HashMap<u64, Vec<Pid>> = HashMap::new();
    for pid in all_pids() {
        match scan::network_of(&pid.to_string()) {
            Ok(network) if Some(network) != own => found.entry(network).or_default().push(pid),
            _ => {}
        }
    }
    found
}

/// The processes of the namespace that has this address. If several do, of different engines, the one that
/// listens on the port.
pub(super) fn with_address(
    namespaces: &HashMap<u64, Vec<Pid>>,
    address: IpAddr,
    port: (Protocol, u16),
) -> Option<&[Pid]> {
    let mut having: Vec<&Vec<Pid>> = namespaces.values().collect();
    having.retain(|pids| has_address(pids[0], address));
    if having.len() > 1 {
        having.retain(|pids| !listeners(pids[0], port).is_empty());
    }
    match having.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// Whether the namespace of a process has a local address.
fn has_address(pid: Pid, address: IpAddr) -> bool {
    let read =
        |file: &str| fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
    match address {
        IpAddr::V4(v4) => is_local(&read("fib_trie"), &v4.to_string()),
        IpAddr::V6(v6) => {
            let digits = format!("{:032x}", v6.to_bits());
            let table = read("if_inet6");
            table.lines().any(|line| line.starts_with(&digits))
        }
    }
}

/// Whether `fib_trie` has an address as local: `|-- ADDRESS`, and then `/32 host LOCAL`.
fn is_local(fib_trie: &str, address: &str) -> bool {
    let wanted = format!("|-- {address}");
    let mut lines = fib_trie.lines().map(str::trim);
    lines.any(|line| line == wanted) && lines.next() == Some("/32 host LOCAL")
}

/// Whether something listens on a port in the namespace of a process.
pub(crate) fn has_listener(pid: Pid, port: (Protocol, u16)) -> bool {
    !listeners(pid, port).is_empty()
}

/// The inodes of the listeners on a port in the namespace of a process.
fn listeners(pid: Pid, (protocol, port): (Protocol, u16)) -> HashSet<u32> {
    let tables = Part::of(protocol).flat_map(|part| proc_net::of_process(&pid.to_string(), part));
    let mut inodes = HashSet::new();
    for table in tables {
        let rows = proc_net::rows(&table, protocol).flatten();
        let is_waiting = |state| matches!(state, State::Listen | State::Unconn);
        let on_port = rows.filter(|row| row.local.port == port && is_waiting(row.state));
        inodes.extend(on_port.filter_map(|row| row.inode));
    }
    inodes
}

/// The process of a namespace that listens on a port; `None` if it is hidden.
pub(super) fn owner_of_port(pids: &[Pid], port: (Protocol, u16)) -> Option<Pid> {
    owner_among(pids, &listeners(*pids.first()?, port))
}

/// The first of these processes that has one of the sockets; `None` if it is hidden.
pub(crate) fn owner_among(pids: &[Pid], inodes: &HashSet<u32>) -> Option<Pid> {
    let proc = scan::open_proc().ok()?;
    pids.iter().copied().find(|pid| {
        let mut has_one = false;
        let _ = scan::visit_sockets(&proc, &format!("{pid}/fd"), |_, inode| {
            has_one |= inodes.contains(&inode);
        });
        has_one
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_local_if_the_trie_says_so() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
                    |-- 172.17.0.2\n        /32 host LOCAL\n     |-- 172.17.255.255\n        /32 link BROADCAST\n";
        assert!(is_local(trie, "172.17.0.2"));
        assert!(!is_local(trie, "172.17.255.255"));
        assert!(!is_local(trie, "172.17.0.20"));
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = std::process::id();
        let inodes = listeners(own, (Protocol::Tcp, port));
        assert_eq!(inodes.len(), 1);
        assert_eq!(owner_among(&[own], &inodes), Some(own));
        assert_eq!(owner_among(&[own], &HashSet::from([u32::MAX])), None);
    }
}
