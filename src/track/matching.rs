//! Which row a socket of the new snapshot belongs to.
//!
//! Identity is protocol, addresses and inode, never the pid. Two exceptions, both the kernel's:
//! a connection loses its inode when its process closes it (and gains one when it is accepted),
//! and a bound socket gets other addresses when it connects.

use std::collections::HashMap;

use super::sequence;
use super::tracker::Live;
use crate::model::{Endpoint, Protocol, Socket, State};

/// What a socket is bound and connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    protocol: Protocol,
    local: Endpoint,
    remote: Option<Endpoint>,
}

impl Address {
    pub fn of(socket: &Socket) -> Self {
        Self {
            protocol: socket.protocol,
            local: socket.local,
            remote: socket.remote,
        }
    }
}

/// What tells one socket from all others, as far as that is possible: [`Address`] and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    address: Address,
    inode: Option<u32>,
}

impl Key {
    pub fn of(socket: &Socket) -> Self {
        Self {
            address: Address::of(socket),
            inode: socket.inode,
        }
    }

    /// Whether two sockets have the same; the inode alone tells nearly always that they don't.
    pub fn are_equal(one: &Socket, other: &Socket) -> bool {
        one.inode == other.inode && Address::of(one) == Address::of(other)
    }
}

/// For each socket the index of the row that it continues; no row is given twice.
pub(super) fn places(live: &[Live], sockets: &[Socket]) -> Vec<Option<usize>> {
    let mut places = sequence::walk(live, sockets);
    if live.is_empty() || places.iter().all(Option::is_some) {
        return places;
    }
    let mut is_taken = vec![false; live.len()];
    for &at in places.iter().flatten() {
        is_taken[at] = true;
    }
    let left: Vec<usize> = (0..live.len()).filter(|&at| !is_taken[at]).collect();
    let rows = || left.iter().map(|&at| (at, &live[at].row.socket));

    let mut exact = index_by(rows(), |socket| Some(Key::of(socket)));
    assign(&mut places, &mut is_taken, sockets, |socket, is_taken| {
        take(&mut exact, &Key::of(socket), |&at| !is_taken[at])
    });
    if places.iter().all(Option::is_some) {
        return places;
    }

    let mut by_inode = index_by(rows(), |socket| Some((socket.protocol, socket.inode?)));
    assign(&mut places, &mut is_taken, sockets, |socket, is_taken| {
        take(&mut by_inode, &(socket.protocol, socket.inode?), |&at| {
            !is_taken[at] && live[at].row.socket.state != socket.state
        })
    });

    let mut by_connection = index_by(rows(), |socket| {
        socket.is_connection().then(|| Address::of(socket))
    });
    assign(&mut places, &mut is_taken, sockets, |socket, is_taken| {
        take(&mut by_connection, &Address::of(socket), |&at| {
            let row = &live[at].row.socket;
            !is_taken[at] && (socket.inode.is_none() || row.inode.is_none() && !is_past_close(row))
        })
    });
    places
}

/// Whether its own side has closed it: without an inode no process will have it again, and what has
/// the same addresses and an inode is the next connection.
const fn is_past_close(socket: &Socket) -> bool {
    matches!(
        socket.state,
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
    )
}

/// Asks `find` for the row of each socket that has none yet.
fn assign(
    places: &mut [Option<usize>],
    is_taken: &mut [bool],
    sockets: &[Socket],
    mut find: impl FnMut(&Socket, &[bool]) -> Option<usize>,
) {
    for (place, socket) in places.iter_mut().zip(sockets) {
        if place.is_none() {
            *place = find(socket, is_taken);
            if let Some(index) = *place {
                is_taken[index] = true;
            }
        }
    }
}

type Index<K> = HashMap<K, Vec<usize>>;

fn index_by<'a, K: std::hash::Hash + Eq>(
    rows: impl Iterator<Item = (usize, &'a Socket)>,
    key: impl Fn(&Socket) -> Option<K>,
) -> Index<K> {
    let mut index: Index<K> = HashMap::new();
    for (at, socket) in rows {
        if let Some(key) = key(socket) {
            index.entry(key).or_default().push(at);
        }
    }
    index
}

/// Takes the first row under `key` that `fits`.
fn take<K: std::hash::Hash + Eq>(
    index: &mut Index<K>,
    key: &K,
    fits: impl Fn(&usize) -> bool,
) -> Option<usize> {
    let rows = index.get_mut(key)?;
    let found = rows.iter().position(fits)?;
    Some(rows.remove(found))
}
