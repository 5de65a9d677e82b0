//! What the kernel counts about a socket, in JSON and CSV.

use serde::Serialize;

use super::record::millis;
use crate::model::TcpInfo;
use crate::track::{Flow, Flows, Row};

/// The keys that a socket has only where its counters were read.
#[derive(Clone, Copy, Serialize)]
pub struct CountersRecord {
    /// `null` unless it is a TCP connection.
    pub tcp_info: Option<TcpInfoRecord>,
    /// `null` of a TCP connection.
    pub drops: Option<u32>,
}

#[derive(Clone, Copy, Serialize)]
pub struct TcpInfoRecord {
    /// Payload: neither retransmits nor SYN and FIN count.
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Segments.
    pub retransmits: u32,
    /// `null` before the first measurement.
    pub rtt_us: Option<u64>,
    pub min_rtt_us: Option<u64>,
    pub idle_ms: u64,
    /// Bytes.
    pub unsent: u32,
}

impl CountersRecord {
    /// Of a row; `None` if no counters were read.
    pub fn of(row: &Row, flows: &Flows) -> Option<Self> {
        if !flows.is_counted() {
            return None;
        }
        let counters = flows.of(row.id).map(|flow: &Flow| flow.counters);
        let counters = counters.unwrap_or_default();
        // A row that lingers too shortly for a flow has its last counters all the same.
        let end = row.end.as_ref().and_then(|end| end.tcp.as_ref());
        let tcp = end.or(counters.tcp.as_ref());
        Some(Self {
            tcp_info: tcp.map(TcpInfoRecord::of),
            drops: counters.drops.filter(|_| row.socket.counts_drops()),
        })
    }
}

impl TcpInfoRecord {
    fn of(tcp: &TcpInfo) -> Self {
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).ok();
        Self {
            bytes_sent: tcp.bytes_sent,
            bytes_received: tcp.bytes_received,
            retransmits: tcp.retransmits,
            rtt_us: micros(tcp.rtt).filter(|&rtt| rtt > 0),
            min_rtt_us: tcp.min_rtt.and_then(micros),
            idle_ms: millis(tcp.idle()),
            unsent: tcp.unsent,
        }
    }
}
