//! Which row a socket of the new snapshot belongs to.
//!
//! The kernel's cookie identifies a socket, where both snapshots have it: no other is ever taken for it. It continues a
//! row without an inode if the addresses are the same, too: a socket that connects elsewhere ends one connection and
//! begins another. Else identity is protocol, addresses and inode, never the pid, with two exceptions of the kernel:
//! a connection loses its inode when its process closes it (and gains one when it is accepted), and a bound socket gets
//! other addresses when it connects.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use super::row::Live;
use crate::model::{Endpoint, NamespaceId, Portless, Protocol, Socket, State};

/// How far to look ahead for the next socket in the order of the dump, as some may be gone.
const WINDOW: usize = 32;

/// No more rows than this of one key are tried for a socket. A real inode identifies one socket and a real
/// connection is the only one between its addresses; a recording may say anything, thousands of times.
const FEW: usize = 8;

/// For each socket the index of the row that it continues; no row is given twice.
pub(super) fn rows(live: &[Live], sockets: &[Socket]) -> Vec<Option<usize>> {
    let rows = rows_by_dump_order(live, sockets);
    if live.is_empty() || rows.iter().all(Option::is_some) {
        return rows;
    }
    let is_taken = is_taken(live, &rows);
    let mut lookup = Lookup {
        live,
        sockets,
        rows,
        is_taken,
    };
    let any = |_: &Socket, _: &Socket| true;
    lookup.pass(|socket| Some((Address::of(socket), socket.cookie?)), any);
    lookup.pass(|socket| Some(key(socket)), any);
    let by_inode = |socket: &Socket| Some((socket.namespace_id(), socket.protocol, socket.inode?));
    lookup.pass(by_inode, |row, socket| {
        // A socket without a port may get a name or lose its peer.
        row.state != socket.state || !socket.protocol.has_ports()
    });
    let by_connection = |socket: &Socket| socket.is_connection().then(|| Address::of(socket));
    lookup.pass(by_connection, |row, socket| {
        // Once its own side has closed it, no process can get it again: a socket with the same addresses and an inode
        // is a new connection.
        let is_after_close = matches!(
            row.state,
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
        );
        socket.inode.is_none() || row.inode.is_none() && !is_after_close
    });
    lookup.rows
}

/// For each socket the index of its row, if that is where the order of the last snapshot puts it: the kernel dumps its
/// tables in the same order each time, so nearly every socket is the one after the socket that was just found. Sockets
/// and rows that share their key with something that was not found are left to the lookup: which of several twins is
/// which is decided over all of them together.
fn rows_by_dump_order(live: &[Live], sockets: &[Socket]) -> Vec<Option<usize>> {
    let last = live.iter().filter_map(|live| live.dump_index).max();
    let mut order = vec![None; last.map_or(0, |last| last + 1)];
    for (index, live) in live.iter().enumerate() {
        if let Some(at) = live.dump_index {
            order[at] = Some(index);
        }
    }
    let order: Vec<usize> = order.into_iter().flatten().collect();
    let mut next = 0;
    let mut find = |socket: &Socket| {
        let is_it = |&at: &usize| {
            let row = &live[at].row.socket;
            are_same_key(row, socket) && !have_different_cookies(row, socket)
        };
        let skipped = order[next..].iter().take(WINDOW).position(is_it)?;
        next += skipped + 1;
        Some(order[next - 1])
    };
    let mut rows: Vec<_> = sockets.iter().map(&mut find).collect();
    // Nearly always there is a row for each socket and a socket for each row.
    let found = rows.iter().flatten().count();
    if found > 0 && found < live.len().max(sockets.len()) {
        release_twins(&mut rows, live, sockets);
    }
    rows
}

fn release_twins(found: &mut [Option<usize>], live: &[Live], sockets: &[Socket]) {
    let rows = live.iter().zip(is_taken(live, found));
    let rows = rows.filter_map(|(live, is_taken)| (!is_taken).then_some(&live.row.socket));
    let unplaced = sockets.iter().zip(&*found);
    let unplaced = unplaced.filter_map(|(socket, place)| place.is_none().then_some(socket));
    let left: Vec<&Socket> = rows.chain(unplaced).collect();
    let keys: HashSet<Key> = left.iter().map(|socket| key(socket)).collect();
    // Few sockets share their ports with what is left, and only they are looked up.
    let ports = |socket: &Socket| {
        let remote = socket.remote.map_or(0, |remote| remote.port);
        usize::from(socket.local.port ^ remote)
    };
    let mut has_left = vec![false; 1 << 16];
    for socket in left {
        has_left[ports(socket)] = true;
    }
    for (place, socket) in found.iter_mut().zip(sockets) {
        if has_left[ports(socket)] && keys.contains(&key(socket)) {
            *place = None;
        }
    }
}

/// For each row whether a socket was found for it.
fn is_taken(live: &[Live], rows: &[Option<usize>]) -> Vec<bool> {
    let mut is_taken = vec![false; live.len()];
    for &at in rows.iter().flatten() {
        is_taken[at] = true;
    }
    is_taken
}

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
        if self.rows.iter().all(Option::is_some) {
            return;
        }
        let mut index: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (at, live) in self.live.iter().enumerate() {
            if !self.is_taken[at]
                && let Some(key) = key(&live.row.socket)
            {
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

/// The addresses that a socket is bound and connected to, and its network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    namespace: NamespaceId,
    protocol: Protocol,
    local: Endpoint,
    remote: Option<Endpoint>,
    /// For a socket without a port: a hash of its identification.
    portless: u64,
}

impl Address {
    pub fn of(socket: &Socket) -> Self {
        let portless = socket.portless.as_ref();
        Self {
            namespace: socket.namespace_id(),
            protocol: socket.protocol,
            local: socket.local,
            remote: socket.remote,
            portless: portless.map_or(0, |portless| digest(portless, socket)),
        }
    }
}

/// A unix socket without a name, or one of many connections with the same name, is identified by its inode.
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

/// Identifies a socket without a cookie, as far as possible: its addresses and its inode.
type Key = (Address, Option<u32>);

fn key(socket: &Socket) -> Key {
    (Address::of(socket), socket.inode)
}

/// Whether two sockets have the same key; nearly always the inode alone shows that they don't.
pub(super) fn are_same_key(one: &Socket, other: &Socket) -> bool {
    one.inode == other.inode && Address::of(one) == Address::of(other)
}

/// Whether these are two different sockets by their cookies.
fn have_different_cookies(one: &Socket, other: &Socket) -> bool {
    let cookies = one.cookie.zip(other.cookie);
    cookies.is_some_and(|(one, other)| one != other)
}
