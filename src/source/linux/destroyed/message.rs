//! The message about one freed socket. Pure.
//!
//! It has the layout of a row of a dump, always with state 7 (CLOSE), inode 0 and uid 0. Seen on 6.18.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;
use std::time::Instant;

use netlink_packet_sock_diag::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DIAG_BY_FAMILY};

use crate::model::{Endpoint, Protocol, Socket, State};
use crate::source::linux::netlink::{FinalCounters, final_counters, u16_at, u32_at};

/// Attributes of `linux/inet_diag.h`.
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_PROTOCOL: u16 = 10;

/// Length of `struct nlmsghdr` (`netlink(7)`), and of `struct nlattr`.
const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;

/// The bits of an attribute's type that are its kind (`NLA_TYPE_MASK`).
const KIND: u16 = 0x3fff;

/// Offsets in `struct inet_diag_msg`, and its length. Ports and addresses are in network byte order.
const SOURCE_PORT: usize = 4;
const DESTINATION_PORT: usize = 6;
const SOURCE: usize = 8;
const DESTINATION: usize = 24;
const INTERFACE: usize = 40;
const COOKIE: usize = 44;
const RECEIVE_QUEUE: usize = 56;
const ROW: usize = 72;

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
    while let Some((message_type, payload, next)) = split(rest) {
        if message_type == SOCK_DIAG_BY_FAMILY
            && let Some(message) = parse_payload(payload, read_at)
        {
            each(message);
        }
        rest = next;
    }
}

/// The type and the payload of the first message, and what follows it.
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32_at(bytes, 0)? as usize;
    let message_type = u16_at(bytes, 4)?;
    // A length without room for the header gives no slice, so that this ends.
    let payload = bytes.get(HEADER..length)?;
    let next = bytes.get(length.next_multiple_of(4)..);
    Some((message_type, payload, next.unwrap_or_default()))
}

fn parse_payload(payload: &[u8], read_at: Instant) -> Option<Message> {
    let attributes = payload.get(ROW..)?;
    let local = endpoint(payload, SOURCE, SOURCE_PORT)?;
    if local.port == 0 {
        return None;
    }
    let remote = endpoint(payload, DESTINATION, DESTINATION_PORT)?;
    let remote = (remote.port != 0 && !remote.is_unspecified()).then_some(remote);
    let (mut protocol, mut info) = (None, None);
    each_attribute(attributes, |kind, value| match (kind, value) {
        (INET_DIAG_PROTOCOL, &[number]) => protocol = of_number(number),
        (INET_DIAG_INFO, value) => info = Some(value),
        _ => {}
    });
    let protocol = protocol?;
    let info = info.filter(|_| protocol == Protocol::Tcp && remote.is_some());
    let receive_queue = u32_at(payload, RECEIVE_QUEUE)?;
    Some(Message {
        protocol,
        local,
        remote,
        cookie: cookie(payload),
        interface: u32_at(payload, INTERFACE).filter(|&index| index != 0),
        counters: info.and_then(|info| final_counters(info, receive_queue)),
        read_at,
        namespace: None,
    })
}

/// The address and the port at these offsets of a row.
fn endpoint(row: &[u8], address: usize, port: usize) -> Option<Endpoint> {
    let bytes: [u8; 16] = row.get(address..address + 16)?.try_into().ok()?;
    let [a, b, c, d, ..] = bytes;
    let address: IpAddr = match *row.first()? {
        AF_INET => Ipv4Addr::new(a, b, c, d).into(),
        AF_INET6 => Ipv6Addr::from(bytes).into(),
        _ => return None,
    };
    let port = row.get(port..port + 2)?.try_into().ok()?;
    Some(Endpoint::new(address, u16::from_be_bytes(port)))
}

/// `None` too for `INET_DIAG_NOCOOKIE`, all ones.
fn cookie(row: &[u8]) -> Option<NonZeroU64> {
    let bytes = row.get(COOKIE..COOKIE + 8)?.try_into().ok()?;
    NonZeroU64::new(u64::from_ne_bytes(bytes)).filter(|cookie| *cookie != NonZeroU64::MAX)
}

/// Calls `each` with the kind and the value of each attribute.
fn each_attribute<'a>(mut attributes: &'a [u8], mut each: impl FnMut(u16, &'a [u8])) {
    while let Some((length, kind)) = u16_at(attributes, 0).zip(u16_at(attributes, 2)) {
        let length = usize::from(length);
        let Some(value) = attributes.get(ATTRIBUTE_HEADER..length) else {
            return;
        };
        each(kind & KIND, value);
        let next = attributes.get(length.next_multiple_of(4)..);
        attributes = next.unwrap_or_default();
    }
}

const fn of_number(protocol: u8) -> Option<Protocol> {
    match protocol {
        IPPROTO_TCP => Some(Protocol::Tcp),
        IPPROTO_UDP => Some(Protocol::Udp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A UDP socket of port 53, connected to port 9.
    fn datagram() -> Vec<u8> {
        let mut bytes = vec![0; HEADER + ROW];
        bytes[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        let row = &mut bytes[HEADER..];
        row[0] = AF_INET;
        row[SOURCE_PORT..SOURCE_PORT + 2].copy_from_slice(&53_u16.to_be_bytes());
        row[DESTINATION_PORT..DESTINATION_PORT + 2].copy_from_slice(&9_u16.to_be_bytes());
        row[DESTINATION..DESTINATION + 4].copy_from_slice(&[127, 0, 0, 1]);
        row[COOKIE] = 7;
        bytes.extend([5, 0, 10, 0, IPPROTO_UDP, 0, 0, 0]);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes
    }

    fn messages(datagram: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "not compared")]
        let read_at = Instant::now();
        parse(datagram, read_at, |message| messages.push(message));
        messages
    }

    #[test]
    fn messages_are_parsed_one_after_the_other() {
        let parsed = messages(&[datagram(), datagram()].concat());
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[1].local.port, 53);
        let remote = Endpoint::new([127, 0, 0, 1].into(), 9);
        assert_eq!(parsed[1].remote, Some(remote));
        assert_eq!(parsed[1].cookie.map(NonZeroU64::get), Some(7));
        assert_eq!(parsed[1].protocol, Protocol::Udp);
    }

    #[test]
    fn a_datagram_that_is_cut_or_wrong_gives_no_message() {
        let whole = datagram();
        for length in 0..whole.len() - 3 {
            assert!(messages(&whole[..length]).is_empty(), "{length}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 4, 127, 255] {
                let mut wrong = whole.clone();
                wrong[at] = byte;
                assert!(messages(&wrong).len() <= 1);
            }
        }
    }
}
