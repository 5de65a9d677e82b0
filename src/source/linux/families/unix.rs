//! Unix sockets, as `unix_diag` lists them: those of this network namespace.

use super::{Trouble, proc_net};
use crate::model::{Portless, Queue, Socket, State, UnixKind, UnixName, UnixPeer, UnixSocket};
use crate::source::linux::netlink::{DumpError, attributes, dump, u32_at};

/// What is told of each socket besides its inode (`linux/unix_diag.h`): name, peer, queues, uid.
const SHOW: u32 = 1 | 1 << 2 | 1 << 4 | 1 << 6;

/// Attributes of an answer.
const NAME: u16 = 0;
const PEER: u16 = 2;
const QUEUES: u16 = 4;
const UID: u16 = 7;

/// Length of an answer without its attributes.
const HEADER: usize = 16;

/// What `/proc/net/unix` does not tell.
const NOT_IN_PROC: &str = "peers, queues and users";

pub(super) fn read(into: &mut Vec<Socket>) -> Result<(), Trouble> {
    let start = into.len();
    let listed = dump(&request(), |payload| {
        into.push(row(payload)?);
        Some(())
    });
    match listed {
        Ok(()) => Ok(()),
        Err(DumpError::Interrupted) => Err(Trouble::Interrupted),
        Err(error) => {
            into.truncate(start);
            Err(match proc_net::unix(into) {
                Ok(()) => Trouble::Less(error, NOT_IN_PROC),
                Err(_) => Trouble::NotListed(error),
            })
        }
    }
}

/// `struct unix_diag_req`: every state, every inode.
fn request() -> Vec<u8> {
    let mut request = vec![1, 0, 0, 0];
    request.extend(u32::MAX.to_ne_bytes());
    request.extend(0_u32.to_ne_bytes());
    request.extend(SHOW.to_ne_bytes());
    // No cookie.
    request.extend([0xff; 8]);
    request
}

/// `struct unix_diag_msg` and its attributes.
fn row(payload: &[u8]) -> Option<Socket> {
    let (kind, state) = (*payload.get(1)?, *payload.get(2)?);
    let inode = u32_at(payload, 4)?;
    let mut unix = UnixSocket {
        kind: type_of(kind),
        name: None,
        peer: None,
    };
    let (mut uid, mut queue) = (None, None);
    for (kind, value) in attributes(payload.get(HEADER..)?)? {
        match kind {
            NAME => unix.name = UnixName::from_bytes(value),
            // The other end may be closed.
            PEER => unix.peer = u32_at(value, 0).filter(|&inode| inode != 0).map(peer),
            QUEUES => {
                queue = Some(Queue {
                    receive: u32_at(value, 0)?,
                    send: u32_at(value, 4)?,
                });
            }
            UID => uid = u32_at(value, 0),
            _ => {}
        }
    }
    let mut socket = Socket::without_port(Portless::Unix(unix), None, state_of(state));
    socket.inode = (inode != 0).then_some(inode);
    (socket.uid, socket.queue) = (uid, queue);
    Some(socket)
}

pub(super) const fn peer(inode: u32) -> UnixPeer {
    UnixPeer {
        inode,
        name: None,
        process: None,
    }
}

/// `SOCK_STREAM`, `SOCK_DGRAM` or `SOCK_SEQPACKET`: there are no others.
pub(super) const fn type_of(number: u8) -> UnixKind {
    match number {
        2 => UnixKind::Datagram,
        5 => UnixKind::SeqPacket,
        _ => UnixKind::Stream,
    }
}

/// Numbered as TCP's.
const fn state_of(number: u8) -> State {
    match number {
        1 => State::Established,
        10 => State::Listen,
        2 => State::SynSent,
        _ => State::Unconn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, 1, 10, 0];
        bytes.extend(4242_u32.to_ne_bytes());
        bytes.extend([0; 8]);
        let attribute = |kind: u16, value: &[u8]| {
            let length = 4 + u16::try_from(value.len()).unwrap();
            let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        bytes.extend(attribute(NAME, name));
        let queues = [1_u32.to_ne_bytes(), 128_u32.to_ne_bytes()].concat();
        bytes.extend(attribute(QUEUES, &queues));
        bytes.extend(attribute(UID, &1000_u32.to_ne_bytes()));
        bytes
    }

    #[test]
    fn a_listener_is_read_whole() {
        let socket = row(&answer(b"/run/app.sock\0")).unwrap();
        assert_eq!(socket.local_text().as_deref(), Some("/run/app.sock"));
        assert_eq!((socket.state, socket.inode), (State::Listen, Some(4242)));
        assert_eq!(
            (socket.uid, socket.protocol_and_family()),
            (Some(1000), "u_str")
        );
        let (receive, send) = (1, 128);
        assert_eq!(socket.queue, Some(Queue { receive, send }));
        assert!(socket.is_listening() && !socket.is_connection());
    }

    #[test]
    fn cut_answers_never_panic() {
        let whole = answer(b"\0\x1b[2J\0");
        for length in 0..whole.len() {
            let _ = row(&whole[..length]);
        }
    }
}
