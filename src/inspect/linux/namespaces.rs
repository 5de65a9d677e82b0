//! The port in other network namespaces: what listens there, through a process of each.
//!
//! Whoever may enters it for a question to the kernel, on a thread of its own; to everybody else
//! `/proc/PID/net` shows what is there. A namespace that no process is in (`ip netns add` alone) is
//! not seen.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::AsFd as _;

use rustix::fs::stat;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::limits::placement_of;
use crate::model::{Elsewhere, Endpoint, Gap, GapCode, Pid, Protocol, State};
use crate::source::linux::background;
use crate::source::linux::background::containers::netns;
use crate::source::linux::netlink::InetRow;
use crate::source::linux::netlink::{DumpRequest, SockDiag};
use crate::source::linux::placement::Placement;
use crate::source::linux::{proc_net, scan};
use crate::source::netstat::Part;

/// No more namespaces than this are looked into.
const MAX_NAMESPACES: usize = 1024;

/// No more than this from outside, at up to 10 ms each: the kernel walks its table of all connections.
const MAX_FROM_OUTSIDE: usize = 8;

/// The other network namespaces, and what waits for peers in them: kept for the next port that is asked
/// about, as finding out takes a look at every process.
#[derive(Default)]
pub(super) struct Namespaces {
    known: Option<Result<Known, String>>,
    waiting: HashMap<Protocol, Waiting>,
}

struct Known {
    /// The processes of each.
    members: Vec<Vec<Pid>>,
    /// How many are there besides.
    left_out: usize,
}

/// The sockets of one protocol that wait for peers, each with a process of its namespace.
#[derive(Default)]
struct Waiting {
    sockets: Vec<(Pid, Endpoint, Option<u32>)>,
    /// How many namespaces were not looked into.
    left_out: usize,
}

impl Namespaces {
    /// Whether what waits there is known since an earlier port, so that none need be entered.
    pub(super) fn are_known(&self, protocol: Protocol) -> bool {
        match &self.known {
            None => false,
            Some(Ok(_)) => self.waiting.contains_key(&protocol),
            Some(Err(_)) => true,
        }
    }

    /// Every socket on the port that waits for peers in another network namespace.
    pub(super) fn sockets(
        &mut self,
        protocol: Protocol,
        port: u16,
    ) -> (Vec<Elsewhere>, Option<Gap>) {
        let known = match self.known.get_or_insert_with(find) {
            Ok(known) => known,
            Err(message) => {
                let gap = Gap::new(GapCode::Namespaces, message);
                return (Vec::new(), Some(gap));
            }
        };
        let waiting = self.waiting.entry(protocol);
        let waiting = waiting.or_insert_with(|| look(&known.members, protocol));
        let on_port = waiting.sockets.iter().filter(|(_, at, _)| at.port == port);
        let found = on_port.filter_map(|&(pid, at, inode)| {
            let members = known
                .members
                .iter()
                .find(|members| members.first() == Some(&pid))?;
            described(members, at, inode)
        });
        let found = found.collect();
        (found, gap(known.left_out + waiting.left_out))
    }
}

fn gap(left_out: usize) -> Option<Gap> {
    let message = if stat("/proc/1").is_err() {
        // `/proc` is mounted with `hidepid`.
        Some("network namespaces of other users' processes can't be seen".to_owned())
    } else {
        (left_out > 0).then(|| format!("{left_out} other network namespaces were not looked into"))
    };
    message.map(|message| Gap::new(GapCode::Namespaces, &message))
}

/// Looks at every process for the namespace that it is in.
fn find() -> Result<Known, String> {
    let (own, pids) = match (scan::network_of("self"), all_pids()) {
        (Ok(own), Ok(pids)) => (own, pids),
        (Err(error), _) | (_, Err(error)) => {
            return Err(format!(
                "other network namespaces can't be looked into ({error})"
            ));
        }
    };
    let mut members: HashMap<u64, Vec<Pid>> = HashMap::new();
    let mut unseen = 0;
    for pid in pids {
        match scan::network_of(&pid.to_string()) {
            Ok(network) => members.entry(network).or_default().push(pid),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => unseen += 1,
            Err(_) => {}
        }
    }
    members.remove(&own);
    let mut members: Vec<_> = members.into_values().collect();
    members.sort_unstable();
    let left_out = unseen + members.len().saturating_sub(MAX_NAMESPACES);
    members.truncate(MAX_NAMESPACES);
    Ok(Known { members, left_out })
}

