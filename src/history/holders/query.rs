//! Finds the spans of a port.

use std::collections::HashMap;

use super::{HolderQuery, HolderSpan, SpanEnd};
use crate::history::{History, Recorded, StoreError};
use crate::model::{Endpoint, NamespaceId, Protocol, Socket};

type Key = (
    NamespaceId,
    Protocol,
    Endpoint,
    Option<Endpoint>,
    Option<u64>,
    Vec<u32>,
);

impl History {
    /// The sockets that had a port, in the order in which they were seen first.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn holders(&mut self, query: &HolderQuery) -> Result<Vec<HolderSpan>, StoreError> {
        let mut spans: Vec<HolderSpan> = Vec::new();
        let mut open: HashMap<Key, usize> = HashMap::new();
        let mut next = self.from(query.range.from).next().transpose()?;
        let mut is_first = true;
        while let Some(recorded) = next {
            let taken_at = recorded.snapshot.taken_at.wall;
            if taken_at > query.range.to {
                break;
            }
            add(&mut spans, &mut open, query, &recorded, is_first);
            is_first = false;
            next = self.next(recorded.position)?;
        }
        Ok(spans)
    }
}

fn add(
    spans: &mut Vec<HolderSpan>,
    open: &mut HashMap<Key, usize>,
    query: &HolderQuery,
    recorded: &Recorded,
    is_first: bool,
) {
    let (snapshot, now) = (&recorded.snapshot, recorded.snapshot.taken_at.wall);
    let is_exact = !is_first && !recorded.begins_run;
    let sockets = snapshot
        .sockets
        .iter()
        .filter(|socket| is_match(query, socket));
    let mut still = HashMap::new();
    for socket in sockets {
        let key = key(socket);
        let at = open.remove(&key).unwrap_or_else(|| {
            spans.push(span(socket, now, is_exact));
            spans.len() - 1
        });
        still.insert(key, at);
    }
    for at in open.values() {
        spans[*at].to = Some(now);
        spans[*at].is_to_exact = is_exact;
        spans[*at].end = if is_exact {
            SpanEnd::Closed
        } else {
            SpanEnd::Gap
        };
    }
    *open = still;
}

fn is_match(query: &HolderQuery, socket: &Socket) -> bool {
    socket.port() == Some(query.port)
        && query.protocol.is_none_or(|one| one == socket.protocol)
        && query
            .address
            .is_none_or(|one| socket.local.address == one || socket.local.address.is_unspecified())
        && (query.has_connections || !socket.is_connection())
}

fn key(socket: &Socket) -> Key {
    let pids = socket.owner.processes().iter().map(|one| one.pid);
    (
        socket.namespace_id(),
        socket.protocol,
        socket.local,
        socket.remote,
        socket.cookie.map(u64::from),
        pids.collect(),
    )
}

fn span(socket: &Socket, from: jiff::Timestamp, is_from_exact: bool) -> HolderSpan {
    HolderSpan {
        protocol: socket.protocol,
        local: socket.local,
        remote: socket.remote,
        state: socket.state,
        owner: socket.owner.clone(),
        uid: socket.uid,
        user: socket.user.clone(),
        unit: socket.unit.clone(),
        container: socket.container.clone(),
        namespace: socket.namespace.clone(),
        from,
        is_from_exact,
        to: None,
        is_to_exact: false,
        end: SpanEnd::StillThere,
    }
}
