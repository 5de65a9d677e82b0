//! The changes of one port or one socket.

use super::History;
use crate::history::{ChangeKey, Position, Recorded, StoreError};
use crate::model::{Snapshot, Socket};

impl History {
    /// The next snapshot after this one in which something about the key differs from the snapshot before it; `None` if
    /// nothing changes any more.
    ///
    /// # Errors
    /// When a segment can't be read, or the position's was removed.
    pub fn change_after(
        &mut self,
        position: Position,
        key: &ChangeKey,
    ) -> Result<Option<Recorded>, StoreError> {
        let mut last = matching(&self.get(position)?.snapshot, key);
        let mut position = position;
        while let Some(next) = self.next(position)? {
            let now = matching(&next.snapshot, key);
            let has_closed = next.snapshot.closed.iter().any(|one| key.has_closed(one));
            if now != last || has_closed {
                return Ok(Some(next));
            }
            (position, last) = (next.position, now);
        }
        Ok(None)
    }

    /// The last snapshot before this one in which something about the key differs from the snapshot before it.
    ///
    /// # Errors
    /// As [`change_after`](Self::change_after).
    pub fn change_before(
        &mut self,
        position: Position,
        key: &ChangeKey,
    ) -> Result<Option<Recorded>, StoreError> {
        let Some(mut candidate) = self.previous(position)? else {
            return Ok(None);
        };
        loop {
            let now = matching(&candidate.snapshot, key);
            let closed = &candidate.snapshot.closed;
            let has_closed = closed.iter().any(|one| key.has_closed(one));
            let Some(before) = self.previous(candidate.position)? else {
                return Ok((!now.is_empty()).then_some(candidate));
            };
            if has_closed || now != matching(&before.snapshot, key) {
                return Ok(Some(candidate));
            }
            candidate = before;
        }
    }
}

/// The sockets that a key is about, without what changes all the time.
fn matching(snapshot: &Snapshot, key: &ChangeKey) -> Vec<Socket> {
    let sockets = snapshot.sockets.iter().filter(|socket| key.has(socket));
    let steady = sockets.map(|socket| Socket {
        age: None,
        expires_in: None,
        queue: None,
        ..socket.clone()
    });
    steady.collect()
}
