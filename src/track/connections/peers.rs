//! Which two sockets are the ends of one connection on this machine: the address of each is the peer of the other.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{BuildSpread, Endpoint, Protocol};
use crate::track::{Row, RowId};

/// Both ends, the lower first.
type Ends = (Protocol, Endpoint, Endpoint);

/// Of each row that has its peer among the rows, both ids; by the first.
pub(super) fn of(rows: &[Arc<Row>]) -> Vec<(RowId, RowId)> {
    let mut peers = unix(rows);
    with_addresses(rows, &mut peers);
    peers.sort_unstable();
    peers
}

fn with_addresses(rows: &[Arc<Row>], peers: &mut Vec<(RowId, RowId)>) {
    let open = || rows.iter().filter(|row| !row.is_closed());
    let own_addresses = own_addresses(open().map(|row| &**row));
    // Each pair of ends has a number, and at it the first row from either side.
    let mut numbers: HashMap<Ends, usize> = HashMap::new();
    let mut sides: Vec<[Option<RowId>; 2]> = Vec::new();
    let mut candidates = Vec::new();
    for row in open() {
        let Some(remote) = row.socket.remote.map(Endpoint::to_canonical) else {
            continue;
        };
        let own = row.socket.local.to_canonical();
        if own == remote || own_addresses.binary_search(&remote.address).is_err() {
            continue;
        }
        let ends = (row.socket.protocol, own.min(remote), own.max(remote));
        let number = *numbers.entry(ends).or_insert(sides.len());
        if number == sides.len() {
            sides.push([None; 2]);
        }
        let side = usize::from(own > remote);
        sides[number][side].get_or_insert(row.id);
        candidates.push((row.id, number, side));
    }
    let joined = candidates.into_iter();
    peers.extend(joined.filter_map(|(id, number, side)| Some((id, sides[number][1 - side]?))));
}

/// The addresses that connections have at this end, in order: few, so that most peers are quickly known to be elsewhere.
fn own_addresses<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for row in rows.filter(|row| row.socket.remote.is_some()) {
        let address = row.socket.local.address.to_canonical();
        if addresses.last() != Some(&address) {
            addresses.push(address);
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// The kernel names the peer of a unix socket by its inode.
fn unix(rows: &[Arc<Row>]) -> Vec<(RowId, RowId)> {
    let is_open = |row: &&Arc<Row>| row.socket.unix().is_some() && !row.is_closed();
    let sockets: Vec<_> = rows.iter().filter(is_open).collect();
    let inodes = sockets.iter();
    let inodes = inodes.filter_map(|row| Some((row.socket.inode?, row.id)));
    let by_inode: HashMap<u32, RowId, BuildSpread> = inodes.collect();
    let peers = sockets.into_iter().filter_map(|row| {
        let peer = row.socket.unix()?.peer.as_ref()?;
        Some((row.id, *by_inode.get(&peer.inode)?))
    });
    peers.collect()
}
