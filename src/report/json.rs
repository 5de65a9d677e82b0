//! JSON: `list --json`, `list --ndjson` and `watch --json`.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::record::{
    ProblemRecord, Processes, SCHEMA, SocketRecord, millis, owner_kind, state, time,
};
use crate::model::{Moment, OwnerKind, Pid, Problem, ProblemCode, State};
use crate::track::{ChangeKind, Flows, Row, Table};

/// The usual length of a line about a change, in bytes.
const LINE: usize = 1024;

/// Writes the value as one JSON object, then a line feed.
pub(super) fn write_object(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// What is to be known about the listing of a recorded table.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordedListing {
    /// Whether names and addresses are pseudonyms.
    pub is_redacted: bool,
    /// When the counters of the sockets were read: then or before. `None` without any.
    pub counters_at: Option<Timestamp>,
}

/// Writes the table's problems and these of its rows as one JSON object, then a line feed.
/// Times are RFC 3339 in UTC with milliseconds.
pub fn write_json(
    out: &mut dyn Write,
    table: &Table,
    rows: &[&Row],
    recorded: RecordedListing,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Listing<'a> {
        schema: u32,
        taken_at: String,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        redacted: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        counters_at: Option<String>,
        problems: Vec<ProblemRecord<'a>>,
        processes: &'a Processes<'a>,
        sockets: Vec<SocketRecord<'a>>,
    }
    let processes = Processes::of_rows(rows);
    let flows = &table.flows;
    let sockets = rows
        .iter()
        .map(|row| SocketRecord::of_row(row, flows, &processes));
    let listing = Listing {
        schema: SCHEMA,
        taken_at: time(table.taken_at.wall),
        redacted: recorded.is_redacted,
        counters_at: recorded.counters_at.map(time),
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
    rows.try_for_each(|row| {
        write_line(out, Some(SCHEMA), &table.flows, (table.taken_at, None, row))
    })
}

/// Writes one change as a line of `watch --json`; without a change the socket is open. The counters are those of the table
/// that has the change.
pub fn write_change_json(
    out: &mut dyn Write,
    flows: &Flows,
    change: (Moment, Option<&ChangeKind>, &Row),
) -> io::Result<()> {
    // The first line of the stream has the version.
    write_line(out, None, flows, change)
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
    flows: &Flows,
    (at, change, row): (Moment, Option<&ChangeKind>, &Row),
) -> io::Result<()> {
    let now = &row.socket.owner;
    let before = match change {
        Some(ChangeKind::Owner { from }) => Some(from),
        _ => None,
    };
    // The present owners come first.
    let processes = Processes::of([now].into_iter().chain(before));
    let in_state = |state| Side::State { state };
    let owner = |owner| Side::Owner {
        owner: owner_kind(owner, row),
        pids: processes.pids(owner),
    };
    let (kind, from) = match change {
        None => ("present", None),
        // No socket is the state `CLOSED` of RFC 9293.
        Some(ChangeKind::Opened) => ("opened", Some(in_state(State::Closed))),
        Some(ChangeKind::Closed) => ("closed", Some(in_state(row.socket.state))),
        Some(ChangeKind::GoneBetween) => ("gone_between", Some(in_state(State::Closed))),
        Some(ChangeKind::State { from }) => ("state", Some(in_state(*from))),
        Some(ChangeKind::Owner { from }) => ("owner", Some(owner(from))),
    };
    let to = match before {
        None => in_state(state(row)),
        Some(_) => owner(now),
    };
    let line = Line {
        schema,
        kind,
        at: time(at.wall),
        change: from.map(|from| Sides { from, to }),
        socket: SocketRecord::of_row(row, flows, &processes),
        processes,
    };
    // In one piece: there are ten thousand lines a second at times, of a hundred pieces each.
    let mut bytes = Vec::with_capacity(LINE);
    serde_json::to_writer(&mut bytes, &line)?;
    bytes.push(b'\n');
    out.write_all(&bytes)
}

/// The stream of `watch --json`: its lines besides those of changes.
pub struct JsonStream {
    /// Unknown for a recording.
    interval: Option<Duration>,
    has_started: bool,
    /// When the last snapshot was taken.
    last: Option<Moment>,
}

