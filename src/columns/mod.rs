//! The columns of the table: one list that the screen, sorting and the reports share, and how text is measured and
//! laid out in cells.
//!
//! To add a column, add a row to [`ALL`]. Pure.

mod cells;
mod describe;
mod fit;
mod measure;

use std::borrow::Cow;
use std::time::Duration;

pub use cells::{age_text, next_age_change};
pub use describe::{
    change_text, local_end, owner_change_text, owner_text, owner_with_pid, process_text,
    program_text, remote_end, socket_text, socket_with_owner,
};
pub use fit::{Demand, Fitted, fit, fit_all};
pub use measure::{
    align, cut, cut_middle, hang, pad, pad_cells, pad_left, width, wrap, wrap_anywhere,
};

use crate::model::{Endpoint, Moment, Owner};
use crate::track::{Row, Table};
use cells::or_none;

/// Identifies a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described in `ALL`")]
pub enum ColumnId {
    Proto,
    Local,
    Port,
    Service,
    Remote,
    State,
    Conns,
    Pid,
    Process,
    User,
    Unit,
    Age,
    RecvQ,
    SendQ,
    Command,
}

/// How the text of a cell is aligned and cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Left, cut at the end.
    Left,
    /// Left, cut in the middle: addresses differ at both ends.
    Middle,
    /// Right: numbers.
    Right,
}

/// How the peer of a connection is shown if it is a socket of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalPeers {
    /// As its address, like any other.
    Address,
    /// With its process.
    Process,
}

/// The context of a cell's text besides its row.
#[derive(Clone, Copy, Debug)]
pub struct CellContext<'a> {
    /// The table that the row is in.
    pub table: &'a Table,
    /// The time for ages and marks.
    pub now: Moment,
    /// For how long changes are highlighted.
    pub highlight: Duration,
    /// Whether ports and users are shown by name where they have one.
    pub names: bool,
    /// How a peer on this machine is shown.
    pub local_peers: LocalPeers,
    /// Whether there is a user column, so that others need not name the user.
    pub has_user: bool,
    /// Whether to leave out the previous value: `CLOSE_WAIT`, not `ESTABLISHED → CLOSE_WAIT`.
    pub brief: bool,
}

