//! Finds the rows of a snapshot by the order of the last one.
//!
//! The kernel dumps its tables in the same order each time, so nearly every socket of a snapshot
//! is the one after the socket that was just found. What is not found here is looked up by key.

use std::collections::HashSet;

use super::live::Live;
use super::socket_key::{Key, have_different_cookies};
use crate::model::Socket;

/// How far to look ahead for the next socket, as some may be gone.
const WINDOW: usize = 32;

/// For each socket the index of its row, if that is where the order of the last snapshot puts it. Sockets and rows
/// that share their key with something that was not found are left to the lookup: which of several twins is which
/// is decided over all of them together.
pub(super) fn rows(live: &[Live], sockets: &[Socket]) -> Vec<Option<usize>> {
    let order = in_dump_order(live);
    let mut next = 0;
    let mut find = |socket: &Socket| {
        let is_it = |&at: &usize| {
            let row = &live[at].row.socket;
            Key::are_equal(row, socket) && !have_different_cookies(row, socket)
        };
        let skipped = order[next..].iter().take(WINDOW).position(is_it)?;
        next += skipped + 1;
        Some(order[next - 1])
    };
    let mut rows: Vec<_> = sockets.iter().map(&mut find).collect();
    release_twins(&mut rows, live, sockets);
    rows
}

/// The rows in the order in which the last snapshot had them.
fn in_dump_order(live: &[Live]) -> Vec<usize> {
    let last = live.iter().filter_map(|live| live.dump_index).max();
    let mut order = vec![None; last.map_or(0, |last| last + 1)];
    for (index, live) in live.iter().enumerate() {
        if let Some(at) = live.dump_index {
            order[at] = Some(index);
        }
    }
    order.into_iter().flatten().collect()
}

fn release_twins(found: &mut [Option<usize>], live: &[Live], sockets: &[Socket]) {
    if found.iter().all(Option::is_none) {
        return;
    }
    let mut is_taken = vec![false; live.len()];
    for &at in found.iter().flatten() {
        is_taken[at] = true;
    }
    let rows = live.iter().zip(is_taken).filter(|(_, is_taken)| !is_taken);
    let rows = rows.map(|(live, _)| &live.row.socket);
    let unplaced = sockets.iter().zip(&*found);
    let unplaced = unplaced.filter(|(_, place)| place.is_none());
    let left: Vec<&Socket> = rows.chain(unplaced.map(|(socket, _)| socket)).collect();
    if left.is_empty() {
        return;
    }
    let keys: HashSet<Key> = left.iter().map(|socket| Key::of(socket)).collect();
    // Few sockets share their ports with what is left, and only they are looked up.
    let mut has_left = vec![false; 1 << 16];
    for socket in left {
        has_left[ports(socket)] = true;
    }
    for (place, socket) in found.iter_mut().zip(sockets) {
        if has_left[ports(socket)] && keys.contains(&Key::of(socket)) {
            *place = None;
        }
    }
}

/// Both ports in one number.
fn ports(socket: &Socket) -> usize {
    let remote = socket.remote.map_or(0, |remote| remote.port);
    usize::from(socket.local.port ^ remote)
}
