//! The ports that are watched, and what is told of them.
//!
//! Told is what listens or is bound: that it opened, closed or has another owner. Connections come and go.

mod update;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::columns::{owner_change_text, owner_with_pid};
use crate::model::{OwnerKind, Protocol, Socket};
use crate::track::{ChangeKind, Event, Table};

/// So many ports are named where all are listed.
const MAX_NAMED: usize = 8;

/// A port of one protocol.
type Port = (u16, Protocol);

/// The ports that are marked.
#[derive(Clone, Debug, Default)]
pub(crate) struct PinnedPorts(BTreeSet<Port>);

impl PinnedPorts {
    /// Marks the socket's port, or no longer; whether it is marked now.
    pub fn toggle(&mut self, socket: &Socket) -> bool {
        let port = port_of(socket);
        let was_marked = self.0.remove(&port);
        if !was_marked {
            self.0.insert(port);
        }
        !was_marked
    }

    /// Whether the socket's port is marked.
    pub fn has(&self, socket: &Socket) -> bool {
        self.0.contains(&port_of(socket))
    }

    /// The ports as a list, `5432, 8080, 5353/udp`; `None` if there are none.
    pub fn text(&self) -> Option<String> {
        let first = self.0.iter().take(MAX_NAMED).copied();
        let mut names: Vec<_> = first.map(port_text).collect();
        if self.0.len() > MAX_NAMED {
            names.push(format!("{} more", self.0.len() - MAX_NAMED));
        }
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// What these events have to tell of marked ports, each thing once, given the table after them.
    pub fn news(&self, events: &[Event], table: &Table) -> Vec<String> {
        let mut news = Vec::new();
        if self.0.is_empty() {
            return news;
        }
        let ours = |event: &&Event| {
            let socket = &event.row.socket;
            self.has(socket) && !socket.is_connection()
        };
        let ours: Vec<_> = events.iter().filter(ours).collect();
        let left = sockets_left(&ours, table);
        // Whoever can listen on every address of 127.0.0.0/8 can close as many sockets at once.
        let mut is_told = HashSet::new();
        for event in ours {
            let told = told(event, left[&port_of(&event.row.socket)] > 0);
            news.extend(told.filter(|told| is_told.insert(told.clone())));
        }
        news
    }
}

/// For each port of the events, how many sockets still listen there or are bound.
fn sockets_left(events: &[&Event], table: &Table) -> BTreeMap<Port, usize> {
    let ports = events.iter().map(|event| (port_of(&event.row.socket), 0));
    let mut left: BTreeMap<_, _> = ports.collect();
    if left.is_empty() {
        return left;
    }
    for row in table.rows.iter().filter(|row| !row.is_closed()) {
        if !row.socket.is_connection()
            && let Some(count) = left.get_mut(&port_of(&row.socket))
        {
            *count += 1;
        }
    }
    left
}

/// `8080 closed: was node(40211)`. A port that closes on one address and stays open on another is told with the
/// address.
fn told(event: &Event, is_open: bool) -> Option<String> {
    let socket = &event.row.socket;
    let port = port_name(socket);
    let who = owner_with_pid(socket);
    match &event.change.kind {
        ChangeKind::Opened if is_named(socket) => Some(format!("{port} opened: {who}")),
        ChangeKind::Opened => Some(format!("{port} opened")),
        ChangeKind::Closed => {
            let place = if is_open {
                format!(" on {}", socket.local)
            } else {
                String::new()
            };
            let was = match socket.owner.kind() {
                OwnerKind::Known => format!(": was {who}"),
                _ if is_named(socket) => format!(": {who}"),
                _ => String::new(),
            };
            Some(format!("{port} closed{place}{was}"))
        }
        ChangeKind::Owner { from } => {
            let handover = owner_change_text(socket, from);
            Some(format!("{port} changed its owner: {handover}"))
        }
        ChangeKind::State { .. } => None,
    }
}

/// Whether there is something to say of its owner.
const fn is_named(socket: &Socket) -> bool {
    !matches!(socket.owner.kind(), OwnerKind::None | OwnerKind::Unknown)
}

const fn port_of(socket: &Socket) -> Port {
    (socket.local.port, socket.protocol)
}

/// The socket's port as it is told of.
pub(crate) fn port_name(socket: &Socket) -> String {
    port_text(port_of(socket))
}

/// `8080`, `5353/udp`.
fn port_text((port, protocol): Port) -> String {
    protocol.port_text(port)
}
