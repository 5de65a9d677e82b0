//! A row of a TCP or UDP dump. Pure. Nothing here allocates; ten thousand rows are parsed for every snapshot.

use std::num::NonZeroU64;
use std::time::Duration;

use netlink_packet_sock_diag::inet::{InetResponseBuffer, InetResponseHeader};
use netlink_packet_utils::Parseable;

use super::{tcp_info, u32_at};
use crate::model::{Age, Counters, Endpoint, Opening, Protocol, Queue, Socket, State};
use crate::source::netstat;

/// Attributes of `linux/inet_diag.h`; only the first must be requested.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_SKMEMINFO: u16 = 7;
const INET_DIAG_SKV6ONLY: u16 = 11;
const INET_DIAG_CGROUP_ID: u16 = 21;

/// Where the last of nine numbers of a socket's memory is, `SK_MEMINFO_DROPS` (`linux/sock_diag.h`).
const DROPS: usize = 8 * 4;

/// The timer of a `TIME_WAIT`, which is also that of an orphan in `FIN_WAIT2`.
pub(crate) const TIMEWAIT_TIMER: u8 = 3;

/// The kernel's data about a socket, as far as the model includes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InetRow {
    pub(crate) protocol: Protocol,
    pub(crate) state: State,
    pub(crate) local: Endpoint,
    pub(crate) remote: Option<Endpoint>,
    pub(crate) inode: Option<u32>,
    pub(crate) cookie: Option<NonZeroU64>,
    pub(crate) uid: Option<u32>,
    /// Of listeners, of sockets that are only bound, and of unconnected UDP.
    pub(crate) v6only: Option<bool>,
    /// Index of the interface that it is bound to.
    pub(crate) interface: Option<u32>,
    /// `None` for a socket that is only bound: it has no queues, and for a former listener the kernel reports a
    /// meaningless difference of two counters.
    pub(crate) queue: Option<Queue>,
    /// Inode of the cgroup2 directory in which it was created.
    pub(crate) cgroup: Option<u64>,
    /// How long it is kept at least, if it ends by itself.
    pub(crate) expires_in: Option<Duration>,
    /// Which side opened the connection, if `tcp_info` was requested.
    pub(crate) opening: Option<Opening>,
    /// How long it has been in its state, by the kernel's own clock, if `tcp_info` was requested.
    pub(crate) age: Option<Age>,
    /// What was counted since the socket exists, if it was requested.
    pub(crate) counters: Counters,
}

impl InetRow {
    pub(crate) fn socket(&self) -> Socket {
        let mut socket = Socket::new(self.protocol, self.local, self.remote, self.state);
        socket.inode = self.inode;
        socket.cookie = self.cookie;
        socket.uid = self.uid;
        let v6only = self.v6only.filter(|_| self.local.is_v6_wildcard());
        socket.dual_stack = v6only.map(|v6only| !v6only);
        socket.queue = self.queue;
        socket.expires_in = self.expires_in;
        socket
    }
}

/// Parses the payload of a row; `None` if it is invalid.
pub(crate) fn parse(payload: &[u8], protocol: Protocol) -> Option<InetRow> {
    let row = InetResponseBuffer::new_checked(payload).ok()?;
    let header = InetResponseHeader::parse(&row).ok()?;
    let id = &header.socket_id;
    let remote = Endpoint::new(id.destination_address, id.destination_port);
    let state = state(protocol, header.state);
    let mut parsed = InetRow {
        protocol,
        state,
        local: Endpoint::new(id.source_address, id.source_port),
        // A socket that is only bound may keep the peer of a failed or closed connection.
        remote: (!remote.is_unspecified() && state != State::Bound).then_some(remote),
        inode: (header.inode != 0).then_some(header.inode),
        // `INET_DIAG_NOCOOKIE` (all ones) is not a cookie.
        cookie: NonZeroU64::new(u64::from_ne_bytes(id.cookie)).filter(|id| *id != NonZeroU64::MAX),
        uid: netstat::uid(header.inode, header.uid),
        v6only: None,
        interface: (id.interface_id != 0).then_some(id.interface_id),
        queue: (state != State::Bound).then_some(Queue {
            receive: header.recv_queue,
            send: header.send_queue,
        }),
        cgroup: None,
        expires_in: (row.timer() == TIMEWAIT_TIMER)
            .then(|| Duration::from_millis(row.expires().into())),
        opening: None,
        age: None,
        counters: Counters::default(),
    };
    for attribute in row.nlas() {
        let attribute = attribute.ok()?;
        match (attribute.kind(), attribute.value()) {
            (INET_DIAG_INFO, info) if protocol == Protocol::Tcp => {
                parsed.opening = tcp_info::opening(parsed.state, info, header.send_queue);
                parsed.age = tcp_info::age(parsed.state, info);
                parsed.counters.tcp = tcp_info::counters(parsed.state, info);
            }
            (INET_DIAG_SKMEMINFO, memory) => parsed.counters.drops = u32_at(memory, DROPS),
            (INET_DIAG_SKV6ONLY, &[v6only]) => parsed.v6only = Some(v6only != 0),
            (INET_DIAG_CGROUP_ID, id) => {
                parsed.cgroup = id.try_into().ok().map(u64::from_ne_bytes);
            }
            _ => {}
        }
    }
    Some(parsed)
}

