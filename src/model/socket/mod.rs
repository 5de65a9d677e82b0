//! One socket of the system's table.

mod accept_queue;
mod endpoint;
mod owner;
mod portless;
mod protocol;
mod tcp_info;

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{
    Age, Container, Namespace, NamespaceId, Published, Services, Text, service_name,
};

pub use accept_queue::{AcceptQueue, Fill};
pub use endpoint::{Endpoint, Family, Scope, Zone};
pub use owner::{Owner, OwnerKind};
pub use portless::{
    PacketSocket, PacketType, Portless, RawSocket, UnixKind, UnixName, UnixPeer, UnixSocket,
};
pub use protocol::{Kinds, Protocol, State};
pub use tcp_info::{Counted, Counters, EarlierCounters, TcpInfo};

/// Fill of a socket's queues. For a listener: connections waiting to be accepted, and the backlog
/// they may fill. For everything else: bytes not yet read, and bytes not yet acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Recv-Q of `ss`.
    pub receive: u32,
    /// Send-Q of `ss`.
    pub send: u32,
}

/// A socket in one snapshot of the system's table. Unknown values are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Own address and port. Port 0 of a raw socket, [`Endpoint::NOTHING`] of a unix or packet socket.
    pub local: Endpoint,
    /// Peer; `None` for a socket without one.
    pub remote: Option<Endpoint>,
    /// Its identification instead of a port, if its protocol has no ports.
    pub portless: Option<Arc<Portless>>,
    /// State at the time of the snapshot.
    pub state: State,
    /// Inode (Linux); `None` where the kernel keeps none (`TIME_WAIT`, orphans, a connection in an accept queue).
    pub inode: Option<u32>,
    /// `SO_COOKIE` of `socket(7)` (Linux): unique while the system runs, and the same from the handshake to the end of
    /// `TIME_WAIT`.
    pub cookie: Option<NonZeroU64>,
    /// Owning uid (unix). The kernel reports 0 for every `TIME_WAIT`: that is `None` here.
    pub uid: Option<u32>,
    /// Name of that user.
    pub user: Option<Text>,
    /// The processes that have it.
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
    /// Its network namespace; `None` for the one that this program runs in.
    pub namespace: Option<Arc<Namespace>>,
    /// The port of a container that it publishes, or that a rule publishes.
    pub published: Option<Arc<Published>>,
    /// The user's own name for its port, or for its peer's. Set by the tracker, and in no recording.
    pub own_service: Option<Arc<str>>,
    /// When the kernel removes it at the earliest, after the snapshot (Linux): `TIME_WAIT`, an orphan in `FIN_WAIT2`.
    pub expires_in: Option<Duration>,
    /// How long it had been in its state, as far as the kernel knows (Linux, TCP connections). Only in the first
    /// snapshot of a series: later ages follow from it.
    pub age: Option<Age>,
}

impl Socket {
    /// A socket with only these properties.
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
            namespace: None,
            published: None,
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

    /// Adds the user's names of services.
    pub fn name_services(sockets: &mut [Self], services: &Services) {
        if !services.is_empty() {
            for socket in sockets {
                let peer = socket.remote.map(|remote| remote.port);
                let name = services.own_name(socket.protocol, socket.local.port, peer);
                socket.own_service = name;
            }
        }
    }

    /// Address family of the socket; meaningless for a unix or a packet socket.
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

