//! The kind of a socket in the way.

use crate::model::{Endpoint, Holder, Limits, Opening, Protocol, State};

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

/// The kind of a holder.
pub(super) fn kind(holder: &Holder, limits: &Limits) -> Kind {
    let socket = &holder.socket;
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
        _ => direction(holder, limits),
    }
}

/// Which side opened a connection. If its counters don't show that, the port does: the kernel gives ephemeral ports
/// to the side that connects.
fn direction(holder: &Holder, limits: &Limits) -> Kind {
    let is_ephemeral = |endpoint: &Endpoint| limits.is_ephemeral(endpoint.port);
    let (local, remote) = (&holder.socket.local, holder.socket.remote.as_ref());
    let is_outgoing = match holder.opening {
        Some(opening) => opening == Opening::Active,
        None => is_ephemeral(local) && !remote.is_some_and(is_ephemeral),
    };
    if is_outgoing {
        Kind::Outgoing
    } else {
        Kind::Accepted
    }
}
