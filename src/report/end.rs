//! `end`: what is planned for a person to confirm, and what came of it, as text and as JSON.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::check_json::{TargetRecord, holder_processes, port_record};
use super::json::write_object;
use super::record::{Processes, SCHEMA, millis};
use crate::bind::{
    Decision, EndOutcome, EndPlan, EndReport, EndStep, FixCode, Outcome, PlannedPort, PortReport,
    Program, RanProgram, Step, also_ends_text, describe_step, shell_text,
};
use crate::columns::wrap;
use crate::model::{Pid, Process, Protocol, listed};

const INDENT: &str = "  ";

/// Writes what has the ports and what is to be done, for the question. Sentences are broken at `columns` cells if there
/// is such a limit.
pub fn write_end_plan(out: &mut dyn Write, plan: &EndPlan, columns: Option<u16>) -> io::Result<()> {
    let is_shown = |port: &&PlannedPort| port.decision != Decision::Free;
    let ports = plan.ports.iter().filter(is_shown);
    for port in ports {
        let verdict = &port.verdict;
        writeln!(out, "{}: {}", port.target, verdict.outcome.as_str())?;
        indented(out, &verdict.summary, columns)?;
        if let Some(who) = &port.who {
            indented(out, who, columns)?;
        }
        match &port.decision {
            Decision::Refuse(refusal) if plan.has_steps() => {
                indented(out, &format!("Not ended: {}.", refusal.why), columns)?;
            }
            Decision::Wait => indented(out, "It is waited for: nothing has to be ended.", columns)?,
            Decision::Free | Decision::End(_) | Decision::Refuse(_) => {}
        }
    }
    let steps = plan.steps();
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nto do")?;
    for step in &steps {
        // A command is one piece: it is never broken.
        writeln!(out, "{INDENT}{}", describe_step(step))?;
    }
    cautions(plan)
        .iter()
        .try_for_each(|text| indented(out, text, columns))
}

/// What else ends, what returns, and the warnings of the fixes.
fn cautions(plan: &EndPlan) -> Vec<String> {
    let mut cautions = Vec::new();
    let also_ends: Vec<_> = plan.also_ends().iter().map(also_ends_text).collect();
    if !also_ends.is_empty() {
        cautions.push(format!("Also ends {}.", also_ends.join(", ")));
    }
    for fix in plan.ports.iter().filter_map(PlannedPort::fix) {
        let again = fix.restarts.then(|| "It is started again.".to_owned());
        for text in again.into_iter().chain(fix.warning.clone()) {
            if !cautions.contains(&text) {
                cautions.push(text);
            }
        }
    }
    cautions
}

fn indented(out: &mut dyn Write, text: &str, columns: Option<u16>) -> io::Result<()> {
    let room = columns.map_or(usize::MAX, |columns| {
        usize::from(columns).saturating_sub(INDENT.len())
    });
    let mut lines = wrap(text, room).into_iter();
    lines.try_for_each(|line| writeln!(out, "{INDENT}{line}"))
}