/// What waits in the namespace of each of these processes.
fn look(members: &[Vec<Pid>], protocol: Protocol) -> Waiting {
    let (mut waiting, mut from_outside) = (Waiting::default(), 0);
    for &pid in members.iter().filter_map(|members| members.first()) {
        let sockets = match seen_from_inside(pid, protocol) {
            Ok(sockets) => sockets,
            Err(_) if from_outside < MAX_FROM_OUTSIDE => {
                from_outside += 1;
                seen_from_outside(pid, protocol)
            }
            Err(_) => {
                waiting.left_out += 1;
                continue;
            }
        };
        let sockets = sockets.into_iter().map(|(at, inode)| (pid, at, inode));
        waiting.sockets.extend(sockets);
    }
    waiting
}

fn all_pids() -> rustix::io::Result<Vec<Pid>> {
    let mut pids = scan::pids(&scan::open_proc()?)?;
    pids.sort_unstable();
    Ok(pids)
}

/// What waits in the namespace of a process, as this thread sees it from inside. It stays there: the
/// next one is entered from there, and the thread ends with the search.
fn seen_from_inside(pid: Pid, protocol: Protocol) -> io::Result<Vec<Silent>> {
    let namespace = std::fs::File::open(format!("/proc/{pid}/ns/net"))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    let (mut diag, mut details) = (SockDiag::default(), Vec::new());
    for part in Part::of(protocol) {
        diag.dump(DumpRequest::Waiting(part), &mut details)
            .map_err(io::Error::other)?;
    }
    let waiting = details.iter().filter(|detail| is_silent(detail));
    Ok(waiting.map(|detail| (detail.local, detail.inode)).collect())
}

/// The same from outside, by the tables below `/proc/PID/net`: slower by far, but open to everybody.
fn seen_from_outside(pid: Pid, protocol: Protocol) -> Vec<Silent> {
    let parts = Part::of(protocol);
    let tables = parts.flat_map(|part| proc_net::of_process(&pid.to_string(), part));
    tables.flat_map(|table| waiting(&table, protocol)).collect()
}

/// What waits for peers in such a table.
fn waiting(table: &[u8], protocol: Protocol) -> Vec<Silent> {
    let rows = proc_net::rows(table, protocol).flatten();
    let mut found: Vec<_> = rows
        .filter(is_silent)
        .map(|detail| (detail.local, detail.inode))
        .collect();
    found.dedup();
    found
}

/// Whether a socket waits for whoever comes.
const fn is_silent(detail: &InetRow) -> bool {
    matches!(detail.state, State::Listen | State::Unconn) && detail.remote.is_none()
}

/// A socket that waits for peers, and its inode.
type Silent = (Endpoint, Option<u32>);

/// A socket in the namespace of these processes, with its owner as far as that may be seen; nothing if all of
/// them ended meanwhile, and the namespace with them as far as can be known.
fn described(members: &[Pid], local: Endpoint, inode: Option<u32>) -> Option<Elsewhere> {
    let inodes = inode.into_iter().collect();
    let owner = netns::owner_among(members, &inodes);
    let (&first, named) = (members.first()?, owner.or(members.first().copied())?);
    let Placement { unit, container } = placement_of(&named.to_string());
    fs::exists(format!("/proc/{named}/stat"))
        .ok()
        .filter(|is_there| *is_there)?;
    Some(Elsewhere {
        local,
        owner: owner.and_then(background::serving),
        member: first,
        placed_in: container.or(unit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_is_found_in_a_table_of_the_kernel() {
        let rest = "00000000:00000000 00:00000000 00000000     0        0 42 1 0 100 0 0 10 0";
        let table = format!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr\n   \
            0: 0100007F:1F90 00000000:0000 0A {rest}\n   \
            1: 0100007F:1F90 0100007F:C350 01 {rest}\n   \
            2: 00000000:0050 00000000:0000 0A {rest}\n"
        );
        let found: Vec<_> = waiting(table.as_bytes(), Protocol::Tcp)
            .iter()
            .map(|(local, _)| local.to_string())
            .collect();
        assert_eq!(found, ["127.0.0.1:8080", "0.0.0.0:80"]);
        assert_eq!(waiting(b"\n\xff\n", Protocol::Tcp), []);
    }
}
