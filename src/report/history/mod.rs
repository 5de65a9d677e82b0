//! `who` and `diff`: which process had a port, and what differs between two times.

mod diff;
mod json;
mod text;

pub use diff::{write_diff, write_diff_json};
pub use json::write_who_json;
pub use text::{before_history, gap_line, local_time, write_who};

use jiff::Timestamp;

use crate::history::{Gap, HolderSpan, TimeRange};
use crate::model::Socket;

/// Who had a port in a range of time.
#[derive(Debug)]
pub struct PortHistory {
    /// The range that was meant.
    pub range: TimeRange,
    /// The times of the first and the last snapshot of the history.
    pub recorded: TimeRange,
    /// Those of the range of which nothing is stored.
    pub gaps: Vec<Gap>,
    /// The sockets, in the order in which they were first there.
    pub holders: Vec<PortHolder>,
    /// Whether the history goes on: a socket that was there in its last snapshot is probably still there.
    pub is_current: bool,
}

impl PortHistory {
    /// Whether anything is recorded of its range.
    pub fn is_recorded(&self) -> bool {
        let (from, to) = (self.range.from, self.range.to);
        let is_in = |gap: &Gap| gap.from < from && to < gap.to;
        let ends_before = from > self.recorded.to && !self.is_current;
        to >= self.recorded.from && !ends_before && !self.gaps.iter().any(is_in)
    }

    /// When a socket ended, if it has.
    fn end_of(&self, span: &HolderSpan) -> Option<Timestamp> {
        let last = (!self.is_current).then_some(self.recorded.to);
        span.to.or(last)
    }
}

/// A socket that had a port, and when.
#[derive(Debug)]
pub struct PortHolder {
    /// When, and how it ended.
    pub span: HolderSpan,
    /// The socket, as far as it is known.
    pub socket: Socket,
}

impl PortHolder {
    /// A socket of a span. `connection` is that of a connection, if it was read.
    pub fn new(span: HolderSpan, connection: Option<&Socket>) -> Self {
        let (local, remote) = connection.map_or((span.local, None), |one| (one.local, one.remote));
        let socket = Socket {
            uid: span.uid,
            user: span.user.clone(),
            owner: span.owner.clone(),
            unit: span.unit.clone(),
            container: span.container.clone(),
            namespace: span.namespace.clone(),
            ..Socket::new(span.protocol, local, remote, span.state)
        };
        Self { span, socket }
    }
}
