//! `list --csv`: the names of JSON flattened with `_`, one row for each socket and process.

use std::io::{self, Write};

use super::counters::TcpInfoRecord;
use super::record::{PortlessRecord, ProcessRecord, Processes, SocketRecord, StartedByRecord};
use crate::track::{Row, Table};

/// How CSV is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct CsvOptions {
    /// Whether text that a spreadsheet would run as a formula is not changed.
    pub is_raw: bool,
    /// Whether the row of names is left out.
    pub without_header: bool,
}

pub(super) enum Cell {
    /// A number, or a word of this program.
    Plain(String),
    /// Text from outside.
    Foreign(String),
    /// Unknown.
    Empty,
}

/// A socket and one of its processes, with its command line.
struct Record<'a> {
    socket: &'a SocketRecord<'a>,
    portless: Option<&'a PortlessRecord<'a>>,
    process: Option<&'a ProcessRecord<'a>>,
    command: Option<&'a str>,
    /// Where the traffic for its port goes.
    published: Option<&'a str>,
}

type Field = (&'static str, fn(&Record<'_>) -> Cell);

/// Every column: the keys of a socket in JSON, in the same order, with the process in place of `pids` and its arguments
/// as one command line. What was added later is at the end.
#[rustfmt::skip]
const FIELDS: &[Field] = &[
    ("protocol", |row| plain(Some(row.socket.protocol.as_str()))),
    ("family", |row| plain(Some(row.socket.family))),
    ("local_address", |row| plain(row.socket.local.map(|local| local.address))),
    ("local_port", |row| plain(row.socket.local.and_then(|local| local.port))),
    ("remote_address", |row| plain(row.socket.remote.map(|remote| remote.address))),
    ("remote_port", |row| plain(row.socket.remote.and_then(|remote| remote.port))),
    ("state", |row| plain(Some(row.socket.state))),
    ("service", |row| foreign(row.socket.service)),
    ("dual_stack", |row| plain(row.socket.dual_stack)),
    ("interface", |row| foreign(row.socket.interface)),
    ("inode", |row| plain(row.socket.inode)),
    ("uid", |row| plain(row.socket.uid)),
    ("user", |row| foreign(row.socket.user)),
    ("owner", |row| plain(Some(row.socket.owner.as_str()))),
    ("processes_pid", |row| plain(row.process.map(|one| one.pid))),
    ("processes_parent", |row| plain(row.process.and_then(|one| one.parent))),
    ("processes_name", |row| foreign(row.process.map(|one| one.name))),
    ("processes_comm", |row| foreign(row.process.and_then(|one| one.comm))),
    ("processes_executable", |row| foreign(row.process.and_then(|one| one.executable))),
    ("processes_command", |row| foreign(row.command)),
    ("processes_cwd", |row| foreign(row.process.and_then(|one| one.cwd))),
    ("processes_user", |row| foreign(row.process.and_then(|one| one.user))),
    ("processes_uid", |row| plain(row.process.and_then(|one| one.uid))),
    ("processes_started_at", |row| plain(row.process.and_then(|one| one.started_at.as_ref()))),
    ("processes_project", |row| foreign(row.process.and_then(|one| one.project))),
    ("unit", |row| foreign(row.socket.unit)),
    ("container", |row| foreign(row.socket.container)),
    ("queue_receive", |row| plain(row.socket.queue.map(|queue| queue.receive))),
    ("queue_send", |row| plain(row.socket.queue.map(|queue| queue.send))),
    ("first_seen", |row| plain(Some(&row.socket.first_seen))),
    ("state_since", |row| plain(row.socket.state_since.as_ref())),
    ("type", |row| plain(row.portless.and_then(|one| one.kind))),
    ("path", |row| foreign(row.portless.and_then(|one| one.name.path))),
    ("abstract", |row| foreign(row.portless.and_then(|one| one.name.abstract_name))),
    ("peer_inode", |row| plain(row.portless.and_then(|one| one.peer.as_ref()).map(|peer| peer.inode))),
    ("ethertype", |row| plain(row.portless.and_then(|one| one.ethertype))),
    ("ip_protocol", |row| plain(row.portless.and_then(|one| one.ip_protocol))),
    ("namespace", |row| foreign(row.socket.namespace.as_ref().map(|one| one.name))),
    ("namespace_inode", |row| plain(row.socket.namespace.as_ref().and_then(|one| one.inode))),
    ("published", |row| foreign(row.published)),
    ("published_by", |row| plain(row.socket.published.as_ref().map(|one| one.by.as_str()))),
    ("processes_branch", |row| foreign(row.process.and_then(|one| one.branch))),
    ("processes_worktree", |row| foreign(row.process.and_then(|one| one.worktree))),
    ("processes_started_by_kind", |row| plain(started_by(row).map(|by| by.kind))),
    ("processes_started_by_name", |row| foreign(started_by(row).map(|by| by.name))),
    ("processes_started_by_pid", |row| plain(started_by(row).and_then(|by| by.pid))),
    ("processes_left_over", |row| plain(row.process.and_then(|one| one.left_over))),
];

