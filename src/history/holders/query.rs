//! Finds the spans of a port: those that are archived, then those of each segment.

use jiff::Timestamp;

use super::archive;
use super::joined::{Era, Joined};
use super::{HolderQuery, HolderSpan};
use crate::history::reader::Place;
use crate::history::{History, StoreError};
use crate::model::Socket;

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

    /// The connection that a span is about, as it was when the span began; `None` if it can't be read.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn connection(&mut self, span: &HolderSpan) -> Result<Option<Socket>, StoreError> {
        let is_it = |socket: &&Socket| {
            socket.protocol == span.protocol
                && socket.local.port == span.local.port
                && socket.is_connection()
        };
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

impl HolderQuery {
    fn has(&self, span: &HolderSpan) -> bool {
        let is_address = |address| {
            let local = span.local.address;
            span.is_connection || local == address || local.is_unspecified()
        };
        self.protocol.is_none_or(|one| one == span.protocol)
            && self.address.is_none_or(is_address)
            && (self.has_connections || !span.is_connection)
    }
}
