//! `run`: the calls of a program that failed, and its listeners, as text for a person and as JSON lines.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::check_json::{TargetRecord, holder_processes, port_record};
use super::check_text::{fixes, indented, write_notes};
use super::end::end_line;
use super::json::write_object;
use super::record::{ProcessRecord, Processes, SCHEMA, millis, time};
use crate::bind::{BindAttempt, BindCall, Decision, EndReport, PortReport, RefusalCode, Verdict};
use crate::model::{Moment, Pid, Process, Protocol, Text, Zone, counted, duration};

/// A bind(2) or listen(2) that failed.
#[derive(Clone, Copy, Debug)]
pub struct FailedCall<'a> {
    /// Counts from 1.
    pub id: u32,
    /// When it was made.
    pub at: Moment,
    /// Who made it, as far as it could be read.
    pub caller: Caller<'a>,
    /// What it was.
    pub attempt: &'a BindAttempt,
    /// Why it failed; `None` if that could not be found out.
    pub verdict: Option<&'a Verdict>,
    /// Why not.
    pub reason: Option<&'a str>,
    /// Whether the evidence was taken before the program saw the error: else what was in the way may have changed.
    pub is_from_before: bool,
    /// How long the call waits for the port, if it does.
    pub waits_for: Option<Duration>,
}

/// A process below `run`.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Its pid.
    pub pid: Pid,
    /// Its record, unless it has ended before it could be read.
    pub process: Option<&'a Process>,
}

/// How a failing call that was made again and again ended.
#[derive(Clone, Copy, Debug)]
pub struct Repeated<'a> {
    /// The first of them.
    pub id: u32,
    /// Who made the one that succeeded, or else the first.
    pub caller: Caller<'a>,
    /// Whether several processes of the same program made those that failed.
    pub is_of_several: bool,
    /// What it was.
    pub attempt: &'a BindAttempt,
    /// How often it failed, the first time included.
    pub count: u64,
    /// From the first failure to the last, or to the success.
    pub lasted: Duration,
    /// Whether it succeeded in the end.
    pub succeeded: bool,
}

/// How the port of a failing call was freed (`--free-first`).
#[derive(Clone, Copy, Debug)]
pub struct Freed<'a> {
    /// The failure.
    pub id: u32,
    /// What was done, and what came of it.
    pub report: &'a EndReport,
}

/// A socket that listened, or a UDP socket that was bound.
#[derive(Clone, Copy, Debug)]
pub struct Listened<'a> {
    /// When it began.
    pub at: Moment,
    /// Who opened it.
    pub caller: Caller<'a>,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Its address and port, as text: `127.0.0.1:3000`.
    pub local: &'a str,
    /// The processes that still have it after the program has ended; `None` if it is closed.
    pub left_to: Option<&'a [Process]>,
}

/// Writes what failed in one line, and why below.
pub fn write_failed_call(
    out: &mut dyn Write,
    failed: &FailedCall<'_>,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    let (who, what) = (failed.caller.name(), call_text(failed.attempt));
    let errno = failed.attempt.result.as_str();
    let [bold, end] = if has_colour {
        ["\x1b[1;31m", "\x1b[0m"]
    } else {
        [""; 2]
    };
    writeln!(out, "sockeye: {who} {bold}can't {what}{end} ({errno})")?;
    if let Some(verdict) = failed.verdict {
        for text in std::iter::once(&verdict.summary).chain(&verdict.details) {
            indented(out, 1, text, columns)?;
        }
        if !failed.is_from_before {
            let caveat = "The program had the error before all of this was read, so it may have changed meanwhile.";
            indented(out, 1, caveat, columns)?;
        }
        fixes(out, &verdict.fixes, columns)?;
        if !verdict.notes.is_empty() {
            writeln!(out)?;
        }
        write_notes(out, &verdict.notes, columns)?;
        for gap in &verdict.gaps {
            indented(out, 1, &format!("not known: {}.", gap.message), columns)?;
        }
    }
    if let Some(reason) = failed.reason {
        indented(out, 1, reason, columns)?;
    }
    if let Some(limit) = failed.waits_for {
        let limit = duration::format(limit);
        indented(
            out,
            1,
            &format!("Waiting for the port, up to {limit}."),
            columns,
        )?;
    }
    Ok(())
}

/// Writes how it ended, in one line.
pub fn write_repeated(out: &mut dyn Write, repeated: &Repeated<'_>) -> io::Result<()> {
    let (mut who, what) = (repeated.caller.name(), call_text(repeated.attempt));
    let mut times = counted(repeated.count, "failure", "failures");
    if repeated.is_of_several {
        times += " of several processes";
    }
    let lasted = format!("{:.1} s", repeated.lasted.as_secs_f64());
    if repeated.succeeded {
        writeln!(
            out,
            "sockeye: {who} can {what} now, after {times} in {lasted}"
        )
    } else {
        if let Some(process) = repeated.caller.process.filter(|_| repeated.is_of_several) {
            who = process.name.to_string();
        }
        writeln!(out, "sockeye: {who} can't {what}: {times} in {lasted}")
    }
}