/// The result for one port: `3000: free; node server.js (26489) exited after 0.2 s`.
pub fn end_line(report: &EndReport, port: &PortReport) -> String {
    let verdict = &port.plan.verdict;
    // A port that was free and is not any more, or the other way round, is not what the verdict says.
    let before = match verdict.outcome {
        Outcome::Free => Outcome::InUse.as_str(),
        other => other.as_str(),
    };
    let result = match &port.outcome {
        EndOutcome::NothingToDo if verdict.is_wide_open() => "free already".to_owned(),
        EndOutcome::NothingToDo if verdict.outcome == Outcome::Free => {
            "free already, for a server that sets SO_REUSEADDR".to_owned()
        }
        EndOutcome::NothingToDo => "free meanwhile, nothing was done".to_owned(),
        EndOutcome::Free {
            supervisor,
            leftovers,
        } => {
            let supervisor = supervisor.as_ref();
            let supervisor = supervisor.map(|who| format!("; {who} may start it again"));
            let leftovers = leftovers.as_ref();
            let leftovers = leftovers.map(|text| format!("; {}", sentence(text)));
            let parts = [supervisor, leftovers].into_iter().flatten();
            format!("free; {}{}", how(report, port), parts.collect::<String>())
        }
        EndOutcome::Back { .. } => format!("{before}; {}", back_text(report, port)),
        EndOutcome::StillRunning { names, why } => {
            let colon = if why.is_empty() { "" } else { ": " };
            let after = after(port.took);
            format!("{before}; {names} still running {after}{colon}{why}")
        }
        EndOutcome::Kept(summary) => format!("{before}; {}", sentence(summary)),
        EndOutcome::TimedOut(summary) => {
            format!("{before} {}; {}", after(port.took), sentence(summary))
        }
        EndOutcome::Refused(why) => format!("{before}; not ended: {why}"),
        EndOutcome::Failed(why) => format!("{before}; {why}"),
        EndOutcome::Declined => format!("{before}; not confirmed, nothing was done"),
        EndOutcome::Planned => format!("{before}; would {}", plan_text(&port.plan)),
    };
    format!("{}: {result}", port.plan.target)
}

/// Who has the port again, as the end of a sentence.
fn back_text(report: &EndReport, port: &PortReport) -> String {
    let EndOutcome::Back {
        pid,
        name,
        is_same,
        by,
        command,
    } = &port.outcome
    else {
        return String::new();
    };
    let by = by.as_ref().map(|by| format!(", started by {by}"));
    let command = command.as_ref();
    let command = command.map(|one| format!(": `{one}` keeps it down"));
    let more: String = [by, command].into_iter().flatten().collect();
    let how = how(report, port);
    if *is_same {
        format!("{how}, back as {pid}{more}")
    } else {
        format!("{how}, but {name} ({pid}) has it now{more}")
    }
}

fn plan_text(plan: &PlannedPort) -> String {
    match &plan.decision {
        Decision::End(steps) => {
            let steps: Vec<_> = steps.iter().map(describe_step).collect();
            steps.join(", then ")
        }
        _ => "wait".to_owned(),
    }
}

/// How a port was freed: `node server.js (26489) exited after 0.2 s`.
fn how(report: &EndReport, port: &PortReport) -> String {
    let programs = port.plan.steps().iter().filter_map(|step| match step {
        EndStep::Run(program) | EndStep::Start(program) => Some(format!("`{}`", line(program))),
        _ => None,
    });
    let programs: Vec<_> = programs.collect();
    if !programs.is_empty() {
        return format!("done by {} {}", programs.join(", "), after(port.took));
    }
    let ended = ended(report, port);
    let Some(last) = ended.iter().map(|(_, time)| *time).max() else {
        return match port.plan.decision {
            Decision::Wait => format!("it became so {}", after(port.took)),
            _ => format!("its socket was closed {}", after(port.took)),
        };
    };
    let names = listed(ended.iter().map(|(process, _)| process.name_and_pid()));
    format!("{names} exited {}", after(last))
}

/// The processes that had this port, or got a signal for it, and have ended.
fn ended<'a>(report: &'a EndReport, port: &PortReport) -> Vec<&'a (Arc<Process>, Duration)> {
    let pids: Vec<Pid> = port.plan.processes().iter().map(|one| one.pid).collect();
    let ended = report.ended.iter();
    ended
        .filter(|(process, _)| pids.contains(&process.pid))
        .collect()
}

/// `after 0.2 s`, `at once`
fn after(time: Duration) -> String {
    if time < Duration::from_millis(50) {
        "at once".to_owned()
    } else {
        format!("after {:.1} s", time.as_secs_f64())
    }
}

fn sentence(text: &str) -> &str {
    text.trim_end_matches('.')
}

