//! How full a listener's accept queue is.
//!
//! A connection with a complete handshake waits there until the server accepts it. Linux accepts one more than the
//! backlog (`sk_acceptq_is_full` compares with `>`, not `>=`), so full is backlog + 1. Then it drops the handshakes of
//! clients, which retry at growing intervals.

use crate::model::{Socket, State};

/// The accept queue of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptQueue {
    /// Connections that wait to be accepted.
    pub waiting: u32,
    /// The backlog that the server passed to `listen`, limited to `net.core.somaxconn`.
    pub backlog: u32,
}

/// How much room is left in an accept queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fill {
    /// Less than half of the backlog waits.
    Roomy,
    /// Half of the backlog or more waits.
    Filling,
    /// No further connection is accepted.
    Full,
}

impl AcceptQueue {
    /// The queue of a socket, if it listens and its queue is known.
    pub fn of(socket: &Socket) -> Option<Self> {
        let queue = socket.queue.filter(|_| socket.state == State::Listen)?;
        Some(Self {
            waiting: queue.receive,
            backlog: queue.send,
        })
    }

    /// How much room is left.
    pub const fn fill(self) -> Fill {
        if self.waiting > self.backlog {
            Fill::Full
        } else if self.waiting > 0 && self.waiting >= self.backlog.div_ceil(2) {
            Fill::Filling
        } else {
            Fill::Roomy
        }
    }

    /// The percentage of the backlog that waits: 100 is one short of full.
    pub fn percent(self) -> u64 {
        100 * u64::from(self.waiting) / u64::from(self.backlog.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_fills_from_half_of_its_backlog_on_and_is_full_beyond_it() {
        let cases = [
            ((0, 0), Fill::Roomy),
            ((1, 0), Fill::Full),
            ((0, 1), Fill::Roomy),
            ((1, 1), Fill::Filling),
            ((2, 1), Fill::Full),
            ((2, 5), Fill::Roomy),
            ((3, 5), Fill::Filling),
            ((63, 128), Fill::Roomy),
            ((64, 128), Fill::Filling),
            ((128, 128), Fill::Filling),
            ((129, 128), Fill::Full),
            ((u32::MAX, u32::MAX), Fill::Filling),
        ];
        for ((waiting, backlog), expected) in cases {
            let queue = AcceptQueue { waiting, backlog };
            assert_eq!(queue.fill(), expected, "{waiting}/{backlog}");
        }
    }
}
