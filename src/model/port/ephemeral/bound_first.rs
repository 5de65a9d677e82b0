//! Which connections were bound before they connected, and so take their port from every destination.
//!
//! The kernel does not report it, but it chooses ports differently (since Linux 4.2). Counted from the beginning
//! of the range, `connect()` takes an even port, and an odd one only once its destination has all the
//! even ones (`__inet_hash_connect`). `bind()` to port 0 takes an odd one first
//! (`inet_csk_find_open_port`). So a connection on an odd port to a destination with few connections was
//! bound first; once such ones fill the odd ports, they go on with the even ones, and share none of them.
//!
//! The result is a lower bound: a destination with more than half of the range is left out, as its
//! connections may have come to odd ports without a bind.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Pair, PortState, pair};
use crate::model::Socket;

/// A destination with this many connections is judged on its own: `connect()` alone would hardly have chosen odd ports
/// for it.
const MANY: usize = 8;

/// The connections to one destination, by their ports.
#[derive(Clone, Copy, Default)]
struct Ports {
    even: usize,
    odd: usize,
}

/// For each port whether it has a connection that was bound first. `outgoing` are the connections from
/// ports of the range without a listener, `first` is the range's first port, `capacity` the number of its ports.
pub(super) fn ports<'a>(
    states: &[PortState],
    capacity: usize,
    first: u16,
    outgoing: impl Iterator<Item = &'a Socket> + Clone,
) -> Vec<bool> {
    let is_odd = |port: usize| port % 2 != usize::from(first) % 2;
    let mut is_bound_first = vec![false; states.len()];
    let port = |socket: &Socket| usize::from(socket.local.port);
    // Nearly always there is none, so stop here.
    if !outgoing.clone().any(|socket| is_odd(port(socket))) {
        return is_bound_first;
    }
    let outgoing = outgoing.filter_map(|socket| Some((port(socket), pair(socket)?)));
    let mut by_destination: HashMap<Pair, Ports> = HashMap::new();
    for (port, to) in outgoing.clone() {
        let ports = by_destination.entry(to).or_default();
        ports.odd += usize::from(is_odd(port));
        ports.even += usize::from(!is_odd(port));
    }
    let total = |pair: Pair| by_destination[&pair].even + by_destination[&pair].odd;
    let has_few = |pair: Pair| total(pair) * 2 <= capacity;
    for (port, to) in outgoing.clone() {
        is_bound_first[port] |= is_odd(port) && has_few(to);
    }
    let (mut bound_first, mut usable) = (0, 0);
    for port in (0..states.len()).filter(|&port| is_odd(port)) {
        if !matches!(states[port], PortState::Excluded | PortState::Bound) {
            usable += 1;
            bound_first += usize::from(is_bound_first[port]);
        }
    }
    // As long as odd ones are free, `bind()` takes no even one.
    if bound_first > 0 && bound_first * 4 >= usable * 3 {
        let even = outgoing.filter(|&(port, _)| !is_odd(port));
        let may_be = |pair: Pair| {
            // If the odd ones were taken, a `bind()` would have taken as many of them.
            let Ports { even, odd } = by_destination[&pair];
            has_few(pair) && (total(pair) < MANY || odd * 2 >= even)
        };
        for port in even_ports(even, may_be) {
            is_bound_first[port] = true;
        }
    }
    is_bound_first
}

/// The even ports with only one connection per local address, which may have been bound; none if many are shared, as
/// `connect()` shares them.
fn even_ports(
    even: impl Iterator<Item = (usize, Pair)>,
    may_be_bound_first: impl Fn(Pair) -> bool,
) -> Vec<usize> {
    let mut on_port: HashMap<(usize, IpAddr), (usize, bool)> = HashMap::new();
    for (port, to) in even {
        let (count, may_be) = on_port.entry((port, to.0)).or_insert((0, true));
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
