//! The criteria for rows and their order: view, protocols, filter, sort.

use std::time::Duration;

use strum::IntoStaticStr;

use crate::columns::ColumnId;
use crate::filter::{self, Filter, Pass};
use crate::model::{Kinds, Moment, NamespaceScope, ProcessRule, Socket};
use crate::query::order;
use crate::track::{Row, Table, TroubleKind};

/// The built-in views of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
pub enum Tab {
    /// Sockets that listen or are bound.
    Listening,
    /// Sockets with a peer.
    Connections,
    /// Everything.
    All,
    /// Sockets that opened, changed or closed since the program started.
    Changes,
    /// Sockets in trouble.
    Trouble,
}

impl Tab {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Listening,
        Self::Connections,
        Self::All,
        Self::Changes,
        Self::Trouble,
    ];

    /// Those with a digit as their key, in that order; the digits after them are for the views of the config.
    pub const NUMBERED: [Self; 4] = [Self::Listening, Self::Connections, Self::All, Self::Changes];

    /// Its name.
    pub fn title(self) -> &'static str {
        self.into()
    }

    /// Whether the row belongs to it at `now`.
    pub fn admits(self, row: &Row, now: Moment) -> bool {
        match self {
            Self::Changes => row.change.is_some(),
            Self::Trouble => row.trouble(now).is_some(),
            Self::Listening if row.is_short() => row.may_have_listened(),
            Self::Listening | Self::Connections | Self::All => self.could_admit(&row.socket),
        }
    }

    /// Whether a socket that nothing has happened to may belong to it, whatever its owner is.
    fn could_admit(self, socket: &Socket) -> bool {
        match self {
            Self::Listening => socket.is_listening(),
            Self::Connections => socket.is_connection(),
            Self::All => true,
            Self::Changes => false,
            Self::Trouble => TroubleKind::possible(socket).is_some(),
        }
    }
}

/// The order: by which column, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub by: ColumnId,
    /// Whether the largest come first.
    pub descending: bool,
}

impl Sort {
    /// By port, the default.
    pub const BY_PORT: Self = Self {
        by: ColumnId::Port,
        descending: false,
    };
}

/// The criteria for rows and their order: in the live table and for the commands.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The view.
    pub tab: Tab,
    /// The kinds of sockets.
    pub kinds: Kinds,
    /// The network namespaces.
    pub namespaces: NamespaceScope,
    /// The filter.
    pub filter: Filter,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// Whose rows are shown; `None`: those of all owners.
    pub mine: Option<ProcessRule>,
    /// The order.
    pub sort: Sort,
    /// For how long a row counts as new or changed.
    pub highlight: Duration,
    /// For how long a closed row is shown.
    pub linger: Duration,
}

impl Query {
    /// Whether it depends on the counters of sockets, so that they have to be read.
    pub fn needs_counters(&self) -> bool {
        self.filter.needs_counters() || self.sort.by.needs_counters()
    }

    /// Whether it depends on the difference of two snapshots.
    pub fn needs_rates(&self) -> bool {
        self.filter.needs_rates() || self.sort.by.needs_rates()
    }

    /// Which of these sockets a listing may show, before their owners are known.
    pub fn could_show(&self, sockets: &[Socket], now: Moment) -> Vec<bool> {
        let mut filter = self.pass(now);
        let could_show = |socket| {
            self.tab.could_admit(socket)
                && self.includes(socket)
                && filter.could_match(socket) != Some(false)
        };
        sockets.iter().map(could_show).collect()
    }

    /// The rows that a listing shows: those that the live table would show at its start.
    pub fn select<'a>(&self, table: &'a Table) -> Vec<&'a Row> {
        let selected = self.select_at(table, table.taken_at);
        selected.into_iter().map(|at| &*table.rows[at]).collect()
    }

    /// Indices into the table's rows, in the order in which they are shown.
    pub(crate) fn select_at(&self, table: &Table, now: Moment) -> Vec<usize> {
        let rows = table.rows.iter().enumerate();
        let mut filter = self.pass(now).with_flows(&table.flows);
        let selected = rows.filter(|(_, row)| {
            !self.is_over(row, now) && self.admits_in_pass(row, &mut filter, now)
        });
        let selected: Vec<_> = selected.map(|(at, _)| at).collect();
        order::sorted(table, &selected, self.sort)
    }

    /// Whether it is of the kinds and of the namespaces.
    pub(crate) fn includes(&self, socket: &Socket) -> bool {
        self.kinds.has(socket.protocol) && self.namespaces.has(socket.namespace_id())
    }

    /// Whether a closed row has lingered long enough; the next table will lack it.
    pub(crate) fn is_over(&self, row: &Row, now: Moment) -> bool {
        row.is_closed() && row.state_since.age(now) >= self.linger
    }

    /// On the steady clock: when a closed row is over, or a change no longer new. From then on time changes only
    /// its age, and what is due to its age.
    fn expires_at(&self, row: &Row) -> Option<Duration> {
        let (since, time) = if row.is_closed() {
            (row.state_since, self.linger)
        } else {
            (row.change.as_ref()?.at, self.highlight)
        };
        since.steady.checked_add(time)
    }

    /// On the steady clock: the first moment after `now` at which time alone may change what is said of the row.
    pub(crate) fn next_due(&self, row: &Row, pass: &Pass<'_>, now: Moment) -> Option<Duration> {
        let troubles = row.troubles().map(|coming| coming.begins_at);
        let known = self.expires_at(row).into_iter().chain(troubles);
        let later = known.filter(|&time| time > now.steady);
        later.chain(pass.next_turn(row)).min()
    }

    /// Whether the row of this table matches, however long it has been closed.
    pub(crate) fn admits(&self, row: &Row, table: &Table) -> bool {
        let now = table.taken_at;
        self.admits_in_pass(row, &mut self.pass(now).with_flows(&table.flows), now)
    }

    /// The same for one of many rows, whose pass has the flows of their table.
    pub(crate) fn admits_in_pass<'a>(
        &self,
        row: &'a Row,
        pass: &mut Pass<'a>,
        now: Moment,
    ) -> bool {
        self.tab.admits(row, now) && self.includes(&row.socket) && pass.matches(row)
    }

    pub(crate) fn pass(&self, now: Moment) -> Pass<'_> {
        let context = filter::Context {
            now,
            highlight: self.highlight,
            uid: self.uid,
        };
        self.filter.pass(&context).with_mine(self.mine.as_ref())
    }
}
