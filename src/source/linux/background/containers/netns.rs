//! Sockets and addresses of another network namespace, read from outside: from the tables below `/proc/PID/net`, which
//! needs no privilege and does not enter or keep the namespace.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use super::group_user::group_user;
use crate::model::{Pid, Protocol, State};
use crate::source::linux::background::facts::{self, all_pids};
use crate::source::linux::proc::addresses;
use crate::source::linux::{placement, proc_net, scan};
use crate::source::netstat::Part;

/// How many processes of a namespace are compared.
const MOST_COMPARED: usize = 16;

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

/// The processes of the namespace of root's engines that has this address.
pub(super) fn with_address(
    namespaces: &HashMap<u64, Vec<Pid>>,
    address: IpAddr,
    port: (Protocol, u16),
) -> Option<&[Pid]> {
    let has_address = |pids: &&Vec<Pid>| {
        let own = addresses::of_interfaces(&pids[0].to_string());
        own.is_some_and(|own| own.contains(&address))
    };
    let having = namespaces.values().filter(has_address);
    let of_root = having.filter(|pids| can_be_of_root(pids));
    the_one(of_root.map(|pids| (&**pids, &**pids)).collect(), port)
}

/// Of namespaces with the same address, of different engines, the one that listens on the port; `None` if that is not one.
pub(crate) fn the_one<T>(mut having: Vec<(T, &[Pid])>, port: (Protocol, u16)) -> Option<T> {
    if having.len() > 1 {
        having.retain(|(_, pids)| pids.first().is_some_and(|&pid| has_listener(pid, port)));
    }
    having
        .pop()
        .filter(|_| having.is_empty())
        .map(|(one, _)| one)
}

/// Whether the namespace of these processes can be one that root's engines lead into. Any user may make one with any address,
/// but no process of our user namespace can be in it, nor any in a control group of root's containers.
pub(crate) fn can_be_of_root(pids: &[Pid]) -> bool {
    let first = || pids.iter().take(MOST_COMPARED);
    let own = user_namespace("self");
    let is_ours = |pid: &Pid| own.is_some() && user_namespace(&pid.to_string()) == own;
    !pids.is_empty() && first().all(is_ours) || first().any(|&pid| is_in_container_of_root(pid))
}

/// `None` if this user may not read it.
fn user_namespace(process: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/user")).ok()
}

fn is_in_container_of_root(pid: Pid) -> bool {
    facts::cgroup_of(pid)
        .is_some_and(|group| placement::container(&group).is_some() && group_user(&group).is_none())
}

/// Whether something listens on a port in the namespace of a process.
fn has_listener(pid: Pid, port: (Protocol, u16)) -> bool {
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

/// The ports of our own namespace that a process has bound or listens on, ascending.
pub(super) fn ports_of(pid: Pid) -> Vec<(Protocol, u16)> {
    let mut inodes = HashSet::new();
    if let Ok(proc) = scan::open_proc() {
        // What can't be read has no ports here.
        let _ = scan::visit_sockets(&proc, &format!("{pid}/fd"), |_, inode| {
            inodes.insert(inode);
        });
    }
    let mut ports = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        for part in Part::of(protocol).filter(|_| !inodes.is_empty()) {
            let table = proc_net::of_process("self", part).unwrap_or_default();
            let rows = proc_net::rows(&table, protocol).flatten();
            let has = |inode: Option<u32>| inode.is_some_and(|inode| inodes.contains(&inode));
            let rows = rows.filter(|row| row.remote.is_none() && has(row.inode));
            ports.extend(rows.map(|row| (protocol, row.local.port)));
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports
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
    use std::process::{Command, Stdio};

    use super::*;

    /// A user gave a namespace of theirs the address of root's container, and root's published port led there.
    #[test]
    fn a_namespace_of_another_user_namespace_is_not_root_s() {
        let own = std::process::id();
        assert!(can_be_of_root(&[own]));
        assert!(!can_be_of_root(&[]));
        assert!(!can_be_of_root(&[u32::MAX]));
        let mut command = Command::new("unshare");
        let child = command
            .args(["--user", "--net", "cat"])
            .stdin(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let (pid, ours) = (child.id(), user_namespace("self"));
        let is_apart = || user_namespace(&pid.to_string()) != ours;
        // It ends where this is refused.
        while !is_apart() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let has_ended = child.try_wait().unwrap().is_some();
        let (alone, with_own) = (can_be_of_root(&[pid]), can_be_of_root(&[own, pid]));
        drop(child.stdin.take());
        child.wait().unwrap();
        if has_ended {
            let required = std::env::var("SOCKEYE_REQUIRE").unwrap_or_default();
            let is_required = required.split(',').any(|one| one == "netns");
            assert!(!is_required, "no user namespaces here");
            eprintln!("skipped: no user namespaces here");
            return;
        }
        assert_eq!((alone, with_own), (false, false));
    }

    #[test]
    fn of_several_namespaces_with_an_address_one_must_listen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = (Protocol::Tcp, listener.local_addr().unwrap().port());
        let own = [std::process::id()];
        assert_eq!(the_one(vec![(1, &own[..])], port), Some(1));
        assert_eq!(the_one(vec![(1, &own[..]), (2, &[])], port), Some(1));
        assert_eq!(the_one(vec![(1, &own[..]), (2, &own[..])], port), None);
        assert_eq!(the_one(Vec::<(u8, &[Pid])>::new(), port), None);
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
