//! The steps that carry out a fix: signals to verified processes, and programs as they are run, with `sudo` where it takes
//! that.

use std::sync::Arc;
use std::time::Duration;

use super::scope::check_descendants;
use super::{EndRefusal, EndRules, RefusalCode};
use crate::bind::Target;
use crate::bind::bind_test::BindTestResult;
use crate::bind::fix::shell::check_command;
use crate::bind::fix::{Action, Fix, Program, RunAs, Step, Word};
use crate::bind::text::uncapitalised;
use crate::model::{AlsoEndsKind, Evidence, Limits, Pid, Process, Signal, all_listed};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndStep {
    /// A signal to these processes, in this order; a stopped one is continued.
    Signal {
        /// Which one.
        signal: Signal,
        /// The processes, each with its start.
        processes: Vec<Arc<Process>>,
    },
    /// Run a program and wait for its end.
    Run(Program),
    /// Start a program, which goes on during the next steps.
    Start(Program),
    /// Wait.
    Pause(Duration),
}

/// The steps of the first fix of a port.
pub(super) fn of_fix(
    fix: &Fix,
    (target, result): (&Target, &BindTestResult),
    rules: &EndRules<'_>,
) -> Result<Vec<EndStep>, EndRefusal> {
    let limits = &result.evidence.limits;
    let mut steps = Vec::new();
    for action in &fix.actions {
        check_rights(action, (target, limits), rules)?;
        for step in &action.steps {
            let step = match step {
                Step::Signal { signal, pids } => {
                    let signal = rules.signal.unwrap_or(*signal);
                    check_kept(pids, fix, &result.evidence)?;
                    check_kill(signal == Signal::Kill, fix, rules)?;
                    let processes = pids.iter().map(|&pid| verified(pid, &result.evidence));
                    let processes = processes.collect::<Result<Vec<_>, _>>()?;
                    check_rules(&processes, fix, rules)?;
                    EndStep::Signal { signal, processes }
                }
                // A signal continues a stopped process anyway.
                Step::Continue { .. } => continue,
                Step::Run(program) => {
                    check_kill(sends_kill(program), fix, rules)?;
                    EndStep::Run(by_whom(program, &action.run_as, limits))
                }
                Step::Start(program) => EndStep::Start(by_whom(program, &action.run_as, limits)),
                Step::Pause(time) => EndStep::Pause(*time),
            };
            steps.push(step);
        }
    }
    Ok(steps)
}

/// The steps of several ports, each once. A process gets the first signal that is planned for it.
pub(super) fn once<'a>(steps: impl Iterator<Item = &'a EndStep>) -> Vec<EndStep> {
    let mut once: Vec<EndStep> = Vec::new();
    let mut signalled: Vec<Pid> = Vec::new();
    for step in steps {
        let EndStep::Signal { signal, processes } = step else {
            let is_new = !once.contains(step);
            once.extend(is_new.then(|| step.clone()));
            continue;
        };
        let more = processes.iter().filter(|one| !signalled.contains(&one.pid));
        let more: Vec<_> = more.cloned().collect();
        signalled.extend(more.iter().map(|one| one.pid));
        match once.last_mut() {
            _ if more.is_empty() => {}
            Some(EndStep::Signal {
                signal: before,
                processes,
            }) if before == signal => processes.extend(more),
            _ => once.push(EndStep::Signal {
                signal: *signal,
                processes: more,
            }),
        }
    }
    once
}

/// `send SIGTERM to node server.js (812)`, `run: docker stop web`.
pub fn describe_step(step: &EndStep) -> String {
    match step {
        EndStep::Signal { signal, processes } => {
            let names = processes.iter().map(|one| one.name_and_pid());
            format!(
                "send SIG{} to {}",
                signal.as_str(),
                all_listed(names.collect())
            )
        }
        EndStep::Run(program) => format!("run: {}", program.shell_text()),
        EndStep::Start(program) => format!("start: {}", program.shell_text()),
        EndStep::Pause(time) => format!("wait {} s", time.as_secs_f64()),
    }
}

/// Signals are sent only to processes that have the socket, and to what starts these again: not to a program for which one
/// of them keeps the port.
fn check_kept(pids: &[Pid], fix: &Fix, evidence: &Evidence) -> Result<(), EndRefusal> {
    let backgrounds = evidence.holders.iter().flat_map(|one| &one.backgrounds);
    let mut kept = backgrounds.filter_map(|one| one.keeps_for.as_ref());
    if kept.any(|kept| pids.contains(&kept.process.pid)) {
        return Err(EndRefusal {
            code: RefusalCode::NoCommand,
            why: fix.to_string(),
        });
    }
    Ok(())
}

