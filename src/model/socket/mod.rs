//! One socket of the system's table.

mod accept_queue;
mod age;
mod endpoint;
mod kinds;
mod owner;
mod portless;
mod unix_socket;
mod zone;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::model::{Text, service_name};

pub use accept_queue::{AcceptQueue, Fill};
pub use age::Age;
pub use endpoint::{Endpoint, Family, Scope};
pub use kinds::Kinds;
pub use owner::{Owner, OwnerKind};
pub use portless::{PacketSocket, PacketType, Portless, RawSocket, UnixName, UnixPeer, UnixSocket};
pub use unix_socket::{
    AtPath, Connected, Folder, SocketFile, UnixAddress, UnixEvidence, UnixHolder, UnixKind,
};
pub use zone::Zone;

/// Transport protocol, or what takes its place. TCP and UDP are in every snapshot, the others where they
/// are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// UDP-Lite (RFC 3828), which has ports of its own.
    UdpLite,
    /// Stream Control Transmission Protocol, which has ports of its own.
    Sctp,
    /// Raw IP and ping sockets.
    Raw,
    /// Packet sockets, which see what an interface sends and receives.
    Packet,
    /// Unix sockets.
    Unix,
}

impl Protocol {
    /// All of them, in the order in which a table sorts them.
    pub const ALL: [Self; 7] = *Self::VARIANTS.first_chunk().expect("there are 7");

    /// `tcp`, `udp`, `udplite`, `sctp`, `raw`, `packet` or `unix`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// As a sentence names it: `UDP-Lite`, `unix`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::UdpLite => "UDP-Lite",
            Self::Sctp => "SCTP",
            Self::Raw => "raw",
            Self::Packet => "packet",
            Self::Unix => "unix",
        }
    }

    /// The protocol of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |one: &Self| one.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_it)
    }

    /// Whether its sockets have ports; the others have a [`Portless`] each.
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp | Self::UdpLite | Self::Sctp)
    }

    /// Whether a bind test can be made of its ports.
    pub const fn can_be_bind_tested(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }

    /// A port as a sentence names it: `8080`, `5353/udp`.
    pub fn port_text(self, port: u16) -> String {
        match self {
            Self::Tcp => port.to_string(),
            other => format!("{port}/{}", other.as_str()),
        }
    }
}

