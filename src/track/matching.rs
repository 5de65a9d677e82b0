//! Which row a socket of the new snapshot belongs to.
//!
//! The kernel's cookie identifies a socket, where both snapshots have it. Else identity is protocol, addresses
//! and inode, never the pid, with two exceptions, both the kernel's: a connection loses its inode when its
//! process closes it (and gains one when it is accepted), and a bound socket gets other addresses when it
//! connects.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::dump_order;
use super::tracker::Live;
use crate::model::{Endpoint, Portless, Protocol, Socket, State};

/// No more rows than this of one key are tried for a socket. A real inode identifies one socket and a real
/// connection is the only one between its addresses; a recording may say anything, thousands of times.
const FEW: usize = 8;

/// What a socket is bound and connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    protocol: Protocol,
    local: Endpoint,
    remote: Option<Endpoint>,
    /// Of a socket without a port: a hash of what it has instead.
    portless: u64,
}

impl Address {
    pub fn of(socket: &Socket) -> Self {
        let portless = socket.portless.as_ref();
        Self {
            protocol: socket.protocol,
            local: socket.local,
            remote: socket.remote,
            portless: portless.map_or(0, |portless| digest(portless, socket)),
        }
    }
}

/// What a socket without a port is bound to, as a number. A unix socket that no other can succeed, because it has
/// no name or is one of many connections of that name, is identified by its inode.
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

/// What identifies a socket as far as that is possible without a cookie: [`Address`] and inode.
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

    /// Whether two sockets have the same; nearly always the inode alone shows that they don't.
    pub fn are_equal(one: &Socket, other: &Socket) -> bool {
        one.inode == other.inode && Address::of(one) == Address::of(other)
    }
}

/// Whether the kernel says that these are two sockets, whatever else they have in common.
pub(super) fn have_different_cookies(one: &Socket, other: &Socket) -> bool {
    let cookies = one.cookie.zip(other.cookie);
    cookies.is_some_and(|(one, other)| one != other)
}

/// For each socket the index of the row that it continues; no row is given twice.
pub(super) fn rows(live: &[Live], sockets: &[Socket]) -> Vec<Option<usize>> {
    let rows = dump_order::rows(live, sockets);
    let mut is_taken = vec![false; live.len()];
    for &at in rows.iter().flatten() {
        is_taken[at] = true;
    }
    let mut lookup = Lookup {
        live,
        sockets,
        rows,
        is_taken,
    };
    let any = |_: &Socket, _: &Socket| true;
    lookup.pass(|socket| Some((socket.protocol, socket.cookie?)), any);
    lookup.pass(|socket| Some(Key::of(socket)), any);
    let by_inode = |socket: &Socket| Some((socket.protocol, socket.inode?));
    lookup.pass(by_inode, |row, socket| {
        // One without a port may get a name, or lose its peer, and be the same.
        row.state != socket.state || !socket.protocol.has_ports()
    });
    let by_connection = |socket: &Socket| socket.is_connection().then(|| Address::of(socket));
    lookup.pass(by_connection, |row, socket| {
        socket.inode.is_none() || row.inode.is_none() && !is_after_close(row)
    });
    lookup.rows
}

/// Whether its own side has closed it: without an inode no process will have it again, and what has
/// the same addresses and an inode is the next connection.
const fn is_after_close(socket: &Socket) -> bool {
    matches!(
        socket.state,
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
    )
}

/// Finds rows by one key after the other.
struct Lookup<'a> {
    live: &'a [Live],
    sockets: &'a [Socket],
    rows: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl Lookup<'_> {
    /// Gives each socket without a row the first one of the same key that `fits`, among the first [`FEW`] that no
    /// other socket has.
    fn pass<K: Hash + Eq>(
        &mut self,
        key: impl Fn(&Socket) -> Option<K>,
        fits: impl Fn(&Socket, &Socket) -> bool,
    ) {
        if self.live.is_empty() || self.rows.iter().all(Option::is_some) {
            return;
        }
        let mut index: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (at, live) in self.live.iter().enumerate() {
            if let Some(key) = key(&live.row.socket).filter(|_| !self.is_taken[at]) {
                index.entry(key).or_default().push_back(at);
            }
        }
        for (found, socket) in self.rows.iter_mut().zip(self.sockets) {
            if found.is_none()
                && let Some(rows) = key(socket).and_then(|key| index.get_mut(&key))
            {
                let is_it = |&at: &usize| {
                    let row = &self.live[at].row.socket;
                    fits(row, socket) && !have_different_cookies(row, socket)
                };
                let place = rows.iter().take(FEW).position(is_it);
                *found = place.and_then(|place| rows.remove(place));
                if let Some(at) = *found {
                    self.is_taken[at] = true;
                }
            }
        }
    }
}
