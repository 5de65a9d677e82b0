//! `/proc/net` as text: raw and ping sockets, which nothing else lists everywhere, and the others where
//! `sock_diag` does not list them. See `proc_pid_net(5)`.

use std::io;

use super::{Trouble, packet, unix};
use crate::model::{Portless, Protocol, RawSocket, Socket, State, UnixName, UnixSocket};
use crate::source::linux::{Interfaces, proc_net};

/// The files of raw and of ping sockets.
const RAW: [&str; 2] = ["raw", "raw6"];
const PING: [&str; 2] = ["icmp", "icmp6"];

/// The protocol numbers of ping sockets over IPv4 and IPv6.
const ICMP: [u8; 2] = [1, 58];

/// `__SO_ACCEPTCON`: it listens.
const LISTENS: u32 = 1 << 16;

/// `SS_CONNECTED`.
const CONNECTED: u32 = 3;

pub(super) fn raw(into: &mut Vec<Socket>) -> Result<(), Trouble> {
    for file in RAW {
        let table = proc_net::named("self", file).map_err(Trouble::NoProc)?;
        // The kernel has the protocol's number in the place of a port.
        into.extend(rows(&table, |number| RawSocket {
            number: number.to_be_bytes()[1],
            identifier: None,
        }));
    }
    for (file, number) in PING.into_iter().zip(ICMP) {
        let table = proc_net::named("self", file).map_err(Trouble::NoProc)?;
        into.extend(rows(&table, |identifier| RawSocket {
            number,
            identifier: Some(identifier),
        }));
    }
    Ok(())
}

fn rows(table: &[u8], raw: impl Fn(u16) -> RawSocket) -> impl Iterator<Item = Socket> {
    let details = proc_net::rows(table, Protocol::Raw).flatten();
    details.map(move |detail| {
        let portless = Portless::Raw(raw(detail.local.port));
        let address = Some(detail.local.address);
        let mut socket = Socket::without_port(portless, address, detail.state);
        // The same number stands behind the peer's address of a connected one.
        let peer = detail.remote.filter(|peer| !peer.address.is_unspecified());
        socket.remote = peer.map(|mut peer| {
            peer.port = 0;
            peer
        });
        socket.inode = detail.inode;
        socket.uid = detail.uid;
        socket.queue = detail.queue;
        socket
    })
}

/// UDP-Lite, whose file is there where the kernel has it. SCTP's files are of another form.
pub(super) fn udplite(protocol: Protocol, into: &mut Vec<Socket>) -> io::Result<()> {
    if protocol != Protocol::UdpLite || knows(protocol) != Some(true) {
        return Err(io::ErrorKind::NotFound.into());
    }
    for file in ["udplite", "udplite6"] {
        let table = proc_net::named("self", file)?;
        let details = proc_net::rows(&table, protocol).flatten();
        into.extend(details.map(|detail| detail.socket()));
    }
    Ok(())
}

/// `Num RefCount Protocol Flags Type St Inode Path`, numbers but the inode in hexadecimal.
pub(super) fn unix(into: &mut Vec<Socket>) -> io::Result<()> {
    let table = read("unix")?;
    let lines = table.split(|&byte| byte == b'\n').skip(1);
    into.extend(lines.filter_map(unix_row));
    Ok(())
}

fn unix_row(line: &[u8]) -> Option<Socket> {
    let mut fields = line.splitn(8, |&byte| byte == b' ').map(str::from_utf8);
    let flags = hexadecimal(fields.by_ref().nth(3)?.ok()?)?;
    let kind = hexadecimal(fields.next()?.ok()?)?;
    let state = hexadecimal(fields.next()?.ok()?)?;
    // The inode is padded with spaces, and a path may have some.
    let start = line
        .splitn(7, |&byte| byte == b' ')
        .last()?
        .trim_ascii_start();
    let end = start.iter().position(|&byte| byte == b' ');
    let (inode, name) = start.split_at(end.unwrap_or(start.len()));
    let inode: u32 = str::from_utf8(inode).ok()?.parse().ok()?;
    // A zero byte is shown as `@`, in an abstract name the first.
    let name = match name.get(1..).unwrap_or_default() {
        [b'@', name @ ..] => UnixName::from_bytes(&[&[0], name].concat()),
        path => UnixName::from_bytes(path),
    };
    let unix = UnixSocket {
        kind: unix::type_of(u8::try_from(kind).ok()?),
        name,
        peer: None,
    };
    let state = match state {
        _ if flags & LISTENS != 0 => State::Listen,
        CONNECTED => State::Established,
        _ => State::Unconn,
    };
    let mut socket = Socket::without_port(Portless::Unix(unix), None, state);
    // One that waits to be accepted has none yet, and is in no dump of sock_diag either.
    socket.inode = Some(inode).filter(|&inode| inode != 0);
    socket.inode.is_some().then_some(socket)
}

