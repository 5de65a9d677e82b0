//! The end of a socket, as the kernel reported it: its last counters, and what is not known of one in no snapshot.

use super::fact;
use super::traffic::last_lines;
use crate::app::view::Line;
use crate::columns::owner_text;
use crate::model::{Owner, Protocol};
use crate::track::Row;

/// Its last counters; what is not known of its peer.
pub(super) fn end_lines(row: &Row) -> Vec<Line> {
    let tcp = row.end.as_ref().and_then(|end| end.tcp.as_ref());
    let mut lines = tcp.map_or_else(Vec::new, last_lines);
    let socket = &row.socket;
    let lacks_peer = row.is_short() && socket.protocol == Protocol::Tcp && socket.remote.is_none();
    lines.extend(lacks_peer.then(|| fact("peer", UNKNOWN_PEER)));
    lines
}

const UNKNOWN_PEER: &str = "unknown: its connection failed or was reset from here (the kernel has cleared it), or it had none";

const UNKNOWN_OWNER: &str = "unknown: it closed before a snapshot found its process";

/// The owner of a row without a process.
pub(super) fn no_owner_text(row: &Row) -> String {
    if row.is_short() && row.socket.owner == Owner::None {
        UNKNOWN_OWNER.to_owned()
    } else {
        owner_text(&row.socket)
    }
}
