//! Sockets that were closed since the last snapshot, as the kernel reports each when it frees it.

use serde::{Deserialize, Serialize};

use super::{Moment, Socket, TcpInfo};

/// A TCP or UDP socket that the kernel has freed (`sock_diag(7)`, the groups `SKNLGRP_INET_TCP_DESTROY` and the like).
/// It may live on as a `TIME_WAIT` with the same cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedSocket {
    /// The socket. The kernel names neither its inode nor its user. After a reset by its own side (`SO_LINGER` with 0)
    /// and after a failed connect it has no peer, and no local address unless it was bound to one.
    pub socket: Socket,
    /// When it was reported: usually within a millisecond.
    pub at: Moment,
    /// Its last counters; `None` for UDP, and where it has no peer.
    pub tcp: Option<TcpInfo>,
}

/// Closed sockets that were not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LostCloses {
    /// How often the kernel's buffer was full: each time an unknown number of them was lost.
    pub overruns: u32,
    /// How many were reported, but too many to be kept until the snapshot.
    pub dropped: u64,
}

impl LostCloses {
    /// Whether there are any.
    pub const fn are_any(self) -> bool {
        self.overruns > 0 || self.dropped > 0
    }

    /// Whether there are none.
    pub const fn are_none(&self) -> bool {
        !self.are_any()
    }

    /// How many, if that is known.
    pub const fn count(self) -> Option<u64> {
        match self.overruns {
            0 => Some(self.dropped),
            _ => None,
        }
    }
}
