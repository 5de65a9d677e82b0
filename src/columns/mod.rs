//! The columns of the table: one list that the screen, the sort key and the reports share.
//!
//! Adding a column means adding one row to [`ALL`]. Pure.

mod fit;
mod sort;
mod text;

use std::time::Duration;

pub use fit::{Demand, Fitted, fit};
pub use sort::SortBy;
pub use text::{
    age_text, change_text, cut, cut_middle, folded, owner_change_text, next_age_change, owner_text,
    owner_with_pid, pad, program_text, socket_text, socket_with_owner, width, wrap,
};

use crate::model::Moment;
use crate::track::Row;

/// Names a column, on the command line and in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described in `ALL`")]
pub enum ColumnId {
    Proto,
    Local,
    Port,
    Service,
    Remote,
    State,
    Pid,
    Process,
    User,
    Unit,
    Age,
    RecvQ,
    SendQ,
    Command,
}

/// Where the text of a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At the left, cut at the end.
    Left,
    /// At the left, cut in the middle: addresses differ at both ends.
    Middle,
    /// At the right: numbers.
    Right,
}

/// What a cell's text may depend on besides its row.
#[derive(Clone, Copy, Debug)]
pub struct CellContext {
    /// The time to measure ages and marks by.
    pub now: Moment,
    /// For how long changes are highlighted.
    pub highlight: Duration,
    /// Whether ports and users are shown by name where they have one.
    pub names: bool,
    /// Whether the user has a column beside the others, and need not be named in another one.
    pub has_user: bool,
    /// Whether to leave out what was before: `CLOSE_WAIT`, not `ESTABLISHED → CLOSE_WAIT`.
    pub brief: bool,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Which one it is.
    pub id: ColumnId,
    /// Its name on the command line and in JSON's spirit: lower case, no spaces.
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What it shows, for help.
    pub description: &'static str,
    /// The least width that is of use, in terminal cells.
    pub min: u16,
    /// The width beyond which it does not grow for the sake of filling the line.
    pub max: u16,
    /// Which columns a narrow terminal keeps: 0 is never dropped, high numbers go first.
    pub priority: u8,
    /// Where text stands in it.
    pub align: Align,
    /// The text of a cell.
    pub text: fn(&Row, &CellContext) -> String,
    /// What rows are ordered by when sorted by this column.
    pub sort: SortBy,
}

