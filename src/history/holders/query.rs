//! Finds the spans of a port: those that are archived, then those of each segment.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::archive;
use super::joined::{Era, Joined};
use super::{HolderQuery, HolderSpan, SpanEnd};
use crate::history::reader::Place;
use crate::history::{History, StoreError};
use crate::model::{ClosedSocket, Endpoint, Namespace, Socket, State};

impl History {
    /// The sockets that had a port, in the order in which they were seen first. Of segments that are no longer there it is known
    /// longer which process listened on a port; not which connections there were.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn holders(&mut self, query: &HolderQuery) -> Result<Vec<HolderSpan>, StoreError> {
        let mut all: Vec<Joined> = match &self.place {
            Place::Folder(path) => {
                archive::read(path).map_err(|reason| StoreError::file(path, reason))?
            }
            Place::File(_) | Place::Memory(_) => Vec::new(),
        };
        all.retain(|joined| joined.local.port == query.port);
        let mut last = i64::MIN;
        for segment in &mut self.segments {
            let Some(era) = Era::of(segment) else {
                continue;
            };
            last = last.max(era.end);
            // Those outside of the range too: a span may begin and end there.
            let mut summary = segment.port(query.port)?;
            summary.clients.retain(|_| query.has_connections);
            era.add(&mut all, &summary, query.port);
        }
        let spans = all.into_iter().map(|joined| joined.finished(last));
        let is_found = |span: &HolderSpan| {
            let to = span.to.unwrap_or(Timestamp::MAX);
            query.has(span) && query.range.overlaps(span.from, to)
        };
        Ok(spans.filter(is_found).collect())
    }

    /// The connection that a span is about, as it was when the span began, if it is none of those with these peers; `None` if it
    /// can't be read. A port may have several connections at once, of one process each with another peer.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn connection(
        &mut self,
        span: &HolderSpan,
        others: &[Endpoint],
    ) -> Result<Option<Socket>, StoreError> {
        let is_other = |socket: &Socket| socket.remote.is_some_and(|one| others.contains(&one));
        let has_owner = |socket: &Socket| {
            let (one, other) = (&span.owner, &socket.owner);
            one.processes().is_empty()
                || other.processes().is_empty()
                || one.shares_process_with(other)
        };
        let is_it =
            |socket: &&Socket| span.is_about(socket) && has_owner(socket) && !is_other(socket);
        let last = span.to.unwrap_or(Timestamp::MAX);
        for recorded in self.from(span.from) {
            let snapshot = recorded?.snapshot;
            let closed = snapshot.closed.iter().map(|closed| &closed.socket);
            let found = snapshot.sockets.iter().chain(closed).find(is_it).cloned();
            if found.is_some() || snapshot.taken_at.wall > last {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// No frame is longer: changes wait up to 10 seconds, and for one more snapshot. Unless a longer interval was named, that comes
/// within 10 seconds, too.
const LONGEST_FRAME: SignedDuration = SignedDuration::from_secs(25);

impl History {
    /// Finds out in which snapshots a connection opened and closed, where the span has the times of whole frames. What can't be
    /// found, as the port has several connections then or a section begins, stays as it is. Each of both times takes up to half
    /// an hour of the history. Returns the connection as it was when it opened, if that was found.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn narrow_connection(
        &mut self,
        span: &mut HolderSpan,
    ) -> Result<Option<Socket>, StoreError> {
        let mut connection = None;
        let end = span.to.unwrap_or(Timestamp::MAX);
        let last = span
            .from
            .saturating_add(LONGEST_FRAME)
            .map_or(end, |at| at.min(end));
        // The snapshot before the frame shows what was there already.
        let before = span.from.checked_sub(SignedDuration::from_millis(1));
        let range = (before.unwrap_or(span.from), last);
        if let Some((opened, socket)) = self.change_of(span, range, Presence::Appears)? {
            (span.from, span.is_from_exact) = (opened, true);
            connection = socket;
        }
        if let Some(end) = span.to.filter(|_| span.end == SpanEnd::Closed) {
            let first = end
                .saturating_sub(LONGEST_FRAME)
                .map_or(span.from, |at| at.max(span.from));
            if let Some((closed, _)) = self.change_of(span, (first, end), Presence::Goes)? {
                (span.to, span.is_to_exact) = (Some(closed), true);
            }
        }
        Ok(connection)
    }

    /// When the only connection from the port of a span appears or goes, within these times; and the one that appears.
    fn change_of(
        &mut self,
        span: &HolderSpan,
        (first, last): (Timestamp, Timestamp),
        presence: Presence,
    ) -> Result<Option<(Timestamp, Option<Socket>)>, StoreError> {
        let mut was_there = None;
        let mut last_seen: Option<Socket> = None;
        for recorded in self.from(first) {
            let recorded = recorded?;
            let at = recorded.snapshot.taken_at.wall;
            let sockets = recorded.snapshot.sockets.iter();
            let mut sockets = sockets.filter(|socket| span.is_about(socket));
            let found = sockets.next();
            let is_there = found.is_some();
            if at > last || sockets.next().is_some() || recorded.begins_run && was_there.is_some() {
                return Ok(None);
            }
            match (was_there, is_there, presence) {
                (Some(false), true, Presence::Appears) => return Ok(Some((at, found.cloned()))),
                (Some(true), false, Presence::Goes) => {
                    // The kernel's time; the snapshot is later.
                    let is_it = |report: &&ClosedSocket| {
                        let last = last_seen.as_ref().and_then(|socket| socket.cookie);
                        last.is_some() && report.socket.cookie == last
                    };
                    let report = recorded.snapshot.closed.iter().find(is_it);
                    let closed = report.map_or(at, |report| report.at.wall);
                    return Ok(Some((closed.min(at).max(span.from), None)));
                }
                // Another one, before it.
                (_, true, Presence::Appears) => return Ok(None),
                _ => {
                    was_there = Some(is_there);
                    last_seen = found.cloned();
                }
            }
        }
        Ok(None)
    }
}

/// What is sought about a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Appears,
    Goes,
}

impl HolderSpan {
    /// Whether a socket can be the connection of the span: not what is left of one.
    fn is_about(&self, socket: &Socket) -> bool {
        let inode = |namespace: &Option<Arc<Namespace>>| namespace.as_ref().map(|one| one.inode);
        socket.protocol == self.protocol
            && socket.local.port == self.local.port
            && socket.is_connection()
            && socket.state != State::TimeWait
            && inode(&socket.namespace) == inode(&self.namespace)
    }
}

impl HolderQuery {
    fn has(&self, span: &HolderSpan) -> bool {
        self.protocol.is_none_or(|one| one == span.protocol)
            && (self.has_connections || !span.is_connection)
    }
}
