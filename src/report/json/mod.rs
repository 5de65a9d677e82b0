//! JSON: `list --json` and `list --ndjson`, and the shared parts of all JSON output.

pub(super) mod event;
pub(super) mod portless;
pub(super) mod record;
pub(super) mod stream;

use std::io::{self, Write};

use serde::Serialize;

use crate::track::{Row, Table};
use event::Line;
use record::{ProblemRecord, Processes, SCHEMA, SocketRecord, time};

/// Writes the value as one JSON object, then a line feed.
pub(super) fn write_object(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// Writes the table's problems and these of its rows as one JSON object, then a line feed.
/// Times are RFC 3339 in UTC with milliseconds.
///
/// # Errors
/// If the writer fails.
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
///
/// # Errors
/// If the writer fails.
pub fn write_ndjson(out: &mut dyn Write, table: &Table, rows: &[&Row]) -> io::Result<()> {
    let lines = rows.iter().map(|row| Line::present(table.taken_at, row));
    lines
        .map(Line::with_schema)
        .try_for_each(|line| write_object(out, &line))
}
