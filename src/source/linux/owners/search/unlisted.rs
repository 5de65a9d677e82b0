//! Sockets that no table shows, found by reading the address of every socket of every process.
//!
//! Linux before 6.8 lists no socket that is only bound, and in a sandbox without netlink no socket is listed at all.
//! Used only for a refused bind without an explanation: each socket is duplicated for a moment (see `options`), which
//! requires the right to trace its process.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rustix::io;

use super::{Descriptor, options};
use crate::model::{Holder, Pid, Protocol, Socket, State};
use crate::source::linux::owners::procfs::{LiveProcfs, Procfs as _};
use crate::source::linux::proc::scan;

/// A socket that was found, and its owners, ascending.
pub(crate) struct Unlisted {
    pub(crate) holder: Holder,
    pub(crate) pids: Vec<Pid>,
}

/// Finds the sockets of a port that are not among those `listed`, by inode.
///
/// # Errors
/// When `/proc` can't be read.
pub(crate) fn find(
    protocol: Protocol,
    port: u16,
    listed: &HashSet<u32>,
) -> io::Result<Vec<Unlisted>> {
    let mut procfs = LiveProcfs::default();
    procfs.open()?;
    let others = inodes_of_other_families();
    let mut found: BTreeMap<u32, Option<(Holder, BTreeSet<Pid>)>> = BTreeMap::new();
    for pid in procfs.pids()? {
        // A process that can't be read is a gap of owners in general.
        let read = procfs.read(pid).ok().flatten();
        for (inode, number) in read.and_then(|read| read.sockets).unwrap_or_default() {
            if listed.contains(&inode) || others.contains(&inode) {
                continue;
            }
            let of_port = found.entry(inode).or_insert_with(|| {
                let holder = holder(protocol, port, inode, Descriptor { pid, number })?;
                Some((holder, BTreeSet::new()))
            });
            if let Some((_, pids)) = of_port {
                pids.insert(pid);
            }
        }
    }
    let found = found
        .into_values()
        .flatten()
        .map(|(holder, pids)| Unlisted {
            holder,
            pids: pids.into_iter().collect(),
        });
    Ok(found.collect())
}

/// The socket, if it is one of the port.
fn holder(protocol: Protocol, port: u16, inode: u32, descriptor: Descriptor) -> Option<Holder> {
    let facts = options::read(inode, descriptor).ok()?;
    let local = facts.local.filter(|_| facts.protocol == Some(protocol))?;
    if local.port != port {
        return None;
    }
    let state = match (protocol, facts.is_listening, facts.remote) {
        (Protocol::Tcp, true, _) => State::Listen,
        (Protocol::Tcp, false, None) => State::Bound,
        (_, _, None) => State::Unconn,
        (_, _, Some(_)) => State::Established,
    };
    let mut socket = Socket::new(protocol, local, facts.remote, state);
    socket.inode = Some(inode);
    let v6only = facts.v6only.filter(|_| local.is_v6_wildcard());
    socket.dual_stack = v6only.map(|v6only| !v6only);
    Some(Holder {
        options: Some(facts.options),
        v6only: facts.v6only,
        ..Holder::new(socket)
    })
}

/// The inodes of unix, netlink and packet sockets, which have no port. In their tables the inode is the seventh, tenth and
/// ninth word of a line.
fn inodes_of_other_families() -> HashSet<u32> {
    let tables = [("unix", 6), ("netlink", 9), ("packet", 8)];
    tables
        .into_iter()
        .flat_map(|(table, word)| scan::inodes_in(table, word))
        .collect()
}
