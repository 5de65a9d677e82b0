//! The plain socket table of any system, through netstat2.
//!
//! Each protocol and family is read separately, so if one fails, the others are still read. On Linux it is the fallback
//! if netlink fails (see `linux/table`), without pids: netstat2 would walk every `/proc/PID/fd` each time, and panics
//! without `/proc`. Both families are always read: the IPv4 traffic of a dual-stack socket is in the IPv6 table.

use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, SocketInfo, TcpState};

use crate::model::{Endpoint, Family, Protocol, Socket, State};

#[cfg(not(target_os = "linux"))]
use netstat2::iterate_sockets_info as iterate;
#[cfg(target_os = "linux")]
use netstat2::iterate_sockets_info_without_pids as iterate;

/// The four parts of the table, in the order in which they are read.
pub(super) const PARTS: [Part; 4] = [
    Part::new(Family::Ipv4, Protocol::Tcp),
    Part::new(Family::Ipv4, Protocol::Udp),
    Part::new(Family::Ipv6, Protocol::Tcp),
    Part::new(Family::Ipv6, Protocol::Udp),
];

/// One family's table of one protocol, TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(super) family: Family,
    pub(super) protocol: Protocol,
}

impl Part {
    const fn new(family: Family, protocol: Protocol) -> Self {
        Self { family, protocol }
    }

    /// The parts of one protocol.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(protocol: Protocol) -> impl Iterator<Item = Self> {
        PARTS
            .into_iter()
            .filter(move |part| part.protocol == protocol)
    }

    /// `TCP over IPv4`, for use in a sentence.
    pub(crate) const fn name(self) -> &'static str {
        match (self.protocol, self.family) {
            (Protocol::Tcp, Family::Ipv4) => "TCP over IPv4",
            (Protocol::Tcp, Family::Ipv6) => "TCP over IPv6",
            (_, Family::Ipv4) => "UDP over IPv4",
            (_, Family::Ipv6) => "UDP over IPv6",
        }
    }
}

/// Reads every part; calls `row` for each socket and netstat2's own record of it. Returns the parts that could not be
/// read, or only in part, and why.
#[cfg(any(not(target_os = "linux"), test))]
pub(crate) fn read(mut row: impl FnMut(Socket, &SocketInfo)) -> Vec<(Part, String)> {
    let mut unreadable = |part| Some((part, read_part(part, &mut row).err()?.to_string()));
    PARTS.into_iter().filter_map(&mut unreadable).collect()
}

/// Reads one part. Stops at the first error: netstat2's iterator repeats an error of the system for ever.
pub(super) fn read_part(
    part: Part,
    row: &mut impl FnMut(Socket, &SocketInfo),
) -> Result<(), netstat2::error::Error> {
    let family = match part.family {
        Family::Ipv4 => AddressFamilyFlags::IPV4,
        Family::Ipv6 => AddressFamilyFlags::IPV6,
    };
    let protocol = match part.protocol {
        Protocol::Tcp => ProtocolFlags::TCP,
        _ => ProtocolFlags::UDP,
    };
    for info in iterate(family, protocol)? {
        let info = info?;
        row(socket(&info), &info);
    }
    Ok(())
}

/// A socket as netstat2 returns it; a UDP socket has no state or peer.
fn socket(info: &SocketInfo) -> Socket {
    let local = Endpoint::new(info.local_addr(), info.local_port());
    let socket = match &info.protocol_socket_info {
        ProtocolSocketInfo::Tcp(tcp) => {
            let remote = Endpoint::new(tcp.remote_addr, tcp.remote_port);
            let remote = (!remote.is_unspecified()).then_some(remote);
            Socket::new(Protocol::Tcp, local, remote, state(tcp.state))
        }
        ProtocolSocketInfo::Udp(_) => Socket::new(Protocol::Udp, local, None, State::Unconn),
    };
    #[cfg(target_os = "linux")]
    let socket = Socket {
        inode: (info.inode != 0).then_some(info.inode),
        uid: uid(info.inode, info.uid),
        ..socket
    };
    socket
}

/// The owning uid. The kernel reports inode 0 and uid 0 for every `TIME_WAIT`, so with both the uid is
/// unknown; an orphan in `FIN_WAIT1` has no inode but still its real uid.
#[cfg(target_os = "linux")]
pub(super) fn uid(inode: u32, uid: u32) -> Option<u32> {
    (inode != 0 || uid != 0).then_some(uid)
}

const fn state(state: TcpState) -> State {
    match state {
        TcpState::Listen => State::Listen,
        TcpState::SynSent => State::SynSent,
        TcpState::SynReceived => State::SynRecv,
        TcpState::Established => State::Established,
        TcpState::FinWait1 => State::FinWait1,
        TcpState::FinWait2 => State::FinWait2,
        TcpState::CloseWait => State::CloseWait,
        TcpState::Closing => State::Closing,
        TcpState::LastAck => State::LastAck,
        TcpState::TimeWait => State::TimeWait,
        TcpState::Closed | TcpState::DeleteTcb | TcpState::Unknown => State::Closed,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    /// The IPv4 sockets of this protocol as netstat2 returns them.
    fn sockets(protocol: Protocol) -> Vec<Socket> {
        let mut sockets = Vec::new();
        let part = Part::new(Family::Ipv4, protocol);
        read_part(part, &mut |socket, _| sockets.push(socket)).unwrap();
        sockets
    }

    #[test]
    fn netstat2_finds_a_listener_both_ends_of_its_connection_and_a_datagram_socket() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let near = client.local_addr().unwrap();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = sockets(Protocol::Tcp);
        let state = |local: std::net::SocketAddr, remote: Option<std::net::SocketAddr>| {
            let (local, remote) = (Endpoint::from(local), remote.map(Endpoint::from));
            let mut all = tcp.iter();
            let found = all.find(|one| (one.local, one.remote) == (local, remote));
            found.map(|one| one.state)
        };
        assert_eq!(state(address, None), Some(State::Listen));
        assert_eq!(state(near, Some(address)), Some(State::Established));
        assert_eq!(state(address, Some(near)), Some(State::Established));
        let local = Endpoint::from(datagrams.local_addr().unwrap());
        let mut udp = sockets(Protocol::Udp).into_iter();
        let found = udp.find(|one| one.local == local).unwrap();
        assert_eq!((found.state, found.remote), (State::Unconn, None));
    }
}
