//! The ports that the system gives to outgoing connections, and how many of them are taken.
//!
//! What runs out is not the range as a whole: one local port serves any number of destinations at once.
//! Linux takes a port for a connection unless the same addresses and ports are in use already, or
//! somebody bound the port (`__inet_hash_connect`). So each pair of a local address and a destination
//! has the range for itself, but for what is bound: by servers, and by clients that bind before they
//! connect (`bound_first`).

mod bound_first;
mod shortage;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::model::{Endpoint, Protocol, Socket, State};

/// The range, as the system is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EphemeralPorts {
    /// `net.ipv4.ip_local_port_range`; it governs IPv6 too.
    pub range: RangeInclusive<u16>,
    /// `net.ipv4.ip_local_reserved_ports`: what of it, and besides it, is left out.
    pub reserved: Vec<RangeInclusive<u16>>,
    /// Which connections in `TIME_WAIT` give their port to a new one.
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

/// How the range is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EphemeralUse {
    /// Ports of the range that are not reserved.
    pub capacity: usize,
    /// Ports of it that TCP uses, each once, by the strongest of its uses.
    pub ports: PortUsage,
    /// Those of them that connections have which were bound before they connected: no destination can have
    /// them. A lower bound, see `bound_first`.
    pub bound_first: PortUsage,
    /// The destination with the fewest ports left; `None` without a connection from the range.
    pub fullest: Option<Destination>,
}

/// Ports by what holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortUsage {
    /// Somebody listens there or has merely bound it: lost to every connection.
    pub bound: usize,
    /// Connections.
    pub connected: usize,
    /// Nothing but what waits in `TIME_WAIT`.
    pub time_wait: usize,
}

impl PortUsage {
    /// All of them.
    pub const fn total(self) -> usize {
        self.bound + self.connected + self.time_wait
    }

    /// These and others.
    const fn and(self, other: Self) -> Self {
        Self {
            bound: self.bound + other.bound,
            connected: self.connected + other.connected,
            time_wait: self.time_wait + other.time_wait,
        }
    }

    fn of<'a>(holds: impl Iterator<Item = &'a PortState>) -> Self {
        let mut held = Self::default();
        for hold in holds {
            match hold {
                PortState::Closed | PortState::Free => {}
                PortState::TimeWait => held.time_wait += 1,
                PortState::Connected => held.connected += 1,
                PortState::Bound => held.bound += 1,
            }
        }
        held
    }
}

/// Where connections go, and which ports are taken from the next one to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The own address: from another one there are as many ports again.
    pub local: IpAddr,
    /// The peer.
    pub remote: Endpoint,
    /// Ports that a connection to there can't have: those of its own connections, and those that no
    /// destination can have.
    pub held: PortUsage,
}

/// An own address and a destination.
type Pair = (IpAddr, Endpoint);

/// What holds a port, the strongest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PortState {
    Closed,
    Free,
    TimeWait,
    Connected,
    Bound,
}

impl EphemeralUse {
    /// How these sockets use the range; looks at each of them twice at most.
    pub fn of<'a>(
        ports: &EphemeralPorts,
        sockets: impl Iterator<Item = &'a Socket> + Clone,
    ) -> Self {
        let mut holds = ports.holds();
        let is_open = |hold: &PortState| *hold != PortState::Closed;
        let capacity = holds.iter().filter(|hold| is_open(hold)).count();
        let tcp = sockets.filter(|socket| socket.protocol == Protocol::Tcp);
        for socket in tcp.clone() {
            let hold = &mut holds[usize::from(socket.local.port)];
            if is_open(hold) {
                *hold = (*hold).max(PortState::of(socket.state));
            }
        }
        let ports_held = PortUsage::of(holds.iter());
        let is_outgoing = |socket: &&Socket| {
            let hold = holds[usize::from(socket.local.port)];
            is_open(&hold) && hold != PortState::Bound
        };
        let outgoing = tcp.filter(is_outgoing);
        let is_bound_first = bound_first::ports(&holds, *ports.range.start(), outgoing.clone());
        let with_hold = holds.iter().zip(&is_bound_first);
        let bound_first = PortUsage::of(with_hold.filter_map(|(hold, is)| is.then_some(hold)));
        let lost = PortUsage {
            bound: ports_held.bound,
            ..bound_first
        };
        Self {
            capacity,
            ports: ports_held,
            bound_first,
            fullest: fullest(outgoing, &is_bound_first, ports.reuse, lost),
        }
    }

    /// How many hundredths of the ports to the fullest destination are taken; without one, of all.
    pub fn percent(&self) -> usize {
        let taken = self
            .fullest
            .map_or(self.ports.bound, |one| one.held.total());
        self.percent_of(taken)
    }

    /// How many hundredths of all ports so many are.
    pub fn percent_of(&self, taken: usize) -> usize {
        100 * taken.min(self.capacity) / self.capacity.max(1)
    }
}

impl EphemeralPorts {
    /// For each port whether it is of the range.
    fn holds(&self) -> Vec<PortState> {
        // Where ranges begin and end: a recording may hold any number of them.
        let mut steps = vec![0_i64; (1 << 16) + 1];
        for range in self.reserved.iter().filter(|range| !range.is_empty()) {
            steps[usize::from(*range.start())] += 1;
            steps[usize::from(*range.end()) + 1] -= 1;
        }
        let mut depth = 0;
        let holds = (0..=u16::MAX).zip(steps).map(|(port, step)| {
            depth += step;
            if depth == 0 && self.range.contains(&port) {
                PortState::Free
            } else {
                PortState::Closed
            }
        });
        holds.collect()
    }
}

impl TimeWaitReuse {
    /// Whether what waits between these gives its port to a new connection.
    fn covers(self, local: IpAddr, remote: IpAddr) -> bool {
        match self {
            Self::Never => false,
            Self::Loopback => local.is_loopback() || remote.is_loopback(),
            Self::Always => true,
        }
    }
}

impl PortState {
    const fn of(state: State) -> Self {
        match state {
            State::Listen | State::Bound => Self::Bound,
            State::TimeWait => Self::TimeWait,
            _ => Self::Connected,
        }
    }
}

/// From where to where a socket of the table is connected. One of IPv6 that speaks IPv4 shares the ports of
/// IPv4.
fn pair(socket: &Socket) -> Option<Pair> {
    let remote = socket.remote?.to_canonical();
    Some((socket.local.address.to_canonical(), remote))
}

/// The destination to which the most ports are taken; of equals, the first by address. `lost` are the ports
/// that no destination can have.
fn fullest<'a>(
    outgoing: impl Iterator<Item = &'a Socket>,
    is_bound_first: &[bool],
    reuse: TimeWaitReuse,
    lost: PortUsage,
) -> Option<Destination> {
    let mut all: HashMap<Pair, PortUsage> = HashMap::new();
    for socket in outgoing {
        let Some((local, remote)) = pair(socket) else {
            continue;
        };
        let is_lost = is_bound_first[usize::from(socket.local.port)];
        let is_waiting = socket.state == State::TimeWait;
        if is_waiting && !is_lost && reuse.covers(local, remote.address) {
            continue;
        }
        let held = all.entry((local, remote)).or_default();
        match is_waiting {
            _ if is_lost => {}
            true => held.time_wait += 1,
            false => held.connected += 1,
        }
    }
    let fullest = all
        .into_iter()
        .max_by_key(|(key, held)| (held.total(), Reverse(*key)));
    fullest.map(|((local, remote), held)| Destination {
        local,
        remote,
        held: held.and(lost),
    })
}

#[cfg(test)]
mod tests;
