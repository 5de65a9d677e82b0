//! Which row a socket of the new snapshot belongs to.
//!
//! Identity is protocol, addresses and inode, never the pid. Two exceptions, both the kernel's:
//! a connection loses its inode when its process closes it (and gains one when it is accepted),
//! and a bound socket gets other addresses when it connects.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::sequence;
use super::tracker::Live;
use crate::model::{Endpoint, Portless, Protocol, Socket, State};

/// No more rows than this of one key are looked at for a socket. A real inode names one socket and a real
/// connection is the only one between its addresses; a recording may say anything, thousands of times.
const FEW: usize = 8;

/// What a socket is bound and connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    protocol: Protocol,
    local: Endpoint,
    remote: Option<Endpoint>,
    /// Of a socket without a port: what stands for it.
    portless: u64,
}

impl Address {
    pub fn of(socket: &Socket) -> Self {
        Self {
            protocol: socket.protocol,
            local: socket.local,
            remote: socket.remote,
            portless: socket
                .portless
                .as_ref()
                .map_or(0, |portless| digest(portless, socket)),
        }
    }
}

/// What a socket without a port is bound to, as a number. A unix socket that no other can succeed, for
/// want of a name or because it is one of many connections of that name, is itself alone.
fn digest(portless: &Portless, socket: &Socket) -> u64 {
    let mut hasher = DefaultHasher::new();
    match portless {
        Portless::Unix(unix) if unix.name.is_none() || socket.is_connection() => {
            socket.inode.hash(&mut hasher);
        }
        Portless::Unix(unix) => (unix.kind, &unix.name).hash(&mut hasher),
        Portless::Packet(packet) => {
            (packet.kind, packet.ethertype, &socket.interface).hash(&mut hasher);
        }
        Portless::Raw(raw) => (raw.number, raw.identifier).hash(&mut hasher),
    }
    hasher.finish()
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

    let mut exact = index_by(live, &is_taken, |socket| Some(Key::of(socket)));
    assign(&mut places, &mut is_taken, sockets, |socket| {
        take(&mut exact, &Key::of(socket), |_| true)
    });
    if places.iter().all(Option::is_some) {
        return places;
    }

    let mut by_inode = index_by(live, &is_taken, |socket| {
        Some((socket.protocol, socket.inode?))
    });
    assign(&mut places, &mut is_taken, sockets, |socket| {
        take(&mut by_inode, &(socket.protocol, socket.inode?), |&at| {
            // One without a port may get a name, or lose its peer, and be the same.
            live[at].row.socket.state != socket.state || !socket.protocol.has_ports()
        })
    });

    let mut by_connection = index_by(live, &is_taken, |socket| {
        socket.is_connection().then(|| Address::of(socket))
    });
    assign(&mut places, &mut is_taken, sockets, |socket| {
        take(&mut by_connection, &Address::of(socket), |&at| {
            let row = &live[at].row.socket;
            socket.inode.is_none() || row.inode.is_none() && !is_past_close(row)
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
    mut find: impl FnMut(&Socket) -> Option<usize>,
) {
    for (place, socket) in places.iter_mut().zip(sockets) {
        if place.is_none() {
            *place = find(socket);
            if let Some(index) = *place {
                is_taken[index] = true;
            }
        }
    }
}

type Index<K> = HashMap<K, VecDeque<usize>>;

/// The rows that no socket has yet.
fn index_by<K: std::hash::Hash + Eq>(
    live: &[Live],
    is_taken: &[bool],
    key: impl Fn(&Socket) -> Option<K>,
) -> Index<K> {
    let mut index: Index<K> = HashMap::new();
    let rows = live.iter().zip(is_taken).enumerate();
    for (at, (live, _)) in rows.filter(|(_, (_, is_taken))| !**is_taken) {
        if let Some(key) = key(&live.row.socket) {
            index.entry(key).or_default().push_back(at);
        }
    }
    index
}

/// Takes the first row under `key` that `fits`, among the first [`FEW`].
fn take<K: std::hash::Hash + Eq>(
    index: &mut Index<K>,
    key: &K,
    fits: impl Fn(&usize) -> bool,
) -> Option<usize> {
    let rows = index.get_mut(key)?;
    let found = rows.iter().take(FEW).position(fits)?;
    rows.remove(found)
}
