//! One socket of the system's table.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Age, Endpoint, Family, Owner, Text};

/// Transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// State of a socket: TCP's states, `BOUND` for a TCP socket that has a port but neither listens
/// nor connects, and `UNCONN` for a UDP socket without a peer. A connected UDP socket is
/// `ESTABLISHED`, as `ss` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "RFC 9293 section 3.3.2 defines TCP's states")]
pub enum State {
    Listen,
    Bound,
    Unconn,
    SynSent,
    SynRecv,
    Established,
    #[serde(rename = "FIN_WAIT1")]
    FinWait1,
    #[serde(rename = "FIN_WAIT2")]
    FinWait2,
    CloseWait,
    LastAck,
    Closing,
    TimeWait,
    Closed,
}

impl State {
    /// Every state, in the order in which a table sorts them.
    pub const ALL: [Self; 13] = [
        Self::Listen,
        Self::Bound,
        Self::Unconn,
        Self::SynSent,
        Self::SynRecv,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::LastAck,
        Self::Closing,
        Self::TimeWait,
        Self::Closed,
    ];

    /// The state as the screen, JSON and the filter spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listen => "LISTEN",
            Self::Bound => "BOUND",
            Self::Unconn => "UNCONN",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Closing => "CLOSING",
            Self::TimeWait => "TIME_WAIT",
            Self::Closed => "CLOSED",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Fill of a socket's queues. For a listener: connections waiting to be accepted, and the backlog
/// they may fill. For everything else: bytes not yet read, and bytes not yet acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Recv-Q of `ss`.
    pub receive: u32,
    /// Send-Q of `ss`.
    pub send: u32,
}

/// A socket as one reading of the system's table shows it. What is not known is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Own address and port.
    pub local: Endpoint,
    /// Peer; `None` for a socket without one.
    pub remote: Option<Endpoint>,
    /// State at the time of the reading.
    pub state: State,
    /// Inode of the socket (Linux); `None` where the kernel keeps none (`TIME_WAIT`, orphans, a
    /// connection that waits in an accept queue).
    pub inode: Option<u32>,
    /// Owning uid (unix). The kernel reports 0 for `TIME_WAIT` whoever it was: that is `None` here.
    pub uid: Option<u32>,
    /// Name of that user.
    pub user: Option<Text>,
    /// Who has it.
    pub owner: Owner,
    /// For an IPv6 socket bound to `::`: whether it takes IPv4 too (not `IPV6_V6ONLY`).
    pub dual_stack: Option<bool>,
    /// Interface that it is bound to, by name.
    pub interface: Option<Text>,
    /// Fill of its queues.
    pub queue: Option<Queue>,
    /// systemd unit that its creator ran in, such as `nginx.service`.
    pub unit: Option<Text>,
    /// Container that its creator ran in: the short id or the name.
    pub container: Option<Text>,
    /// How long after the reading the kernel forgets it at the earliest, if it ends by itself: `TIME_WAIT`, or
    /// `FIN_WAIT2` that no process has (Linux).
    pub expires_in: Option<Duration>,
    /// How long it had been in its state when it was read, as far as the kernel knows (Linux, TCP connections). Only
    /// in readings that nothing was compared with before: later ones follow from these.
    pub age: Option<Age>,
}

impl Socket {
    /// A socket of which nothing but its place in the table is known.
    pub fn new(
        protocol: Protocol,
        local: Endpoint,
        remote: Option<Endpoint>,
        state: State,
    ) -> Self {
        Self {
            protocol,
            local,
            remote,
            state,
            inode: None,
            uid: None,
            user: None,
            owner: Owner::None,
            dual_stack: None,
            interface: None,
            queue: None,
            unit: None,
            container: None,
            expires_in: None,
            age: None,
        }
    }

    /// Address family of the socket.
    pub const fn family(&self) -> Family {
        self.local.family()
    }

    /// Whether it waits for peers or holds its port for that: TCP `LISTEN` and `BOUND`, and UDP
    /// without a peer. This is what the default view shows. A UDP socket with a peer is a connection.
    pub const fn is_listening(&self) -> bool {
        match self.protocol {
            Protocol::Tcp => matches!(self.state, State::Listen | State::Bound),
            Protocol::Udp => self.remote.is_none(),
        }
    }

    /// Whether it keeps its port from other binds, as connections of TCP mostly don't: what listens or is
    /// bound, and every UDP socket, with a peer or without.
    pub const fn keeps_its_port(&self) -> bool {
        self.is_listening() || matches!(self.protocol, Protocol::Udp)
    }

    /// Whether it has a peer.
    pub const fn is_connection(&self) -> bool {
        self.remote.is_some()
    }

    /// `tcp`, `tcp6`, `udp` or `udp6`: protocol and family in one word.
    pub const fn protocol_and_family(&self) -> &'static str {
        match (self.protocol, self.family()) {
            (Protocol::Tcp, Family::Ipv4) => "tcp",
            (Protocol::Tcp, Family::Ipv6) => "tcp6",
            (Protocol::Udp, Family::Ipv4) => "udp",
            (Protocol::Udp, Family::Ipv6) => "udp6",
        }
    }

    /// The service registered for its port, or, for a connection, for its peer's port.
    pub fn service(&self) -> Option<&'static str> {
        super::service_name(self.protocol, self.local.port)
            .or_else(|| super::service_name(self.protocol, self.remote?.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_udp_socket_with_a_peer_is_a_connection_that_keeps_its_port_and_does_not_listen() {
        let local = Endpoint::new([127, 0, 0, 1].into(), 5000);
        let of = |protocol, remote, state| {
            let socket = Socket::new(protocol, local, remote, state);
            let (listens, connects) = (socket.is_listening(), socket.is_connection());
            (listens, connects, socket.keeps_its_port())
        };
        let (tcp, udp, peer) = (Protocol::Tcp, Protocol::Udp, Some(local));
        assert_eq!(of(udp, None, State::Unconn), (true, false, true));
        assert_eq!(of(udp, peer, State::Established), (false, true, true));
        assert_eq!(of(tcp, None, State::Listen), (true, false, true));
        assert_eq!(of(tcp, None, State::Bound), (true, false, true));
        assert_eq!(of(tcp, peer, State::Established), (false, true, false));
    }
}
