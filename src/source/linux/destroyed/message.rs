//! The message about one freed socket. Pure.
//!
//! It has the layout of a row of a dump, always with state 7 (CLOSE), inode 0 and uid 0. Seen on 6.18.

use std::num::NonZeroU64;
use std::time::Instant;

use netlink_packet_core::NetlinkBuffer;
use netlink_packet_sock_diag::SOCK_DIAG_BY_FAMILY;
use netlink_packet_sock_diag::inet::{InetResponseBuffer, InetResponseHeader};
use netlink_packet_utils::Parseable as _;

use crate::model::{Endpoint, Protocol, Socket, State};
use crate::source::linux::netlink::{FinalCounters, final_counters};

/// Attributes of `linux/inet_diag.h`.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_PROTOCOL: u16 = 10;

/// A socket that the kernel has freed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) protocol: Protocol,
    pub(super) local: Endpoint,
    /// `None` if it had no peer, or the kernel has cleared it.
    pub(super) remote: Option<Endpoint>,
    pub(super) cookie: Option<NonZeroU64>,
    /// Index of the interface that it was bound to.
    pub(super) interface: Option<u32>,
    /// Of TCP with a peer.
    pub(super) counters: Option<FinalCounters>,
    /// When it was read.
    pub(super) read_at: Instant,
    /// The id of its network namespace, if it is not that of the reader.
    pub(super) namespace: Option<u32>,
}

impl Message {
    /// The socket, without the name of its interface and without its namespace.
    pub(super) fn socket(&self) -> Socket {
        let state = match (self.protocol, self.remote) {
            (Protocol::Udp, Some(_)) => State::Established,
            (Protocol::Udp, None) => State::Unconn,
            _ => State::Closed,
        };
        let mut socket = Socket::new(self.protocol, self.local, self.remote, state);
        socket.cookie = self.cookie;
        socket
    }
}

/// Parses a datagram. A message that can't be parsed is skipped; so is a socket that never had a port.
pub(super) fn parse(datagram: &[u8], read_at: Instant, mut each: impl FnMut(Message)) {
    let mut rest = datagram;
    while let Ok(message) = NetlinkBuffer::new_checked(rest) {
        if message.message_type() == SOCK_DIAG_BY_FAMILY
            && let Some(message) = parse_payload(message.payload(), read_at)
        {
            each(message);
        }
        let length = (message.length() as usize).next_multiple_of(4);
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn parse_payload(payload: &[u8], read_at: Instant) -> Option<Message> {
    let row = InetResponseBuffer::new_checked(payload).ok()?;
    let header = InetResponseHeader::parse(&row).ok()?;
    let id = &header.socket_id;
    if id.source_port == 0 {
        return None;
    }
    let (mut protocol, mut counters) = (None, None);
    for attribute in row.nlas().filter_map(Result::ok) {
        match (attribute.kind(), attribute.value()) {
            (INET_DIAG_PROTOCOL, &[number]) => protocol = of_number(number),
            (INET_DIAG_INFO, info) => counters = final_counters(info, header.recv_queue),
            _ => {}
        }
    }
    let protocol = protocol?;
    let remote = Endpoint::new(id.destination_address, id.destination_port);
    let remote = (remote.port != 0 && !remote.is_unspecified()).then_some(remote);
    let is_tcp = protocol == Protocol::Tcp && remote.is_some();
    Some(Message {
        protocol,
        local: Endpoint::new(id.source_address, id.source_port),
        remote,
        cookie: NonZeroU64::new(u64::from_ne_bytes(id.cookie)).filter(|id| *id != NonZeroU64::MAX),
        interface: (id.interface_id != 0).then_some(id.interface_id),
        counters: counters.filter(|_| is_tcp),
        read_at,
        namespace: None,
    })
}

const fn of_number(protocol: u8) -> Option<Protocol> {
    match protocol {
        netlink_packet_sock_diag::IPPROTO_TCP => Some(Protocol::Tcp),
        netlink_packet_sock_diag::IPPROTO_UDP => Some(Protocol::Udp),
        _ => None,
    }
}
