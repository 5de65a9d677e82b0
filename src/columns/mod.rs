//! The columns of the table: one list that the screen, sorting and the reports share, and how text is measured and
//! laid out in cells.
//!
//! To add a column, add a row to [`ALL`]. Pure.

mod cells;
mod connections;
mod describe;
mod fit;
mod flows;
mod list;
mod measure;
mod namespaces;
mod widest;

use std::borrow::Cow;
use std::time::Duration;

pub use cells::{age_text, next_age_change};
pub use describe::{
    change_text, local_end, owner_change_text, owner_text, owner_with_pid, process_text,
    program_text, remote_end, socket_text, socket_with_owner,
};
pub use fit::{Candidate, Fitted, fit, fit_all};
pub use flows::{COUNTED, format_amount, format_short_time};
pub use list::ColumnList;
pub use measure::{
    align, cut, cut_middle, hang, pad, pad_cells, pad_left, width, wrap, wrap_anywhere,
};
pub(crate) use namespaces::says_more_by_container;
pub use namespaces::{namespace_name, published_text, with_namespace};
pub use widest::Widest;

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
    Namespace,
    Container,
    Age,
    RecvQ,
    SendQ,
    RxRate,
    TxRate,
    Rx,
    Tx,
    Rtt,
    Retr,
    Idle,
    Drops,
    Project,
    Branch,
    Started,
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
    /// Cells for the text: a state, a pid and a process have shorter texts for a narrow column.
    pub room: usize,
    /// Cells at the beginning of a command line that are scrolled out of sight.
    pub skipped: usize,
}

