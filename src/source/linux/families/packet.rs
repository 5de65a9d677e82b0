//! Packet sockets, as `packet_diag` lists them: those of this network namespace.

use super::{Trouble, proc_net};
use crate::model::{PacketSocket, PacketType, Portless, Queue, Socket, State};
use crate::source::linux::Interfaces;
use crate::source::linux::netlink::{DumpError, attributes, dump, u32_at};

/// What is told of each socket besides its inode (`linux/packet_diag.h`): interface and uid, memory.
const SHOW: u32 = 1 | 1 << 4;

/// Attributes of an answer.
const INFO: u16 = 0;
const UID: u16 = 5;
const MEMORY: u16 = 6;

/// Length of an answer without its attributes.
const HEADER: usize = 16;

const AF_PACKET: u8 = 17;
const SOCK_DGRAM: u8 = 2;

pub(super) fn read(interfaces: &mut Interfaces, into: &mut Vec<Socket>) -> Result<(), Trouble> {
    let start = into.len();
    let listed = dump(&request(), |payload| {
        into.push(row(payload, interfaces)?);
        Some(())
    });
    match listed {
        Ok(()) => Ok(()),
        Err(DumpError::Interrupted) => Err(Trouble::Interrupted),
        Err(error) => {
            into.truncate(start);
            match proc_net::packet(interfaces, into) {
                Ok(()) => Ok(()),
                Err(_) => Err(Trouble::NotListed(error)),
            }
        }
    }
}

/// `struct packet_diag_req`.
fn request() -> Vec<u8> {
    let mut request = vec![AF_PACKET, 0, 0, 0];
    request.extend(0_u32.to_ne_bytes());
    request.extend(SHOW.to_ne_bytes());
    // No cookie.
    request.extend([0xff; 8]);
    request
}

/// `struct packet_diag_msg` and its attributes.
fn row(payload: &[u8], interfaces: &mut Interfaces) -> Option<Socket> {
    let ethertype = u16::from_ne_bytes(payload.get(2..4)?.try_into().ok()?);
    let inode = u32_at(payload, 4)?;
    let (mut interface, mut uid, mut queue) = (0, None, None);
    for (kind, value) in attributes(payload.get(HEADER..)?)? {
        match kind {
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

/// A packet socket of this type: `SOCK_PACKET` (10) is an older form of `SOCK_RAW`.
pub(super) fn socket(kind: u8, ethertype: u16) -> Socket {
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
}
