//! The other end of a connection, if it is on this machine, and the listener that accepted it.

use super::{fact, link};
use crate::app::App;
use crate::app::view::Line;
use crate::columns::{process_text, socket_text, socket_with_owner};
use crate::model::counted;
use crate::track::Row;

impl App {
    /// Of a connection: who is at the other end, and which listener accepted this one.
    pub(super) fn both_ends_lines(&self, row: &Row) -> Vec<Line> {
        let table = &self.rows.table;
        let peer = table.connections.peer(row.id);
        let peer = peer.and_then(|id| table.row(id));
        let mut lines = Vec::from_iter(match peer {
            Some(peer) => Some(link("peer", peer_text(row, peer), peer.id)),
            None => unix_peer_text(row).map(|text| fact("peer", text)),
        });
        let listener = table.connections.listener_of(row.id);
        let listener = listener.and_then(|id| table.row(id));
        lines.extend(
            listener.map(|one| link("accepted by", socket_with_owner(&one.socket), one.id)),
        );
        lines
    }
}

/// `python3 client.py (18640) · its socket tcp 127.0.0.1:41162 → 127.0.0.1:5432 ESTABLISHED`, and what it has not read.
fn peer_text(row: &Row, peer: &Row) -> String {
    let socket = &peer.socket;
    let process = process_text(socket).map(|process| format!("{process} · "));
    let process = process.unwrap_or_default();
    let unread = socket.queue.map_or(0, |queue| queue.receive);
    let unread = match unread {
        0 => String::new(),
        unread => format!(", {} not yet read", counted(unread, "byte", "bytes")),
    };
    match unix_peer_text(row) {
        Some(text) => format!("{text}{unread}"),
        None => format!(
            "{process}its socket {} {}{}{unread}",
            socket_text(socket),
            socket.state,
            elsewhere(row, peer)
        ),
    }
}

/// ` in web`, if the other row is in another namespace than this one.
fn elsewhere(row: &Row, other: &Row) -> String {
    let (row, other) = (&row.socket, &other.socket);
    if row.namespace_id() == other.namespace_id() {
        return String::new();
    }
    match &other.namespace {
        Some(namespace) => format!(" in {}", namespace.name),
        None => " in the own namespace".to_owned(),
    }
}

/// `/run/app.sock nginx(812) · inode 4242`
fn unix_peer_text(row: &Row) -> Option<String> {
    let peer = row.socket.unix()?.peer.as_ref()?;
    let known = match (&peer.name, &peer.process) {
        (None, None) => String::new(),
        _ => format!("{peer} · "),
    };
    Some(format!("{known}inode {}", peer.inode))
}
