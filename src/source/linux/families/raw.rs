//! Raw and ping sockets, which only `/proc/net` lists everywhere.

use std::io;

use crate::model::{Portless, Protocol, RawSocket, Socket};
use crate::source::linux::proc::net;

/// The files of raw and of ping sockets.
const RAW: [&str; 2] = ["raw", "raw6"];
const PING: [&str; 2] = ["icmp", "icmp6"];

/// The protocol numbers of ping sockets over IPv4 and IPv6.
const ICMP: [u8; 2] = [1, 58];

pub(super) fn read_sockets(into: &mut Vec<Socket>) -> io::Result<()> {
    for file in RAW {
        let table = net::read_table("self", file)?;
        // The kernel reports the protocol number as the port.
        into.extend(rows(&table, |number| RawSocket {
            number: number.to_be_bytes()[1],
            identifier: None,
        }));
    }
    for (file, number) in PING.into_iter().zip(ICMP) {
        let table = net::read_table("self", file)?;
        into.extend(rows(&table, |identifier| RawSocket {
            number,
            identifier: Some(identifier),
        }));
    }
    Ok(())
}

fn rows(table: &[u8], raw: impl Fn(u16) -> RawSocket) -> impl Iterator<Item = Socket> {
    let rows = net::rows(table, Protocol::Raw).flatten();
    rows.map(move |row| {
        let portless = Portless::Raw(raw(row.local.port));
        let mut socket = Socket::without_port(portless, Some(row.local.address), row.state);
        // A connected socket has the same number after its peer's address.
        let peer = row.remote.filter(|peer| !peer.address.is_unspecified());
        socket.remote = peer.map(|mut peer| {
            peer.port = 0;
            peer
        });
        (socket.inode, socket.uid, socket.queue) = (row.inode, row.uid, row.queue);
        socket
    })
}