/// The columns that are added if counters were read.
#[rustfmt::skip]
const COUNTER_FIELDS: &[Field] = &[
    ("tcp_info_bytes_sent", |row| plain(row.tcp_info().map(|tcp| tcp.bytes_sent))),
    ("tcp_info_bytes_received", |row| plain(row.tcp_info().map(|tcp| tcp.bytes_received))),
    ("tcp_info_retransmits", |row| plain(row.tcp_info().map(|tcp| tcp.retransmits))),
    ("tcp_info_rtt_us", |row| plain(row.tcp_info().and_then(|tcp| tcp.rtt_us))),
    ("tcp_info_min_rtt_us", |row| plain(row.tcp_info().and_then(|tcp| tcp.min_rtt_us))),
    ("tcp_info_idle_ms", |row| plain(row.tcp_info().map(|tcp| tcp.idle_ms))),
    ("tcp_info_unsent", |row| plain(row.tcp_info().map(|tcp| tcp.unsent))),
    ("drops", |row| plain(row.socket.counters.and_then(|counters| counters.drops))),
];

impl Record<'_> {
    fn tcp_info(&self) -> Option<TcpInfoRecord> {
        self.socket.counters?.tcp_info
    }
}

/// Writes a row of names and the rows as CSV (RFC 4180, but lines end with a line feed alone). A socket has a row for
/// each of its processes, and one if it has none. Unknown is an empty cell. The rows are some of the table's.
pub fn write_csv<'a>(
    out: &mut dyn Write,
    table: &Table,
    rows: impl IntoIterator<Item = &'a Row>,
    options: CsvOptions,
) -> io::Result<()> {
    let has_counters = table.flows.is_counted();
    let counters = COUNTER_FIELDS.iter().filter(|_| has_counters);
    let fields: Vec<&Field> = FIELDS.iter().chain(counters).collect();
    let mut csv = csv::Writer::from_writer(out);
    if !options.without_header {
        csv.write_record(fields.iter().map(|(name, _)| name))
            .map_err(io_error)?;
    }
    for row in rows {
        let socket = SocketRecord::of_row(row, &table.flows, &Processes::default());
        let published = row.socket.published.as_ref().map(|one| one.describe());
        let processes = row.socket.owner.processes();
        let none = processes.is_empty().then_some(None);
        for process in processes.iter().map(Some).chain(none) {
            let of_process = process.map(|process| ProcessRecord::of(process));
            let record = Record {
                socket: &socket,
                portless: socket.portless.as_ref(),
                process: of_process.as_ref(),
                command: process.and_then(|process| process.command.as_deref()),
                published: published.as_deref(),
            };
            let cells = fields.iter().map(|(_, cell)| cell(&record).text(options));
            csv.write_record(cells).map_err(io_error)?;
        }
    }
    csv.flush()
}

/// The error of the writer. `?` would hide that it was a closed pipe.
pub(super) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn started_by<'a>(row: &Record<'a>) -> Option<StartedByRecord<'a>> {
    row.process?.started_by
}

fn plain(value: Option<impl ToString>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Plain(value.to_string()))
}

fn foreign(value: Option<&str>) -> Cell {
    value.map_or(Cell::Empty, |text| Cell::Foreign(text.to_owned()))
}

impl Cell {
    pub fn number(value: Option<impl ToString>) -> Self {
        plain(value)
    }

    pub fn text(self, options: CsvOptions) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Foreign(text) if !options.is_raw => harmless(&text),
            Self::Plain(text) | Self::Foreign(text) => text,
        }
    }
}

/// Puts an apostrophe before what a spreadsheet would run as a formula, which makes it text there. See "CSV Injection"
/// of OWASP. In locales with a decimal comma a semicolon ends a cell, even between quotes.
fn harmless(text: &str) -> String {
    const STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let parts = text.split(';').map(|part| {
        // Spreadsheets skip blanks, may take a quote for that of the cell, and some treat the wide forms of these
        // characters as the same.
        let rest = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
        let is_formula = rest.starts_with(STARTS) || part.starts_with(['\t', '\r']);
        let apostrophe = if is_formula { "'" } else { "" };
        format!("{apostrophe}{part}")
    });
    parts.collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(cell: Cell) -> String {
        cell.text(CsvOptions::default())
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t1", "\r1", "＝1"] {
            assert_eq!(guarded(Cell::Foreign(text.into())), format!("'{text}"));
        }
        for (text, shown) in [
            ("a;=1+1", "a;'=1+1"),
            ("a; @b", "a;' @b"),
            ("a\";\"=1+1", "a\";'\"=1+1"),
        ] {
            assert_eq!(guarded(Cell::Foreign(text.into())), shown);
        }
        for text in ["nginx -g", "sh -c a; b -c", "a=1;b=2", ";"] {
            assert_eq!(guarded(Cell::Foreign(text.into())), text);
        }
        assert_eq!(guarded(Cell::Plain("-1".into())), "-1", "a number");
    }

    #[test]
    fn a_raw_cell_is_as_it_is() {
        let raw = CsvOptions {
            is_raw: true,
            ..CsvOptions::default()
        };
        assert_eq!(Cell::Foreign("=1+1".into()).text(raw), "=1+1");
    }
}