/// Every column, in the order in which they stand.
#[rustfmt::skip]
pub const ALL: &[Column] = &[
    Column { id: ColumnId::Proto, name: "proto", title: "PROTO", min: 5, max: 5, priority: 4, align: Align::Left,
             text: text::proto, sort: SortBy::Text(sort::proto),
             description: "protocol and family: tcp, tcp6, udp, udp6; with --kind also udpl, sctp, raw, p_raw, u_str, …" },
    Column { id: ColumnId::Local, name: "local", title: "LOCAL ADDRESS", min: 13, max: 39, priority: 1, align: Align::Middle,
             text: text::local, sort: SortBy::Address(sort::local),
             description: "own address; `::` with +v4 is dual-stack: it takes IPv4 too; of a unix socket its path or @name" },
    Column { id: ColumnId::Port, name: "port", title: "PORT", min: 6, max: 6, priority: 0, align: Align::Right,
             text: text::port, sort: SortBy::Number(sort::port),
             description: "own port" },
    Column { id: ColumnId::Service, name: "service", title: "SERVICE", min: 10, max: 14, priority: 7, align: Align::Left,
             text: text::service, sort: SortBy::Text(sort::service),
             description: "service registered for the port, or else for the peer's port" },
    Column { id: ColumnId::Remote, name: "remote", title: "REMOTE", min: 19, max: 47, priority: 2, align: Align::Middle,
             text: text::remote, sort: SortBy::Address(sort::remote),
             description: "peer's address and port; of a unix socket its name and process" },
    Column { id: ColumnId::State, name: "state", title: "STATE", min: 11, max: 11, priority: 0, align: Align::Left,
             text: text::state, sort: SortBy::Number(sort::state),
             description: "state; old → new for a moment after it changed; how full an accept queue is from half on" },
    Column { id: ColumnId::Pid, name: "pid", title: "PID", min: 7, max: 7, priority: 3, align: Align::Right,
             text: text::pid, sort: SortBy::Number(sort::pid),
             description: "process id of the owner, the lowest of several" },
    Column { id: ColumnId::Process, name: "process", title: "PROCESS", min: 12, max: 20, priority: 0, align: Align::Left,
             text: text::process, sort: SortBy::Text(sort::process),
             description: "name of the owner, ×n if n processes share the socket" },
    Column { id: ColumnId::User, name: "user", title: "USER", min: 8, max: 14, priority: 6, align: Align::Left,
             text: text::user, sort: SortBy::Text(sort::user),
             description: "user that the socket belongs to" },
    Column { id: ColumnId::Unit, name: "unit", title: "UNIT", min: 14, max: 26, priority: 8, align: Align::Left,
             text: text::unit, sort: SortBy::Text(sort::unit),
             description: "systemd unit or container" },
    Column { id: ColumnId::Age, name: "age", title: "AGE", min: 4, max: 4, priority: 5, align: Align::Right,
             text: text::age, sort: SortBy::Number(sort::age),
             description: "since it opened or changed state, > at least; of a listener there before, since its process started" },
    Column { id: ColumnId::RecvQ, name: "recv-q", title: "RECV-Q", min: 6, max: 7, priority: 9, align: Align::Right,
             text: text::receive_queue, sort: SortBy::Number(sort::receive_queue),
             description: "bytes not yet read; for a listener, connections not yet accepted" },
    Column { id: ColumnId::SendQ, name: "send-q", title: "SEND-Q", min: 6, max: 7, priority: 10, align: Align::Right,
             text: text::send_queue, sort: SortBy::Number(sort::send_queue),
             description: "bytes not yet acknowledged; for a listener, its backlog" },
    Column { id: ColumnId::Command, name: "command", title: "COMMAND", min: 16, max: u16::MAX, priority: 11, align: Align::Left,
             text: text::command, sort: SortBy::Text(sort::command),
             description: "command line of the owner" },
];

/// The column of that id.
pub fn column(id: ColumnId) -> &'static Column {
    // The list above has one entry for each id, in the order of the enum; a test proves it.
    &ALL[id as usize]
}

/// No text makes a column wider than this by itself, whatever a process calls itself.
const WIDEST: u16 = 44;

impl Column {
    /// The text of a cell for a column of `width` cells: where what was before does not fit, what
    /// is now stands alone.
    pub fn cell(&self, row: &Row, context: &CellContext, width: usize) -> String {
        let text = (self.text)(row, context);
        if text::width(&text) <= width {
            text
        } else {
            self.brief(row, context)
        }
    }

    /// What the text of a cell asks for.
    pub fn demand(&self, row: &Row, context: &CellContext) -> Demand {
        let text = (self.text)(row, context);
        let useful = u16::try_from(text::width(&text))
            .unwrap_or(u16::MAX)
            .min(WIDEST);
        let is_fresh = row.mark(context.now, context.highlight).is_some();
        let tells_a_change = is_fresh && text != self.brief(row, context);
        Demand {
            needed: if tells_a_change { useful } else { 0 },
            useful,
        }
    }

    /// The text of a cell without what was before.
    fn brief(&self, row: &Row, context: &CellContext) -> String {
        (self.text)(
            row,
            &CellContext {
                brief: true,
                ..*context
            },
        )
    }
}

/// The column that a user calls by that name.
pub fn by_name(name: &str) -> Option<&'static Column> {
    ALL.iter()
        .find(|column| column.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
