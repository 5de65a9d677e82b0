//! Which two sockets are the ends of one connection on this machine: the address of each is the peer of the other.
//!
//! Both are in the same network namespace if an address is of the loopback, which each namespace has. Other addresses
//! mostly belong to one namespace, so the ends may be in two. If the sockets of several namespaces have the same addresses,
//! only two of the same namespace count as ends.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use crate::model::{BuildSpread, Endpoint, NamespaceId, Protocol};
use crate::track::{Row, RowId};

/// So many of the last addresses are compared before another one is kept.
const RECENT: usize = 8;

/// An address, of IPv4 in its v4-mapped form, and a port.
type Place = (u128, u16);

/// A row with both ends.
struct Connected {
    id: RowId,
    namespace: NamespaceId,
    protocol: Protocol,
    own: Place,
    remote: Place,
}

/// Of each row that has its peer among the rows, both ids; by the first.
pub(super) fn of(rows: &[Arc<Row>]) -> Vec<(RowId, RowId)> {
    let (mut connected, mut unix) = (Vec::new(), Vec::new());
    // Each row is read once, as most of the time is spent on getting it from memory.
    for row in rows {
        let socket = &row.socket;
        if let Some(remote) = socket.remote.filter(|_| !row.is_closed()) {
            connected.push(Connected {
                id: row.id,
                namespace: socket.namespace_id(),
                protocol: socket.protocol,
                own: place(socket.local),
                remote: place(remote),
            });
        } else if socket.unix().is_some() && !row.is_closed() {
            unix.push(&**row);
        }
    }
    let mut peers = with_addresses(&connected);
    peers.extend(with_inodes(&unix));
    // Both parts are in order, which a stable sort makes use of.
    peers.sort();
    peers
}

fn with_addresses(connected: &[Connected]) -> Vec<(RowId, RowId)> {
    let own_addresses = own_addresses(connected);
    let number = |(address, port): Place| {
        let number = own_addresses.binary_search(&address).ok()?;
        Some((number, port))
    };
    // Each pair of ends has a number, and at it the first row from either side. Ports and addresses may be chosen to
    // have the same hash, so it is the standard one.
    let mut numbers = HashMap::with_capacity(connected.len() / 2);
    let mut sides: Vec<[Option<RowId>; 2]> = Vec::with_capacity(connected.len() / 2);
    let mut candidates = Vec::with_capacity(connected.len());
    let mut alone = Vec::new();
    let different = connected.iter().enumerate();
    for (at, one) in different.filter(|(_, one)| one.own != one.remote) {
        let Some((remote, own)) = number(one.remote).zip(number(one.own)) else {
            continue;
        };
        let ends = (
            one.namespace,
            one.protocol,
            own.min(remote),
            own.max(remote),
        );
        let number = *numbers.entry(ends).or_insert(sides.len());
        if number == sides.len() {
            sides.push([None; 2]);
        }
        let side = usize::from(own > remote);
        sides[number][side].get_or_insert(one.id);
        candidates.push((at, one.id, number, side));
    }
    let mut joined = Vec::with_capacity(candidates.len());
    for (at, id, number, side) in candidates {
        match sides[number][1 - side] {
            Some(other) => joined.push((id, other)),
            None => alone.push(&connected[at]),
        }
    }
    if alone.iter().any(|one| one.namespace != NamespaceId::OWN) {
        joined.extend(across_namespaces(&alone));
    }
    joined
}

/// The ends that are in two namespaces, each the only one with its addresses.
fn across_namespaces(alone: &[&Connected]) -> Vec<(RowId, RowId)> {
    let is_loopback = |(address, _): Place| {
        let address = Ipv6Addr::from_bits(address).to_canonical();
        address.is_loopback()
    };
    let (mut by_ends, mut found) = (HashMap::new(), Vec::new());
    let outside = alone.iter().filter(|one| !is_loopback(one.own));
    for one in outside {
        let known = by_ends.entry((one.protocol, one.own, one.remote));
        known.and_modify(|id| *id = None).or_insert(Some(one.id));
    }
    for (&(protocol, own, remote), &id) in &by_ends {
        let other = by_ends.get(&(protocol, remote, own)).copied().flatten();
        found.extend(id.zip(other));
    }
    found
}

/// The addresses that connections have at this end, in order: few, so that most peers are quickly known to be elsewhere.
fn own_addresses(connected: &[Connected]) -> Vec<u128> {
    let mut addresses = Vec::new();
    for &Connected { own, .. } in connected {
        let mut recent = addresses.iter().rev().take(RECENT);
        if !recent.any(|&address| address == own.0) {
            addresses.push(own.0);
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn place(endpoint: Endpoint) -> Place {
    let address = match endpoint.address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    (address.to_bits(), endpoint.port)
}

/// The kernel names the peer of a unix socket by its inode.
fn with_inodes(sockets: &[&Row]) -> Vec<(RowId, RowId)> {
    let inodes = sockets.iter();
    let inodes = inodes.filter_map(|row| Some((row.socket.inode?, row.id)));
    let by_inode: HashMap<u32, RowId, BuildSpread> = inodes.collect();
    let peers = sockets.iter().filter_map(|row| {
        let peer = row.socket.unix()?.peer.as_ref()?;
        Some((row.id, *by_inode.get(&peer.inode)?))
    });
    peers.collect()
}
