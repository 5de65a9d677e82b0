//! What the kernel counts about a socket: traffic, round-trip times, retransmits, drops.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::NamespaceId;

/// The counters of one socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Of a TCP connection; `None` for other sockets, during the handshake, and for `TIME_WAIT`, which keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpInfo>,
    /// What was dropped since the socket exists (`sk_drops`): packets of a UDP socket, handshakes of a listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drops: Option<u32>,
}

/// The counters of a socket in a snapshot, which are not part of the socket: most snapshots are read without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The network namespace of the socket.
    pub namespace: NamespaceId,
    /// Its cookie, which identifies it there.
    pub cookie: NonZeroU64,
    /// Its counters.
    pub counters: Counters,
}

/// The counters of all sockets at an earlier time: rates are what was counted since.
#[derive(Clone, Debug)]
pub struct EarlierCounters {
    /// Of its TCP and UDP sockets.
    pub counters: Arc<[Counted]>,
    /// How long before the later counters they were read.
    pub before: Duration,
}

/// The part of `struct tcp_info` (`linux/tcp.h`) that the program shows or draws conclusions from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpInfo {
    /// Payload bytes sent, each once: neither retransmits nor SYN and FIN count.
    pub bytes_sent: u64,
    /// Payload bytes received in order; SYN and FIN don't count.
    pub bytes_received: u64,
    /// Bytes sent again.
    pub bytes_retransmitted: u64,
    /// Segments sent again.
    pub retransmits: u32,
    /// Smoothed round-trip time; zero before the first measurement.
    pub rtt: Duration,
    /// Least round-trip time of the last minutes, if there was a measurement.
    pub min_rtt: Option<Duration>,
    /// Time since payload was sent or, if none ever was, since the connection was established. Steps of 4 ms.
    pub since_sent: Duration,
    /// The same for payload received.
    pub since_received: Duration,
    /// Time since the last acknowledgement of the peer.
    pub since_acknowledged: Duration,
    /// Bytes written but not sent yet.
    pub unsent: u32,
    /// Segments sent and not acknowledged.
    pub unacknowledged: u32,
    /// How long there was something to send.
    pub busy: Duration,
    /// How much of `busy` the peer's receive window stopped it.
    pub limited_by_peer: Duration,
    /// How much of `busy` the own send buffer stopped it.
    pub limited_by_buffer: Duration,
    /// Whether the program writes too little to fill the connection.
    pub is_application_limited: bool,
    /// The peer's receive window, in bytes. Linux 5.4.
    pub send_window: Option<u32>,
    /// How often the current segment was sent again without an answer.
    pub timeouts: u8,
    /// How often the timer was doubled.
    pub backoff: u8,
    /// Probes of a closed window, or keepalives, without an answer.
    pub probes: u8,
    /// The state of congestion control: 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss.
    pub congestion: u8,
}

impl TcpInfo {
    /// Time since payload went either way or, if none ever did, since the connection was established.
    pub fn idle(&self) -> Duration {
        self.since_sent.min(self.since_received)
    }
}
