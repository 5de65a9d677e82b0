//! The cells that need other rows than their own: the peer of a connection, and how many connections a listener has; and
//! how wide these can become, whatever those rows are.

use std::net::IpAddr;

use super::cells::{first_that_fits, or_none};
use super::describe::{NONE, process_text};
use super::measure::{cut, width};
use super::{CellContext, LocalPeers, widest};
use crate::model::{Scope, State};
use crate::track::Row;

/// `:65535`: a port may have any number of digits next time.
const PORT: usize = 6;

/// `203.0.113.250`: the next peer's address may be longer than the ones so far, unless it is of this host.
const IPV4: usize = 15;

/// `:65535 → python3 client.py (4194304)`: a peer on this machine may have any process next time, so its room doesn't depend
/// on the one so far. Longer texts are cut.
const LOCAL_PEER: usize = 36;

/// `9999 +99/s`: a listener may have any number of connections next time.
const CONNECTIONS: usize = 10;

/// `10.0.0.7:41162 → python3 client.py (18640)` if the peer is a socket of this machine, `:41162 → …` on the loopback,
/// where the address says nothing more. Without room for that the latter leaves out the pid, and the former the process.
pub(super) fn remote(row: &Row, context: &CellContext<'_>) -> String {
    let address = or_none(row.socket.remote_text());
    let table = context.table;
    let is_wanted =
        context.local_peers == LocalPeers::Process && context.names && row.socket.has_address();
    let peer = is_wanted.then(|| table.connections.peer(row.id)).flatten();
    let Some(peer) = peer.and_then(|id| table.row(id)) else {
        return address;
    };
    let (socket, end) = (&peer.socket, peer.socket.local);
    let (Some(text), Some(first)) = (process_text(socket), socket.owner.processes().first()) else {
        return address;
    };
    if end.scope() == Scope::Loopback {
        let named = || format!(":{} → {}", end.port, first.name);
        let text = first_that_fits(format!(":{} → {text}", end.port), named, context);
        cut(&text, context.room)
    } else {
        first_that_fits(format!("{address} → {text}"), || address.clone(), context)
    }
}

/// `400 +3/s`: the established connections of a listener, and how many opened per second, where there is room for it.
pub(super) fn connections(row: &Row, context: &CellContext<'_>) -> String {
    let connections = &context.table.connections;
    let Some(clients) = connections.clients(row.id) else {
        return NONE.into();
    };
    let count = clients.established.to_string();
    match connections.window().rate_text(clients.opened) {
        Some(rate) => first_that_fits(format!("{count} {rate}"), || count, context),
        None => count,
    }
}

/// Cells of [`remote`].
pub(super) fn remote_cells(row: &Row) -> usize {
    let socket = &row.socket;
    if let Some(unix) = socket.unix() {
        return unix
            .peer
            .as_ref()
            .map_or(0, |peer| width(&peer.to_string()));
    }
    let Some(remote) = socket.remote else {
        return 0;
    };
    match remote.address.to_canonical() {
        address if address.is_loopback() => LOCAL_PEER,
        IpAddr::V4(_) => IPV4 + PORT,
        IpAddr::V6(v6) => "[]".len() + widest::address(v6.into()) + PORT,
    }
}

/// Cells of [`connections`].
pub(super) fn connection_cells(row: &Row) -> usize {
    let is_listener = row.socket.state == State::Listen;
    if is_listener { CONNECTIONS } else { 0 }
}
