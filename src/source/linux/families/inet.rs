//! UDP-Lite, SCTP, raw and ping sockets, over IPv4 and IPv6. Only `/proc/net` lists raw and ping sockets everywhere.
//!
//! SCTP was not available for testing: the format of its rows is from the kernel's source (`net/sctp/diag.c`). An
//! endpoint's state has TCP's numbers, an association's has others.

use std::io;

use netlink_packet_sock_diag::{AF_INET, AF_INET6, IPPROTO_SCTP, IPPROTO_UDPLITE};

use super::{Trouble, kernel_has, or_proc_net};
use crate::model::{Endpoint, Portless, Protocol, RawSocket, Socket, State};
use crate::source::linux::interfaces::Interfaces;
use crate::source::linux::netlink::{self, DumpError, dump, inet_request};
use crate::source::linux::proc::{net, scan};

/// All states.
const STATES: u32 = 0xfff;

/// What is missing from `/proc/net/udplite`.
const NOT_IN_PROC: &str = "interfaces and whether they are dual-stack";

/// Offset of the state in `struct inet_diag_msg`.
const STATE: usize = 1;

/// TCP's numbers, which SCTP's endpoints have: CLOSE and LISTEN.
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

/// The files of raw and of ping sockets, the latter with their protocol number.
const RAW: [(&str, Option<u8>); 4] = [
    ("raw", None),
    ("raw6", None),
    ("icmp", Some(1)),
    ("icmp6", Some(58)),
];

/// Adds UDP-Lite or SCTP sockets to `into`.
pub(super) fn read_sockets(
    protocol: Protocol,
    interfaces: &mut Interfaces,
    into: &mut Vec<Socket>,
) -> Result<(), Trouble> {
    let is_sctp = protocol == Protocol::Sctp;
    let number = if is_sctp {
        IPPROTO_SCTP
    } else {
        IPPROTO_UDPLITE
    };
    let (start, mut dumped) = (into.len(), Ok(()));
    for family in [AF_INET, AF_INET6] {
        dumped = dump(&inet_request(family, number, STATES), |payload| {
            let row = netlink::parse(payload, protocol)?;
            let mut socket = row.socket();
            socket.interface = row.interface.map(|index| interfaces.name(index));
            if is_sctp {
                socket.state = sctp_state(*payload.get(STATE)?);
            }
            into.push(socket);
            Some(())
        });
        if !matches!(dumped, Ok(()) | Err(DumpError::Interrupted)) {
            break;
        }
    }
    let udplite = |into: &mut Vec<Socket>| {
        // The files exist where the kernel has the protocol. SCTP's have another format.
        if is_sctp || kernel_has(protocol) != Some(true) {
            return Err(io::ErrorKind::NotFound.into());
        }
        for file in ["udplite", "udplite6"] {
            let table = net::read_table(scan::THIS_THREAD, file)?;
            let rows = net::rows(&table, protocol).flatten();
            into.extend(rows.map(|row| row.socket()));
        }
        Ok(())
    };
    or_proc_net(dumped, (into, start), udplite, Some(NOT_IN_PROC))
}

/// An endpoint's state, or an association's (`enum sctp_state`) as the most similar TCP state.
const fn sctp_state(number: u8) -> State {
    match number {
        LISTEN => State::Listen,
        CLOSE => State::Bound,
        // COOKIE_WAIT, COOKIE_ECHOED.
        1 | 2 => State::SynSent,
        3 => State::Established,
        // SHUTDOWN_PENDING, SHUTDOWN_SENT.
        4 => State::FinWait1,
        5 => State::FinWait2,
        // SHUTDOWN_RECEIVED.
        6 => State::CloseWait,
        _ => State::Closed,
    }
}

/// Adds raw and ping sockets to `into`.
pub(super) fn read_raw(into: &mut Vec<Socket>) -> io::Result<()> {
    for (file, ping) in RAW {
        let table = net::read_table(scan::THIS_THREAD, file)?;
        into.extend(net::rows(&table, Protocol::Raw).flatten().map(|row| {
            // The kernel reports the protocol number of a raw socket as the port.
            let port = row.local.port;
            let raw = Portless::Raw(RawSocket {
                number: ping.unwrap_or(port.to_be_bytes()[1]),
                identifier: ping.map(|_| port),
            });
            let mut socket = Socket::without_port(raw, Some(row.local.address), row.state);
            // A connected socket has the same number after its peer's address.
            let peer = row.remote.filter(|peer| !peer.address.is_unspecified());
            socket.remote = peer.map(|peer| Endpoint { port: 0, ..peer });
            (socket.inode, socket.uid, socket.queue) = (row.inode, row.uid, row.queue);
            socket
        }));
    }
    Ok(())
}
