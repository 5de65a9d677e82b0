//! `who` as a table, a line for each socket.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{PortHistory, PortHolder};
use crate::columns::{align, cut, owner_text, process_text, program_text, socket_text};
use crate::history::{Gap, GapReason, SpanEnd};
use crate::model::Socket;

/// Shown where there is no value.
const NONE: &str = "–";

/// Titles of the columns, the last one that of the longest texts.
const TITLES: [&str; 8] = [
    "FROM", "TO", "ENDED", "SOCKET", "PROCESS", "USER", "UNIT", "COMMAND",
];

/// Writes a line of headings and a line for each socket that had the port; nothing if there are none. `width` is that of a
/// terminal: there long lines are cut. A time that is not exact has `≤` or `≥`.
pub fn write_who(
    out: &mut dyn Write,
    history: &PortHistory,
    zone: &TimeZone,
    width: Option<u16>,
) -> io::Result<()> {
    if history.holders.is_empty() {
        return Ok(());
    }
    let lines = history.holders.iter();
    let mut rows: Vec<_> = lines.map(|holder| line(history, holder, zone)).collect();
    rows.insert(0, TITLES.map(str::to_owned).to_vec());
    for (at, title) in TITLES.iter().enumerate().rev() {
        let is_optional = matches!(*title, "USER" | "UNIT" | "COMMAND");
        if is_optional && rows[1..].iter().all(|row| row[at] == NONE) {
            for row in &mut rows {
                row.remove(at);
            }
        }
    }
    for line in align(rows) {
        match width {
            Some(width) => writeln!(out, "{}", cut(&line, width.into()))?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

fn line(history: &PortHistory, holder: &PortHolder, zone: &TimeZone) -> Vec<String> {
    let PortHolder { span, socket } = holder;
    let before = if span.is_from_exact { "" } else { "≤" };
    let after = if span.is_to_exact { "" } else { "≥" };
    let (to, ended) = match (history.end_of(span), span.end) {
        (None, _) => ("still open".to_owned(), NONE),
        (Some(to), end) => (format!("{after}{}", local_time(to, zone)), ended(end)),
    };
    let namespace = span.namespace.as_ref();
    let namespace = namespace.map(|one| format!(" in {}", one.name));
    let container = span.container.as_ref().or(span.unit.as_ref());
    vec![
        format!("{before}{}", local_time(span.from, zone)),
        to,
        ended.to_owned(),
        socket_text(socket) + &namespace.unwrap_or_default(),
        process_text(socket).unwrap_or_else(|| owner_text(socket)),
        user(socket),
        container.map_or_else(|| NONE.to_owned(), ToString::to_string),
        span.process()
            .and_then(|process| program_text(process))
            .unwrap_or_else(|| NONE.to_owned()),
    ]
}

fn user(socket: &Socket) -> String {
    match (&socket.user, socket.uid) {
        (Some(user), _) => user.to_string(),
        (None, Some(uid)) => uid.to_string(),
        (None, None) => NONE.to_owned(),
    }
}

const fn ended(end: SpanEnd) -> &'static str {
    match end {
        SpanEnd::StillThere => "history ends",
        SpanEnd::Closed => "closed",
        SpanEnd::ProcessEnded => "process ended",
        SpanEnd::HandedOver => "handed over",
        SpanEnd::RecorderStopped => "recorder stopped",
        SpanEnd::Gap => "in a gap",
    }
}

/// `nothing is recorded from 2026-11-29 03:12:00 to 03:14:10: the recorder was stopped`
pub fn gap_line(gap: &Gap, zone: &TimeZone) -> String {
    let (from, to) = (local_time(gap.from, zone), local_time(gap.to, zone));
    let why = gap.reason.clause();
    match gap.reason {
        GapReason::ClockSet => {
            format!("{why} from {from} to {to}: times before it are of the old clock")
        }
        GapReason::Stopped
        | GapReason::Crashed
        | GapReason::NoSnapshots
        | GapReason::DiskFull
        | GapReason::Overflow
        | GapReason::Damaged => format!("nothing is recorded from {from} to {to}: {why}"),
    }
}

/// `2026-11-29 03:12:05 is before the history, which begins at 2026-11-29 05:00:00`
pub fn before_history(at: Timestamp, begin: Timestamp, zone: &TimeZone) -> String {
    let (at, begin) = (local_time(at, zone), local_time(begin, zone));
    format!("{at} is before the history, which begins at {begin}")
}

/// Date and time in the local time zone.
pub fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
