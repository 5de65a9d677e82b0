//! What is planned, for a person to confirm, and what came of it.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::report::check_text::{INDENT, indented};

use crate::bind::{
    Decision, EndOutcome, EndPlan, EndReport, EndStep, Outcome, PlannedPort, PortReport,
    also_ends_text, describe_step,
};
use crate::model::{Pid, Process, duration, listed};

/// Writes what has the ports and what is to be done, for the question. Sentences are broken at `columns` cells if there
/// is such a limit.
pub fn write_end_plan(out: &mut dyn Write, plan: &EndPlan, columns: Option<u16>) -> io::Result<()> {
    let is_shown = |port: &&PlannedPort| port.decision != Decision::Free;
    let ports = plan.ports.iter().filter(is_shown);
    for port in ports {
        let verdict = &port.verdict;
        writeln!(out, "{}: {}", port.target, verdict.outcome.as_str())?;
        indented(out, 1, &verdict.summary, columns)?;
        if let Some(who) = &port.who {
            indented(out, 1, who, columns)?;
        }
        match &port.decision {
            Decision::Refuse(refusal) if plan.has_steps() => {
                indented(out, 1, &format!("Not ended: {}.", refusal.why), columns)?;
            }
            Decision::Wait => indented(
                out,
                1,
                "It is waited for: nothing has to be ended.",
                columns,
            )?,
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
        .try_for_each(|text| indented(out, 1, text, columns))
}

/// What else ends, what returns, and the warnings of the fixes.
fn cautions(plan: &EndPlan) -> Vec<String> {
    let mut cautions = Vec::new();
    let also_ends: Vec<_> = plan.also_ends().iter().map(also_ends_text).collect();
    if !also_ends.is_empty() {
        cautions.push(format!("Also ends {}.", also_ends.join(", ")));
    }
    for fix in plan.ports.iter().filter_map(PlannedPort::fix) {
        let again = fix.restart_text().map(str::to_owned);
        for text in again.into_iter().chain(fix.warning.clone()) {
            if !cautions.contains(&text) {
                cautions.push(text);
            }
        }
    }
    cautions
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
            let after = duration::format_after(port.took);
            format!("{before}; {names} still running {after}{colon}{why}")
        }
        EndOutcome::Kept(summary) => format!("{before}; {}", sentence(summary)),
        EndOutcome::TimedOut(summary) => {
            format!(
                "{before} {}; {}",
                duration::format_after(port.took),
                sentence(summary)
            )
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
        EndStep::Run(program) | EndStep::Start(program) => {
            Some(format!("`{}`", program.shell_text()))
        }
        _ => None,
    });
    let programs: Vec<_> = programs.collect();
    if !programs.is_empty() {
        return format!(
            "done by {} {}",
            programs.join(", "),
            duration::format_after(port.took)
        );
    }
    let ended = ended(report, port);
    let Some(last) = ended.iter().map(|(_, time)| *time).max() else {
        return match port.plan.decision {
            Decision::Wait => format!("it became so {}", duration::format_after(port.took)),
            _ => format!(
                "its socket was closed {}",
                duration::format_after(port.took)
            ),
        };
    };
    let names = listed(ended.iter().map(|(process, _)| process.name_and_pid()));
    format!("{names} exited {}", duration::format_after(last))
}

/// The processes that had this port, or got a signal for it, and have ended.
pub(super) fn ended<'a>(
    report: &'a EndReport,
    port: &PortReport,
) -> Vec<&'a (Arc<Process>, Duration)> {
    let pids: Vec<Pid> = port.plan.processes().iter().map(|one| one.pid).collect();
    let ended = report.ended.iter();
    ended
        .filter(|(process, _)| pids.contains(&process.pid))
        .collect()
}

fn sentence(text: &str) -> &str {
    text.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::bind::{BindTestResult, EndRules, Probe, ProbeResult, Prober, Target, Verdict};
    use crate::model::{Answered, Endpoint, Evidence, Holder, Moment, Protocol, Socket, State};

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
