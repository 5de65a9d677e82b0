//! The kernel's table of unix sockets, of this network namespace: from `sock_diag`, or from `/proc/net/unix` where that
//! is refused or missing.
//!
//! `sock_diag` has the file that a socket is bound to, by device and inode. A path alone is not enough: it may be
//! relative, of another mount, or of a file that was removed.

use std::fs;
use std::io;

use netlink_packet_sock_diag::AF_UNIX;

use super::{Trouble, or_proc_net};
use crate::model::{Portless, Queue, Socket, State, UnixKind, UnixName, UnixPeer, UnixSocket};
use crate::source::linux::netlink::{DumpError, NlasIterator, dump, u32_at};
use crate::source::linux::proc::net::hexadecimal;

/// What to dump of each socket (`UDIAG_SHOW_*`): name, file, peer, queue, uid.
const SHOW: u32 = 0x1 | 0x2 | 0x4 | 0x10 | 0x40;

/// The attributes with these (`UNIX_DIAG_*`). Kernels before 5.3 have no uid.
const NAME: u16 = 0;
const FILE: u16 = 1;
const PEER: u16 = 2;
const QUEUE: u16 = 4;
const UID: u16 = 7;

/// Length of a `struct unix_diag_msg`; the attributes come behind it.
const HEADER: usize = 16;

/// In `/proc/net/unix`, `__SO_ACCEPTCON` in the flags (it listens), and `SS_CONNECTED`, the state.
const ACCEPTS: u32 = 1 << 16;
const CONNECTED: u32 = 3;

/// What is missing from `/proc/net/unix`.
const NOT_IN_PROC: &str = "peers, queues and users";

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnixRow {
    pub(crate) kind: UnixKind,
    pub(crate) state: State,
    pub(crate) inode: u32,
    /// As passed to bind; an abstract name begins with NUL. Empty if it was not bound. An accepted socket has the name
    /// and the file of its listener.
    pub(crate) name: Vec<u8>,
    /// The device, as the kernel numbers it, and the lower half of the inode of the file.
    pub(crate) file: Option<(u32, u32)>,
    /// The inode of the socket at the other end, unless that is closed.
    pub(crate) peer: Option<u32>,
    pub(crate) queue: Option<Queue>,
    pub(crate) uid: Option<u32>,
}

impl UnixRow {
    pub(crate) fn is_listening(&self) -> bool {
        self.state == State::Listen
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state == State::Established
    }

    fn socket(self) -> Socket {
        let peer = |inode| UnixPeer {
            inode,
            name: None,
            process: None,
        };
        let unix = UnixSocket {
            kind: self.kind,
            name: UnixName::from_bytes(&self.name),
            peer: self.peer.map(peer),
        };
        let mut socket = Socket::without_port(Portless::Unix(unix), None, self.state);
        socket.inode = Some(self.inode).filter(|&inode| inode != 0);
        (socket.uid, socket.queue) = (self.uid, self.queue);
        socket
    }
}

/// Reads every row. Fails if neither of the two can be read.
pub(crate) fn read() -> Result<Vec<UnixRow>, (DumpError, io::Error)> {
    let dumped = || {
        let mut rows = Vec::new();
        dump_rows(|row| rows.push(row)).map(|()| rows)
    };
    // A table that changed during the dump may lack rows, so retry.
    dumped()
        .or_else(|_| dumped())
        .or_else(|error| proc_rows().map_err(|too| (error, too)))
}

/// Adds every socket to `into`.
pub(super) fn read_sockets(into: &mut Vec<Socket>) -> Result<(), Trouble> {
    let start = into.len();
    let dumped = dump_rows(|row| into.push(row.socket()));
    let lines = |into: &mut Vec<Socket>| {
        into.extend(proc_rows()?.into_iter().map(UnixRow::socket));
        Ok(())
    };
    or_proc_net(dumped, (into, start), lines, Some(NOT_IN_PROC))
}

fn dump_rows(mut push: impl FnMut(UnixRow)) -> Result<(), DumpError> {
    // `struct unix_diag_req`: every state, any inode, without a cookie.
    let mut request = vec![AF_UNIX, 0, 0, 0];
    request.extend([[0xff; 4], [0; 4], SHOW.to_ne_bytes(), [0xff; 4], [0xff; 4]].concat());
    dump(&request, |payload| {
        push(row(payload)?);
        Some(())
    })
}

/// Parses a `struct unix_diag_msg` and its attributes.
fn row(payload: &[u8]) -> Option<UnixRow> {
    let mut row = UnixRow {
        kind: kind((*payload.get(1)?).into()),
        // Numbered as TCP's.
        state: match payload.get(2)? {
            1 => State::Established,
            2 => State::SynSent,
            10 => State::Listen,
            _ => State::Unconn,
        },
        inode: u32_at(payload, 4)?,
        name: Vec::new(),
        file: None,
        peer: None,
        queue: None,
        uid: None,
    };
    for attribute in NlasIterator::new(payload.get(HEADER..)?) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            NAME => row.name = name(value).to_vec(),
            FILE => row.file = Some((u32_at(value, 4)?, u32_at(value, 0)?)),
            PEER => row.peer = u32_at(value, 0).filter(|&inode| inode != 0),
            QUEUE => {
                row.queue = Some(Queue {
                    receive: u32_at(value, 0)?,
                    send: u32_at(value, 4)?,
                });
            }
            UID => row.uid = u32_at(value, 0),
            _ => {}
        }
    }
    Some(row)
}

/// The name without the NUL behind a path, which some kernels count to it.
fn name(bytes: &[u8]) -> &[u8] {
    match bytes {
        [0, ..] => bytes,
        path => path.split(|&byte| byte == 0).next().unwrap_or_default(),
    }
}

