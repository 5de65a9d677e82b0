//! Which rows contend for a port.

use super::changes::set_conflict;
use super::tracker::Live;
use crate::model::{Owner, Protocol, Socket};

/// Marks the sockets without a peer whose port other processes hold too.
pub(super) fn mark_conflicts(live: &mut [Live]) {
    let mut holders: Vec<(Protocol, u16, usize)> = Vec::new();
    for (index, live) in live.iter_mut().enumerate() {
        let socket = &live.row.socket;
        let port = socket.port().filter(|_| socket.is_listening());
        if let Some(port) = port.filter(|_| !socket.is_connection()) {
            holders.push((socket.protocol, port, index));
        } else {
            set_conflict(&mut live.row, false);
        }
    }
    holders.sort_unstable();
    for holders in holders.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let witnesses = witnesses(holders.iter().map(|&(_, _, index)| &live[index].row.socket));
        let in_conflict = |&(_, _, index): &(_, _, usize)| {
            let socket = &live[index].row.socket;
            let is_in_conflict = witnesses.iter().any(|other| are_strangers(socket, other));
            (index, is_in_conflict)
        };
        let marks: Vec<_> = holders.iter().map(in_conflict).collect();
        for (index, is_in_conflict) in marks {
            set_conflict(&mut live[index].row, is_in_conflict);
        }
    }
}

/// How many owners of one port are told apart. Thousands of sockets may share a port, of one server
/// mostly, and every pair of them would be too many; that somebody is a stranger to none of so many others
/// and to another one is not to be met.
const MAX_WITNESSES: usize = 64;

/// One socket of each owner.
fn witnesses<'a>(sockets: impl Iterator<Item = &'a Socket>) -> Vec<Socket> {
    let mut witnesses: Vec<Socket> = Vec::new();
    let is_one_more = |socket: &Socket, witnesses: &[Socket]| {
        let is_of_same =
            |other: &Socket| other.uid == socket.uid && other.owner.is_same(&socket.owner);
        !witnesses.iter().any(is_of_same)
    };
    for socket in sockets {
        if witnesses.len() == MAX_WITNESSES {
            break;
        }
        if is_one_more(socket, &witnesses) {
            witnesses.push(socket.clone());
        }
    }
    witnesses
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Endpoint, Moment, Process, State};
    use crate::track::{Row, RowId};

    fn held_by(owner: Owner, uid: u32) -> Socket {
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
                ends_at: None,
            }))
        };
        let mut live: Vec<_> = (0..).zip(sockets).map(live).collect();
        mark_conflicts(&mut live);
        live.iter().map(|live| live.row.is_in_conflict).collect()
    }

    #[test]
    fn what_few_witnesses_say_is_what_every_pair_says() {
        let kinds = [
            held_by(by(&[1]), 0),
            held_by(by(&[1, 2]), 0),
            held_by(by(&[2, 3]), 0),
            held_by(by(&[3]), 7),
            held_by(Owner::Hidden, 0),
            held_by(Owner::Hidden, 7),
            held_by(Owner::Kernel, 0),
            held_by(Owner::None, 0),
            held_by(Owner::Unknown, 0),
        ];
        let count = kinds.len();
        for case in 0..count.pow(4) {
            let at = |digit: u32| kinds[case / count.pow(digit) % count].clone();
            let sockets = [at(0), at(1), at(2), at(3)];
            let has_stranger = |one: &Socket| sockets.iter().any(|other| are_strangers(one, other));
            let expected: Vec<_> = sockets.iter().map(has_stranger).collect();
            assert_eq!(in_conflict(&sockets), expected, "{sockets:?}");
        }
    }

    /// In pairs it would be ten thousand million comparisons.
    #[test]
    fn a_hundred_thousand_sockets_may_share_a_port() {
        let mut sockets = vec![held_by(by(&[1]), 0); 100_000];
        assert!(!in_conflict(&sockets).contains(&true));
        sockets.push(held_by(by(&[2]), 0));
        assert!(!in_conflict(&sockets).contains(&false));
    }
}
