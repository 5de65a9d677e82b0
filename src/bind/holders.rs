//! The rows that hold a port, by port alone: the first question about a bind that fails.
//!
//! Which of them really conflict with a bind depends on addresses and options; that is not
//! decided here.

use crate::model::Protocol;
use crate::track::{Row, Table};

/// The rows of `table` that have `port` as their local port with this protocol: listeners first,
/// then by state, addresses and id. Rows that have closed hold nothing and are left out.
pub fn holders(table: &Table, protocol: Protocol, port: u16) -> Vec<&Row> {
    let mut holders: Vec<&Row> = table
        .rows
        .iter()
        .filter(|row| !row.is_closed())
        .filter(|row| row.socket.protocol == protocol && row.socket.local.port == port)
        .collect();
    holders.sort_by_key(|row| {
        let socket = &row.socket;
        (socket.state, socket.local, socket.remote, row.id)
    });
    holders
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::{Endpoint, Moment, Socket, State};
    use crate::track::{Change, ChangeKind, Counts, RowId};

    fn now() -> Moment {
        Moment {
            steady: std::time::Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn row(id: u64, protocol: Protocol, port: u16, state: State) -> Row {
        let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
        Row {
            id: RowId(id),
            socket: Arc::new(Socket::new(protocol, local, None, state)),
            first_seen: now(),
            state_since: now(),
            was_there_at_start: true,
            change: None,
            is_in_conflict: false,
        }
    }

    fn closed(row: Row) -> Row {
        let change = Change {
            at: now(),
            kind: ChangeKind::Closed,
        };
        Row {
            change: Some(change),
            ..row
        }
    }

    #[test]
    fn a_port_is_held_by_the_open_rows_of_its_protocol() {
        let rows = vec![
            row(1, Protocol::Tcp, 80, State::Listen),
            row(2, Protocol::Udp, 80, State::Unconn),
            row(3, Protocol::Tcp, 81, State::Listen),
            closed(row(4, Protocol::Tcp, 80, State::Listen)),
            row(5, Protocol::Tcp, 80, State::TimeWait),
        ];
        let table = Table {
            taken_at: now(),
            counts: Counts::of(&rows),
            rows,
            processes: HashMap::new(),
            problems: Vec::new(),
            is_unsettled: false,
        };
        let ids = |protocol, port| -> Vec<u64> {
            holders(&table, protocol, port)
                .iter()
                .map(|row| row.id.0)
                .collect()
        };
        assert_eq!(ids(Protocol::Tcp, 80), [1, 5]);
        assert_eq!(ids(Protocol::Udp, 80), [2]);
        assert_eq!(ids(Protocol::Udp, 81), [] as [u64; 0]);
    }
}