/// `SOCK_STREAM`, `SOCK_DGRAM` or `SOCK_SEQPACKET`: there are no others.
const fn kind(number: u32) -> UnixKind {
    match number {
        2 => UnixKind::Datagram,
        5 => UnixKind::SeqPacket,
        _ => UnixKind::Stream,
    }
}

/// The rows of `/proc/net/unix`, except invalid lines and sockets that wait to be accepted: these have no inode yet,
/// and `sock_diag` doesn't list them either.
fn proc_rows() -> io::Result<Vec<UnixRow>> {
    let table = fs::read("/proc/thread-self/net/unix")?;
    Ok(parse_table(&table).collect())
}

fn parse_table(table: &[u8]) -> impl Iterator<Item = UnixRow> {
    let rows = table.split(|&byte| byte == b'\n').filter_map(parse_line);
    rows.filter(|row| row.inode != 0)
}

/// Parses `ADDRESS: REFERENCES PROTOCOL FLAGS TYPE STATE INODE NAME`, hexadecimal but for the inode.
fn parse_line(line: &[u8]) -> Option<UnixRow> {
    // Numbers are padded with spaces, and a name may have some.
    let mut rest = line;
    let mut word = || {
        let word = rest.trim_ascii_start();
        let end = word.iter().position(|&byte| byte == b' ');
        let (word, behind) = word.split_at(end.unwrap_or(word.len()));
        rest = behind;
        str::from_utf8(word).ok()
    };
    let [_, _, _, flags, number, state, inode] = [(); 7].map(|()| word());
    let (flags, state) = (hexadecimal(flags?)?, hexadecimal(state?)?);
    let (number, inode) = (hexadecimal(number?)?, inode?.parse().ok()?);
    let mut name = rest.strip_prefix(b" ").unwrap_or_default().to_vec();
    // NULs are shown as `@`, so only the first of an abstract name is certain.
    if let Some(first @ b'@') = name.first_mut() {
        *first = 0;
    }
    Some(UnixRow {
        kind: kind(number),
        state: match state {
            _ if flags & ACCEPTS != 0 => State::Listen,
            CONNECTED => State::Established,
            _ => State::Unconn,
        },
        inode,
        name,
        file: None,
        peer: None,
        queue: None,
        uid: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, 1, 10, 0];
        bytes.extend(4242_u32.to_ne_bytes());
        bytes.extend([0; 8]);
        let pair = |one: u32, two: u32| [one.to_ne_bytes(), two.to_ne_bytes()].concat();
        for (number, value) in [
            (NAME, name.to_vec()),
            (FILE, pair(7, 26)),
            (99, b"x".to_vec()),
            (QUEUE, pair(1, 128)),
            (PEER, 0_u32.to_ne_bytes().to_vec()),
            (UID, 1000_u32.to_ne_bytes().to_vec()),
        ] {
            let length = u16::try_from(value.len() + 4).unwrap();
            bytes.extend(length.to_ne_bytes());
            bytes.extend(number.to_ne_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn a_row_of_the_kernel_has_name_file_queue_and_uid() {
        let expected = UnixRow {
            kind: UnixKind::Stream,
            state: State::Listen,
            inode: 4242,
            name: b"/run/a".to_vec(),
            file: Some((26, 7)),
            peer: None,
            queue: Some(Queue {
                receive: 1,
                send: 128,
            }),
            uid: Some(1000),
        };
        assert_eq!(row(&answer(b"/run/a")), Some(expected));
    }

    #[test]
    fn a_listener_is_read_whole() {
        let socket = row(&answer(b"/run/app.sock\0")).unwrap().socket();
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

    #[test]
    fn a_line_of_proc_has_kind_state_inode_and_name() {
        let table = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01  4242 /run/my app.sock\n\
            0000000000000000: 00000002 00000000 00000000 0002 01    77 @name\n\
            0000000000000000: 00000003 00000000 00000000 0005 03     8\n\
            0000000000000000: 00000003 00000000 00000000 0001 03     0\n\
            nonsense\n";
        let rows: Vec<_> = parse_table(table)
            .map(|row| (row.kind, row.state, row.inode, row.name))
            .collect();
        let expected = [
            (
                UnixKind::Stream,
                State::Listen,
                4242,
                b"/run/my app.sock".to_vec(),
            ),
            (UnixKind::Datagram, State::Unconn, 77, b"\0name".to_vec()),
            (UnixKind::SeqPacket, State::Established, 8, Vec::new()),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn lines_are_read_with_spaces_in_paths_and_padded_inodes() {
        let text = |line: &str| {
            let socket = parse_line(line.as_bytes())?.socket();
            let name = socket.local_text().unwrap_or_default();
            let kind = socket.protocol_and_family();
            Some(format!(
                "{kind} {} {name:?} {}",
                socket.state, socket.inode?
            ))
        };
        let before = "0000000000000000: 00000002 00000000";
        for (line, expected) in [
            (
                "00010000 0001 01   991 /run/a b",
                "u_str LISTEN \"/run/a b\" 991",
            ),
            (
                "00010000 0005 01 123456 @a@b",
                "u_seq LISTEN \"@a@b\" 123456",
            ),
            ("00000000 0002 01 12345", "u_dgr UNCONN \"\" 12345"),
            (
                "00000000 0001 03 12345 /x",
                "u_str ESTABLISHED \"/x\" 12345",
            ),
        ] {
            assert_eq!(text(&format!("{before} {line}")).as_deref(), Some(expected));
        }
        assert_eq!(text(&format!("{before} 00000000 0001 03     0")), None);
        assert_eq!(text(""), None);
        assert_eq!(text("no line at all, or one of another form"), None);
    }
}
