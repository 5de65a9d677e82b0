//! The sockets as they were written last, and which of them a socket of the next snapshot is.

mod common;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use self::common::CommonSockets;
use super::parts::Parts;
use crate::model::{Endpoint, NamespaceId, Portless, Protocol, Socket, State};

/// A socket that is in the last snapshot.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Its number since the last keyframe.
    pub number: u32,
    /// What it has in common with others: see [`CommonSockets`].
    common: Arc<Socket>,
    local: Endpoint,
    remote: Option<Endpoint>,
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

impl Slot {
    pub fn state(&self) -> State {
        self.common.state
    }

    /// The socket as it was written, without its age. Of its end only whether there is one.
    pub fn socket(&self) -> Socket {
        Socket {
            local: self.local,
            remote: self.remote,
            inode: self.parts.inode,
            cookie: self.parts.cookie,
            queue: self.parts.queue,
            expires_in: self.parts.ends.map(|_| Duration::ZERO),
            ..(*self.common).clone()
        }
    }

    /// Whether a socket is as it was written, except for its end and for what is not stored: the queues of a connection, and
    /// its age.
    pub fn is_unchanged(&self, now: &Socket) -> bool {
        let parts = &self.parts;
        let have_same_queue = parts.queue == now.queue || now.is_connection();
        have_same_queue
            && parts.inode == now.inode
            && parts.cookie == now.cookie
            && self.local == now.local
            && self.remote == now.remote
            && have_same_rest(&self.common, now)
    }
}

/// What identifies a socket from one snapshot to the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Cookie(u64),
    /// In a box, as nearly all have a cookie.
    Addresses(Box<(NamespaceId, Protocol, Endpoint, Option<Endpoint>, u64)>),
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
        Self::Addresses(Box::new((
            namespace,
            protocol,
            local,
            remote,
            rest.finish(),
        )))
    }
}

/// The sockets of the last snapshot.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    live: Vec<Slot>,
    by_key: HashMap<Key, u32>,
    common: CommonSockets,
    next_number: u32,
    /// The number of the current snapshot.
    snapshot: u64,
}

impl Slots {
    /// None, with room for so many.
    pub fn with_capacity(count: usize) -> Self {
        Self {
            live: Vec::with_capacity(count),
            by_key: HashMap::with_capacity(count),
            ..Self::default()
        }
    }

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
        self.find_identity(Identity::of(socket))
    }

    /// The same, for the socket of another section.
    pub fn find_same(&mut self, slot: &Slot) -> Option<usize> {
        self.find_identity(slot.key.0.clone())
    }

    fn find_identity(&mut self, identity: Identity) -> Option<usize> {
        let mut key = (identity, 0);
        loop {
            let at = *self.by_key.get(&key)? as usize;
            let slot = &mut self.live[at];
            if slot.seen != self.snapshot {
                slot.seen = self.snapshot;
                return Some(at);
            }
            key.1 += 1;
        }
    }

    /// The index of the socket that a report is about.
    pub fn find_closed(&self, socket: &Socket) -> Option<usize> {
        let found = self.by_key.get(&(Identity::of(socket), 0));
        found.map(|at| *at as usize)
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
    pub fn add(&mut self, number: u32, socket: &Socket, parts: Parts, since: (i64, bool)) {
        let mut key = (Identity::of(socket), 0);
        while self.by_key.contains_key(&key) {
            key.1 += 1;
        }
        self.by_key.insert(key.clone(), index(self.live.len()));
        self.live.push(Slot {
            number,
            common: self.common.of(socket),
            local: socket.local,
            remote: socket.remote,
            parts,
            since: since.0,
            is_since_exact: since.1,
            key,
            seen: self.snapshot,
        });
    }

    /// Changes a socket to what the current snapshot has.
    pub fn change(&mut self, at: usize, socket: &Socket, parts: Parts) {
        let common = self.common.of(socket);
        let slot = &mut self.live[at];
        (slot.common, slot.parts) = (common, parts);
        (slot.local, slot.remote) = (socket.local, socket.remote);
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
                self.by_key.insert(moved.key.clone(), index(at));
            }
            self.close_row(slot.key);
        }
    }

    /// Of several with the same identity the last one takes the place of a removed one, so that there are no holes.
    fn close_row(&mut self, removed: Key) {
        let mut last = removed.clone();
        loop {
            last.1 += 1;
            if !self.by_key.contains_key(&last) {
                break;
            }
        }
        last.1 -= 1;
        if last.1 > removed.1
            && let Some(at) = self.by_key.remove(&last)
        {
            self.live[at as usize].key = removed.clone();
            self.by_key.insert(removed, at);
        }
    }

    /// Numbers all sockets anew, in this order.
    pub fn renumber<K: Ord>(&mut self, key: impl Fn(&Slot) -> K) {
        self.live.sort_by_key(key);
        self.next_number = 0;
        for (at, slot) in self.live.iter_mut().enumerate() {
            slot.number = self.next_number;
            self.next_number += 1;
            self.by_key.insert(slot.key.clone(), index(at));
        }
    }
}

/// There are never so many: see [`MAX_SOCKETS`](super::MAX_SOCKETS).
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether what sockets may have in common is the same. Their ends, queues and numbers are not compared.
fn have_same_rest(one: &Socket, other: &Socket) -> bool {
    one.state == other.state
        && one.protocol == other.protocol
        && one.uid == other.uid
        && one.owner == other.owner
        && one.user == other.user
        && one.unit == other.unit
        && one.container == other.container
        && one.namespace == other.namespace
        && one.published == other.published
        && one.dual_stack == other.dual_stack
        && one.interface == other.interface
        && one.portless == other.portless
}
