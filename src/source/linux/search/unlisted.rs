//! Sockets that no table shows, found by asking every socket of every process for its address.
//!
//! Linux before 6.8 lists no socket that is only bound, and in a cage without netlink no socket is
//! listed at all. Only for a bind that was refused with nothing to show for it: each socket is
//! borrowed for a moment (see `options`), and that takes the right to trace its process.

use std::collections::HashSet;

use rustix::io;

use super::options;
use super::seek::Descriptor;
use crate::model::{Holder, Pid, Protocol, Socket, State};
use crate::source::linux::scan;

/// A socket that was found, and who has it.
pub(crate) struct Unlisted {
    pub(crate) holder: Holder,
    pub(crate) pids: Vec<Pid>,
}

/// Looks for the sockets of a port that are not among those `listed`, by inode.
///
/// # Errors
/// When `/proc` can't be read.
pub(crate) fn look(
    protocol: Protocol,
    port: u16,
    listed: &HashSet<u32>,
) -> io::Result<Vec<Unlisted>> {
    let proc = scan::open_proc()?;
    let others = of_other_families();
    let mut found: Vec<Unlisted> = Vec::new();
    let mut asked = HashSet::new();
    for pid in scan::pids(&proc)? {
        let mut descriptors = Vec::new();
        // Whoever can't be looked at stays unseen: that is said of owners in general.
        let _ = scan::visit_sockets(&proc, &format!("{pid}/fd"), |number, inode| {
            if !listed.contains(&inode) && !others.contains(&inode) {
                descriptors.push((inode, Descriptor { pid, number }));
            }
        });
        for (inode, descriptor) in descriptors {
            let known = found
                .iter_mut()
                .find(|one| one.holder.socket.inode == Some(inode));
            if let Some(known) = known {
                known.pids.push(pid);
            } else if asked.insert(inode) {
                let holder = holder(protocol, port, inode, descriptor);
                found.extend(holder.map(|holder| Unlisted {
                    holder,
                    pids: vec![pid],
                }));
            }
        }
    }
    for one in &mut found {
        one.pids.sort_unstable();
        one.pids.dedup();
    }
    Ok(found)
}

/// The socket, if it is one of the port.
fn holder(protocol: Protocol, port: u16, inode: u32, descriptor: Descriptor) -> Option<Holder> {
    let told = options::ask(inode, descriptor).ok()?;
    let local = told.local.filter(|_| told.protocol == Some(protocol))?;
    if local.port != port {
        return None;
    }
    let state = match (protocol, told.is_listening, told.remote) {
        (Protocol::Tcp, true, _) => State::Listen,
        (Protocol::Tcp, false, None) => State::Bound,
        (_, _, None) => State::Unconn,
        (_, _, Some(_)) => State::Established,
    };
    let mut socket = Socket::new(protocol, local, told.remote, state);
    socket.inode = Some(inode);
    let v6only = told.v6only.filter(|_| local.is_v6_wildcard());
    socket.dual_stack = v6only.map(|v6only| !v6only);
    Some(Holder {
        options: Some(told.options),
        v6only: told.v6only,
        ..Holder::new(socket)
    })
}

/// The inodes of unix, netlink and packet sockets, which have no port. The tables differ in where the
/// inode stands: the seventh word of a line, the tenth, the ninth.
fn of_other_families() -> HashSet<u32> {
    let tables = [("unix", 6), ("netlink", 9), ("packet", 8)];
    tables
        .into_iter()
        .flat_map(|(table, word)| scan::inodes_in(table, word))
        .collect()
}