/// `sk RefCnt Type Proto Iface R Rmem User Inode`, of which only the protocol is in hexadecimal.
pub(super) fn packet(interfaces: &mut Interfaces, into: &mut Vec<Socket>) -> io::Result<()> {
    let table = read("packet")?;
    let lines = table.split(|&byte| byte == b'\n').skip(1);
    into.extend(lines.filter_map(|line| packet_row(str::from_utf8(line).ok()?, interfaces)));
    Ok(())
}

fn packet_row(line: &str, interfaces: &mut Interfaces) -> Option<Socket> {
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let ethertype = u16::try_from(hexadecimal(fields.get(3)?)?).ok()?;
    let mut socket = packet::socket(fields.get(2)?.parse().ok()?, ethertype);
    let interface: u32 = fields.get(4)?.parse().ok()?;
    socket.interface = (interface != 0).then(|| interfaces.name(interface));
    let (receive, send) = (fields.get(6)?.parse().ok()?, 0);
    socket.queue = Some(crate::model::Queue { receive, send });
    socket.uid = fields.get(7)?.parse().ok();
    socket.inode = fields
        .get(8)?
        .parse()
        .ok()
        .filter(|&inode: &u32| inode != 0);
    Some(socket)
}

/// A file that must be there: `proc_net` takes a missing one for a protocol that the kernel lacks.
fn read(file: &str) -> io::Result<Vec<u8>> {
    std::fs::read(format!("/proc/self/net/{file}"))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Whether the kernel has this protocol now; `None` where it does not say.
pub(super) fn knows(protocol: Protocol) -> Option<bool> {
    let name = match protocol {
        Protocol::UdpLite => "UDP-Lite",
        Protocol::Sctp => "SCTP",
        Protocol::Packet => "PACKET",
        Protocol::Unix => "UNIX",
        Protocol::Tcp | Protocol::Udp | Protocol::Raw => return None,
    };
    let protocols = std::fs::read_to_string("/proc/self/net/protocols").ok()?;
    let mut names = protocols.lines().map(|line| line.split(' ').next());
    Some(names.any(|one| one == Some(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix_text(line: &str) -> Option<String> {
        let socket = unix_row(line.as_bytes())?;
        let name = socket.local_text().unwrap_or_default();
        Some(format!(
            "{} {} {name:?} {}",
            socket.protocol_and_family(),
            socket.state,
            socket.inode?
        ))
    }

    #[test]
    fn unix_lines_are_read_with_spaces_in_paths_and_padded_inodes() {
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
            let text = unix_text(&format!("{before} {line}"));
            assert_eq!(text.as_deref(), Some(expected));
        }
        assert_eq!(unix_text(&format!("{before} 00000000 0001 03     0")), None);
        assert_eq!(unix_text(""), None);
        assert_eq!(unix_text("no line at all, or one of another form"), None);
    }

    #[test]
    fn packet_lines_are_read() {
        let line = "0000000000000000 3      3    0806   1     1 0      1000   4242";
        let socket = packet_row(line, &mut Interfaces::default()).unwrap();
        assert_eq!(socket.local_text().as_deref(), Some("arp"));
        assert_eq!(socket.interface.as_deref(), Some("lo"));
        assert_eq!((socket.uid, socket.inode), (Some(1000), Some(4242)));
        assert!(packet_row("sk RefCnt Type", &mut Interfaces::default()).is_none());
    }

    #[test]
    fn the_kernel_says_which_protocols_it_has() {
        assert_eq!(knows(Protocol::Unix), Some(true));
        assert_eq!(knows(Protocol::Raw), None);
    }
}
