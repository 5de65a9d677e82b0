//! `watch`: open sockets and their changes, one line each.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use crate::columns::{change_text, owner_with_pid, socket_text};
use crate::model::Moment;
use crate::track::{ChangeKind, Mark, Row};

/// Writes one change as a line, with date and time in `zone`: `2026-01-02 12:04:31.250 + tcp 127.0.0.1:8080  opened
/// LISTEN  node(40211)`. Without `change` the socket is open. The mark is coloured if `has_colour`.
///
/// # Errors
/// If the writer fails.
pub fn write_change(
    out: &mut dyn Write,
    (at, change, row): (Moment, Option<&ChangeKind>, &Row),
    zone: &TimeZone,
    has_colour: bool,
) -> io::Result<()> {
    let time = at.wall.to_zoned(zone.clone());
    let time = time.strftime("%Y-%m-%d %H:%M:%S%.3f");
    let socket = &row.socket;
    let (mark, what) = match change {
        None => ("=".to_owned(), socket.state.to_string()),
        Some(kind) => (
            painted(Mark::of(kind), has_colour),
            change_text(kind, socket),
        ),
    };
    write!(out, "{time} {mark} {}  {what}", socket_text(socket))?;
    match change {
        // The change names the owner.
        Some(ChangeKind::Owner { .. }) => writeln!(out),
        _ => writeln!(out, "  {}", owner_with_pid(socket)),
    }
}

fn painted(mark: Mark, has_colour: bool) -> String {
    let code = match mark {
        Mark::Opened => 32,
        Mark::Changed => 33,
        Mark::Closed => 31,
    };
    if has_colour {
        format!("\x1b[{code}m{}\x1b[0m", mark.glyph())
    } else {
        mark.glyph().to_string()
    }
}
