//! The bounded log of opened, changed and closed sockets.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Change, Row};

/// One change of one socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The change, and when it was seen: up to one interval after it happened.
    pub change: Change,
    /// The row as it was afterwards (for `Closed`: as last seen).
    pub row: Arc<Row>,
}

/// The most recent events, oldest first.
#[derive(Clone, Debug, Default)]
pub struct EventLog {
    events: VecDeque<Event>,
    forgotten: u64,
}

impl EventLog {
    /// How many events are kept; older ones are forgotten.
    pub const CAPACITY: usize = 10_000;

    /// Adds events in the order in which they happened, forgetting the oldest beyond the capacity.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if self.events.len() == Self::CAPACITY {
                self.events.pop_front();
                self.forgotten += 1;
            }
            self.events.push_back(event);
        }
    }

    /// The kept events, oldest first; can be walked from either end.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Event> + ExactSizeIterator {
        self.events.iter()
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many events had to be forgotten.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::{Endpoint, Moment, Protocol, Socket, State};
    use crate::track::{ChangeKind, RowId};

    #[test]
    fn the_log_forgets_the_oldest_beyond_its_capacity() {
        let socket = Socket::new(
            Protocol::Tcp,
            Endpoint::new("127.0.0.1".parse().unwrap(), 80),
            None,
            State::Listen,
        );
        let at = Moment {
            steady: std::time::Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut log = EventLog::default();
        let change = Change {
            at,
            kind: ChangeKind::Opened,
        };
        log.extend((0..EventLog::CAPACITY as u64 + 5).map(|n| Event {
            change: change.clone(),
            row: Arc::new(Row {
                id: RowId(n),
                socket: socket.clone(),
                first_seen: at,
                state_since: at,
                was_open_at_start: false,
                change: Some(change.clone()),
                is_in_conflict: false,
                sign: None,
                ends_at: None,
                end: None,
            }),
        }));
        assert_eq!(log.len(), EventLog::CAPACITY);
        assert_eq!(log.forgotten(), 5);
        assert_eq!(log.iter().next().unwrap().row.id, RowId(5));
    }
}
