//! The port range for outgoing connections, and its usage.
//!
//! The range does not run out as a whole: one local port serves any number of destinations at once.
//! Linux takes a port for a connection unless the same addresses and ports are in use already, or
//! the port is bound (`__inet_hash_connect`). So each pair of a local address and a destination
//! has the range for itself, except for what is bound: by servers, and by clients that bind before they
//! connect (`bound_first`).

mod bound_first;
mod shortage;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::model::{Endpoint, Protocol, Socket, State};

/// The range as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EphemeralPorts {
    /// `net.ipv4.ip_local_port_range`; it governs IPv6 too.
    pub range: RangeInclusive<u16>,
    /// `net.ipv4.ip_local_reserved_ports`: ports of it, and others, that are left out.
    pub reserved: Vec<RangeInclusive<u16>>,
    /// Which ports in `TIME_WAIT` can be reused.
    pub reuse: TimeWaitReuse,
}

/// `net.ipv4.tcp_tw_reuse`: which connections in `TIME_WAIT` for a second or longer
/// (`tcp_tw_reuse_delay`) give their port to a new one to the same destination. That takes TCP's time
/// stamps (`net.ipv4.tcp_timestamps`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeWaitReuse {
    /// 0, or no time stamps.
    Never,
    /// 2, as it is by default: those on loopback addresses.
    Loopback,
    /// 1.
    Always,
}

/// The usage of the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EphemeralUse {
    /// Ports of the range that are not reserved.
    pub capacity: usize,
    /// Ports of it that TCP uses, each once, by the strongest of its uses.
    pub ports: PortUsage,
    /// Those with connections that were bound before they connected: no destination can use them. A lower bound.
    pub bound_first: PortUsage,
    /// The destination with the fewest ports left; `None` without a connection from the range.
    pub fullest: Option<Destination>,
}

/// Numbers of ports, by their use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortUsage {
    /// A server listens on them or has bound them, so no connection can use them.
    pub bound: usize,
    /// Connections.
    pub connected: usize,
    /// Only connections in `TIME_WAIT`.
    pub time_wait: usize,
}

impl PortUsage {
    /// All of them.
    pub const fn total(self) -> usize {
        self.bound + self.connected + self.time_wait
    }

    fn of(states: impl Iterator<Item = PortState>) -> Self {
        let mut usage = Self::default();
        for state in states {
            match state {
                PortState::Excluded | PortState::Free => {}
                PortState::TimeWait => usage.time_wait += 1,
                PortState::Connected => usage.connected += 1,
                PortState::Bound => usage.bound += 1,
            }
        }
        usage
    }
}

/// A destination of connections, and the ports that its next connection can't use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The local address; another one has the whole range again.
    pub local: IpAddr,
    /// The peer.
    pub remote: Endpoint,
    /// Ports that a new connection to it can't use: those of its connections, and those that no destination can use.
    pub usage: PortUsage,
}

/// A local address and a destination.
type Pair = (IpAddr, Endpoint);

/// The use of a port, the strongest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PortState {
    /// Not of the range.
    Excluded,
    Free,
    TimeWait,
    Connected,
    Bound,
}

impl EphemeralUse {
    /// How these sockets use the range; iterates at most twice.
    pub fn of<'a>(
        range: &EphemeralPorts,
        sockets: impl Iterator<Item = &'a Socket> + Clone,
    ) -> Self {
        let mut states = range.states();
        let is_in_range = |state: PortState| state != PortState::Excluded;
        let capacity = states.iter().filter(|state| is_in_range(**state)).count();
        let tcp = sockets.filter(|socket| socket.protocol == Protocol::Tcp);
        for socket in tcp.clone() {
            let state = &mut states[usize::from(socket.local.port)];
            if is_in_range(*state) {
                *state = (*state).max(match socket.state {
                    State::Listen | State::Bound => PortState::Bound,
                    State::TimeWait => PortState::TimeWait,
                    _ => PortState::Connected,
                });
            }
        }
        let outgoing = tcp.filter(|socket| {
            let state = states[usize::from(socket.local.port)];
            is_in_range(state) && state != PortState::Bound
        });
        let is_bound_first =
            bound_first::ports(&states, capacity, *range.range.start(), outgoing.clone());
        let ports = PortUsage::of(states.iter().copied());
        let bound_first = states.iter().zip(&is_bound_first);
        let bound_first = bound_first.filter_map(|(state, is)| is.then_some(*state));
        let mut used = Self {
            capacity,
            ports,
            bound_first: PortUsage::of(bound_first),
            fullest: None,
        };
        used.fullest = fullest(outgoing, &is_bound_first, range.reuse, used.lost());
        used
    }

    /// The ports that no destination can use.
    const fn lost(&self) -> PortUsage {
        PortUsage {
            bound: self.ports.bound,
            ..self.bound_first
        }
    }

    /// The percentage of the ports to the fullest destination that are in use; without one, of all.
    pub fn percent(&self) -> usize {
        let fullest = self.fullest.map(|one| one.usage.total());
        self.percent_of(fullest.unwrap_or(self.ports.bound))
    }

    /// The percentage of all ports that this number is.
    pub fn percent_of(&self, taken: usize) -> usize {
        100 * taken.min(self.capacity) / self.capacity.max(1)
    }
}

impl EphemeralPorts {
    /// The state of each port, if nothing uses it.
    fn states(&self) -> Vec<PortState> {
        // Where ranges begin and end: a recording may have any number of them.
        let mut steps = vec![0_i64; (1 << 16) + 1];
        for range in self.reserved.iter().filter(|range| !range.is_empty()) {
            steps[usize::from(*range.start())] += 1;
            steps[usize::from(*range.end()) + 1] -= 1;
        }
        let mut depth = 0;
        let states = (0..=u16::MAX).zip(steps).map(|(port, step)| {
            depth += step;
            if depth == 0 && self.range.contains(&port) {
                PortState::Free
            } else {
                PortState::Excluded
            }
        });
        states.collect()
    }
}

/// The addresses of a connection. One of IPv6 with an IPv4 peer shares the ports of IPv4.
fn pair(socket: &Socket) -> Option<Pair> {
    let remote = socket.remote?.to_canonical();
    Some((socket.local.address.to_canonical(), remote))
}

/// The destination to which the most ports are taken; of equals, the first by address.
fn fullest<'a>(
    outgoing: impl Iterator<Item = &'a Socket>,
    is_bound_first: &[bool],
    reuse: TimeWaitReuse,
    lost: PortUsage,
) -> Option<Destination> {
    let mut all: HashMap<Pair, PortUsage> = HashMap::new();
    for socket in outgoing {
        let Some(pair) = pair(socket) else {
            continue;
        };
        let is_lost = is_bound_first[usize::from(socket.local.port)];
        let is_waiting = socket.state == State::TimeWait;
        let is_reusable = match reuse {
            TimeWaitReuse::Never => false,
            TimeWaitReuse::Loopback => pair.0.is_loopback() || pair.1.address.is_loopback(),
            TimeWaitReuse::Always => true,
        };
        if is_waiting && !is_lost && is_reusable {
            continue;
        }
        let usage = all.entry(pair).or_insert(lost);
        usage.time_wait += usize::from(is_waiting && !is_lost);
        usage.connected += usize::from(!is_waiting && !is_lost);
    }
    let all = all.into_iter();
    let fullest = all.max_by_key(|(pair, usage)| (usage.total(), Reverse(*pair)));
    fullest.map(|((local, remote), usage)| Destination {
        local,
        remote,
        usage,
    })
}

#[cfg(test)]
mod tests;
