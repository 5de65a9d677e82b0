//! Identifies a socket from one snapshot to the next.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::{Endpoint, Portless, Protocol, Socket};

/// The addresses that a socket is bound and connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
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
pub(super) type Key = (Address, Option<u32>);

pub(super) fn key(socket: &Socket) -> Key {
    (Address::of(socket), socket.inode)
}

/// Whether two sockets have the same key; nearly always the inode alone shows that they don't.
pub(super) fn are_same_key(one: &Socket, other: &Socket) -> bool {
    one.inode == other.inode && Address::of(one) == Address::of(other)
}

/// Whether these are two different sockets by their cookies.
pub(super) fn have_different_cookies(one: &Socket, other: &Socket) -> bool {
    let cookies = one.cookie.zip(other.cookie);
    cookies.is_some_and(|(one, other)| one != other)
}
