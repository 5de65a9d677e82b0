//! Which connections were bound before they connected, and so take their port from every destination.
//!
//! The kernel does not say, but it chooses ports differently (since Linux 4.2). Counted from the beginning
//! of the range, `connect()` takes an even port, and an odd one only once its destination has all the
//! even ones (`__inet_hash_connect`). `bind()` to port 0 takes an odd one first
//! (`inet_csk_find_open_port`). So a connection on an odd port to a destination with few connections was
//! bound first; once such ones fill the odd ports, they go on with the even ones, and share none of them.
//!
//! What is found is a lower bound: a destination with more than half of the range is left out, as its
//! connections may have come to odd ports without a bind.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Pair, PortState, pair};
use crate::model::Socket;

/// A destination with so many connections is judged by its own: `connect()` alone would hardly have given it
/// odd ports.
const MANY: usize = 8;

/// The connections to one destination.
#[derive(Clone, Copy, Default)]
struct Ports {
    even: usize,
    odd: usize,
}

impl Ports {
    const fn total(self) -> usize {
        self.even + self.odd
    }

    /// Whether they may be on even ports because the odd ones were taken. A `bind()` would have taken as
    /// many odd ones.
    const fn may_be_bound_first(self) -> bool {
        self.total() < MANY || self.odd * 2 >= self.even
    }
}

/// For each port whether a connection has it that was bound first. `outgoing` are the connections from
/// ports of the range that nobody listens on, `first` is the range's first port.
pub(super) fn ports<'a>(
    holds: &[PortState],
    first: u16,
    outgoing: impl Iterator<Item = &'a Socket> + Clone,
) -> Vec<bool> {
    let is_odd = |port: usize| port % 2 != usize::from(first) % 2;
    let mut is_bound_first = vec![false; holds.len()];
    // Nearly always: nothing more is counted for that.
    if !outgoing
        .clone()
        .any(|socket| is_odd(socket.local.port.into()))
    {
        return is_bound_first;
    }
    let by_destination = by_destination(outgoing.clone(), &is_odd);
    let capacity = holds
        .iter()
        .filter(|hold| **hold != PortState::Closed)
        .count();
    let has_few = |pair: Pair| by_destination[&pair].total() * 2 <= capacity;
    for (socket, to) in with_pair(outgoing.clone()) {
        let port = usize::from(socket.local.port);
        is_bound_first[port] |= is_odd(port) && has_few(to);
    }
    let odd = (0..holds.len()).filter(|&port| is_odd(port));
    let (mut bound_first, mut open) = (0, 0);
    for port in odd.filter(|&port| !matches!(holds[port], PortState::Closed | PortState::Bound)) {
        open += 1;
        bound_first += usize::from(is_bound_first[port]);
    }
    // As long as odd ones are free, `bind()` takes no even one.
    if bound_first > 0 && bound_first * 4 >= open * 3 {
        let even = outgoing.filter(|socket| !is_odd(socket.local.port.into()));
        for port in even_ports(even, |pair| {
            has_few(pair) && by_destination[&pair].may_be_bound_first()
        }) {
            is_bound_first[usize::from(port)] = true;
        }
    }
    is_bound_first
}

fn with_pair<'a>(
    sockets: impl Iterator<Item = &'a Socket>,
) -> impl Iterator<Item = (&'a Socket, Pair)> {
    sockets.filter_map(|socket| Some((socket, pair(socket)?)))
}

fn by_destination<'a>(
    outgoing: impl Iterator<Item = &'a Socket>,
    is_odd: &impl Fn(usize) -> bool,
) -> HashMap<Pair, Ports> {
    let mut all: HashMap<Pair, Ports> = HashMap::new();
    for (socket, to) in with_pair(outgoing) {
        let ports = all.entry(to).or_default();
        if is_odd(socket.local.port.into()) {
            ports.odd += 1;
        } else {
            ports.even += 1;
        }
    }
    all
}

/// The even ports that one connection has alone on its own address, and may have been bound for; none where
/// many are shared, as `connect()` shares them.
fn even_ports<'a>(
    even: impl Iterator<Item = &'a Socket>,
    may_be_bound_first: impl Fn(Pair) -> bool,
) -> Vec<u16> {
    let mut on_port: HashMap<(u16, IpAddr), (usize, bool)> = HashMap::new();
    for (socket, to) in with_pair(even) {
        let entry = on_port.entry((socket.local.port, to.0));
        let (count, may_be) = entry.or_insert((0, true));
        *count += 1;
        *may_be &= may_be_bound_first(to);
    }
    let shared = on_port.values().filter(|(count, _)| *count > 1).count();
    let alone = on_port.iter().filter(|(_, (count, _))| *count == 1);
    if shared * 4 > alone.clone().count() {
        return Vec::new();
    }
    let bound_first = alone.filter(|(_, (_, may_be))| *may_be);
    bound_first.map(|(&(port, _), _)| port).collect()
}
