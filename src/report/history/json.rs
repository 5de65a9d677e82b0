//! `who --json`.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{PortHistory, PortHolder};
use crate::history::{Gap, GapReason, SpanEnd, TimeRange};
use crate::model::{OwnerKind, Pid, Protocol, State};
use crate::report::json::write_object;
use crate::report::record::{EndRecord, NamespaceRecord, Processes, SCHEMA, time};

/// Writes one JSON object, then a line feed.
pub fn write_who_json(out: &mut dyn Write, history: &PortHistory) -> io::Result<()> {
    #[derive(Serialize)]
    struct Who<'a> {
        schema: u32,
        range: RangeRecord,
        recorded: RangeRecord,
        gaps: Vec<GapRecord>,
        holders: Vec<HolderRecord<'a>>,
    }
    let who = Who {
        schema: SCHEMA,
        range: RangeRecord::of(&history.range),
        recorded: RangeRecord::of(&history.recorded),
        gaps: history.gaps.iter().map(GapRecord::of).collect(),
        holders: history
            .holders
            .iter()
            .map(|holder| HolderRecord::of(history, holder))
            .collect(),
    };
    write_object(out, &who)
}

/// Open at both ends where it is as long as time.
#[derive(Serialize)]
struct RangeRecord {
    from: Option<String>,
    to: Option<String>,
}

impl RangeRecord {
    fn of(range: &TimeRange) -> Self {
        let end = |at: Timestamp, none: Timestamp| (at != none).then(|| time(at));
        Self {
            from: end(range.from, Timestamp::MIN),
            to: end(range.to, Timestamp::MAX),
        }
    }
}

/// A time of which nothing is stored.
#[derive(Serialize)]
struct GapRecord {
    from: String,
    to: String,
    code: &'static str,
    message: &'static str,
}

impl GapRecord {
    fn of(gap: &Gap) -> Self {
        Self {
            from: time(gap.from),
            to: time(gap.to),
            code: code(gap.reason),
            message: gap.reason.clause(),
        }
    }
}

#[derive(Serialize)]
struct HolderRecord<'a> {
    from: String,
    from_exact: bool,
    /// `null` as long as it is there.
    to: Option<String>,
    to_exact: bool,
    ended: &'static str,
    protocol: Protocol,
    family: &'static str,
    local: Option<EndRecord>,
    remote: Option<EndRecord>,
    is_connection: bool,
    state: State,
    uid: Option<u32>,
    user: Option<&'a str>,
    owner: OwnerKind,
    pids: Vec<Pid>,
    unit: Option<&'a str>,
    container: Option<&'a str>,
    namespace: Option<NamespaceRecord<'a>>,
    /// Its own: over days, two processes may have the same pid.
    processes: Processes<'a>,
}

impl<'a> HolderRecord<'a> {
    fn of(history: &PortHistory, holder: &'a PortHolder) -> Self {
        let PortHolder { span, socket } = holder;
        let processes = Processes::of(std::iter::once(&span.owner));
        let to = history.end_of(span);
        Self {
            from: time(span.from),
            from_exact: span.is_from_exact,
            to: to.map(time),
            to_exact: span.is_to_exact,
            ended: match to {
                None => "open",
                Some(_) => ended(span.end),
            },
            protocol: span.protocol,
            family: socket.family_name(),
            local: EndRecord::of(Some(socket.local), socket),
            remote: EndRecord::of(socket.remote, socket),
            is_connection: span.is_connection,
            state: span.state,
            uid: span.uid,
            user: span.user.as_deref(),
            owner: span.owner.kind(),
            pids: processes.pids(&span.owner),
            unit: span.unit.as_deref(),
            container: span.container.as_deref(),
            namespace: span.namespace.as_deref().map(NamespaceRecord::of),
            processes,
        }
    }
}

const fn ended(end: SpanEnd) -> &'static str {
    match end {
        SpanEnd::StillThere => "history_ends",
        SpanEnd::Closed => "closed",
        SpanEnd::ProcessEnded => "process_ended",
        SpanEnd::HandedOver => "handed_over",
        SpanEnd::RecorderStopped => "recorder_stopped",
        SpanEnd::Gap => "gap",
    }
}

/// How JSON names the reason of a gap.
const fn code(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Stopped => "stopped",
        GapReason::Crashed => "crashed",
        GapReason::NoSnapshots => "no_snapshots",
        GapReason::ClockSet => "clock_set",
        GapReason::DiskFull => "disk_full",
        GapReason::Overflow => "overflow",
        GapReason::Damaged => "damaged",
    }
}
