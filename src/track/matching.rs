//! Which row a socket of the new snapshot belongs to.
//!
//! The kernel's cookie identifies a socket, where both snapshots have it: no other is ever taken for it. It continues a
//! row without an inode if the addresses are the same, too: a socket that connects elsewhere ends one connection and
//! begins another. Else identity is protocol, addresses and inode, never the pid, with two exceptions, both the kernel's: a connection loses its inode when its
//! process closes it (and gains one when it is accepted), and a bound socket gets other addresses when it
//! connects.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::dump_order;
use super::live::Live;
use super::socket_key::{Address, Key, have_different_cookies};
use crate::model::{Socket, State};

/// No more rows than this of one key are tried for a socket. A real inode identifies one socket and a real
/// connection is the only one between its addresses; a recording may say anything, thousands of times.
const FEW: usize = 8;

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
    lookup.pass(|socket| Some((Address::of(socket), socket.cookie?)), any);
    lookup.pass(|socket| Some(Key::of(socket)), any);
    let by_inode = |socket: &Socket| Some((socket.protocol, socket.inode?));
    lookup.pass(by_inode, |row, socket| {
        // A socket without a port may get a name or lose its peer.
        row.state != socket.state || !socket.protocol.has_ports()
    });
    let by_connection = |socket: &Socket| socket.is_connection().then(|| Address::of(socket));
    lookup.pass(by_connection, |row, socket| {
        socket.inode.is_none() || row.inode.is_none() && !is_after_close(row)
    });
    lookup.rows
}

/// Whether its own side has closed it: without an inode no process can get it again, and a socket with the same
/// addresses and an inode is a new connection.
const fn is_after_close(socket: &Socket) -> bool {
    matches!(
        socket.state,
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
    )
}

/// Finds rows by several keys in turn.
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
