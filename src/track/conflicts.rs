//! Which rows contend for a port.

use super::changes::set_conflict;
use super::row::Live;
use crate::model::{NamespaceId, Owner, Protocol, Socket, State};

/// The most owners of one port to compare. Thousands of sockets may share a port, mostly of one server, and comparing
/// all pairs would be too slow.
const MAX_OWNERS: usize = 64;

/// Marks the sockets without a peer whose port other processes of the same network namespace have too.
pub(super) fn mark_conflicts(live: &mut [Live]) {
    let mut bound: Vec<(NamespaceId, Protocol, u16, usize)> = Vec::new();
    for (index, live) in live.iter_mut().enumerate() {
        let socket = &live.row.socket;
        let port = socket.port().filter(|_| socket.is_listening());
        let is_socket = socket.state != State::Dnat && !socket.is_connection();
        if let Some(port) = port.filter(|_| is_socket) {
            bound.push((socket.namespace_id(), socket.protocol, port, index));
        } else {
            set_conflict(&mut live.row, false);
        }
    }
    bound.sort_unstable();
    for on_port in bound.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
        // One socket of each owner.
        let mut owners: Vec<Socket> = Vec::new();
        for &(.., index) in on_port {
            let socket = &live[index].row.socket;
            let is_same = |one: &Socket| one.uid == socket.uid && one.owner.is_same(&socket.owner);
            if owners.len() < MAX_OWNERS && !owners.iter().any(is_same) {
                owners.push(socket.clone());
            }
        }
        for &(.., index) in on_port {
            let row = &mut live[index].row;
            let differs = |other| have_different_owners(&row.socket, other);
            set_conflict(row, owners.iter().any(differs));
        }
    }
}

/// Whether two sockets belong to different processes, or, where the processes can't be seen, to different users.
fn have_different_owners(one: &Socket, other: &Socket) -> bool {
    if one.owner == Owner::Unknown || other.owner == Owner::Unknown {
        // A later snapshot has the owner.
        false
    } else if one.owner.processes().is_empty() || other.owner.processes().is_empty() {
        one.owner.kind() != other.owner.kind() || one.uid != other.uid
    } else {
        !one.owner.shares_process_with(&other.owner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Endpoint, Moment, Process};
    use crate::track::{Row, RowId};

    fn owned_by(owner: Owner, uid: u32) -> Socket {
        let local = Endpoint::new([127, 0, 0, 1].into(), 80);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        (socket.owner, socket.uid) = (owner, Some(uid));
        socket
    }

    fn by(pids: &[u32]) -> Owner {
        let process = |&pid: &u32| Arc::new(Process::new(pid, "node"));
        Owner::Known(pids.iter().map(process).collect())
    }

    fn in_conflict(sockets: &[Socket]) -> Vec<bool> {
        let at = Moment {
            steady: std::time::Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let live = |(id, socket): (u64, &Socket)| {
            Live::new(Arc::new(Row {
                id: RowId(id),
                socket: socket.clone(),
                first_seen: at,
                state_since: at,
                was_open_at_start: true,
                change: None,
                is_in_conflict: false,
                sign: None,
                ends_at: None,
                end: None,
            }))
        };
        let mut live: Vec<_> = (0..).zip(sockets).map(live).collect();
        mark_conflicts(&mut live);
        live.iter().map(|live| live.row.is_in_conflict).collect()
    }

    #[test]
    fn one_socket_of_each_owner_gives_the_same_result_as_every_pair() {
        let kinds = [
            owned_by(by(&[1]), 0),
            owned_by(by(&[1, 2]), 0),
            owned_by(by(&[2, 3]), 0),
            owned_by(by(&[3]), 7),
            owned_by(Owner::Hidden, 0),
            owned_by(Owner::Hidden, 7),
            owned_by(Owner::Kernel, 0),
            owned_by(Owner::None, 0),
            owned_by(Owner::Unknown, 0),
        ];
        let count = kinds.len();
        for case in 0..count.pow(4) {
            let at = |digit: u32| kinds[case / count.pow(digit) % count].clone();
            let sockets = [at(0), at(1), at(2), at(3)];
            let differs = |one: &Socket| {
                sockets
                    .iter()
                    .any(|other| have_different_owners(one, other))
            };
            let expected: Vec<_> = sockets.iter().map(differs).collect();
            assert_eq!(in_conflict(&sockets), expected, "{sockets:?}");
        }
    }

    /// In pairs it would be ten thousand million comparisons.
    #[test]
    fn a_hundred_thousand_sockets_may_share_a_port() {
        let mut sockets = vec![owned_by(by(&[1]), 0); 100_000];
        assert!(!in_conflict(&sockets).contains(&true));
        sockets.push(owned_by(by(&[2]), 0));
        assert!(!in_conflict(&sockets).contains(&false));
    }
}
