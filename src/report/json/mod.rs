//! JSON: `list --json`, `list --ndjson` and the changes of `watch --json`; and the shared parts of all JSON output.

pub(super) mod record;
pub(super) mod stream;

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Moment, OwnerKind, Pid, State};
use crate::track::{ChangeKind, Row, Table};
use record::{ProblemRecord, Processes, SCHEMA, SocketRecord, owner_kind, time};

/// Writes the value as one JSON object, then a line feed.
pub(super) fn write_object(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// Writes the table's problems and these of its rows as one JSON object, then a line feed.
/// Times are RFC 3339 in UTC with milliseconds.
pub fn write_json(out: &mut dyn Write, table: &Table, rows: &[&Row]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Listing<'a> {
        schema: u32,
        taken_at: String,
        problems: Vec<ProblemRecord<'a>>,
        processes: &'a Processes<'a>,
        sockets: Vec<SocketRecord<'a>>,
    }
    let processes = Processes::of_rows(rows);
    let sockets = rows.iter().map(|row| SocketRecord::of_row(row, &processes));
    let listing = Listing {
        schema: SCHEMA,
        taken_at: time(table.taken_at.wall),
        problems: table.problems.iter().map(ProblemRecord::of).collect(),
        processes: &processes,
        sockets: sockets.collect(),
    };
    write_object(out, &listing)
}

/// Writes each of these rows of the table as a line of its own: as `watch --json` writes sockets that are open, with
/// the version of the schema in each.
pub fn write_ndjson(out: &mut dyn Write, table: &Table, rows: &[&Row]) -> io::Result<()> {
    let mut rows = rows.iter();
    rows.try_for_each(|row| write_line(out, Some(SCHEMA), (table.taken_at, None, row)))
}

/// Writes one change as a line of `watch --json`; without a change the socket is open.
pub fn write_change_json(
    out: &mut dyn Write,
    change: (Moment, Option<&ChangeKind>, &Row),
) -> io::Result<()> {
    // The first line of the stream has the version.
    write_line(out, None, change)
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
    kind: &'static str,
    at: String,
    #[serde(flatten)]
    change: Option<Sides>,
    socket: SocketRecord<'a>,
    /// Those that it names, so that no line needs another.
    processes: Processes<'a>,
}

#[derive(Serialize)]
struct Sides {
    from: Side,
    to: Side,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Side {
    State { state: State },
    Owner { owner: OwnerKind, pids: Vec<Pid> },
}

fn write_line(
    out: &mut dyn Write,
    schema: Option<u32>,
    (at, change, row): (Moment, Option<&ChangeKind>, &Row),
) -> io::Result<()> {
    let now = &row.socket.owner;
    let before = match change {
        Some(ChangeKind::Owner { from }) => Some(from),
        _ => None,
    };
    // The present owners come first.
    let processes = Processes::of([now].into_iter().chain(before));
    let state = |state| Side::State { state };
    let owner = |owner| Side::Owner {
        owner: owner_kind(owner, row),
        pids: processes.pids(owner),
    };
    let (kind, from) = match change {
        None => ("present", None),
        // No socket is the state `CLOSED` of RFC 9293.
        Some(ChangeKind::Opened) => ("opened", Some(state(State::Closed))),
        Some(ChangeKind::Closed) => ("closed", Some(state(row.socket.state))),
        Some(ChangeKind::State { from }) => ("state", Some(state(*from))),
        Some(ChangeKind::Owner { from }) => ("owner", Some(owner(from))),
    };
    let to = match before {
        None => state(record::state(row)),
        Some(_) => owner(now),
    };
    let line = Line {
        schema,
        kind,
        at: time(at.wall),
        change: from.map(|from| Sides { from, to }),
        socket: SocketRecord::of_row(row, &processes),
        processes,
    };
    write_object(out, &line)
}
