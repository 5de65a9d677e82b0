//! `end --json`: the names and types that scripts rely on.

use std::io::{self, Write};

use serde::Serialize;

use super::text::ended;
use crate::bind::{EndOutcome, EndReport, EndStep, FixCode, PortReport, RanProgram};
use crate::model::{Pid, Protocol};
use crate::report::check_json::{TargetRecord, holder_processes, port_record};
use crate::report::json::write_object;
use crate::report::record::{Processes, SCHEMA, millis};

#[derive(Serialize)]
struct EndRecord<'a> {
    schema: u32,
    dry_run: bool,
    free: bool,
    took_ms: u64,
    processes: &'a Processes<'a>,
    targets: Vec<PortRecord<'a>>,
}

#[derive(Serialize)]
struct PortRecord<'a> {
    target: String,
    protocol: Protocol,
    port: u16,
    before: TargetRecord<'a>,
    fix: Option<FixCode>,
    planned: Vec<StepRecord>,
    sent: Vec<SentRecord>,
    ran: Vec<&'a RanProgram>,
    ended: EndedRecord,
    outcome: &'static str,
    why: Option<&'a str>,
    free: bool,
    took_ms: u64,
    back: Option<BackRecord<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum StepRecord {
    Signal {
        signal: &'static str,
        pids: Vec<Pid>,
    },
    Run {
        command: String,
    },
    Start {
        command: String,
    },
    Pause {
        ms: u64,
    },
}

#[derive(Serialize)]
struct SentRecord {
    signal: &'static str,
    pids: Vec<Pid>,
}

#[derive(Serialize)]
struct EndedRecord {
    pids: Vec<Pid>,
}

#[derive(Serialize)]
struct BackRecord<'a> {
    pid: Pid,
    name: &'a str,
    same_program: bool,
    started_by: Option<&'a str>,
    command: Option<&'a str>,
}

/// Writes what came of a plan as one JSON object, then a line feed.
pub fn write_end_json(out: &mut dyn Write, report: &EndReport, is_dry_run: bool) -> io::Result<()> {
    let holders = report
        .ports
        .iter()
        .flat_map(|port| &port.plan.verdict.blockers);
    let mut processes = holder_processes(holders);
    let planned: Vec<_> = report
        .ports
        .iter()
        .map(|port| port.plan.processes())
        .collect();
    for process in planned.iter().flatten() {
        processes.add(process);
    }
    let targets = report
        .ports
        .iter()
        .map(|port| port_of(report, port, &processes));
    let took = report.ports.iter().map(|port| port.took).max();
    let record = EndRecord {
        schema: SCHEMA,
        dry_run: is_dry_run,
        free: report.is_free(),
        took_ms: millis(took.unwrap_or_default()),
        targets: targets.collect(),
        processes: &processes,
    };
    write_object(out, &record)
}

fn port_of<'a>(
    report: &'a EndReport,
    port: &'a PortReport,
    processes: &Processes<'_>,
) -> PortRecord<'a> {
    let plan = &port.plan;
    let pids: Vec<Pid> = plan.processes().iter().map(|one| one.pid).collect();
    let own = |all: &[Pid]| -> Vec<Pid> {
        let own = all.iter().filter(|pid| pids.contains(pid));
        own.copied().collect()
    };
    let sent = report.sent.iter().map(|sent| SentRecord {
        signal: sent.signal.as_str(),
        pids: own(&sent.pids),
    });
    let programs: Vec<String> = plan
        .steps()
        .iter()
        .filter_map(|step| match step {
            EndStep::Run(program) | EndStep::Start(program) => Some(program.shell_text()),
            _ => None,
        })
        .collect();
    let ran = report.ran.iter();
    PortRecord {
        target: plan.target.to_string(),
        protocol: plan.target.protocol,
        port: plan.target.first_port(),
        before: port_record(&plan.target, &plan.verdict, processes),
        fix: plan.fix().map(|fix| fix.code),
        planned: plan.steps().iter().map(step_record).collect(),
        sent: sent.filter(|sent| !sent.pids.is_empty()).collect(),
        ran: ran.filter(|ran| programs.contains(&ran.command)).collect(),
        ended: EndedRecord {
            pids: ended(report, port).iter().map(|(one, _)| one.pid).collect(),
        },
        outcome: port.outcome.code(),
        why: why(&port.outcome),
        free: port.is_free,
        took_ms: millis(port.took),
        back: back(&port.outcome),
    }
}

fn step_record(step: &EndStep) -> StepRecord {
    match step {
        EndStep::Signal { signal, processes } => StepRecord::Signal {
            signal: signal.as_str(),
            pids: processes.iter().map(|one| one.pid).collect(),
        },
        EndStep::Run(program) => StepRecord::Run {
            command: program.shell_text(),
        },
        EndStep::Start(program) => StepRecord::Start {
            command: program.shell_text(),
        },
        EndStep::Pause(time) => StepRecord::Pause { ms: millis(*time) },
    }
}

/// The sentence on an outcome, if it has one.
fn why(outcome: &EndOutcome) -> Option<&str> {
    match outcome {
        EndOutcome::Kept(why)
        | EndOutcome::TimedOut(why)
        | EndOutcome::Refused(why)
        | EndOutcome::Failed(why)
        | EndOutcome::StillRunning { why, .. } => Some(why.as_str()).filter(|why| !why.is_empty()),
        EndOutcome::Free { leftovers, .. } => leftovers.as_deref(),
        EndOutcome::NothingToDo
        | EndOutcome::Back { .. }
        | EndOutcome::Declined
        | EndOutcome::Planned => None,
    }
}

fn back(outcome: &EndOutcome) -> Option<BackRecord<'_>> {
    let EndOutcome::Back {
        pid,
        name,
        is_same,
        by,
        command,
    } = outcome
    else {
        return None;
    };
    Some(BackRecord {
        pid: *pid,
        name,
        same_program: *is_same,
        started_by: by.as_deref(),
        command: command.as_deref(),
    })
}
