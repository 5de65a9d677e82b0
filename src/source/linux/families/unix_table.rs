//! The kernel's table of unix sockets, of this network namespace: from `sock_diag`, or `/proc/net/unix`
//! where that is refused or missing.
//!
//! `sock_diag` says which file a socket is bound to, by device and inode: a path alone says nothing, as it
//! may be relative, of another mount, or of a file that was removed.

use std::fs;
use std::io;

use crate::model::{Queue, UnixKind};
use crate::source::linux::netlink::{DumpError, attributes, dump, u32_at};

/// `AF_UNIX`.
const FAMILY: u8 = 1;

/// What is to be told of each (`UDIAG_SHOW_*`): its name, its file, its queue, its uid.
const SHOW: u32 = 0x1 | 0x2 | 0x10 | 0x40;

/// The attributes with these (`UNIX_DIAG_*`). Kernels before 5.3 have no uid.
const NAME: u16 = 0;
const FILE: u16 = 1;
const QUEUE: u16 = 4;
const UID: u16 = 7;

/// TCP's numbers for these states, which unix sockets use as well.
const LISTEN: u8 = 10;
const ESTABLISHED: u8 = 1;

/// `SS_CONNECTED` in the states there.
const CONNECTED: &str = "03";

/// `SO_ACCEPTCON` in the flags of `/proc/net/unix`: it listens.
const ACCEPTS: u32 = 1 << 16;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnixRow {
    pub(crate) kind: UnixKind,
    pub(crate) is_listening: bool,
    /// Whether it has a peer. One that was accepted has the name and the file of its listener.
    pub(crate) is_connected: bool,
    pub(crate) inode: u32,
    /// As it was bound; an abstract one begins with NUL. Empty where it was not bound.
    pub(crate) name: Vec<u8>,
    /// The device, as the kernel numbers it, and the lower half of the inode of the file.
    pub(crate) file: Option<(u32, u32)>,
    pub(crate) queue: Option<Queue>,
    pub(crate) uid: Option<u32>,
}

/// Reads every row.
///
/// # Errors
/// Neither of the two can be read.
pub(crate) fn read() -> Result<Vec<UnixRow>, (DumpError, io::Error)> {
    // A table that changed while it was read may lack rows: once more.
    let dumped = listed().or_else(|_| listed());
    dumped.or_else(|error| {
        let table = fs::read("/proc/self/net/unix").map_err(|too| (error, too))?;
        Ok(rows_of(&table))
    })
}

fn listed() -> Result<Vec<UnixRow>, DumpError> {
    let mut rows = Vec::new();
    dump(&request(), |payload| {
        rows.push(row(payload)?);
        Some(())
    })?;
    Ok(rows)
}

/// `struct unix_diag_req`: all states.
fn request() -> Vec<u8> {
    let mut request = vec![FAMILY, 0, 0, 0];
    request.extend(u32::MAX.to_ne_bytes());
    request.extend(0_u32.to_ne_bytes());
    request.extend(SHOW.to_ne_bytes());
    // No cookie.
    request.extend([0xff; 8]);
    request
}