impl<'a> CellContext<'a> {
    /// Each cell with its whole text, as in a list that is written: no column is there for another.
    pub const fn whole(table: &'a Table, highlight: Duration) -> Self {
        Self {
            table,
            now: table.taken_at,
            highlight,
            names: true,
            local_peers: LocalPeers::Address,
            has_user: false,
            room: usize::MAX,
            skipped: 0,
        }
    }
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
    /// The width to which long texts widen it; the unbounded one takes the rest of the line.
    pub max: u16,
    /// Which columns a narrow terminal keeps: 0 is never dropped, high numbers go first.
    pub priority: u8,
    /// How its text is aligned.
    pub align: Align,
    /// The text of a cell.
    pub text: fn(&Row, &CellContext<'_>) -> String,
    /// The cells that the text can take while the row is as it is; 0 if it has no value. A bound that needs no
    /// formatting will do.
    pub cells: fn(&Row) -> usize,
    /// The value that rows are sorted by.
    pub sort: SortBy,
}

/// Every column, in display order.
#[rustfmt::skip]
pub const ALL: &[Column] = &[
    Column { id: ColumnId::Proto, name: "proto", title: "PROTO", min: 5, max: 7, priority: 4, align: Align::Left,
             text: |row, _| row.socket.protocol_and_family().into(), cells: |row| row.socket.protocol_and_family().len(),
             sort: SortBy::Text(|row| Some(row.socket.protocol_and_family().into())),
             description: "protocol and family: tcp, tcp6, udp, udp6; with --kind also udpl, sctp, raw, p_raw, u_str, …" },
    Column { id: ColumnId::Local, name: "local", title: "LOCAL ADDRESS", min: 13, max: 44, priority: 1, align: Align::Middle,
             text: cells::local, cells: widest::local,
             sort: SortBy::Address(|row| row.socket.has_address().then_some(row.socket.local)),
             description: "local address; `::` with +v4 is dual-stack: it accepts IPv4 too; for a unix socket its path or @name" },
    Column { id: ColumnId::Port, name: "port", title: "PORT", min: 6, max: 6, priority: 0, align: Align::Right,
             text: |row, _| or_none(row.socket.port()), cells: |row| if row.socket.port().is_some() { 5 } else { 0 },
             sort: SortBy::Number(|row| row.socket.port().map(u64::from)),
             description: "local port" },
    Column { id: ColumnId::Service, name: "service", title: "SERVICE", min: 10, max: 20, priority: 8, align: Align::Left,
             text: |row, context| or_none(row.socket.service().filter(|_| context.names)), cells: |row| row.socket.service().map_or(0, width),
             sort: SortBy::Text(|row| row.socket.service().map(Cow::Borrowed)),
             description: "service registered for the port, or else for the peer's port" },
    Column { id: ColumnId::Remote, name: "remote", title: "REMOTE", min: 15, max: 47, priority: 2, align: Align::Middle,
             text: connections::remote, cells: connections::remote_cells,
             sort: SortBy::Address(|row| row.socket.remote),
             description: "peer's address and port, and its process if that is on this machine; for a unix socket its peer's name and process" },
    Column { id: ColumnId::State, name: "state", title: "STATE", min: 11, max: 24, priority: 0, align: Align::Left,
             text: cells::state, cells: widest::state,
             sort: SortBy::Number(|row| Some(row.socket.state as u64)),
             description: "state; old → new for a moment after a change; an accept queue's use once it is half full" },
    Column { id: ColumnId::Conns, name: "conns", title: "CONNS", min: 10, max: 10, priority: 6, align: Align::Right,
             text: connections::connections, cells: connections::connection_cells,
             sort: SortBy::OfTable(|table, row| Some(table.connections.clients(row.id)?.established as u64)),
             description: "established connections of a listener, and how many opened per second in the last 5 s" },
    Column { id: ColumnId::Pid, name: "pid", title: "PID", min: 5, max: 10, priority: 3, align: Align::Right,
             text: cells::pid, cells: widest::pid,
             sort: SortBy::Number(|row| Some(row.socket.owner.processes().first()?.pid.into())),
             description: "process id of the owner, the lowest of several" },
    Column { id: ColumnId::Process, name: "process", title: "PROCESS", min: 14, max: 44, priority: 0, align: Align::Left,
             text: cells::process,
             cells: widest::process,
             sort: SortBy::Text(|row| match &row.socket.owner {
                 Owner::Kernel => Some("kernel".into()),
                 owner => owner.processes().first().map(|one| (*one.name).into()),
             }),
             description: "name of the owner, ×n if n processes share the socket" },
    Column { id: ColumnId::User, name: "user", title: "USER", min: 8, max: 20, priority: 6, align: Align::Left,
             text: cells::user,
             cells: widest::user,
             sort: SortBy::Text(|row| match &row.socket.user {
                 Some(user) => Some((**user).into()),
                 None => Some(row.socket.uid?.to_string().into()),
             }),
             description: "user that the socket belongs to" },
    Column { id: ColumnId::Unit, name: "unit", title: "UNIT", min: 14, max: 32, priority: 9, align: Align::Left,
             text: |row, _| or_none(cells::unit(row)),
             cells: |row| cells::unit(row).map_or(0, width),
             sort: SortBy::Text(|row| cells::unit(row).map(Cow::Borrowed)),
             description: "systemd unit" },
    Column { id: ColumnId::Namespace, name: "namespace", title: "NAMESPACE", min: 7, max: 30, priority: 2, align: Align::Left,
             text: |row, _| namespaces::namespace_name(&row.socket).into(),
             cells: namespaces::namespace_cells,
             sort: SortBy::Text(|row| Some(namespaces::namespace_name(&row.socket).into())),
             description: "network namespace: a container, a name of ip netns, a unit or a process; own is the one of this program" },
    Column { id: ColumnId::Container, name: "container", title: "CONTAINER", min: 9, max: 30, priority: 8, align: Align::Left,
             text: |row, _| or_none(namespaces::container(row)),
             cells: |row| namespaces::container(row).map_or(0, |name| width(name)),
             sort: SortBy::Text(|row| namespaces::container(row).map(|name| Cow::Borrowed(&**name))),
             description: "container that the socket belongs to, or that publishes the port" },
    Column { id: ColumnId::Age, name: "age", title: "AGE", min: 4, max: 4, priority: 5, align: Align::Right,
             text: |row, context| age_text(row, context.now), cells: |_| 4,
             sort: SortBy::Number(cells::age_sort_key),
             description: "time since it opened or changed state; > means at least" },
    Column { id: ColumnId::RecvQ, name: "recv-q", title: "RECV-Q", min: 6, max: 10, priority: 10, align: Align::Right,
             text: |row, _| or_none(row.socket.queue.map(|queue| queue.receive)), cells: widest::receive_queue,
             sort: SortBy::Number(|row| Some(row.socket.queue?.receive.into())),
             description: "bytes not yet read; for a listener, connections not yet accepted" },
    Column { id: ColumnId::SendQ, name: "send-q", title: "SEND-Q", min: 6, max: 10, priority: 11, align: Align::Right,
             text: |row, _| or_none(row.socket.queue.map(|queue| queue.send)), cells: widest::send_queue,
             sort: SortBy::Number(|row| Some(row.socket.queue?.send.into())),
             description: "bytes not yet acknowledged; for a listener, its backlog" },
    Column { id: ColumnId::RxRate, name: "rx/s", title: "RX/S", min: 5, max: 5, priority: 3, align: Align::Right,
             text: |row, context| flows::amount(flows::receive_rate, row, context), cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::receive_rate),
             description: "payload received per second, in bytes; k is 1024" },
    Column { id: ColumnId::TxRate, name: "tx/s", title: "TX/S", min: 5, max: 5, priority: 3, align: Align::Right,
             text: |row, context| flows::amount(flows::send_rate, row, context), cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::send_rate),
             description: "payload sent per second, in bytes" },
    Column { id: ColumnId::Rx, name: "rx", title: "RX", min: 5, max: 5, priority: 6, align: Align::Right,
             text: |row, context| flows::amount(flows::received, row, context), cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::received),
             description: "payload received since the connection began, in bytes" },
    Column { id: ColumnId::Tx, name: "tx", title: "TX", min: 5, max: 5, priority: 6, align: Align::Right,
             text: |row, context| flows::amount(flows::sent, row, context), cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::sent),
             description: "payload sent since the connection began, in bytes; what was sent again counts once" },
    Column { id: ColumnId::Rtt, name: "rtt", title: "RTT", min: 5, max: 5, priority: 5, align: Align::Right,
             text: flows::round_trip_text, cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::round_trip),
             description: "round-trip time of a connection, smoothed" },
    Column { id: ColumnId::Retr, name: "retr", title: "RETR", min: 5, max: 5, priority: 5, align: Align::Right,
             text: |row, context| flows::amount(flows::retransmits, row, context), cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::retransmits),
             description: "segments that were sent again" },
    Column { id: ColumnId::Idle, name: "idle", title: "IDLE", min: 5, max: 5, priority: 6, align: Align::Right,
             text: flows::idle_text, cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::idle),
             description: "time since payload last went either way" },
    Column { id: ColumnId::Drops, name: "drops", title: "DROPS", min: 5, max: 5, priority: 7, align: Align::Right,
             text: |row, context| flows::amount(flows::drops, row, context), cells: |_| flows::CELLS,
             sort: SortBy::OfTable(flows::drops),
             description: "packets dropped by a UDP socket, handshakes by a listener" },
    Column { id: ColumnId::Project, name: "project", title: "PROJECT", min: 8, max: 20, priority: 12, align: Align::Left,
             text: |row, _| or_none(cells::project(row)), cells: widest::project,
             sort: SortBy::Text(|row| cells::project(row).map(Cow::Borrowed)),
             description: "project of the owner: the nearest folder above its own with a manifest or a repository" },
    Column { id: ColumnId::Branch, name: "branch", title: "BRANCH", min: 6, max: 24, priority: 13, align: Align::Left,
             text: |row, _| or_none(cells::branch(row)), cells: |row| cells::branch(row).map_or(0, width),
             sort: SortBy::Text(|row| cells::branch(row).map(Cow::Borrowed)),
             description: "git branch of the owner's project, or the first digits of its commit" },
    Column { id: ColumnId::Started, name: "started", title: "STARTED", min: 7, max: 28, priority: 12, align: Align::Left,
             text: |row, _| or_none(cells::started(row)), cells: |row| cells::started(row).map_or(0, |text| width(&text)),
             sort: SortBy::Text(cells::started),
             description: "what started the owner: tmux, an editor, ssh, a CI job, an agent; gone if that has ended, deleted if its folder was" },
    Column { id: ColumnId::Command, name: "command", title: "COMMAND", min: 16, max: u16::MAX, priority: 7, align: Align::Left,
             text: cells::command,
             cells: widest::command,
             sort: SortBy::Text(namespaces::command_line),
             description: "command line of the owner; → and where its traffic goes for a published port" },
];

