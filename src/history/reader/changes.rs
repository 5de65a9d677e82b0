//! The changes of one port or one socket.

use super::History;
use crate::history::{ChangeKey, Position, Recorded, StoreError};
use crate::model::Socket;

impl History {
    /// The next snapshot after this one in which something about the key changed; `None` if nothing changes any more. The
    /// queues of a connection do not count.
    ///
    /// Segments in which no process had the port are skipped; a connection that no snapshot had and whose process is not known
    /// is not found there.
    ///
    /// # Errors
    /// When a segment can't be read, or the position's was removed.
    pub fn change_after(
        &mut self,
        position: Position,
        key: &ChangeKey,
    ) -> Result<Option<Recorded>, StoreError> {
        self.seek_position(position)?;
        loop {
            let last = self.leaves_section().then(|| self.matching(key));
            if !self.forward()? {
                return Ok(None);
            }
            let is_touched = match self.is_touched(key) {
                Some(is_touched) => is_touched,
                None => last.as_ref() != Some(&self.matching(key)),
            };
            if is_touched {
                return self.recorded();
            }
            self.skip_unrelated(key)?;
        }
    }

    /// The last snapshot before this one in which something about the key changed; the first one of all counts if it has such
    /// a socket.
    ///
    /// # Errors
    /// As [`change_after`](Self::change_after).
    pub fn change_before(
        &mut self,
        position: Position,
        key: &ChangeKey,
    ) -> Result<Option<Recorded>, StoreError> {
        let mut end = self.original(position)?;
        while let Some(base) = self.keyframe_ahead_of(end)? {
            let start = self.position_of(base);
            let limit = end.min(self.next_keyframe(base));
            let may_be_here = self.may_have(base.0, key)?;
            if may_be_here && let Some(found) = self.last_touched(start, limit, key)? {
                return self.get(found).map(Some);
            }
            let before = self.before(base);
            let may_end_here = match before.filter(|before| before.0 != base.0) {
                Some(before) => self.may_have(before.0, key)?,
                None => false,
            };
            if self.has_own_snapshot(base)
                && !self.is_repeated(base)
                && (may_be_here || may_end_here)
                && self.differs_from_before(start, key)?
            {
                return self.get(start).map(Some);
            }
            end = start;
        }
        Ok(None)
    }

    /// The last snapshot between a keyframe and a limit that changed something about the key.
    fn last_touched(
        &mut self,
        start: Position,
        limit: Position,
        key: &ChangeKey,
    ) -> Result<Option<Position>, StoreError> {
        self.seek_position(start)?;
        let mut found = None;
        while self.forward()? && self.position().is_some_and(|now| now < limit) {
            if self.is_touched(key) == Some(true) {
                found = self.position();
            }
        }
        Ok(found)
    }

    /// Whether the first snapshot of a section has other sockets than the one before it; without one before, any.
    fn differs_from_before(
        &mut self,
        start: Position,
        key: &ChangeKey,
    ) -> Result<bool, StoreError> {
        self.seek_position(start)?;
        let now = self.matching(key);
        let last = if self.seek_before(start)? {
            self.matching(key)
        } else {
            Vec::new()
        };
        Ok(now != last)
    }

    /// In a segment in which no process had the port there is nothing to find.
    fn skip_unrelated(&mut self, key: &ChangeKey) -> Result<(), StoreError> {
        let Some(position) = self.position() else {
            return Ok(());
        };
        let (segment, entry) = self.find(position)?;
        let mut moments = self.segments[segment].moments();
        let is_first = moments.next().is_some_and(|(first, _)| first == entry);
        let last = moments.next_back();
        drop(moments);
        if is_first
            && let Some((last, _)) = last
            && !self.may_have(segment, key)?
        {
            self.seek_end((segment, last))?;
        }
        Ok(())
    }

    /// Whether a segment may have changes of a key.
    fn may_have(&mut self, segment: usize, key: &ChangeKey) -> Result<bool, StoreError> {
        let Some(port) = key.port() else {
            return Ok(true);
        };
        let summary = self.segments[segment].port(port)?;
        Ok(!summary.spans.is_empty() || !summary.clients.is_empty())
    }

    /// Whether the snapshot of the cursor changed something about the key; `None` if it is not known what it changed.
    fn is_touched(&self, key: &ChangeKey) -> Option<bool> {
        let difference = self.cursor.as_ref()?.decoder().difference()?;
        let sockets = difference.opened.iter().chain(&difference.removed);
        let changed = difference
            .changed
            .iter()
            .filter(|(one, other)| !are_alike(one, other));
        let mut sockets = sockets.chain(changed.flat_map(|(one, other)| [one, other]));
        let mut closed = difference.closed.iter();
        Some(sockets.any(|one| key.has(one)) || closed.any(|one| key.has(&one.socket)))
    }

    /// The sockets that a key is about, without what changes all the time.
    fn matching(&self, key: &ChangeKey) -> Vec<Socket> {
        let sockets = self
            .cursor
            .as_ref()
            .map(|cursor| cursor.decoder().sockets());
        let sockets = sockets.unwrap_or_default().into_iter();
        let mut all: Vec<_> = sockets
            .filter(|one| key.has(one))
            .map(without_counts)
            .collect();
        all.sort_by_key(|one| (one.remote, one.cookie, one.inode));
        all
    }
}

fn are_alike(one: &Socket, other: &Socket) -> bool {
    without_counts(one.clone()) == without_counts(other.clone())
}

fn without_counts(socket: Socket) -> Socket {
    Socket {
        age: None,
        expires_in: None,
        queue: None,
        ..socket
    }
}