/// Writes what came of freeing a port, in one line.
pub fn write_freed(out: &mut dyn Write, freed: &Freed<'_>) -> io::Result<()> {
    for port in &freed.report.ports {
        writeln!(out, "sockeye: {}", end_line(freed.report, port))?;
        if needs_hard(port) {
            let target = &port.plan.target;
            writeln!(
                out,
                "sockeye: --free-first never does that: sockeye end --hard {target}"
            )?;
        }
    }
    Ok(())
}

fn needs_hard(port: &PortReport) -> bool {
    let Decision::Refuse(refusal) = &port.plan.decision else {
        return false;
    };
    refusal.code == RefusalCode::NeedsHard
}

/// The same as a JSON line.
pub fn write_freed_json(out: &mut dyn Write, freed: &Freed<'_>) -> io::Result<()> {
    #[derive(Clone, Serialize)]
    struct Sent<'a> {
        signal: &'static str,
        pids: &'a [Pid],
    }
    #[derive(Serialize)]
    struct Record<'a> {
        schema: u32,
        kind: &'static str,
        id: u32,
        free: bool,
        outcome: &'static str,
        message: String,
        sent: Vec<Sent<'a>>,
        processes: &'a Processes<'a>,
    }
    let report = freed.report;
    let sent = report.sent.iter().map(|one| Sent {
        signal: one.signal.as_str(),
        pids: &one.pids,
    });
    let planned = report.ports.iter().map(|port| port.plan.processes());
    let planned: Vec<_> = planned.collect();
    let mut processes = Processes::default();
    for process in planned.iter().flatten() {
        processes.add(process);
    }
    let mut ports = report.ports.iter().map(|port| Record {
        schema: SCHEMA,
        kind: "freed",
        id: freed.id,
        free: port.is_free,
        outcome: port.outcome.code(),
        message: end_line(report, port),
        sent: sent.clone().collect(),
        processes: &processes,
    });
    ports.try_for_each(|record| write_object(out, &record))
}

/// Writes what a program listened on, and what it left behind.
pub fn write_listened(out: &mut dyn Write, listened: &[Listened<'_>]) -> io::Result<()> {
    if listened.is_empty() {
        return writeln!(out, "sockeye: it listened on nothing");
    }
    writeln!(out, "sockeye: it listened on")?;
    for one in listened {
        writeln!(
            out,
            "  {}{}  {}",
            one.local,
            suffix(one.protocol),
            one.caller.name()
        )?;
    }
    let left: Vec<_> = listened
        .iter()
        .filter_map(|one| Some((one, one.left_to?)))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    writeln!(out, "sockeye: still open, after the program has ended")?;
    for (one, processes) in left {
        let names: Vec<_> = processes.iter().map(Process::name_and_pid).collect();
        let names = if names.is_empty() {
            "an unknown process".to_owned()
        } else {
            names.join(", ")
        };
        writeln!(out, "  {}{}  {names}", one.local, suffix(one.protocol))?;
    }
    Ok(())
}

impl Caller<'_> {
    /// `node server.js (812)`.
    pub fn name(&self) -> String {
        match self.process {
            Some(process) => process.name_and_pid(),
            None => format!("process {}", self.pid),
        }
    }
}

/// `bind 0.0.0.0:3000`, `listen on [::1%eth0]:53/udp`.
fn call_text(attempt: &BindAttempt) -> String {
    let verb = match attempt.call {
        BindCall::Bind => "bind",
        BindCall::Listen => "listen on",
    };
    let zone = attempt
        .zone
        .as_ref()
        .map(|zone| format!("%{zone}"))
        .unwrap_or_default();
    let host = if attempt.address.is_ipv6() {
        format!("[{}{zone}]", attempt.address)
    } else {
        attempt.address.to_string()
    };
    format!("{verb} {host}:{}{}", attempt.port, suffix(attempt.protocol))
}

const fn suffix(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Udp => "/udp",
        _ => "",
    }
}

#[derive(Serialize)]
struct FailureRecord<'a> {
    schema: u32,
    kind: &'static str,
    id: u32,
    at: String,
    call: BindCall,
    errno: &'a str,
    pid: Pid,
    argv: Option<&'a [Text]>,
    process: Option<ProcessRecord<'a>>,
    socket: AttemptRecord<'a>,
    explained_before_return: bool,
    unexplained: Option<&'a str>,
    waits_ms: Option<u64>,
    #[serde(flatten)]
    target: Option<TargetRecord<'a>>,
    processes: Processes<'a>,
}

/// The socket of the call, with the options that decide.
#[derive(Serialize)]
struct AttemptRecord<'a> {
    protocol: &'static str,
    address: String,
    port: u16,
    v6only: Option<bool>,
    reuse_address: bool,
    reuse_port: bool,
    interface: Option<&'a str>,
}

