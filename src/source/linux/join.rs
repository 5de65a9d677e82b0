//! Brings together the table and the details that the kernel gave a moment later.
//!
//! Pure. The table decides which rows there are; the details complete them and add one kind that
//! the table lacks, sockets that are bound and nothing else. Between the two dumps sockets come
//! and go: a row without details stays as it is, details without a row are left for next time.

use std::collections::HashMap;

use super::detail::Detail;
use crate::model::{Endpoint, Protocol, Socket, State};

/// How a row is found again: the inode, or the addresses where the kernel keeps no inode.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Inode(u32),
    Place(Protocol, Endpoint, Option<Endpoint>),
}

impl Key {
    fn of_socket(socket: &Socket) -> Self {
        match socket.inode {
            Some(inode) => Self::Inode(inode),
            None => Self::Place(socket.protocol, socket.local, socket.remote),
        }
    }

    fn of_detail(detail: &Detail) -> Self {
        match detail.inode {
            Some(inode) => Self::Inode(inode),
            None => Self::Place(detail.protocol, detail.local, detail.remote),
        }
    }
}

/// Completes `sockets` and adds those that are only bound. Returns, for each socket, which of the
/// details speaks of it.
pub(super) fn join(sockets: &mut Vec<Socket>, details: &[Detail]) -> Vec<Option<usize>> {
    let mut finder = Finder {
        details,
        next: 0,
        index: None,
    };
    let mut is_used = vec![false; details.len()];
    let mut found = Vec::with_capacity(sockets.len());
    for socket in sockets.iter_mut() {
        let position = finder.find(socket);
        if let Some(position) = position {
            details[position].complete(socket);
            is_used[position] = true;
        }
        found.push(position);
    }
    for (position, detail) in details.iter().enumerate() {
        if detail.state == State::Bound && !is_used[position] {
            sockets.push(detail.socket());
            found.push(Some(position));
        }
    }
    found
}

/// Finds details. Both dumps walk the same tables in the same order, so mostly the next one is
/// the one; only what changed in between needs an index.
struct Finder<'details> {
    details: &'details [Detail],
    next: usize,
    index: Option<HashMap<Key, usize>>,
}

impl Finder<'_> {
    fn find(&mut self, socket: &Socket) -> Option<usize> {
        let key = Key::of_socket(socket);
        let is_next = |detail: &Detail| Key::of_detail(detail) == key;
        let position = if self.details.get(self.next).is_some_and(is_next) {
            self.next
        } else {
            *self.index().get(&key)?
        };
        self.next = position + 1;
        Some(position)
    }

    fn index(&mut self) -> &HashMap<Key, usize> {
        let details = self.details;
        self.index.get_or_insert_with(|| {
            let keys = details.iter().map(Key::of_detail);
            keys.zip(0..).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Queue;

    fn endpoint(text: &str) -> Endpoint {
        text.parse::<std::net::SocketAddr>().unwrap().into()
    }

    fn detail(state: State, local: &str, inode: u32) -> Detail {
        Detail {
            protocol: Protocol::Tcp,
            state,
            local: endpoint(local),
            remote: None,
            inode: (inode != 0).then_some(inode),
            uid: None,
            v6only: None,
            interface: None,
            queue: Queue {
                receive: inode,
                send: 0,
            },
            cgroup: None,
            expires_in: None,
            opening: None,
        }
    }

    fn socket(state: State, local: &str, inode: u32) -> Socket {
        let mut socket = Socket::new(Protocol::Tcp, endpoint(local), None, state);
        socket.inode = (inode != 0).then_some(inode);
        socket
    }

    #[test]
    fn rows_are_completed_in_whatever_order_the_details_come() {
        let mut sockets = [1, 2, 3]
            .map(|inode| socket(State::Listen, "0.0.0.0:80", inode))
            .to_vec();
        let details = [3, 1, 2].map(|inode| detail(State::Listen, "0.0.0.0:80", inode));
        assert_eq!(join(&mut sockets, &details), [Some(1), Some(2), Some(0)]);
        let queues: Vec<_> = sockets.iter().map(|s| s.queue.unwrap().receive).collect();
        assert_eq!(queues, [1, 2, 3]);
    }

    #[test]
    fn a_row_that_closed_before_the_details_came_stays_plain() {
        let mut sockets = vec![
            socket(State::Listen, "0.0.0.0:80", 1),
            socket(State::Listen, "0.0.0.0:81", 2),
        ];
        let details = [detail(State::Listen, "0.0.0.0:81", 2)];
        assert_eq!(join(&mut sockets, &details), [None, Some(0)]);
        assert_eq!(sockets[0].queue, None);
    }

    #[test]
    fn a_socket_that_opened_after_the_table_was_read_waits_for_the_next_reading() {
        let mut sockets = Vec::new();
        assert_eq!(
            join(&mut sockets, &[detail(State::Listen, "0.0.0.0:80", 1)]),
            []
        );
        assert!(sockets.is_empty());
    }

    #[test]
    fn a_socket_that_is_only_bound_is_added() {
        let mut sockets = vec![socket(State::Listen, "0.0.0.0:80", 1)];
        let details = [
            detail(State::Bound, "0.0.0.0:81", 2),
            detail(State::Listen, "0.0.0.0:80", 1),
        ];
        assert_eq!(join(&mut sockets, &details), [Some(1), Some(0)]);
        assert_eq!(
            (sockets[1].state, sockets[1].local.port),
            (State::Bound, 81)
        );
    }

    #[test]
    fn a_listener_that_stopped_listening_in_between_is_one_row() {
        let mut sockets = vec![socket(State::Listen, "0.0.0.0:80", 1)];
        assert_eq!(
            join(&mut sockets, &[detail(State::Bound, "0.0.0.0:80", 1)]),
            [Some(0)]
        );
        assert_eq!(sockets.len(), 1);
    }

    #[test]
    fn rows_without_an_inode_are_told_apart_by_their_addresses() {
        let mut sockets = ["127.0.0.1:80", "127.0.0.2:80"]
            .map(|l| socket(State::TimeWait, l, 0))
            .to_vec();
        let details = ["127.0.0.2:80", "127.0.0.1:80"].map(|l| detail(State::TimeWait, l, 0));
        assert_eq!(join(&mut sockets, &details), [Some(1), Some(0)]);
    }

    #[test]
    fn the_leftover_of_a_connection_is_not_that_connection() {
        let mut sockets = vec![socket(State::Established, "127.0.0.1:80", 7)];
        assert_eq!(
            join(&mut sockets, &[detail(State::TimeWait, "127.0.0.1:80", 0)]),
            [None]
        );
    }
}