fn line(program: &Program) -> String {
    shell_text(&[Step::Run(program.clone())])
}

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
            EndStep::Run(program) | EndStep::Start(program) => Some(line(program)),
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
            command: line(program),
        },
        EndStep::Start(program) => StepRecord::Start {
            command: line(program),
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

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::bind::{BindTestResult, EndRules, Probe, ProbeResult, Prober, Target, Verdict};
    use crate::model::{Answered, Endpoint, Evidence, Holder, Moment, Socket, State};

    /// A port that a listener without a known owner has.
    struct Taken;

    impl Prober for Taken {
        fn rows(&mut self) -> Evidence {
            let local = Endpoint::new([0, 0, 0, 0].into(), 3000);
            let socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
            Evidence::new(now(), vec![Holder::new(socket)])
        }

        fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
            vec![Probe {
                address: [0, 0, 0, 0].into(),
                v6only: None,
                reuse_address: true,
                result: ProbeResult::Errno("EADDRINUSE".into()),
            }]
        }

        fn explain(&mut self, _: &mut Evidence, _: Answered) {}
    }

    fn now() -> Moment {
        Moment {
            steady: Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn line(outcome: EndOutcome) -> String {
        let target: Target = "3000".parse().unwrap();
        let result = BindTestResult::of(&target, &mut Taken);
        let verdict = Verdict::of(&result, &TimeZone::UTC, now());
        assert_eq!(verdict.outcome, Outcome::InUse);
        let mut plan = EndPlan::of([(target, result, verdict)], &EndRules::DEFAULT);
        let port = PortReport {
            plan: plan.ports.swap_remove(0),
            outcome,
            is_free: false,
            took: Duration::from_millis(2_040),
        };
        let report = EndReport {
            ports: vec![port],
            sent: Vec::new(),
            ran: Vec::new(),
            ended: Vec::new(),
        };
        end_line(&report, &report.ports[0])
    }

    #[test]
    fn each_outcome_is_one_line() {
        let text = str::to_owned;
        let back = |is_same| EndOutcome::Back {
            pid: 1054,
            name: text("node"),
            is_same,
            by: Some(text("supervisord (77)")),
            command: Some(text("supervisorctl stop web")),
        };
        let free = |supervisor: Option<&str>, leftovers: Option<&str>| EndOutcome::Free {
            supervisor: supervisor.map(text),
            leftovers: leftovers.map(text),
        };
        for (outcome, expected) in [
            (EndOutcome::NothingToDo, "free meanwhile, nothing was done"),
            (free(None, None), "free; its socket was closed after 2.0 s"),
            (
                free(Some("sh (7)"), Some("Free but for 1 connection.")),
                "free; its socket was closed after 2.0 s; sh (7) may start it again; Free but for 1 connection",
            ),
            (
                back(true),
                "in use; its socket was closed after 2.0 s, back as 1054, started by supervisord (77): \
                 `supervisorctl stop web` keeps it down",
            ),
            (
                back(false),
                "in use; its socket was closed after 2.0 s, but node (1054) has it now, started by supervisord (77): \
                 `supervisorctl stop web` keeps it down",
            ),
            (
                EndOutcome::StillRunning {
                    names: text("node (12)"),
                    why: text("it ignores SIGTERM"),
                },
                "in use; node (12) still running after 2.0 s: it ignores SIGTERM",
            ),
            (
                EndOutcome::Kept(text("nginx has it.")),
                "in use; nginx has it",
            ),
            (
                EndOutcome::TimedOut(text("1 connection is left.")),
                "in use after 2.0 s; 1 connection is left",
            ),
            (
                EndOutcome::Refused(text("it is needed")),
                "in use; not ended: it is needed",
            ),
            (EndOutcome::Failed(text("`x` failed")), "in use; `x` failed"),
            (
                EndOutcome::Declined,
                "in use; not confirmed, nothing was done",
            ),
            (EndOutcome::Planned, "in use; would wait"),
        ] {
            assert_eq!(line(outcome), format!("3000: {expected}"));
        }
    }
}
