//! `watch --json`: a line that begins the stream, then one for each thing that is to be told. Each has the processes that
//! it names, so that no line needs another one.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::record::{ProblemRecord, Processes, SCHEMA, SocketRecord, owner_kind, state, time};
use crate::model::{Moment, OwnerKind, Pid, Problem, ProblemCode, State};
use crate::track::{ChangeKind, Row};

/// What is said of one socket.
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

/// What was before, or is now.
#[derive(Serialize)]
#[serde(untagged)]
enum Side {
    State { state: State },
    Owner { owner: OwnerKind, pids: Vec<Pid> },
}

impl<'a> Line<'a> {
    /// The socket is there.
    pub fn present(at: Moment, row: &'a Row) -> Self {
        Self::of(at, None, row)
    }

    fn of(at: Moment, change: Option<&'a ChangeKind>, row: &'a Row) -> Self {
        let now = &row.socket.owner;
        let before = match change {
            Some(ChangeKind::Owner { from }) => Some(from),
            _ => None,
        };
        // Whoever has it now comes first.
        let processes = Processes::of([now].into_iter().chain(before));
        let (kind, from) = match change {
            None => ("present", None),
            // Before and after there is no socket, which is the state `CLOSED` of RFC 9293.
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

    /// The same where no line that begins a stream says it.
    pub fn with_schema(self) -> Self {
        let schema = Some(SCHEMA);
        Self { schema, ..self }
    }

    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write_line(out, self)
    }
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}

/// Writes the line that begins a stream of readings that are so far apart; of a recording that is not known.
///
/// # Errors
/// What the writer says.
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
    write_line(out, &start)
}

/// Writes one change as a line; without `change` the socket is merely there.
///
/// # Errors
/// What the writer says.
pub fn write_change_json(
    out: &mut dyn Write,
    at: Moment,
    change: Option<&ChangeKind>,
    row: &Row,
) -> io::Result<()> {
    Line::of(at, change, row).write(out)
}

/// Writes a problem of a reading as a line.
///
/// # Errors
/// What the writer says.
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
    write_line(out, &line)
}

/// A time in which something may have happened that the stream lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamGap {
    /// Why.
    pub code: StreamGapCode,
    /// When it began: the last reading before it, if there was one.
    pub since: Option<Moment>,
    /// Why, in words.
    pub message: String,
}

/// Why a stream may lack something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamGapCode {
    /// A reading failed.
    Failed,
    /// A reading lacks a part of the table.
    Partial,
    /// A reading came much later than it was due.
    Late,
}

impl StreamGap {
    /// What this problem of a reading leaves out, if that is sockets.
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

    /// The one between two readings that are much further apart than they should be: as if one had been left out, and
    /// more than a second.
    pub fn of_delay(since: Moment, now: Moment, interval: Duration) -> Option<Self> {
        const AT_LEAST: Duration = Duration::from_secs(1);
        let apart = now.steady.saturating_sub(since.steady);
        let is_late = apart > AT_LEAST.max(interval.saturating_mul(2));
        is_late.then(|| Self {
            code: StreamGapCode::Late,
            since: Some(since),
            message: format!("{:.1} s passed between two readings", apart.as_secs_f64()),
        })
    }
}

/// Writes a gap as a line, before what was read after it.
///
/// # Errors
/// What the writer says.
pub fn write_gap_json(out: &mut dyn Write, at: Moment, gap: &StreamGap) -> io::Result<()> {
    #[derive(Serialize)]
    struct GapLine<'a> {
        kind: &'static str,
        at: String,
        since: Option<String>,
        code: StreamGapCode,
        /// How many events; two readings can't tell.
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
    write_line(out, &line)
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