/// `unix_diag_msg`, then the attributes.
fn row(bytes: &[u8]) -> Option<UnixRow> {
    let (&[_, kind, state, _], rest) = bytes.split_first_chunk()?;
    let mut row = UnixRow {
        kind: kind_of(kind.into())?,
        is_listening: state == LISTEN,
        is_connected: state == ESTABLISHED,
        inode: u32_at(rest, 0)?,
        name: Vec::new(),
        file: None,
        queue: None,
        uid: None,
    };
    for (attribute, value) in attributes(bytes.get(16..)?)? {
        match attribute {
            NAME => row.name = value.to_vec(),
            FILE => row.file = Some((u32_at(value, 4)?, u32_at(value, 0)?)),
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
    if row.name.first().is_some_and(|&first| first != 0) {
        // Some kernels count the NUL behind a path to it.
        let end = row.name.iter().position(|&byte| byte == 0);
        row.name.truncate(end.unwrap_or(row.name.len()));
    }
    Some(row)
}

/// By `SOCK_STREAM`, `SOCK_DGRAM` and `SOCK_SEQPACKET`.
const fn kind_of(number: u32) -> Option<UnixKind> {
    match number {
        1 => Some(UnixKind::Stream),
        2 => Some(UnixKind::Datagram),
        5 => Some(UnixKind::SeqPacket),
        _ => None,
    }
}

/// The rows of `/proc/PID/net/unix`: address, references, protocol, flags, type, state, inode, name. What
/// makes no sense is left out.
fn rows_of(table: &[u8]) -> Vec<UnixRow> {
    let lines = table.split(|&byte| byte == b'\n').skip(1);
    lines.filter_map(line).collect()
}

fn line(line: &[u8]) -> Option<UnixRow> {
    // Numbers are padded with spaces, and a name may have some.
    let mut rest = line;
    let mut word = || {
        let word = rest.trim_ascii_start();
        let end = word.iter().position(|&byte| byte == b' ');
        let (word, behind) = word.split_at(end.unwrap_or(word.len()));
        rest = behind;
        std::str::from_utf8(word).ok()
    };
    let flags = word()
        .and_then(|_| word())
        .and_then(|_| word())
        .and_then(|_| word())?;
    let (kind, state, inode) = (word()?, word()?, word()?);
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let mut name = rest.strip_prefix(b" ").unwrap_or_default().to_vec();
    // NULs are shown as `@`, so only the first of an abstract name is certain.
    if name.first() == Some(&b'@') {
        name[0] = 0;
    }
    Some(UnixRow {
        kind: kind_of(u32::from_str_radix(kind, 16).ok()?)?,
        is_listening: flags & ACCEPTS != 0,
        is_connected: state == CONNECTED,
        inode: inode.parse().ok()?,
        name,
        file: None,
        queue: None,
        uid: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_kernel_has_name_file_queue_and_uid() {
        let mut bytes = vec![1, 1, LISTEN, 0];
        bytes.extend(42_u32.to_ne_bytes());
        bytes.extend([0; 8]);
        let mut attribute = |number: u16, value: &[u8]| {
            let length = u16::try_from(value.len() + 4).unwrap();
            bytes.extend(length.to_ne_bytes());
            bytes.extend(number.to_ne_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        };
        attribute(NAME, b"/run/a");
        attribute(FILE, &[7_u32.to_ne_bytes(), 26_u32.to_ne_bytes()].concat());
        attribute(99, b"x");
        attribute(
            QUEUE,
            &[1_u32.to_ne_bytes(), 128_u32.to_ne_bytes()].concat(),
        );
        attribute(UID, &1000_u32.to_ne_bytes());
        let expected = UnixRow {
            kind: UnixKind::Stream,
            is_listening: true,
            is_connected: false,
            inode: 42,
            name: b"/run/a".to_vec(),
            file: Some((26, 7)),
            queue: Some(Queue {
                receive: 1,
                send: 128,
            }),
            uid: Some(1000),
        };
        assert_eq!(row(&bytes), Some(expected));
        for cut in 0..bytes.len() {
            // No length makes it panic.
            let _ = row(&bytes[..cut]);
        }
    }

    #[test]
    fn a_line_of_proc_has_kind_state_inode_and_name() {
        let table = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01  4242 /run/my app.sock\n\
            0000000000000000: 00000002 00000000 00000000 0002 01    77 @name\n\
            0000000000000000: 00000003 00000000 00000000 0005 03     8\n\
            nonsense\n";
        let rows = rows_of(table);
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                let states = (row.is_listening, row.is_connected);
                (row.kind, states, row.inode, &*row.name)
            })
            .collect();
        let expected = [
            (
                UnixKind::Stream,
                (true, false),
                4242,
                &b"/run/my app.sock"[..],
            ),
            (UnixKind::Datagram, (false, false), 77, &b"\0name"[..]),
            (UnixKind::SeqPacket, (false, true), 8, &b""[..]),
        ];
        assert_eq!(told, expected);
    }
}
