//! `list --json` and `list --ndjson`.

pub(super) mod portless;
pub(super) mod record;
pub(super) mod stream;

use std::io::{self, Write};

use serde::Serialize;

use crate::track::{Row, Table};
use record::{ProblemRecord, Processes, SCHEMA, SocketRecord, time};
use stream::Line;

#[derive(Serialize)]
struct Listing<'a> {
    schema: u32,
    taken_at: String,
    problems: Vec<ProblemRecord<'a>>,
    processes: Processes<'a>,
    sockets: Vec<SocketRecord<'a>>,
}

/// Writes the table's problems and these of its rows as one JSON object, then a line feed.
/// Times are RFC 3339 in UTC with milliseconds.
///
/// # Errors
/// What the writer says.
pub fn write_json(out: &mut dyn Write, table: &Table, rows: &[&Row]) -> io::Result<()> {
    let processes = Processes::of_rows(rows);
    let sockets = rows.iter().map(|row| SocketRecord::of_row(row, &processes));
    let listing = Listing {
        schema: SCHEMA,
        taken_at: time(table.taken_at.wall),
        problems: table.problems.iter().map(ProblemRecord::of).collect(),
        sockets: sockets.collect(),
        processes,
    };
    serde_json::to_writer(&mut *out, &listing)?;
    writeln!(out)
}

/// Writes each of these rows of the table as a line that stands for itself: as `watch --json` writes what is there,
/// with the version of the schema in each.
///
/// # Errors
/// What the writer says.
pub fn write_ndjson(out: &mut dyn Write, table: &Table, rows: &[&Row]) -> io::Result<()> {
    rows.iter()
        .try_for_each(|row| Line::present(table.taken_at, row).with_schema().write(out))
}
