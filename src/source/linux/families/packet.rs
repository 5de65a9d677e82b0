//! Packet sockets of this network namespace: from `sock_diag`, or from `/proc/net/packet` where that is refused or missing.

use std::fs;

use netlink_packet_sock_diag::AF_PACKET;

use super::{Trouble, or_proc_net};
use crate::model::{PacketSocket, PacketType, Portless, Queue, Socket, State};
use crate::source::linux::interfaces::Interfaces;
use crate::source::linux::netlink::{NlasIterator, dump, u32_at};
use crate::source::linux::proc::net::hexadecimal;

/// What to dump of each socket besides its inode (`linux/packet_diag.h`): interface and uid, memory.
const SHOW: u32 = 1 | 1 << 4;

/// Attributes of an answer.
const INFO: u16 = 0;
const UID: u16 = 5;
const MEMORY: u16 = 6;

/// Length of an answer without its attributes.
const HEADER: usize = 16;

const SOCK_DGRAM: u8 = 2;

pub(super) fn read_sockets(
    interfaces: &mut Interfaces,
    into: &mut Vec<Socket>,
) -> Result<(), Trouble> {
    // `struct packet_diag_req`, without a cookie.
    let mut request = vec![AF_PACKET, 0, 0, 0];
    request.extend([[0; 4], SHOW.to_ne_bytes(), [0xff; 4], [0xff; 4]].concat());
    let start = into.len();
    let dumped = dump(&request, |payload| {
        into.push(row(payload, interfaces)?);
        Some(())
    });
    let lines = |into: &mut Vec<Socket>| {
        let table = fs::read("/proc/thread-self/net/packet")?;
        let lines = table.split(|&byte| byte == b'\n').skip(1);
        into.extend(lines.filter_map(|line| line_row(str::from_utf8(line).ok()?, interfaces)));
        Ok(())
    };
    or_proc_net(dumped, (into, start), lines, None)
}

/// `struct packet_diag_msg` and its attributes.
fn row(payload: &[u8], interfaces: &mut Interfaces) -> Option<Socket> {
    let ethertype = u16::from_ne_bytes(payload.get(2..4)?.try_into().ok()?);
    let inode = u32_at(payload, 4)?;
    let (mut interface, mut uid, mut queue) = (0, None, None);
    for attribute in NlasIterator::new(payload.get(HEADER..)?) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            INFO => interface = u32_at(value, 0)?,
            UID => uid = u32_at(value, 0),
            MEMORY => {
                let (receive, send) = (u32_at(value, 0)?, 0);
                queue = Some(Queue { receive, send });
            }
            _ => {}
        }
    }
    let mut socket = socket(*payload.get(1)?, ethertype);
    socket.inode = (inode != 0).then_some(inode);
    socket.interface = (interface != 0).then(|| interfaces.name(interface));
    (socket.uid, socket.queue) = (uid, queue);
    Some(socket)
}

/// Parses `sk RefCnt Type Proto Iface R Rmem User Inode`, of which only the protocol is hexadecimal.
fn line_row(line: &str, interfaces: &mut Interfaces) -> Option<Socket> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let [_, _, kind, ethertype, interface, _, memory, uid, inode, ..] = fields[..] else {
        return None;
    };
    let ethertype = hexadecimal(ethertype)?.try_into().ok()?;
    let mut socket = socket(kind.parse().ok()?, ethertype);
    let interface: u32 = interface.parse().ok()?;
    socket.interface = (interface != 0).then(|| interfaces.name(interface));
    let (receive, send) = (memory.parse().ok()?, 0);
    socket.queue = Some(Queue { receive, send });
    socket.uid = uid.parse().ok();
    socket.inode = inode.parse().ok().filter(|&inode: &u32| inode != 0);
    Some(socket)
}

/// A packet socket of this type: `SOCK_PACKET` (10) is an older form of `SOCK_RAW`.
fn socket(kind: u8, ethertype: u16) -> Socket {
    let kind = match kind {
        SOCK_DGRAM => PacketType::Datagram,
        _ => PacketType::Raw,
    };
    let packet = PacketSocket { kind, ethertype };
    Socket::without_port(Portless::Packet(packet), None, State::Unconn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_on_one_interface_is_read_whole() {
        let mut bytes = vec![17, 3];
        bytes.extend(0x0806_u16.to_ne_bytes());
        bytes.extend(4242_u32.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend([28, 0, 0, 0]);
        bytes.extend(1_u32.to_ne_bytes());
        bytes.extend([0; 20]);
        bytes.extend([8, 0, 5, 0]);
        bytes.extend(1000_u32.to_ne_bytes());
        let socket = row(&bytes, &mut Interfaces::default()).unwrap();
        assert_eq!(socket.local_text().as_deref(), Some("arp"));
        assert_eq!(socket.interface.as_deref(), Some("lo"));
        assert_eq!(
            (socket.uid, socket.protocol_and_family()),
            (Some(1000), "p_raw")
        );
        for length in 0..bytes.len() {
            let _ = row(&bytes[..length], &mut Interfaces::default());
        }
    }

    #[test]
    fn packet_lines_are_read() {
        let line = "0000000000000000 3      3    0806   1     1 0      1000   4242";
        let socket = line_row(line, &mut Interfaces::default()).unwrap();
        assert_eq!(socket.local_text().as_deref(), Some("arp"));
        assert_eq!(socket.interface.as_deref(), Some("lo"));
        assert_eq!((socket.uid, socket.inode), (Some(1000), Some(4242)));
        assert!(line_row("sk RefCnt Type", &mut Interfaces::default()).is_none());
    }
}
