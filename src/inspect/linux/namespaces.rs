//! The port in other network namespaces: the sockets that wait for peers there, found through a process of each. If the
//! inspected namespace is not that of this program, the latter is among the others.
//!
//! With the right to do so, a thread enters each namespace and reads `sock_diag`; without it, `/proc/PID/net` lists the
//! sockets. A namespace without a process (`ip netns add` alone) is not found.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;

use rustix::fs::stat;
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::limits::placement_of;
use crate::model::{Elsewhere, Endpoint, Gap, GapCode, Pid, Protocol, State};
use crate::source::linux::background;
use crate::source::linux::background::containers::netns;
use crate::source::linux::netlink::{DumpRequest, InetRow, SockDiag};
use crate::source::linux::placement::Placement;
use crate::source::linux::{proc_net, scan};
use crate::source::netstat::Part;

const MAX_NAMESPACES: usize = 1024;

/// The most to read from outside, at up to 10 ms each: the kernel walks its table of all connections.
const MAX_FROM_OUTSIDE: usize = 8;

/// The other network namespaces and their sockets, kept for the next port: finding them scans every process.
#[derive(Default)]
pub(super) struct Namespaces {
    known: Option<Result<Known, String>>,
    waiting: HashMap<Protocol, Waiting>,
}

struct Known {
    /// The processes of each.
    members: Vec<Vec<Pid>>,
    /// The number of namespaces or processes that were left out.
    left_out: usize,
}

/// The sockets of one protocol that wait for peers, with the index of their namespace.
#[derive(Default)]
struct Waiting {
    sockets: Vec<(usize, Endpoint, Option<u32>)>,
    /// The number of namespaces that were not read.
    left_out: usize,
}

impl Namespaces {
    /// Whether the sockets are cached for an earlier port, so that no namespace is entered.
    pub(super) fn are_known(&self, protocol: Protocol) -> bool {
        let has_failed = matches!(self.known, Some(Err(_)));
        has_failed || self.waiting.contains_key(&protocol)
    }

    /// Every socket on the port that waits for peers in another network namespace.
    pub(super) fn sockets(&mut self, protocol: Protocol, port: u16) -> (Vec<Elsewhere>, Vec<Gap>) {
        let gap = |message: &str| vec![Gap::new(GapCode::Namespaces, message)];
        let known = match self.known.get_or_insert_with(find) {
            Ok(known) => known,
            Err(message) => return (Vec::new(), gap(message)),
        };
        let waiting = self.waiting.entry(protocol);
        let waiting = waiting.or_insert_with(|| read(&known.members, protocol));
        let on_port = waiting.sockets.iter().filter(|(_, at, _)| at.port == port);
        let found = on_port
            .filter_map(|&(namespace, at, inode)| describe(&known.members[namespace], at, inode));
        let gaps = match known.left_out + waiting.left_out {
            // `/proc` is mounted with `hidepid`.
            _ if stat("/proc/1").is_err() => {
                gap("network namespaces of other users' processes can't be seen")
            }
            0 => Vec::new(),
            many => gap(&format!(
                "{many} other network namespaces were not looked into"
            )),
        };
        (found.collect(), gaps)
    }
}

fn find() -> Result<Known, String> {
    let failed = |error| format!("other network namespaces can't be looked into ({error})");
    let own = scan::network_of(scan::THIS_THREAD).map_err(failed)?;
    let pids = scan::open_proc().and_then(|proc| scan::pids(&proc));
    let mut pids = pids.map_err(failed)?;
    pids.sort_unstable();
    let mut members: HashMap<u64, Vec<Pid>> = HashMap::new();
    let mut left_out = 0;
    for pid in pids {
        match scan::network_of(&pid.to_string()) {
            Ok(network) => members.entry(network).or_default().push(pid),
            Err(Errno::ACCESS | Errno::PERM) => left_out += 1,
            Err(_) => {}
        }
    }
    members.remove(&own);
    let mut members: Vec<_> = members.into_values().collect();
    members.sort_unstable();
    left_out += members.len().saturating_sub(MAX_NAMESPACES);
    members.truncate(MAX_NAMESPACES);
    Ok(Known { members, left_out })
}

/// Reads the sockets that wait for peers in each namespace.
fn read(members: &[Vec<Pid>], protocol: Protocol) -> Waiting {
    let (mut waiting, mut from_outside) = (Waiting::default(), 0);
    for (namespace, members) in members.iter().enumerate() {
        let rows = match read_from_inside(members[0], protocol) {
            Ok(rows) => rows,
            Err(_) if from_outside < MAX_FROM_OUTSIDE => {
                // Far slower, but without privileges.
                from_outside += 1;
                let pid = members[0].to_string();
                let parts = Part::of(protocol);
                let tables = parts.filter_map(|part| proc_net::of_process(&pid, part).ok());
                tables.flat_map(|table| rows(&table, protocol)).collect()
            }
            Err(_) => {
                waiting.left_out += 1;
                continue;
            }
        };
        let rows = rows.iter().filter(|row| is_waiting(row));
        waiting
            .sockets
            .extend(rows.map(|row| (namespace, row.local, row.inode)));
    }
    waiting.sockets.dedup();
    waiting
}

/// Enters the namespace of a process. This thread stays there: it enters the next one from there, and ends with the
/// search.
fn read_from_inside(pid: Pid, protocol: Protocol) -> io::Result<Vec<InetRow>> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    let (mut diag, mut rows) = (SockDiag::default(), Vec::new());
    for part in Part::of(protocol) {
        diag.dump(DumpRequest::Waiting(part), &mut rows)
            .map_err(io::Error::other)?;
    }
    Ok(rows)
}

fn rows(table: &[u8], protocol: Protocol) -> Vec<InetRow> {
    proc_net::rows(table, protocol).flatten().collect()
}

const fn is_waiting(row: &InetRow) -> bool {
    matches!(row.state, State::Listen | State::Unconn) && row.remote.is_none()
}

/// A socket in the namespace of these processes, with its owner if visible; `None` if all of them ended meanwhile, so
/// that the namespace is probably gone.
fn describe(members: &[Pid], local: Endpoint, inode: Option<u32>) -> Option<Elsewhere> {
    let owner = netns::owner_among(members, &inode.into_iter().collect());
    let member = *members.first()?;
    let named = owner.unwrap_or(member);
    let Placement { unit, container } = placement_of(&named.to_string());
    let of_process = scan::network_of("self").ok();
    let is_outside =
        of_process.is_some() && scan::network_of(&member.to_string()).ok() == of_process;
    let is_alive = fs::exists(format!("/proc/{named}/stat")).unwrap_or(false);
    is_alive.then(|| Elsewhere {
        local,
        owner: owner.and_then(background::serving),
        member,
        unit: unit.filter(|_| container.is_none()),
        container,
        is_outside,
        published_on: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_found_in_a_table_of_the_kernel() {
        let rest = "00000000:00000000 00:00000000 00000000     0        0 42 1 0 100 0 0 10 0";
        let table = format!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr\n   \
            0: 0100007F:1F90 00000000:0000 0A {rest}\n   \
            1: 0100007F:1F90 0100007F:C350 01 {rest}\n   \
            2: 00000000:0050 00000000:0000 0A {rest}\n"
        );
        let found: Vec<_> = rows(table.as_bytes(), Protocol::Tcp)
            .iter()
            .filter(|row| is_waiting(row))
            .map(|row| row.local.to_string())
            .collect();
        assert_eq!(found, ["127.0.0.1:8080", "0.0.0.0:80"]);
        assert_eq!(rows(b"\n\xff\n", Protocol::Tcp).len(), 0);
    }
}