/// The value of a row to sort by. Rows without one come last in both directions.
#[derive(Clone, Copy, Debug)]
pub enum SortBy {
    /// A number.
    Number(fn(&Row) -> Option<u64>),
    /// Text, compared ignoring ASCII case.
    Text(fn(&Row) -> Option<Cow<'_, str>>),
    /// An address, then a port; IPv4 before IPv6.
    Address(fn(&Row) -> Option<Endpoint>),
    /// A number that the table has for the row. It can change while the row does not.
    OfTable(fn(&Table, &Row) -> Option<u64>),
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Which one it is.
    pub id: ColumnId,
    /// Its name on the command line: lower case, no spaces.
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Its content, for help.
    pub description: &'static str,
    /// The least useful width, in terminal cells.
    pub min: u16,
    /// The width beyond which it takes no spare cells.
    pub max: u16,
    /// Which columns a narrow terminal keeps: 0 is never dropped, high numbers go first.
    pub priority: u8,
    /// How its text is aligned.
    pub align: Align,
    /// The text of a cell.
    pub text: fn(&Row, &CellContext<'_>) -> String,
    /// The value that rows are sorted by.
    pub sort: SortBy,
}

/// Every column, in display order.
#[rustfmt::skip]
pub const ALL: &[Column] = &[
    Column { id: ColumnId::Proto, name: "proto", title: "PROTO", min: 5, max: 5, priority: 4, align: Align::Left,
             text: |row, _| row.socket.protocol_and_family().into(), sort: SortBy::Text(|row| Some(row.socket.protocol_and_family().into())),
             description: "protocol and family: tcp, tcp6, udp, udp6; with --kind also udpl, sctp, raw, p_raw, u_str, …" },
    Column { id: ColumnId::Local, name: "local", title: "LOCAL ADDRESS", min: 13, max: 39, priority: 1, align: Align::Middle,
             text: cells::local, sort: SortBy::Address(|row| row.socket.has_address().then_some(row.socket.local)),
             description: "local address; `::` with +v4 is dual-stack: it accepts IPv4 too; for a unix socket its path or @name" },
    Column { id: ColumnId::Port, name: "port", title: "PORT", min: 6, max: 6, priority: 0, align: Align::Right,
             text: |row, _| or_none(row.socket.port()), sort: SortBy::Number(|row| row.socket.port().map(u64::from)),
             description: "local port" },
    Column { id: ColumnId::Service, name: "service", title: "SERVICE", min: 10, max: 14, priority: 7, align: Align::Left,
             text: |row, context| or_none(row.socket.service().filter(|_| context.names)), sort: SortBy::Text(|row| row.socket.service().map(Cow::Borrowed)),
             description: "service registered for the port, or else for the peer's port" },
    Column { id: ColumnId::Remote, name: "remote", title: "REMOTE", min: 19, max: 47, priority: 2, align: Align::Middle,
             text: cells::remote, sort: SortBy::Address(|row| row.socket.remote),
             description: "peer's address and port, and its process if that is on this machine; for a unix socket its peer's name and process" },
    Column { id: ColumnId::State, name: "state", title: "STATE", min: 11, max: 11, priority: 0, align: Align::Left,
             text: cells::state, sort: SortBy::Number(|row| Some(row.socket.state as u64)),
             description: "state; old → new for a moment after a change; an accept queue's use once it is half full" },
    Column { id: ColumnId::Conns, name: "conns", title: "CONNS", min: 8, max: 12, priority: 6, align: Align::Right,
             text: cells::connections, sort: SortBy::OfTable(|table, row| Some(table.connections.clients(row.id)?.established as u64)),
             description: "established connections of a listener, and how many opened per second in the last 5 s" },
    Column { id: ColumnId::Pid, name: "pid", title: "PID", min: 7, max: 7, priority: 3, align: Align::Right,
             text: cells::pid, sort: SortBy::Number(|row| Some(row.socket.owner.processes().first()?.pid.into())),
             description: "process id of the owner, the lowest of several" },
    Column { id: ColumnId::Process, name: "process", title: "PROCESS", min: 12, max: 20, priority: 0, align: Align::Left,
             text: cells::process,
             sort: SortBy::Text(|row| match &row.socket.owner {
                 Owner::Kernel => Some("kernel".into()),
                 owner => owner.processes().first().map(|one| (*one.name).into()),
             }),
             description: "name of the owner, ×n if n processes share the socket" },
    Column { id: ColumnId::User, name: "user", title: "USER", min: 8, max: 14, priority: 6, align: Align::Left,
             text: cells::user,
             sort: SortBy::Text(|row| match &row.socket.user {
                 Some(user) => Some((**user).into()),
                 None => Some(row.socket.uid?.to_string().into()),
             }),
             description: "user that the socket belongs to" },
    Column { id: ColumnId::Unit, name: "unit", title: "UNIT", min: 14, max: 26, priority: 8, align: Align::Left,
             text: |row, _| or_none(row.socket.container.as_ref().or(row.socket.unit.as_ref())),
             sort: SortBy::Text(|row| Some((**row.socket.container.as_ref().or(row.socket.unit.as_ref())?).into())),
             description: "systemd unit or container" },
    Column { id: ColumnId::Age, name: "age", title: "AGE", min: 4, max: 4, priority: 5, align: Align::Right,
             text: |row, context| age_text(row, context.now), sort: SortBy::Number(cells::age_sort_key),
             description: "time since it opened or changed state; > means at least" },
    Column { id: ColumnId::RecvQ, name: "recv-q", title: "RECV-Q", min: 6, max: 7, priority: 9, align: Align::Right,
             text: |row, _| or_none(row.socket.queue.map(|queue| queue.receive)), sort: SortBy::Number(|row| Some(row.socket.queue?.receive.into())),
             description: "bytes not yet read; for a listener, connections not yet accepted" },
    Column { id: ColumnId::SendQ, name: "send-q", title: "SEND-Q", min: 6, max: 7, priority: 10, align: Align::Right,
             text: |row, _| or_none(row.socket.queue.map(|queue| queue.send)), sort: SortBy::Number(|row| Some(row.socket.queue?.send.into())),
             description: "bytes not yet acknowledged; for a listener, its backlog" },
    Column { id: ColumnId::Command, name: "command", title: "COMMAND", min: 16, max: u16::MAX, priority: 11, align: Align::Left,
             text: |row, _| or_none(row.socket.owner.processes().first().and_then(|process| process.command.as_ref())),
             sort: SortBy::Text(|row| row.socket.owner.processes().first()?.command.as_deref().map(Cow::Borrowed)),
             description: "command line of the owner" },
];

/// The column with that id: `ALL` has one entry for each, in the order of the enum, as a test proves.
pub fn column(id: ColumnId) -> &'static Column {
    &ALL[id as usize]
}

/// The column with that name.
pub fn by_name(name: &str) -> Option<&'static Column> {
    let mut all = ALL.iter();
    all.find(|column| column.name.eq_ignore_ascii_case(name))
}

/// The maximum width to which a text widens its column.
const WIDEST: u16 = 44;

impl Column {
    /// The text of a cell for a column of `width` cells: without the previous value if that does not fit.
    pub fn cell(&self, row: &Row, context: &CellContext<'_>, width: usize) -> String {
        let text = (self.text)(row, context);
        if measure::width(&text) <= width {
            text
        } else {
            self.brief(row, context)
        }
    }

    /// The width that the text of a cell needs.
    pub fn demand(&self, row: &Row, context: &CellContext<'_>) -> Demand {
        let text = (self.text)(row, context);
        let useful = u16::try_from(width(&text)).unwrap_or(u16::MAX).min(WIDEST);
        let is_fresh = row.mark(context.now, context.highlight).is_some();
        let can_change = matches!(self.id, ColumnId::State | ColumnId::Pid | ColumnId::Process);
        let shows_change = is_fresh && can_change && text != self.brief(row, context);
        Demand {
            needed: if shows_change { useful } else { 0 },
            useful,
        }
    }

    fn brief(&self, row: &Row, context: &CellContext<'_>) -> String {
        let brief = CellContext {
            brief: true,
            ..*context
        };
        (self.text)(row, &brief)
    }
}

#[cfg(test)]
mod tests;
