//! Which rows are shown, and in which order.

use std::cmp::Ordering;
use std::time::Duration;

use crate::columns::{self, Column, ColumnId, SortKey};
use crate::filter::{self, Filter};
use crate::model::{Moment, Protocol};
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
        match self {
            Self::Listening => row.socket.is_listening(),
            Self::Connections => row.socket.is_connection(),
            Self::All => true,
            Self::Changes => row.change.is_some(),
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
#[derive(Clone, Debug)]
pub(super) struct Criteria {
    pub tab: Tab,
    pub tcp: bool,
    pub udp: bool,
    pub filter: Filter,
    pub sort: Sort,
    pub linger: Duration,
    pub highlight: Duration,
    pub uid: Option<u32>,
}

impl Criteria {
    /// Indices into the table's rows, in the order in which they are shown.
    pub fn select(&self, table: &Table, now: Moment) -> Vec<usize> {
        let column = columns::column(self.sort.by);
        let mut chosen: Vec<_> = self
            .admitted(table, now)
            .filter(|(_, row)| self.tab.admits(row))
            .map(|(index, row)| ((column.sort)(row), index))
            .collect();
        chosen.sort_unstable_by(|(a, at_a), (b, at_b)| {
            self.order(a, b)
                .then_with(|| tie_break(&table.rows[*at_a], &table.rows[*at_b]))
        });
        chosen.into_iter().map(|(_, index)| index).collect()
    }

    /// How many rows each view would show.
    pub fn count_by_tab(&self, table: &Table, now: Moment) -> [usize; 4] {
        let mut counts = [0; 4];
        for (_, row) in self.admitted(table, now) {
            for (tab, count) in Tab::ALL.iter().zip(&mut counts) {
                *count += usize::from(tab.admits(row));
            }
        }
        counts
    }

    /// How many rows the view would show without a filter and with every protocol.
    pub fn count_unfiltered(&self, table: &Table, now: Moment) -> usize {
        let rows = table.rows.iter();
        rows.filter(|row| !self.is_over(row, now) && self.tab.admits(row))
            .count()
    }

    /// Whether a closed row has lingered long enough; the next snapshot will lack it.
    fn is_over(&self, row: &Row, now: Moment) -> bool {
        row.is_closed() && row.state_since.age(now) >= self.linger
    }

    /// The rows that pass everything but the view.
    fn admitted<'a>(
        &'a self,
        table: &'a Table,
        now: Moment,
    ) -> impl Iterator<Item = (usize, &'a Row)> {
        let context = self.context(now);
        table
            .rows
            .iter()
            .map(|row| &**row)
            .enumerate()
            .filter(move |(_, row)| !self.is_over(row, now) && self.lets_through(row, &context))
    }

    /// Whether its protocol is asked for and the filter matches.
    fn lets_through(&self, row: &Row, context: &filter::Context) -> bool {
        let protocol_is_on = match row.socket.protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
        };
        protocol_is_on && self.filter.matches(row, context)
    }

    /// Whether the row is one of those asked for, however long it has been closed.
    pub fn admits(&self, row: &Row, now: Moment) -> bool {
        self.tab.admits(row) && self.lets_through(row, &self.context(now))
    }

    /// What the filter may depend on besides the row.
    pub const fn context(&self, now: Moment) -> filter::Context {
        filter::Context {
            now,
            highlight: self.highlight,
            uid: self.uid,
        }
    }

    fn order(&self, a: &SortKey<'_>, b: &SortKey<'_>) -> Ordering {
        match (a, b) {
            (SortKey::Nothing, SortKey::Nothing) => Ordering::Equal,
            (SortKey::Nothing, _) => Ordering::Greater,
            (_, SortKey::Nothing) => Ordering::Less,
            _ if self.sort.descending => b.cmp(a),
            _ => a.cmp(b),
        }
    }
}

/// An order in which no two rows are equal, so that ties never reshuffle.
fn tie_break(a: &Row, b: &Row) -> Ordering {
    let key = |row: &Row| {
        let socket = &row.socket;
        (
            socket.local.port,
            socket.protocol,
            socket.local.address,
            socket.remote,
            row.id,
        )
    };
    key(a).cmp(&key(b))
}

/// The columns that a view offers, given those that the user hid. Where nothing has a peer, the
/// column for it waits until there is room to spare.
pub(super) fn offered(tab: Tab, hidden: &[ColumnId], width: u16) -> Vec<&'static Column> {
    let is_roomy = width >= 120;
    columns::ALL
        .iter()
        .filter(|column| !hidden.contains(&column.id))
        .filter(|column| column.id != ColumnId::Remote || tab != Tab::Listening || is_roomy)
        .collect()
}

/// What a command asks for: the same that decides in the live table.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The view.
    pub tab: Tab,
    /// Whether TCP and whether UDP.
    pub protocols: (bool, bool),
    /// The filter.
    pub filter: Filter,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// In which order.
    pub sort: Sort,
    /// For how long a row counts as new or changed.
    pub highlight: Duration,
}

impl Asked {
    pub(super) fn criteria(self) -> Criteria {
        let (tcp, udp) = self.protocols;
        Criteria {
            tab: self.tab,
            tcp,
            udp,
            filter: self.filter,
            sort: self.sort,
            linger: Duration::ZERO,
            highlight: self.highlight,
            uid: self.uid,
        }
    }

    /// The rows that a listing shows: those that the live table would show at its start.
    pub fn select(self, table: &Table) -> Vec<&Row> {
        let chosen = self.criteria().select(table, table.taken_at);
        chosen.into_iter().map(|at| &*table.rows[at]).collect()
    }
}