    /// Whether it waits for peers or reserves its port for that: what the default view shows. A UDP socket with a peer
    /// is a connection.
    pub fn is_listening(&self) -> bool {
        match self.protocol {
            Protocol::Tcp | Protocol::Sctp => {
                matches!(self.state, State::Listen | State::Bound | State::Dnat)
            }
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

    /// Whether what the kernel has dropped of it (`sk_drops`) says something: of a UDP socket the packets that did not fit, of a
    /// listener the handshakes.
    pub fn counts_drops(&self) -> bool {
        let is_udp = matches!(self.protocol, Protocol::Udp | Protocol::UdpLite);
        is_udp || self.is_listening()
    }

    /// Whether it prevents other binds to its port, as TCP connections mostly don't; every UDP socket does.
    pub fn blocks_other_binds(&self) -> bool {
        let is_udp = matches!(self.protocol, Protocol::Udp | Protocol::UdpLite);
        self.state != State::Dnat && (self.is_listening() || is_udp)
    }

    /// The network namespace that it is in.
    pub fn namespace_id(&self) -> NamespaceId {
        self.namespace
            .as_ref()
            .map_or(NamespaceId::OWN, |one| one.id)
    }

    /// Whether it is in the network namespace that this program runs in.
    pub const fn is_own(&self) -> bool {
        self.namespace.is_none()
    }

    /// The containers that are described: the one that it publishes a port of, and the one that its namespace was made for.
    pub fn containers(&self) -> impl Iterator<Item = &Container> {
        let published = self.published.as_ref().map(|one| &one.container);
        let namespace = self.namespace.as_ref().map(|one| &one.container);
        let both = published.into_iter().chain(namespace);
        both.filter_map(|container| container.as_deref())
    }

    /// The container that people look for behind it: the one that it publishes a port of, the one that its creator ran in,
    /// or the one that its namespace was made for.
    pub fn container_name(&self) -> Option<&Text> {
        let published = self
            .published
            .as_ref()
            .and_then(|one| one.container.as_ref());
        let namespace = self
            .namespace
            .as_ref()
            .and_then(|one| one.container.as_ref());
        let published = published.map(|container| &container.name);
        published
            .or(self.container.as_ref())
            .or_else(|| Some(&namespace?.name))
    }

    /// Whether it has a peer.
    pub fn is_connection(&self) -> bool {
        match self.unix() {
            None => self.remote.is_some(),
            Some(unix) if unix.peer.is_some() => true,
            Some(_) => self.state == State::Established && !self.is_listening(),
        }
    }

    /// Protocol and family in one word, as `ss` says it: `tcp6`, `udpl`, `raw`, `p_raw`; `icmp` for a ping socket.
    pub fn protocol_and_family(&self) -> &'static str {
        let (ipv4, ipv6) = match (self.protocol, self.portless.as_deref()) {
            (_, Some(Portless::Unix(unix))) => match unix.kind {
                UnixKind::Stream => return "u_str",
                UnixKind::Datagram => return "u_dgr",
                UnixKind::SeqPacket => return "u_seq",
            },
            (_, Some(Portless::Packet(packet))) => match packet.kind {
                PacketType::Raw => return "p_raw",
                PacketType::Datagram => return "p_dgr",
            },
            (_, Some(Portless::Raw(raw))) if raw.identifier.is_some() => ("icmp", "icmp6"),
            (_, Some(Portless::Raw(_))) => ("raw", "raw6"),
            (Protocol::Tcp, None) => ("tcp", "tcp6"),
            (Protocol::Udp, None) => ("udp", "udp6"),
            (Protocol::UdpLite, None) => ("udpl", "udpl6"),
            (Protocol::Sctp, None) => ("sctp", "sctp6"),
            (other, None) => return other.as_str(),
        };
        match self.family() {
            Family::Ipv4 => ipv4,
            Family::Ipv6 => ipv6,
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

    /// Its own side in words: `127.0.0.1:80`, `0.0.0.0:icmp`, `@name`, `arp`; `None` for an unnamed unix socket.
    pub fn local_text(&self) -> Option<String> {
        match self.portless.as_deref() {
            None => Some(self.local.to_string()),
            Some(Portless::Unix(unix)) => unix.name.as_ref().map(ToString::to_string),
            Some(Portless::Packet(packet)) => Some(packet.to_string()),
            Some(Portless::Raw(raw)) => Some(format!("{}:{raw}", bracketed(self.local.address))),
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

    /// The service of its port or, for a connection, of its peer's: the user's name for it, or the registered one.
    pub fn service(&self) -> Option<&str> {
        self.own_service
            .as_deref()
            .or_else(|| service_name(self.protocol, self.local.port))
            .or_else(|| service_name(self.protocol, self.remote?.port))
    }
}

/// An address as written before a colon.
fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list that grows to 100,000 sockets has room for 131,072. From 32 MiB on glibc maps the memory of a list anew
    /// and returns it, so that each snapshot would pay for clean pages again.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_list_of_a_hundred_thousand_sockets_stays_in_memory_that_is_used_again() {
        assert!(size_of::<Socket>() <= 248 && size_of::<Socket>() * (1 << 17) < 32 << 20);
    }

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
