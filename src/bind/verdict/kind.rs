//! The kind of a socket in the way.

use super::case::Case;
use crate::model::{Endpoint, Holder, Opening, Protocol, State};

/// The kinds of sockets in the way, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Listener,
    Bound,
    Udp,
    /// A connection to itself.
    SelfConnect,
    /// A connection that was accepted from a listener.
    Accepted,
    /// A connection that was opened from here.
    Outgoing,
    /// A connection that its process has closed and the peer has not.
    Orphan,
    TimeWait,
}

impl Case<'_> {
    pub(super) fn kind(&self, holder: &Holder) -> Kind {
        let socket = &holder.socket;
        // If a connection's counters don't show which side opened it, the port does: the kernel gives ephemeral ports
        // to the side that connects.
        let is_ephemeral = |endpoint: &Endpoint| self.limits.is_ephemeral(endpoint.port);
        match (socket.protocol, socket.state) {
            (Protocol::Udp, _) => Kind::Udp,
            (_, State::Listen) => Kind::Listener,
            (_, State::Bound | State::Closed | State::Unconn) => Kind::Bound,
            (_, State::TimeWait) => Kind::TimeWait,
            (_, State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck)
                if socket.inode.is_none() =>
            {
                Kind::Orphan
            }
            _ if socket.remote == Some(socket.local) => Kind::SelfConnect,
            (_, State::SynSent) => Kind::Outgoing,
            (_, State::SynRecv) => Kind::Accepted,
            _ => match holder.opening {
                Some(Opening::Active) => Kind::Outgoing,
                None if !is_ephemeral(&socket.local) => Kind::Accepted,
                None if !socket.remote.as_ref().is_some_and(is_ephemeral) => Kind::Outgoing,
                _ => Kind::Accepted,
            },
        }
    }
}