impl<'a> AttemptRecord<'a> {
    fn of(attempt: &'a BindAttempt) -> Self {
        let zone = attempt.zone.as_ref().map(Zone::as_str);
        Self {
            protocol: attempt.protocol.as_str(),
            address: attempt.address.to_string(),
            port: attempt.port,
            v6only: attempt.v6only,
            reuse_address: attempt.reuse_address,
            reuse_port: attempt.traits.reuse_port,
            interface: attempt.traits.device.as_deref().or(zone),
        }
    }
}

/// Writes a failed call as a JSON line: the fields of `check --json` about the target, and who called.
pub fn write_failed_call_json(out: &mut dyn Write, failed: &FailedCall<'_>) -> io::Result<()> {
    let blockers = failed.verdict.map(|verdict| verdict.blockers.iter());
    let processes = holder_processes(blockers.clone().into_iter().flatten());
    let target = failed.attempt.target();
    let record = FailureRecord {
        schema: SCHEMA,
        kind: "failure",
        id: failed.id,
        at: time(failed.at.wall),
        call: failed.attempt.call,
        errno: failed.attempt.result.as_str(),
        pid: failed.caller.pid,
        argv: failed
            .caller
            .process
            .and_then(|process| process.argv.as_deref()),
        process: failed.caller.process.map(ProcessRecord::of),
        socket: AttemptRecord::of(failed.attempt),
        explained_before_return: failed.is_from_before,
        unexplained: failed.reason,
        waits_ms: failed.waits_for.map(millis),
        target: failed
            .verdict
            .map(|verdict| port_record(&target, verdict, &processes)),
        processes,
    };
    write_object(out, &record)
}

/// Writes how a repeated failure ended as a JSON line.
pub fn write_repeated_json(out: &mut dyn Write, repeated: &Repeated<'_>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: u32,
        kind: &'static str,
        id: u32,
        pid: Option<Pid>,
        socket: AttemptRecord<'a>,
        count: u64,
        lasted_ms: u64,
        succeeded: bool,
    }
    let is_one = repeated.succeeded || !repeated.is_of_several;
    let record = Record {
        schema: SCHEMA,
        kind: "repeated",
        id: repeated.id,
        pid: is_one.then_some(repeated.caller.pid),
        socket: AttemptRecord::of(repeated.attempt),
        count: repeated.count,
        lasted_ms: millis(repeated.lasted),
        succeeded: repeated.succeeded,
    };
    write_object(out, &record)
}

/// Writes each listener as a JSON line.
pub fn write_listened_json(out: &mut dyn Write, listened: &[Listened<'_>]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: u32,
        kind: &'static str,
        at: String,
        protocol: &'static str,
        local: &'a str,
        pid: Pid,
        process: Option<ProcessRecord<'a>>,
        left_behind: bool,
        left_to: Vec<ProcessRecord<'a>>,
    }
    for one in listened {
        let left_to = one.left_to.unwrap_or_default().iter();
        let record = Record {
            schema: SCHEMA,
            kind: "listener",
            at: time(one.at.wall),
            protocol: one.protocol.as_str(),
            local: one.local,
            pid: one.caller.pid,
            process: one.caller.process.map(ProcessRecord::of),
            left_behind: one.left_to.is_some(),
            left_to: left_to.map(ProcessRecord::of).collect(),
        };
        write_object(out, &record)?;
    }
    Ok(())
}

/// Writes why calls could not be explained as a JSON line.
pub fn write_unjudged_json(out: &mut dyn Write, reason: &str) -> io::Result<()> {
    #[derive(Serialize)]
    struct Record<'a> {
        schema: u32,
        kind: &'static str,
        reason: &'a str,
    }
    let record = Record {
        schema: SCHEMA,
        kind: "unjudged",
        reason,
    };
    write_object(out, &record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{ProbeResult, SocketTraits};

    /// It was written in milliseconds, without a unit.
    #[test]
    fn how_long_a_call_failed_has_a_unit() {
        let attempt = BindAttempt {
            call: BindCall::Bind,
            protocol: Protocol::Tcp,
            address: [0, 0, 0, 0].into(),
            zone: None,
            port: 3000,
            v6only: None,
            reuse_address: true,
            traits: SocketTraits::default(),
            result: ProbeResult::Ok,
        };
        let caller = Caller {
            pid: 7,
            process: None,
        };
        let mut out = Vec::new();
        let repeated = Repeated {
            id: 1,
            caller,
            is_of_several: false,
            attempt: &attempt,
            count: 3,
            lasted: Duration::from_millis(2_140),
            succeeded: true,
        };
        write_repeated(&mut out, &repeated).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "sockeye: process 7 can bind 0.0.0.0:3000 now, after 3 failures in 2.1 s\n"
        );
    }
}