/// State of a socket: TCP's states, `BOUND` for a TCP socket that has a port but neither listens
/// nor connects, and `UNCONN` for a UDP socket without a peer. A connected UDP socket is
/// `ESTABLISHED`, as `ss` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
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
    pub const ALL: [Self; 13] = *Self::VARIANTS.first_chunk().expect("there are 13");

    /// The state as the screen, JSON and the filter spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
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
    /// Own address and port. Port 0 of a raw socket, [`Endpoint::NOTHING`] of a unix or packet socket.
    pub local: Endpoint,
    /// Peer; `None` for a socket without one.
    pub remote: Option<Endpoint>,
    /// What it has in place of a port, if its protocol has none.
    pub portless: Option<Arc<Portless>>,
    /// State at the time of the reading.
    pub state: State,
    /// Inode of the socket (Linux); `None` where the kernel keeps none (`TIME_WAIT`, orphans, a
    /// connection that waits in an accept queue).
    pub inode: Option<u32>,
    /// The kernel's number of the socket (Linux, `SO_COOKIE` of `socket(7)`): never given twice as long as the
    /// system runs, and kept from the handshake to the end of `TIME_WAIT`.
    pub cookie: Option<u64>,
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
    /// The user's own name for its port, or for its peer's. Set by the tracker, and in no recording.
    pub own_service: Option<Arc<str>>,
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
            portless: None,
            state,
            inode: None,
            cookie: None,
            uid: None,
            user: None,
            owner: Owner::None,
            dual_stack: None,
            interface: None,
            queue: None,
            unit: None,
            container: None,
            own_service: None,
            expires_in: None,
            age: None,
        }
    }

    /// A socket of a protocol without ports, at an address if it is a raw one.
    pub fn without_port(portless: Portless, address: Option<IpAddr>, state: State) -> Self {
        let local = address.map_or(Endpoint::NOTHING, |address| Endpoint::new(address, 0));
        let protocol = portless.protocol();
        Self {
            portless: Some(Arc::new(portless)),
            ..Self::new(protocol, local, None, state)
        }
    }

    /// Address family of the socket; what it says of a unix or a packet socket means nothing.
    pub const fn family(&self) -> Family {
        self.local.family()
    }

    /// Whether it has an IP address: not a unix or packet socket.
    pub const fn has_address(&self) -> bool {
        !matches!(self.protocol, Protocol::Unix | Protocol::Packet)
    }

    /// Its own port, if its protocol has ports.
    pub fn port(&self) -> Option<u16> {
        self.protocol.has_ports().then_some(self.local.port)
    }

    /// Of a unix socket: its type, name and peer.
    pub fn unix(&self) -> Option<&UnixSocket> {
        match self.portless.as_deref()? {
            Portless::Unix(unix) => Some(unix),
            Portless::Packet(_) | Portless::Raw(_) => None,
        }
    }

    /// Whether it waits for peers or holds its port for that: TCP `LISTEN` and `BOUND`, UDP and raw sockets
    /// without a peer, every packet socket, and a unix socket that listens or has a name and no peer. This
    /// is what the default view shows. A UDP socket with a peer is a connection.
    pub fn is_listening(&self) -> bool {
        match self.protocol {
            Protocol::Tcp | Protocol::Sctp => matches!(self.state, State::Listen | State::Bound),
            Protocol::Udp | Protocol::UdpLite | Protocol::Raw => self.remote.is_none(),
            Protocol::Packet => true,
            Protocol::Unix => {
                // Some kernels call a datagram socket ESTABLISHED that others are connected to.
                let waits = |unix: &UnixSocket| {
                    let is_idle = self.state == State::Unconn || unix.kind == UnixKind::Datagram;
                    unix.name.is_some() && unix.peer.is_none() && is_idle
                };
                self.state == State::Listen || self.unix().is_some_and(waits)
            }
        }
    }

    /// Whether it keeps its port from other binds, as connections of TCP mostly don't: what listens or is
    /// bound, and every UDP socket, with a peer or without.
    pub fn blocks_other_binds(&self) -> bool {
        self.is_listening() || matches!(self.protocol, Protocol::Udp | Protocol::UdpLite)
    }

    /// Whether it has a peer.
    pub fn is_connection(&self) -> bool {
        match self.unix() {
            None => self.remote.is_some(),
            Some(unix) if unix.peer.is_some() => true,
            Some(_) => self.state == State::Established && !self.is_listening(),
        }
    }

    /// Protocol and family in one word: `tcp`, `tcp6`, `udp`, `udp6`, `udpl`, `sctp6`, `raw`, `p_raw`,
    /// `u_str`.
    pub fn protocol_and_family(&self) -> &'static str {
        if let Some(portless) = &self.portless {
            return portless.word(self.family());
        }
        match (self.protocol, self.family()) {
            (Protocol::Tcp, Family::Ipv4) => "tcp",
            (Protocol::Tcp, Family::Ipv6) => "tcp6",
            (Protocol::Udp, Family::Ipv4) => "udp",
            (Protocol::Udp, Family::Ipv6) => "udp6",
            (Protocol::UdpLite, Family::Ipv4) => "udpl",
            (Protocol::UdpLite, Family::Ipv6) => "udpl6",
            (Protocol::Sctp, Family::Ipv4) => "sctp",
            (Protocol::Sctp, Family::Ipv6) => "sctp6",
            (other, _) => other.as_str(),
        }
    }

    /// Its family as JSON names it: `ipv4`, `ipv6`, `unix` or `packet`.
    pub fn family_name(&self) -> &'static str {
        if self.has_address() {
            self.family().as_str()
        } else {
            self.protocol.as_str()
        }
    }

    /// Its own side in words: `127.0.0.1:80`, `0.0.0.0:icmp`, `/run/app.sock`, `@name`, `arp`; `None`
    /// for a unix socket without a name.
    pub fn local_text(&self) -> Option<String> {
        let Some(portless) = self.portless.as_deref() else {
            return Some(self.local.to_string());
        };
        match portless {
            Portless::Unix(unix) => unix.name.as_ref().map(ToString::to_string),
            Portless::Packet(packet) => Some(packet.to_string()),
            Portless::Raw(raw) => Some(format!("{}:{raw}", bracketed(self.local.address))),
        }
    }

    /// Its peer in words, a v4-mapped address as the IPv4 address that it is.
    pub fn remote_text(&self) -> Option<String> {
        if let Some(unix) = self.unix() {
            return unix.peer.as_ref().map(ToString::to_string);
        }
        let remote = self.remote?.to_canonical();
        Some(match self.protocol {
            Protocol::Raw => bracketed(remote.address),
            _ => remote.to_string(),
        })
    }

    /// The service of its port, or, for a connection, of its peer's port: the user's name for it, or the
    /// registered one.
    pub fn service(&self) -> Option<&str> {
        self.own_service
            .as_deref()
            .or_else(|| service_name(self.protocol, self.local.port))
            .or_else(|| service_name(self.protocol, self.remote?.port))
    }
}

/// An address as it stands before a colon.
fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
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
            (listens, connects, socket.blocks_other_binds())
        };
        let (tcp, udp, peer) = (Protocol::Tcp, Protocol::Udp, Some(local));
        assert_eq!(of(udp, None, State::Unconn), (true, false, true));
        assert_eq!(of(udp, peer, State::Established), (false, true, true));
        let lite = Protocol::UdpLite;
        assert_eq!(of(lite, None, State::Unconn), (true, false, true));
        assert_eq!(of(lite, peer, State::Established), (false, true, true));
        assert_eq!(of(tcp, None, State::Listen), (true, false, true));
        assert_eq!(of(tcp, None, State::Bound), (true, false, true));
        assert_eq!(of(tcp, peer, State::Established), (false, true, false));
    }
}