/// UDP sockets have TCP's state numbers. A TCP socket in CLOSE (7) is only bound; closed sockets are in no table.
pub(crate) fn state(protocol: Protocol, number: u8) -> State {
    match (protocol, number) {
        (_, 1) => State::Established,
        (Protocol::Udp | Protocol::UdpLite | Protocol::Raw, _) => State::Unconn,
        (_, 2) => State::SynSent,
        (_, 3 | 12) => State::SynRecv,
        (_, 4) => State::FinWait1,
        (_, 5) => State::FinWait2,
        (_, 6) => State::TimeWait,
        (_, 7 | 13) => State::Bound,
        (_, 8) => State::CloseWait,
        (_, 9) => State::LastAck,
        (_, 10) => State::Listen,
        (_, 11) => State::Closing,
        _ => State::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener on `[::]:8080`, inode 42, uid 1000, on interface 3, with both attributes.
    fn row() -> Vec<u8> {
        let mut row = vec![0; 72];
        (row[0], row[1]) = (10, 10);
        row[4..6].copy_from_slice(&8080_u16.to_be_bytes());
        row[40..44].copy_from_slice(&3_u32.to_ne_bytes());
        row[56..60].copy_from_slice(&1_u32.to_ne_bytes());
        row[60..64].copy_from_slice(&128_u32.to_ne_bytes());
        row[64..68].copy_from_slice(&1000_u32.to_ne_bytes());
        row[68..72].copy_from_slice(&42_u32.to_ne_bytes());
        row.extend(attribute(11, &[0]));
        row.extend(attribute(21, &7_u64.to_ne_bytes()));
        row
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = 4 + u16::try_from(value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_dual_stack_listener_is_read_whole() {
        let detail = parse(&row(), Protocol::Tcp).unwrap();
        assert_eq!(detail.local.to_string(), "[::]:8080");
        assert_eq!((detail.remote, detail.state), (None, State::Listen));
        assert_eq!((detail.inode, detail.uid), (Some(42), Some(1000)));
        assert_eq!((detail.interface, detail.cgroup), (Some(3), Some(7)));
        assert_eq!(
            detail.queue,
            Some(Queue {
                receive: 1,
                send: 128
            })
        );
        assert_eq!(detail.socket().dual_stack, Some(true));
    }

    #[test]
    fn only_a_wildcard_can_be_dual_stack() {
        let mut bytes = row();
        bytes[23] = 1;
        let detail = parse(&bytes, Protocol::Tcp).unwrap();
        assert_eq!(detail.local.to_string(), "[::1]:8080");
        assert_eq!(detail.socket().dual_stack, None);
    }

    #[test]
    fn a_row_without_inode_and_uid_has_neither() {
        let mut bytes = row();
        bytes[68] = 0;
        assert_eq!(parse(&bytes, Protocol::Tcp).unwrap().uid, Some(1000));
        bytes[64..68].fill(0);
        let detail = parse(&bytes, Protocol::Tcp).unwrap();
        assert_eq!((detail.inode, detail.uid), (None, None));
    }

    #[test]
    fn attributes_of_an_odd_size_are_passed_over() {
        let mut bytes = row()[..72].to_vec();
        bytes.extend(attribute(11, &[1, 2]));
        bytes.extend(attribute(21, &[1, 2, 3]));
        bytes.extend(attribute(999, &[]));
        let detail = parse(&bytes, Protocol::Tcp).unwrap();
        assert_eq!((detail.v6only, detail.cgroup), (None, None));
    }

    #[test]
    fn cut_rows_are_no_rows_and_never_panic() {
        let bytes = row();
        for length in (0..bytes.len()).filter(|length| ![72, 77, 80].contains(length)) {
            let parsed = parse(&bytes[..length], Protocol::Tcp);
            assert!(
                parsed.is_none() || length > 77 && length < 80,
                "{length}: {parsed:?}"
            );
        }
        let mut wrong_family = bytes;
        wrong_family[0] = 1;
        assert_eq!(parse(&wrong_family, Protocol::Tcp), None);
    }

    #[test]
    fn udp_is_connected_or_not() {
        assert_eq!(state(Protocol::Udp, 1), State::Established);
        assert_eq!(state(Protocol::Udp, 7), State::Unconn);
        assert_eq!(state(Protocol::Tcp, 7), State::Bound);
    }
}