/// The columns that are shown unless others are chosen: those that need no counters.
pub fn default_columns() -> impl Iterator<Item = &'static Column> {
    ALL.iter().filter(|column| !column.id.needs_counters())
}

/// The column with that id: `ALL` has one entry for each, in the order of the enum, as a test proves.
pub fn column(id: ColumnId) -> &'static Column {
    &ALL[id as usize]
}

/// The column with that name.
pub fn by_name(name: &str) -> Option<&'static Column> {
    let mut all = ALL.iter();
    all.find(|column| column.name.eq_ignore_ascii_case(name))
}

impl Column {
    /// Whether it can be hidden, and is dropped where there is no room.
    pub const fn is_optional(&self) -> bool {
        self.priority > 0
    }

    /// Whether the largest come first when it is chosen to sort by: of amounts, but not of numbers that are names.
    pub fn is_largest_first(&self) -> bool {
        let is_name = matches!(self.id, ColumnId::Port | ColumnId::Pid | ColumnId::State);
        matches!(self.sort, SortBy::Number(_) | SortBy::OfTable(_)) && !is_name
    }

    /// The text of a cell for a column of `width` cells.
    pub fn cell(&self, row: &Row, context: &CellContext<'_>, width: usize) -> String {
        let context = CellContext {
            room: width,
            ..*context
        };
        (self.text)(row, &context)
    }
}

#[cfg(test)]
mod tests;
