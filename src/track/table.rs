//! The tracked table that everything else reads: rows, counts and problems of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Bytes, Connections, Flows, Row, RowId};
use crate::model::{
    EphemeralUse, Kinds, LostCloses, Moment, Namespace, NamespaceScope, Pid, Problem, Process,
    Protocol, State,
};

/// How many sockets of our own namespace there are of each kind that the header counts. Closed rows don't count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// TCP `LISTEN`.
    pub listening: usize,
    /// With a peer, other than `TIME_WAIT`: TCP, and UDP too.
    pub connected: usize,
    /// TCP `TIME_WAIT`.
    pub time_wait: usize,
    /// TCP `BOUND`.
    pub bound: usize,
    /// UDP without a peer.
    pub udp: usize,
    /// Each protocol beside TCP and UDP, in the order of [`Protocol::ALL`].
    pub others: [usize; Protocol::ALL.len()],
}

impl Counts {
    /// Counts the rows of our own namespace that are not closed.
    pub fn of(rows: &[Arc<Row>]) -> Self {
        Self::of_namespaces(rows, NamespaceScope::Own)
    }

    /// Counts the rows of some namespaces that are not closed.
    pub fn of_namespaces(rows: &[Arc<Row>], scope: NamespaceScope) -> Self {
        let mut counts = Self::default();
        let is_counted = |row: &&Arc<Row>| {
            let socket = &row.socket;
            let is_there = !row.is_closed() && socket.state != State::Dnat;
            is_there && scope.has(socket.namespace_id())
        };
        for socket in rows.iter().filter(is_counted).map(|row| &row.socket) {
            *match (socket.protocol, socket.state) {
                (Protocol::Udp, _) if socket.is_listening() => &mut counts.udp,
                (other, _) if !Kinds::DEFAULT.has(other) => &mut counts.others[other as usize],
                (_, State::Listen) => &mut counts.listening,
                (_, State::TimeWait) => &mut counts.time_wait,
                (_, State::Bound) => &mut counts.bound,
                _ => &mut counts.connected,
            } += 1;
        }
        counts
    }
}

/// Every tracked socket at one moment, closed ones that linger included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// When the snapshot behind it was taken.
    pub taken_at: Moment,
    /// The rows, by id ascending. A row that has not changed is the same `Arc` as in the table before.
    pub rows: Vec<Arc<Row>>,
    /// The owners and their ancestors.
    pub processes: HashMap<Pid, Arc<Process>>,
    /// The problems: what could not be read.
    pub problems: Vec<Problem>,
    /// The closed sockets before this snapshot that were not reported.
    pub lost_closes: LostCloses,
    /// How many there are of each kind.
    pub counts: Counts,
    /// The other network namespaces with open sockets, in order of their ids, each with the number of these sockets.
    pub namespaces: Vec<(Arc<Namespace>, usize)>,
    /// The connections to each listener, and both ends of those on this machine.
    pub connections: Connections,
    /// What flows through the sockets, if it is counted.
    pub flows: Arc<Flows>,
    /// The usage of the port range for outgoing connections; `None` if unknown.
    pub ephemeral: Option<EphemeralUse>,
    /// Whether a socket without a peer is missing from the last snapshot, so that the next one shows whether it
    /// closed and is wanted soon. Connections come and go all the time; they wait for the next refresh.
    pub has_unconfirmed_closes: bool,
}

impl Table {
    /// The index of the row with this id.
    pub fn position(&self, id: RowId) -> Option<usize> {
        self.rows.binary_search_by_key(&id, |row| row.id).ok()
    }

    /// The row with this id.
    pub fn row(&self, id: RowId) -> Option<&Row> {
        Some(&self.rows[self.position(id)?])
    }

    /// The payload per second of all connections of a process; `None` while it is known of none.
    pub fn rates_of(&self, process: &Process) -> Option<Bytes> {
        let flows = self.flows.iter();
        let flows = flows.filter_map(|(id, flow)| Some((self.row(id)?, flow.rates?)));
        let own = flows.filter(|(row, _)| row.socket.owner.has(process));
        own.map(|(_, rates)| rates).reduce(Bytes::plus)
    }

    /// A table before the first snapshot.
    pub fn empty(now: Moment) -> Self {
        Self {
            taken_at: now,
            ..Self::default()
        }
    }
}