fn check_kill(needs_kill: bool, fix: &Fix, rules: &EndRules<'_>) -> Result<(), EndRefusal> {
    if !needs_kill || rules.allows_kill || rules.signal == Some(Signal::Kill) {
        return Ok(());
    }
    Err(EndRefusal {
        code: RefusalCode::NeedsHard,
        why: format!(
            "add --hard to do it by SIGKILL ({})",
            uncapitalised(&fix.text)
        ),
    })
}

/// Whether a program sends SIGKILL itself: `systemctl kill -s KILL`.
fn sends_kill(program: &Program) -> bool {
    program.words.contains(&Word::Text("KILL".to_owned()))
}

/// Whether this user can carry out an action. A signal is never sent by `sudo kill`: the pid could be that of another
/// process by then.
fn check_rights(
    action: &Action,
    (target, limits): (&Target, &Limits),
    rules: &EndRules<'_>,
) -> Result<(), EndRefusal> {
    if action.run_as == RunAs::User || limits.uid == Some(0) {
        return Ok(());
    }
    let has_signal = |step: &Step| matches!(step, Step::Signal { .. });
    if rules.allows_sudo && !action.steps.iter().any(has_signal) {
        return Ok(());
    }
    let command = check_command(&target.to_string(), limits);
    let command = command.map(|check| check.replacen("check", "end", 1));
    let command = command.map(|end| format!(": sudo {end}"));
    let user = action.run_as.as_str();
    Err(EndRefusal {
        code: RefusalCode::NeedsRoot,
        why: format!(
            "not permitted, {user} has to do it{}",
            command.unwrap_or_default()
        ),
    })
}

/// The program as it is run: by `sudo`, or by `runuser` if this is root.
fn by_whom(program: &Program, run_as: &RunAs, limits: &Limits) -> Program {
    let is_root = limits.uid == Some(0);
    let prefix: Vec<&str> = match run_as {
        RunAs::User => return program.clone(),
        RunAs::Root if is_root => return program.clone(),
        RunAs::Root => vec!["sudo"],
        // A login of the user sets up what its own programs need, such as XDG_RUNTIME_DIR.
        RunAs::Named(user) if is_root => {
            let command = program.shell_text();
            return Program::new(["runuser", "-l", user, "-c", &command]);
        }
        RunAs::Named(user) => vec!["sudo", "-iu", user],
    };
    let variable = program.variable.iter();
    let variable = variable.flat_map(|(name, value)| ["env".to_owned(), format!("{name}={value}")]);
    let mut all = Program::new(prefix.iter().copied()).with(variable);
    all.words
        .extend(program.words.iter().map(|word| match word {
            Word::Text(text) => Word::Text(text.clone()),
            Word::Lines(lister) => {
                let words = prefix.iter().copied().map(str::to_owned);
                Word::Lines(words.chain(lister.iter().cloned()).collect())
            }
        }));
    all
}

/// The process that a pid of the fix means.
fn verified(pid: Pid, evidence: &Evidence) -> Result<Arc<Process>, EndRefusal> {
    let sockets = evidence.holders.iter().map(|holder| &holder.socket);
    let mut owners = sockets.flat_map(|socket| socket.owner.present());
    let known = owners.find(|one| one.pid == pid);
    let known = known.or_else(|| evidence.processes.get(&pid));
    known.cloned().ok_or_else(|| EndRefusal {
        code: RefusalCode::Unverified,
        why: format!("process {pid} can't be read, so nothing is sent to it"),
    })
}

fn check_rules(
    processes: &[Arc<Process>],
    fix: &Fix,
    rules: &EndRules<'_>,
) -> Result<(), EndRefusal> {
    let Some(may_end) = rules.may_end else {
        return Ok(());
    };
    let ends_others = fix
        .also_ends
        .iter()
        .any(|one| one.kind == AlsoEndsKind::Process);
    let mut each = processes.iter();
    each.try_for_each(|one| may_end(one))
        .and_then(|()| {
            if ends_others {
                check_descendants(processes, rules)
            } else {
                Ok(())
            }
        })
        .map_err(|why| EndRefusal {
            code: RefusalCode::NotMine,
            why,
        })
}
