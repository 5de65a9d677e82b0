//! Which process had a port, and from when to when.

pub(super) mod archive;
mod joined;
mod query;

use std::sync::Arc;

use jiff::Timestamp;

use super::TimeRange;
use crate::model::{Endpoint, Namespace, Owner, Process, Protocol, State, Text};

/// What to find: the sockets with a port on their own side.
#[derive(Clone, Debug)]
pub struct HolderQuery {
    /// The port.
    pub port: u16,
    /// Only of this protocol.
    pub protocol: Option<Protocol>,
    /// Those that were open at any time in this range.
    pub range: TimeRange,
    /// Whether to find connections from this port, too. Those that a listener accepted have its port and are not found.
    pub has_connections: bool,
}

impl HolderQuery {
    /// The listeners and bound sockets of a port, and its outgoing connections, at any time.
    pub fn new(port: u16) -> Self {
        Self {
            port,
            protocol: None,
            range: TimeRange::ALL,
            has_connections: true,
        }
    }
}

/// A socket that had the port, as long as its owner and addresses stayed the same.
#[derive(Clone, Debug, PartialEq)]
pub struct HolderSpan {
    /// Its protocol.
    pub protocol: Protocol,
    /// Its own address and port.
    pub local: Endpoint,
    /// Whether it is a connection from this port. Its times are those of the frames, so up to 10 seconds wide, and its
    /// address and peer are not read: see [`History::connection`](super::History::connection) and
    /// [`History::narrow_connection`](super::History::narrow_connection).
    pub is_connection: bool,
    /// Its last known state.
    pub state: State,
    /// The processes that had it, or why they are unknown.
    pub owner: Owner,
    /// The uid.
    pub uid: Option<u32>,
    /// Name of that user.
    pub user: Option<Text>,
    /// systemd unit.
    pub unit: Option<Text>,
    /// Container.
    pub container: Option<Text>,
    /// Its network namespace; `None` for the recorder's own.
    pub namespace: Option<Arc<Namespace>>,
    /// When it opened, or was seen first.
    pub from: Timestamp,
    /// Whether it opened then; else it was there already.
    pub is_from_exact: bool,
    /// When it closed, or was seen last; `None` if it was there in the last snapshot of the store.
    pub to: Option<Timestamp>,
    /// Whether it closed then; else it was seen last then.
    pub is_to_exact: bool,
    /// How it ended.
    pub end: SpanEnd,
}

impl HolderSpan {
    /// The first of its processes, if one is known.
    pub fn process(&self) -> Option<&Arc<Process>> {
        self.owner.processes().first()
    }
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanEnd {
    /// It was there in the last snapshot of the store.
    StillThere,
    /// It was closed.
    Closed,
    /// It was closed in the snapshot in which its process was no longer there.
    ProcessEnded,
    /// Another process got it, or its address changed.
    HandedOver,
    /// The recorder was stopped while it was there.
    RecorderStopped,
    /// It ended in a gap.
    Gap,
}
