//! What decides which rows are shown, and in which order.

use std::time::Duration;

use crate::columns::ColumnId;
use crate::filter::{self, Filter, Pass};
use crate::model::{Kinds, Moment, Protocol, Socket};
use crate::query::order;
use crate::track::{Row, Table};

/// The four views of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tab {
    /// What listens or is bound.
    Listening,
    /// What has a peer.
    Connections,
    /// Everything.
    All,
    /// What opened, changed or closed since the program started.
    Changes,
}

impl Tab {
    /// All of them, in the order of their keys.
    pub const ALL: [Self; 4] = [Self::Listening, Self::Connections, Self::All, Self::Changes];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Listening => "Listening",
            Self::Connections => "Connections",
            Self::All => "All",
            Self::Changes => "Changes",
        }
    }

    /// Whether the row belongs into it.
    pub fn admits(self, row: &Row) -> bool {
        self.admits_unchanged(&row.socket) || self == Self::Changes && row.change.is_some()
    }

    /// Whether a socket belongs into it that nothing has happened to.
    fn admits_unchanged(self, socket: &Socket) -> bool {
        match self {
            Self::Listening => socket.is_listening(),
            Self::Connections => socket.is_connection(),
            Self::All => true,
            Self::Changes => false,
        }
    }
}

/// By which column, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub by: ColumnId,
    /// Whether the largest come first.
    pub descending: bool,
}

impl Sort {
    /// By port, as everything begins.
    pub const BY_PORT: Self = Self {
        by: ColumnId::Port,
        descending: false,
    };
}

/// What decides whether a row is shown, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Criteria {
    pub tab: Tab,
    pub kinds: Kinds,
    pub filter: Filter,
    pub sort: Sort,
    pub linger: Duration,
    pub highlight: Duration,
    pub uid: Option<u32>,
}

impl Criteria {
    /// Indices into the table's rows, in the order in which they are shown.
    pub fn select(&self, table: &Table, now: Moment) -> Vec<usize> {
        let rows = table.rows.iter().enumerate();
        let mut filter = self.pass(now);
        let chosen = rows.filter(|(_, row)| {
            let is_in_view = self.tab.admits(row) && self.shows(row.socket.protocol);
            !self.is_over(row, now) && is_in_view && filter.matches(row)
        });
        let chosen: Vec<_> = chosen.map(|(at, _)| at).collect();
        order::sorted(&table.rows, &chosen, self.sort)
    }

    /// Whether a closed row has lingered long enough; the next snapshot will lack it.
    pub fn is_over(&self, row: &Row, now: Moment) -> bool {
        row.is_closed() && row.state_since.age(now) >= self.linger
    }

    /// On the steady clock: when a closed row is over, or what changed is no longer new. From then on
    /// time changes nothing.
    pub fn expires_at(&self, row: &Row) -> Option<Duration> {
        let (since, time) = if row.is_closed() {
            (row.state_since, self.linger)
        } else {
            (row.change.as_ref()?.at, self.highlight)
        };
        since.steady.checked_add(time)
    }

    /// Whether its protocol is asked for.
    pub const fn shows(&self, protocol: Protocol) -> bool {
        self.kinds.has(protocol)
    }

    /// Whether the row is one of those asked for, however long it has been closed.
    pub fn admits(&self, row: &Row, now: Moment) -> bool {
        self.tab.admits(row)
            && self.shows(row.socket.protocol)
            && self.filter.matches(row, &self.context(now))
    }

    /// Begins to filter rows.
    pub fn pass(&self, now: Moment) -> Pass<'_> {
        self.filter.pass(&self.context(now))
    }

    /// What the filter may depend on besides the row.
    pub const fn context(&self, now: Moment) -> filter::Context {
        filter::Context {
            now,
            highlight: self.highlight,
            uid: self.uid,
        }
    }
}

/// What a command asks for: the same that decides in the live table.
#[derive(Clone, Debug)]
pub struct Query {
    /// The view.
    pub tab: Tab,
    /// The kinds of sockets.
    pub kinds: Kinds,
    /// The filter.
    pub filter: Filter,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// In which order.
    pub sort: Sort,
    /// For how long a row counts as new or changed.
    pub highlight: Duration,
}

impl Query {
    pub(crate) fn criteria(self) -> Criteria {
        Criteria {
            tab: self.tab,
            kinds: self.kinds,
            filter: self.filter,
            sort: self.sort,
            linger: Duration::ZERO,
            highlight: self.highlight,
            uid: self.uid,
        }
    }

    /// Which of these sockets a listing may show, before it is known who has them.
    pub fn could_show(&self, sockets: &[Socket], now: Moment) -> Vec<bool> {
        let criteria = self.clone().criteria();
        let mut filter = criteria.pass(now);
        let mut could_show = |socket| {
            self.tab.admits_unchanged(socket)
                && criteria.shows(socket.protocol)
                && filter.could_match(socket) != Some(false)
        };
        sockets.iter().map(&mut could_show).collect()
    }

    /// The rows that a listing shows: those that the live table would show at its start.
    pub fn select(self, table: &Table) -> Vec<&Row> {
        let chosen = self.criteria().select(table, table.taken_at);
        chosen.into_iter().map(|at| &*table.rows[at]).collect()
    }
}