impl JsonStream {
    /// A stream of snapshots taken at this interval, which is unknown for a recording.
    pub const fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            has_started: false,
            last: None,
        }
    }

    /// Writes the lines before the changes of a snapshot: the start, gaps, and these problems, which are new.
    pub fn write_snapshot(
        &mut self,
        out: &mut dyn Write,
        table: &Table,
        problems: &[&Problem],
    ) -> io::Result<()> {
        #[derive(Serialize)]
        struct ProblemLine<'a> {
            kind: &'static str,
            at: String,
            #[serde(flatten)]
            problem: ProblemRecord<'a>,
        }
        let now = table.taken_at;
        self.write_start(out, now)?;
        let last = self.last.map(|last| last.wall);
        let late = self.last.zip(self.interval);
        if let Some(apart) = late.and_then(|(last, interval)| delay(last, now, interval)) {
            let seconds = apart.as_secs_f64();
            let message = format!("{seconds:.1} s passed between two snapshots");
            Self::write_gap(out, (now, last), ("late", None), &message)?;
        }
        for problem in table.problems.iter().filter(|problem| is_gap(problem.code)) {
            Self::write_gap(out, (now, last), ("partial", None), &problem.message)?;
        }
        if table.lost_closes.are_any() {
            let message = "closed sockets that were in no snapshot may be missing";
            Self::write_gap(
                out,
                (now, last),
                ("lost", table.lost_closes.count()),
                message,
            )?;
        }
        self.last = Some(now);
        problems.iter().try_for_each(|problem| {
            let line = ProblemLine {
                kind: "problem",
                at: time(now.wall),
                problem: ProblemRecord::of(problem),
            };
            write_object(out, &line)
        })
    }

    /// From now on snapshots are taken at this interval; those before were of a history.
    pub const fn begin_present(&mut self, interval: Duration, now: Moment) {
        self.interval = Some(interval);
        self.last = Some(now);
    }

    /// Writes that a part of the history is missing before a snapshot of it.
    pub fn write_history_gap(
        &mut self,
        out: &mut dyn Write,
        now: Moment,
        since: Timestamp,
        message: &str,
    ) -> io::Result<()> {
        self.write_start(out, now)?;
        Self::write_gap(out, (now, Some(since)), ("not_recorded", None), message)
    }

    /// Writes the lines for a failed snapshot.
    pub fn write_failure(&mut self, out: &mut dyn Write, now: Moment, why: &str) -> io::Result<()> {
        self.write_start(out, now)?;
        let last = self.last.map(|last| last.wall);
        Self::write_gap(out, (now, last), ("failed", None), why)
    }

    fn write_start(&mut self, out: &mut dyn Write, now: Moment) -> io::Result<()> {
        #[derive(Serialize)]
        struct Start {
            schema: u32,
            kind: &'static str,
            at: String,
            version: &'static str,
            interval_ms: Option<u64>,
        }
        if std::mem::replace(&mut self.has_started, true) {
            return Ok(());
        }
        let start = Start {
            schema: SCHEMA,
            kind: "start",
            at: time(now.wall),
            version: env!("CARGO_PKG_VERSION"),
            interval_ms: self.interval.map(millis),
        };
        write_object(out, &start)
    }

    /// Writes that events since the last snapshot may be missing: why, and how many if that is known.
    fn write_gap(
        out: &mut dyn Write,
        (now, since): (Moment, Option<Timestamp>),
        (code, lost): (&'static str, Option<u64>),
        message: &str,
    ) -> io::Result<()> {
        #[derive(Serialize)]
        struct Gap<'a> {
            kind: &'static str,
            at: String,
            since: Option<String>,
            code: &'static str,
            lost: Option<u64>,
            message: &'a str,
        }
        let gap = Gap {
            kind: "gap",
            at: time(now.wall),
            since: since.map(time),
            code,
            lost,
            message,
        };
        write_object(out, &gap)
    }
}

/// Time between two snapshots, if it is more than two intervals and more than a second.
fn delay(last: Moment, now: Moment, interval: Duration) -> Option<Duration> {
    const AT_LEAST: Duration = Duration::from_secs(1);
    let apart = now.steady.saturating_sub(last.steady);
    (apart > AT_LEAST.max(interval.saturating_mul(2))).then_some(apart)
}

/// Whether sockets are missing from a snapshot with this problem.
const fn is_gap(code: ProblemCode) -> bool {
    matches!(
        code,
        ProblemCode::TableUnreadable | ProblemCode::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(millis: u64) -> Moment {
        Moment {
            steady: Duration::from_millis(millis),
            wall: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_snapshot_more_than_two_intervals_late_is_a_gap() {
        let is_gap = |apart: u64, interval: u64| {
            let interval = Duration::from_millis(interval);
            delay(after(500), after(500 + apart), interval).is_some()
        };
        assert!(!is_gap(2000, 1000));
        assert!(is_gap(2001, 1000));
        // A busy machine is not a gap.
        assert!(!is_gap(900, 50));
        assert!(is_gap(1001, 50));
    }

    #[test]
    fn only_missing_sockets_are_a_gap() {
        assert!(is_gap(ProblemCode::TableUnreadable));
        assert!(is_gap(ProblemCode::Interrupted));
        assert!(!is_gap(ProblemCode::HiddenOwners));
        assert!(!is_gap(ProblemCode::DetailsUnreadable));
    }
}
