//! `list --csv`: the names of `list --json` flattened with `_`, one row for each socket and process.

use std::io::{self, Write};

use super::json::{ProcessRecord, SocketRecord};
use super::portless::PortlessRecord;
use crate::track::Row;

/// What stands in one cell.
enum Cell {
    /// A number, or a word of this program's own.
    Plain(String),
    /// Text that came from outside.
    Foreign(String),
    /// What is not known: nothing at all.
    Empty,
}

/// One column: its name, and its cell for a socket and one of its processes.
type Field = (
    &'static str,
    fn(&SocketRecord<'_>, Option<&ProcessRecord<'_>>) -> Cell,
);

/// Every column, in the order of `list --json`.
#[rustfmt::skip]
const FIELDS: &[Field] = &[
    ("protocol", |socket, _| plain(Some(socket.protocol.as_str()))),
    ("family", |socket, _| plain(Some(socket.family))),
    ("local_address", |socket, _| plain(socket.local.map(|local| local.address))),
    ("local_port", |socket, _| plain(socket.local.and_then(|local| local.port))),
    ("remote_address", |socket, _| plain(socket.remote.map(|remote| remote.address))),
    ("remote_port", |socket, _| plain(socket.remote.and_then(|remote| remote.port))),
    ("state", |socket, _| plain(Some(socket.state))),
    ("service", |socket, _| plain(socket.service)),
    ("dual_stack", |socket, _| plain(socket.dual_stack)),
    ("interface", |socket, _| foreign(socket.interface)),
    ("inode", |socket, _| plain(socket.inode)),
    ("uid", |socket, _| plain(socket.uid)),
    ("user", |socket, _| foreign(socket.user)),
    ("owner", |socket, _| plain(Some(socket.owner.as_str()))),
    ("processes_pid", |_, process| plain(process.map(|one| one.pid))),
    ("processes_name", |_, process| foreign(process.map(|one| one.name))),
    ("processes_command", |_, process| foreign(process.and_then(|one| one.command))),
    ("processes_started_at", |_, process| plain(process.and_then(|one| one.started_at.as_ref()))),
    ("processes_user", |_, process| foreign(process.and_then(|one| one.user))),
    ("unit", |socket, _| foreign(socket.unit)),
    ("container", |socket, _| foreign(socket.container)),
    ("queue_receive", |socket, _| plain(socket.queue.map(|queue| queue.receive))),
    ("queue_send", |socket, _| plain(socket.queue.map(|queue| queue.send))),
    ("first_seen", |socket, _| plain(Some(&socket.first_seen))),
    ("state_since", |socket, _| plain(socket.state_since.as_ref())),
    ("type", |socket, _| plain(portless(socket).and_then(|one| one.kind))),
    ("path", |socket, _| foreign(portless(socket).and_then(|one| one.name.path))),
    ("abstract", |socket, _| foreign(portless(socket).and_then(|one| one.name.abstract_name))),
    ("peer_inode", |socket, _| plain(portless(socket).and_then(|one| one.peer.as_ref()).map(|peer| peer.inode))),
    ("ethertype", |socket, _| plain(portless(socket).and_then(|one| one.ethertype))),
    ("ip_protocol", |socket, _| plain(portless(socket).and_then(|one| one.ip_protocol))),
];

fn portless<'a>(socket: &'a SocketRecord<'_>) -> Option<&'a PortlessRecord<'a>> {
    socket.portless.as_ref()
}

/// Writes a row of names and the rows as CSV (RFC 4180, but lines end with a line feed alone). A
/// socket of several processes has a row for each, one of none a single row; what is not known is an
/// empty cell.
///
/// # Errors
/// What the writer says.
pub fn write_csv<'a>(
    out: &mut dyn Write,
    rows: impl IntoIterator<Item = &'a Row>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(FIELDS.iter().map(|(name, _)| name))
        .map_err(what_the_writer_said)?;
    for row in rows {
        let socket = SocketRecord::of_row(row);
        let mut write = |process| {
            let cells = FIELDS.iter().map(|(_, cell)| cell(&socket, process).text());
            csv.write_record(cells).map_err(what_the_writer_said)
        };
        match socket.processes.as_deref().unwrap_or_default() {
            [] => write(None)?,
            processes => processes
                .iter()
                .try_for_each(|process| write(Some(process)))?,
        }
    }
    csv.flush()
}

/// As it was: made into an [`io::Error`] by `?` it would no longer say that a pipe was closed.
fn what_the_writer_said(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn plain(value: Option<impl ToString>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Plain(value.to_string()))
}

fn foreign(value: Option<&str>) -> Cell {
    value.map_or(Cell::Empty, |text| Cell::Foreign(text.to_owned()))
}

impl Cell {
    fn text(self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Plain(text) => text,
            Self::Foreign(text) => harmless(&text),
        }
    }
}

/// What a spreadsheet would run as a formula gets an apostrophe in front, which makes it text there.
/// See "CSV Injection" of OWASP. Where the decimal point is a comma, spreadsheets take a semicolon
/// for the end of a cell, whatever quotes are around it.
fn harmless(text: &str) -> String {
    let parts: Vec<_> = text
        .split(';')
        .map(|part| {
            let apostrophe = if is_formula(part) { "'" } else { "" };
            format!("{apostrophe}{part}")
        })
        .collect();
    parts.join(";")
}

/// Blanks are passed over as spreadsheets do, and quotes, which may be taken for those of the cell.
/// Some take the wide forms of these characters for the same.
fn is_formula(text: &str) -> bool {
    const STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '"')
        .starts_with(STARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1"] {
            assert_eq!(Cell::Foreign(text.into()).text(), format!("'{text}"));
        }
        for (text, shown) in [
            ("a;=1+1", "a;'=1+1"),
            ("a; @b", "a;' @b"),
            ("a\";\"=1+1", "a\";'\"=1+1"),
        ] {
            assert_eq!(Cell::Foreign(text.into()).text(), shown);
        }
        for text in ["nginx -g", "sh -c a; b -c", "a=1;b=2", ";"] {
            assert_eq!(Cell::Foreign(text.into()).text(), text);
        }
        assert_eq!(Cell::Plain("-1".into()).text(), "-1");
    }
}
