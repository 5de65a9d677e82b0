//! `watch --json`: a line that starts the stream, then one for each event. Each has the processes that it names, so that
//! no line needs another one.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::record::{ProblemRecord, Processes, SCHEMA, SocketRecord, owner_kind, state, time};
use super::write_object;
use crate::model::{Moment, OwnerKind, Pid, Problem, ProblemCode, State};
use crate::track::{ChangeKind, Row};

/// An event of one socket.
#[derive(Serialize)]
pub struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
    kind: &'static str,
    at: String,
    #[serde(flatten)]
    change: Option<Sides>,
    socket: SocketRecord<'a>,
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

impl<'a> Line<'a> {
    /// The socket is open.
    pub fn present(at: Moment, row: &'a Row) -> Self {
        Self::of(at, None, row)
    }

    fn of(at: Moment, change: Option<&'a ChangeKind>, row: &'a Row) -> Self {
        let now = &row.socket.owner;
        let before = match change {
            Some(ChangeKind::Owner { from }) => Some(from),
            _ => None,
        };
        // The present owners come first.
        let processes = Processes::of([now].into_iter().chain(before));
        let (kind, from) = match change {
            None => ("present", None),
            // No socket is the state `CLOSED` of RFC 9293.
            Some(ChangeKind::Opened) => ("opened", Some(State::Closed)),
            Some(ChangeKind::Closed) => ("closed", Some(row.socket.state)),
            Some(ChangeKind::State { from }) => ("state", Some(*from)),
            Some(ChangeKind::Owner { .. }) => ("owner", None),
        };
        let owner = |owner| Side::Owner {
            owner: owner_kind(owner, row),
            pids: processes.pids(owner),
        };
        let states = from.map(|from| Sides {
            from: Side::State { state: from },
            to: Side::State { state: state(row) },
        });
        let owners = before.map(|before| Sides {
            from: owner(before),
            to: owner(now),
        });
        Self {
            schema: None,
            kind,
            at: time(at.wall),
            change: states.or(owners),
            socket: SocketRecord::of_row(row, &processes),
            processes,
        }
    }

    /// For a line without a stream around it.
    pub fn with_schema(self) -> Self {
        let schema = Some(SCHEMA);
        Self { schema, ..self }
    }
}

/// Writes the line that starts a stream. The interval of a recording is unknown.
///
/// # Errors
/// If the writer fails.
pub fn write_start_json(
    out: &mut dyn Write,
    at: Moment,
    interval: Option<Duration>,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Start {
        schema: u32,
        kind: &'static str,
        at: String,
        version: &'static str,
        interval_ms: Option<u64>,
    }
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let start = Start {
        schema: SCHEMA,
        kind: "start",
        at: time(at.wall),
        version: env!("CARGO_PKG_VERSION"),
        interval_ms: interval.map(millis),
    };
    write_object(out, &start)
}

/// Writes one change as a line; without `change` the socket is open.
///
/// # Errors
/// If the writer fails.
pub fn write_change_json(
    out: &mut dyn Write,
    at: Moment,
    change: Option<&ChangeKind>,
    row: &Row,
) -> io::Result<()> {
    write_object(out, &Line::of(at, change, row))
}

/// Writes a problem of a snapshot as a line.
///
/// # Errors
/// If the writer fails.
pub fn write_problem_json(out: &mut dyn Write, at: Moment, problem: &Problem) -> io::Result<()> {
    #[derive(Serialize)]
    struct ProblemLine<'a> {
        kind: &'static str,
        at: String,
        #[serde(flatten)]
        problem: ProblemRecord<'a>,
    }
    let line = ProblemLine {
        kind: "problem",
        at: time(at.wall),
        problem: ProblemRecord::of(problem),
    };
    write_object(out, &line)
}

/// A time in which the stream may have missed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamGap {
    /// Why.
    pub code: StreamGapCode,
    /// The last snapshot before it, if there was one.
    pub since: Option<Moment>,
    /// Why, in words.
    pub message: String,
}

/// Why a stream may have missed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamGapCode {
    /// A snapshot failed.
    Failed,
    /// A part of the table is missing from a snapshot.
    Partial,
    /// A snapshot was much later than its interval.
    Late,
}

impl StreamGap {
    /// The gap for a problem of a snapshot, if sockets are missing from it.
    pub fn of_problem(problem: &Problem, since: Option<Moment>) -> Option<Self> {
        let is_partial = matches!(
            problem.code,
            ProblemCode::TableUnreadable | ProblemCode::Interrupted
        );
        is_partial.then(|| Self {
            code: StreamGapCode::Partial,
            since,
            message: problem.message.to_string(),
        })
    }

    /// The gap between two snapshots more than two intervals, and more than a second, apart.
    pub fn of_delay(since: Moment, now: Moment, interval: Duration) -> Option<Self> {
        const AT_LEAST: Duration = Duration::from_secs(1);
        let apart = now.steady.saturating_sub(since.steady);
        let is_late = apart > AT_LEAST.max(interval.saturating_mul(2));
        is_late.then(|| Self {
            code: StreamGapCode::Late,
            since: Some(since),
            message: format!("{:.1} s passed between two snapshots", apart.as_secs_f64()),
        })
    }
}

/// Writes a gap as a line, before the events after it.
///
/// # Errors
/// If the writer fails.
pub fn write_gap_json(out: &mut dyn Write, at: Moment, gap: &StreamGap) -> io::Result<()> {
    #[derive(Serialize)]
    struct GapLine<'a> {
        kind: &'static str,
        at: String,
        since: Option<String>,
        code: StreamGapCode,
        /// How many events: unknown.
        lost: Option<u64>,
        message: &'a str,
    }
    let line = GapLine {
        kind: "gap",
        at: time(at.wall),
        since: gap.since.map(|since| time(since.wall)),
        code: gap.code,
        lost: None,
        message: &gap.message,
    };
    write_object(out, &line)
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
    fn a_reading_that_comes_more_than_twice_its_interval_late_is_a_gap() {
        let is_gap = |apart: u64, interval: u64| {
            let interval = Duration::from_millis(interval);
            StreamGap::of_delay(after(500), after(500 + apart), interval).is_some()
        };
        assert!(!is_gap(2000, 1000));
        assert!(is_gap(2001, 1000));
        // A busy machine is no gap.
        assert!(!is_gap(900, 50));
        assert!(is_gap(1001, 50));
    }

    #[test]
    fn only_what_leaves_out_sockets_is_a_gap() {
        let is_gap = |code| StreamGap::of_problem(&Problem::new(code, "why"), None).is_some();
        assert!(is_gap(ProblemCode::TableUnreadable));
        assert!(is_gap(ProblemCode::Interrupted));
        assert!(!is_gap(ProblemCode::HiddenOwners));
        assert!(!is_gap(ProblemCode::DetailsUnreadable));
    }
}
