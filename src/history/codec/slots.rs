//! The sockets as they were written last, and which of them a socket of the next snapshot is.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::parts::Parts;
use crate::model::{Endpoint, NamespaceId, Portless, Protocol, Socket};

/// A socket that is in the last snapshot.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its number since the last keyframe.
    pub number: u32,
    pub socket: Socket,
    pub parts: Parts,
    /// When its state began, on the clock of the section, in ms, and whether that was seen.
    pub since: i64,
    pub is_since_exact: bool,
    key: Key,
    /// The last snapshot that has it.
    seen: u64,
}

/// Identifies a socket: its cookie, or else its addresses; and which of several with the same it is.
type Key = (Identity, u32);

/// What identifies a socket from one snapshot to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Cookie(u64),
    Addresses(NamespaceId, Protocol, Endpoint, Option<Endpoint>, u64),
}

impl Identity {
    pub fn of(socket: &Socket) -> Self {
        if let Some(cookie) = socket.cookie {
            return Self::Cookie(cookie.get());
        }
        let (namespace, protocol) = (socket.namespace_id(), socket.protocol);
        let (local, remote) = (socket.local, socket.remote);
        // A connection gets its inode when it is accepted, and loses it when it is closed.
        let inode = socket.inode.filter(|_| !socket.is_connection());
        let mut rest = DefaultHasher::new();
        inode.hash(&mut rest);
        match socket.portless.as_deref() {
            None => {}
            Some(Portless::Unix(unix)) => (unix.kind, &unix.name, socket.inode).hash(&mut rest),
            Some(Portless::Packet(one)) => (one.kind, one.ethertype).hash(&mut rest),
            Some(Portless::Raw(one)) => (one.number, one.identifier).hash(&mut rest),
        }
        Self::Addresses(namespace, protocol, local, remote, rest.finish())
    }
}

/// The sockets of the last snapshot.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    live: Vec<Slot>,
    by_key: HashMap<Key, usize>,
    next_number: u32,
    /// The number of the current snapshot.
    snapshot: u64,
}

impl Slots {
    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.live.iter_mut()
    }

    pub fn get(&self, at: usize) -> &Slot {
        &self.live[at]
    }

    pub fn get_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.live[at]
    }

    /// Begins with the next snapshot.
    pub fn begin(&mut self) {
        self.snapshot += 1;
    }

    /// The index of a socket of the current snapshot, which is marked as seen; `None` if it is new.
    pub fn find(&mut self, socket: &Socket) -> Option<usize> {
        let identity = Identity::of(socket);
        let mut twin = 0;
        loop {
            let at = *self.by_key.get(&(identity, twin))?;
            let slot = &mut self.live[at];
            if slot.seen != self.snapshot {
                slot.seen = self.snapshot;
                return Some(at);
            }
            twin += 1;
        }
    }

    /// The index of the socket that a report is about.
    pub fn find_closed(&self, socket: &Socket) -> Option<usize> {
        self.by_key.get(&(Identity::of(socket), 0)).copied()
    }

    /// The number of the next socket.
    pub fn number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    pub fn next_number(&self) -> u32 {
        self.next_number
    }

    /// Adds a socket of the current snapshot.
    pub fn add(&mut self, number: u32, socket: Socket, parts: Parts, since: (i64, bool)) {
        let identity = Identity::of(&socket);
        let mut key = (identity, 0);
        while self.by_key.contains_key(&key) {
            key.1 += 1;
        }
        self.by_key.insert(key, self.live.len());
        self.live.push(Slot {
            number,
            socket,
            parts,
            since: since.0,
            is_since_exact: since.1,
            key,
            seen: self.snapshot,
        });
    }

    /// The indices of the sockets that are not in the current snapshot, the last one first.
    pub fn missing(&self) -> Vec<usize> {
        let missing = self.live.iter().enumerate().rev();
        let missing = missing.filter(|(_, slot)| slot.seen != self.snapshot);
        missing.map(|(at, _)| at).collect()
    }

    pub fn is_missing(&self, at: usize) -> bool {
        self.live[at].seen != self.snapshot
    }

    /// Removes sockets by index; the last one comes first.
    pub fn remove(&mut self, indices: &[usize]) {
        for &at in indices {
            let slot = self.live.swap_remove(at);
            self.by_key.remove(&slot.key);
            if let Some(moved) = self.live.get(at) {
                self.by_key.insert(moved.key, at);
            }
            self.close_row(slot.key);
        }
    }

    /// Of several with the same identity the last one takes the place of a removed one, so that there are no holes.
    fn close_row(&mut self, (identity, removed): Key) {
        let mut last = removed;
        while self.by_key.contains_key(&(identity, last + 1)) {
            last += 1;
        }
        if last > removed
            && let Some(at) = self.by_key.remove(&(identity, last))
        {
            self.by_key.insert((identity, removed), at);
            self.live[at].key = (identity, removed);
        }
    }

    /// Numbers all sockets anew, in this order.
    pub fn renumber<K: Ord>(&mut self, key: impl Fn(&Slot) -> K) {
        self.live.sort_by_key(key);
        self.next_number = 0;
        for (at, slot) in self.live.iter_mut().enumerate() {
            slot.number = self.next_number;
            self.next_number += 1;
            self.by_key.insert(slot.key, at);
        }
    }
}

/// Whether a socket is as it was written, except for what is not stored: the queues of a connection, its age and its end,
/// which is measured again each time.
pub(crate) fn is_unchanged(written: &Socket, now: &Socket) -> bool {
    let have_same_queue = written.queue == now.queue || now.is_connection();
    have_same_queue
        && written.state == now.state
        && written.inode == now.inode
        && written.local == now.local
        && written.remote == now.remote
        && written.cookie == now.cookie
        && written.uid == now.uid
        && written.owner == now.owner
        && written.user == now.user
        && written.unit == now.unit
        && written.container == now.container
        && written.namespace == now.namespace
        && written.published == now.published
        && written.dual_stack == now.dual_stack
        && written.interface == now.interface
        && written.portless == now.portless
        && written.protocol == now.protocol
        && written.expires_in.is_some() == now.expires_in.is_some()
}
