//! Which rows contend for a port.

use super::changes::set_conflict;
use super::tracker::Live;
use crate::model::{Owner, Protocol, Socket};

/// Marks the sockets without a peer whose port other processes hold too.
pub(super) fn mark_conflicts(live: &mut [Live]) {
    let mut holders: Vec<(Protocol, u16, usize)> = Vec::new();
    for (index, live) in live.iter_mut().enumerate() {
        let socket = &live.row.socket;
        if !socket.is_connection() && socket.is_listening() {
            holders.push((socket.protocol, socket.local.port, index));
        } else {
            set_conflict(&mut live.row, false);
        }
    }
    holders.sort_unstable();
    for holders in holders.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        for &(_, _, one) in holders {
            let is_in_conflict = holders.iter().any(|&(_, _, other)| {
                other != one && are_strangers(&live[one].row.socket, &live[other].row.socket)
            });
            set_conflict(&mut live[one].row, is_in_conflict);
        }
    }
}

/// Whether two sockets belong to different processes. Where the processes can't be seen, their
/// users have to do.
fn are_strangers(one: &Socket, other: &Socket) -> bool {
    if one.owner == Owner::Unknown || other.owner == Owner::Unknown {
        // The next reading will tell.
        false
    } else if one.owner.processes().is_empty() || other.owner.processes().is_empty() {
        one.owner.kind() != other.owner.kind() || one.uid != other.uid
    } else {
        !one.owner.shares_process_with(&other.owner)
    }
}
