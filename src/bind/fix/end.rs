//! Ends a family of processes: which of them, with which signal, and the sentence for that.

use super::process_group::{Members, named, supervisor_text};
use super::shell::kill;
use super::{Fix, FixCode};
use crate::model::{Pid, Reaction, Restarts, Run, Supervisor, Term};

/// Ends a family by the signal that its first process reacts to.
pub(super) fn end(members: &Members<'_>) -> Fix {
    let reaction = members.background.map(|background| background.reaction);
    let reaction = reaction.unwrap_or(Reaction::ORDINARY);
    let who = named(members.first);
    let supervisor = members.supervisor_to_end();
    let before: Vec<Pid> = supervisor
        .and_then(|supervisor| supervisor.pid)
        .into_iter()
        .collect();
    let all = [before.clone(), members.pids()].concat();
    let kill_all = |text: String| FixCode::EndHard.command(text, kill("-KILL ", &all));
    let fix = match (reaction.run, members.ignores_term()) {
        (Run::Uninterruptible, _) => FixCode::Wait.fix(format!(
            "{who} waits for I/O in the kernel and reacts to no signal, not even SIGKILL, until that ends"
        )),
        (Run::Stopped, None) => {
            let begin = begin(members, supervisor);
            let text = format!(
                "{begin}, which is stopped (Ctrl-Z) and handles the signal when it is continued"
            );
            let command = format!("{}; {}", kill("", &all), kill("-CONT ", &all));
            FixCode::ContinueThenEnd.command(text, command)
        }
        (Run::Stopped | Run::Traced, _) => kill_all(format!(
            "Kill {who}, which is stopped and handles no other signal"
        )),
        (Run::Running, Some(why)) => kill_all(format!("Kill {who}: {why}")),
        (Run::Running, None) => by_term(members, reaction, supervisor, &before),
    };
    Fix {
        also_ends: members.also_ends(),
        ..fix
    }
}

/// Ends a family by SIGTERM, or by the signal that ends this kind of server at once.
fn by_term(
    members: &Members<'_>,
    reaction: Reaction,
    supervisor: Option<&Supervisor>,
    before: &[Pid],
) -> Fix {
    let first = members.first.pid;
    if let Some(quick) = reaction.quick {
        let (signal, instead_of) = (quick.signal, quick.instead_of);
        let begin = begin(members, supervisor);
        let text = format!("{begin} by SIG{signal} (SIGTERM {instead_of})");
        let end = kill(&format!("-{signal} "), &[first]);
        let command = match before {
            [] => end,
            before => format!("{}; {end}", kill("", before)),
        };
        return FixCode::EndProcess.command(text, command);
    }
    let handles = reaction.term == Term::Handled;
    // A process with a handler ends its workers itself, but not other programs.
    let mut pids = vec![first];
    if handles {
        pids.extend(members.other_programs().iter().map(|other| other.pid));
    } else {
        pids.extend(members.pids().into_iter().skip(1));
    }
    // A program that waits for a changed file ends its child itself, perhaps before `kill` comes to it and
    // fails; it starts nothing when the child ends first. Anything else would start it again at once.
    if supervisor.is_some_and(|supervisor| supervisor.restarts == Restarts::OnChange) {
        pids.extend(before);
    } else {
        pids.splice(..0, before.iter().copied());
    }
    let text = text_of(members, supervisor, handles);
    // A master may end a worker that ignores SIGTERM; one without a handler does not.
    if let (Some(who), false) = (members.one_ignoring_term(), handles) {
        let text = format!("{text}, by SIGKILL: {} ignores SIGTERM", named(who));
        return FixCode::EndHard.command(text, kill("-KILL ", &pids));
    }
    let code = match pids.len() {
        1 => FixCode::EndProcess,
        _ => FixCode::EndProcesses,
    };
    code.command(text, kill("", &pids))
}

/// `End the loop (77), which starts it again, and nginx (81), which ends its 4 workers`
fn text_of(members: &Members<'_>, supervisor: Option<&Supervisor>, handles: bool) -> String {
    let others = members.other_programs();
    let workers = match (members.pids().len() - 1 - others.len(), handles) {
        (0, _) => String::new(),
        (1, true) => ", which ends its worker".into(),
        (workers, true) => format!(", which ends its {workers} workers"),
        (1, false) => " and the other process that it started".into(),
        (others, false) => format!(" and the {others} other processes that it started"),
    };
    let text = begin(members, supervisor) + &workers;
    if others.is_empty() {
        return text;
    }
    let others: Vec<_> = others.iter().map(|other| named(other)).collect();
    let others = others.join(", ");
    format!("{text}, and {others}, which inherited the socket")
}

/// `End the loop (77), which starts it again, and nginx (81)`
pub(super) fn begin(members: &Members<'_>, supervisor: Option<&Supervisor>) -> String {
    let who = named(members.first);
    let Some(supervisor) = supervisor else {
        return format!("End {who}");
    };
    let starts = match supervisor.restarts {
        Restarts::Unknown => "may start",
        _ => "starts",
    };
    format!(
        "End {}, which {starts} it again, and {who}",
        supervisor_text(supervisor)
    )
}
