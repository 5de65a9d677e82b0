//! The end of a socket, as the kernel reported it: its last counters, and what is not known of one in no snapshot.

use super::fact;
use crate::app::view::Line;
use crate::columns::owner_text;
use crate::model::{Owner, Protocol, TcpInfo, counted};
use crate::track::Row;

/// Its last counters; what is not known of its peer.
pub(super) fn end_lines(row: &Row) -> Vec<Line> {
    let tcp = row.end.as_ref().and_then(|end| end.tcp.as_ref());
    let last = tcp.map(|tcp| fact("traffic", traffic_text(tcp)));
    let socket = &row.socket;
    let lacks_peer = row.is_short() && socket.protocol == Protocol::Tcp && socket.remote.is_none();
    let peer = lacks_peer.then(|| fact("peer", UNKNOWN_PEER));
    last.into_iter().chain(peer).collect()
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

/// `4 bytes sent, 77 bytes received · round trip 0.05 ms · 2 retransmits`
fn traffic_text(tcp: &TcpInfo) -> String {
    let bytes = |count| counted(count, "byte", "bytes");
    let (sent, received) = (bytes(tcp.bytes_sent), bytes(tcp.bytes_received));
    let mut parts = vec![format!("{sent} sent, {received} received")];
    if !tcp.rtt.is_zero() {
        let micros = u32::try_from(tcp.rtt.as_micros()).unwrap_or(u32::MAX);
        parts.push(format!("round trip {} ms", f64::from(micros) / 1000.0));
    }
    if tcp.retransmits > 0 {
        parts.push(counted(tcp.retransmits, "retransmit", "retransmits"));
    }
    parts.join(" · ")
}
