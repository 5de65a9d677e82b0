//! Ending processes: which of a family, by which signal, and what is said where that costs more than the
//! port.

use super::members::{Members, deaf};
use super::party::{is_guarded, named};
use super::service::{ignores, supervisor_text};
use super::{Fix, FixCode, Situation, forward, guard};
use crate::model::{Pid, Restarts, Run, Supervisor, Term};

/// `kill`, with a signal's option or nothing.
pub(super) fn kill(signal: &str, pids: &[Pid]) -> String {
    let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
    format!("kill {signal}{}", pids.join(" "))
}

/// What frees the port of a family of processes.
pub(super) fn fixes(members: &Members<'_>, situation: &Situation<'_>) -> Vec<Fix> {
    let Some(first) = members.first_process() else {
        return Vec::new();
    };
    let end_risk = members.end_risk();
    if is_guarded(end_risk) {
        let mut fixes = guard::instead(end_risk, members, situation);
        let end = Fix {
            also_ends: members.also_ends(),
            warning: guard::consequence(end_risk),
            ..end(members)
        };
        // Nothing ends pid 1, and what it would cost is said above.
        if first.pid != 1 {
            fixes.push(members.by_whom(end, situation));
        }
        return fixes;
    }
    if let Some(fixes) = forward::fixes(members, situation) {
        return fixes;
    }
    let mut fixes = vec![members.by_whom_with_supervisor(end(members), situation)];
    if fixes[0].command.is_some() && fixes[0].code != FixCode::EndHard && members.pids().len() > 1 {
        let hard = Fix::command(
            FixCode::EndHard,
            "If some of them still run, kill all of them at once",
            kill("-KILL ", &members.pids()),
        );
        let hard = Fix {
            warning: Some("What they are doing is lost.".into()),
            ..hard
        };
        fixes.push(members.by_whom(hard, situation));
    }
    if members.supervisor_to_end().is_some() {
        fixes.extend(members.end_restarting(situation));
    }
    fixes
}

/// The end of a family, by the signal that its first process reacts to.
pub(super) fn end(members: &Members<'_>) -> Fix {
    let Some(first) = members.first_process() else {
        return Fix::sentence(FixCode::NoneNeeded, "Nothing is to be ended");
    };
    let reaction = members
        .first_background()
        .map(|background| background.reaction);
    let (run, term) = reaction.map_or((Run::Running, Term::Ends), |it| (it.run, it.term));
    let who = named(first);
    let supervisor = members.supervisor_to_end();
    let before: Vec<Pid> = supervisor
        .and_then(|supervisor| supervisor.pid)
        .into_iter()
        .collect();
    let with = |pids: Vec<Pid>| [before.clone(), pids].concat();
    let also_ends = members.also_ends();
    let fix = match (run, term) {
        (Run::Uninterruptible, _) => {
            let text = format!(
                "{who} waits for I/O in the kernel and reacts to no signal, not even SIGKILL, until that ends"
            );
            Fix::sentence(FixCode::Wait, text)
        }
        (Run::Stopped, _) if !ignores(term) => {
            let pids = with(members.pids());
            let command = format!("{}; {}", kill("", &pids), kill("-CONT ", &pids));
            let text = format!(
                "{}, which is stopped (Ctrl-Z) and handles the signal when it is continued",
                begin(members, supervisor)
            );
            Fix::command(FixCode::ContinueThenEnd, text, command)
        }
        (Run::Stopped | Run::Traced, _) => {
            let text = format!("Kill {who}, which is stopped and handles no other signal");
            Fix::command(
                FixCode::EndHard,
                text,
                kill("-KILL ", &with(members.pids())),
            )
        }
        (Run::Running, Term::Ignored | Term::Blocked | Term::Dropped) => {
            let text = format!("Kill {who}: {}", deaf(term));
            Fix::command(
                FixCode::EndHard,
                text,
                kill("-KILL ", &with(members.pids())),
            )
        }
        (Run::Running, _) => by_term(members, supervisor, &before),
    };
    Fix { also_ends, ..fix }
}

/// The end by SIGTERM, or by the signal that this kind of server ends at once by.
fn by_term(members: &Members<'_>, supervisor: Option<&Supervisor>, before: &[Pid]) -> Fix {
    let (Some(first), background) = (members.first_process(), members.first_background()) else {
        return Fix::sentence(FixCode::NoneNeeded, "Nothing is to be ended");
    };
    let reaction = background.map(|background| background.reaction);
    if let Some(quick) = reaction.and_then(|reaction| reaction.quick) {
        let text = format!(
            "{} by SIG{} (SIGTERM {})",
            text_of(&members.alone(), supervisor, true),
            quick.signal,
            quick.instead_of
        );
        let end = kill(&format!("-{} ", quick.signal), &[first.pid]);
        let command = match before {
            [] => end,
            before => format!("{}; {end}", kill("", before)),
        };
        return Fix::command(FixCode::EndProcess, text, command);
    }
    let heirs = members.heirs();
    let handles = reaction.is_some_and(|reaction| reaction.term == Term::Handled);
    // One that has a handler ends its workers itself; heirs of another program know nothing of it.
    let mut pids = vec![first.pid];
    if handles {
        pids.extend(heirs.iter().map(|heir| heir.pid));
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
    // A master may see to a worker that ignores SIGTERM; one without a handler does not.
    let deaf = members.deaf_ones();
    if let (Some(who), false) = (deaf.first(), handles) {
        let text = format!("{text}, by SIGKILL: {} ignores SIGTERM", named(who));
        return Fix::command(FixCode::EndHard, text, kill("-KILL ", &pids));
    }
    let code = if pids.len() > 1 {
        FixCode::EndProcesses
    } else {
        FixCode::EndProcess
    };
    Fix::command(code, text, kill("", &pids))
}

/// `End the loop (77), which starts it again, and nginx (81), which ends its 4 workers`
fn text_of(members: &Members<'_>, supervisor: Option<&Supervisor>, handles: bool) -> String {
    let heirs = members.heirs();
    let begin = begin(members, supervisor);
    let workers = match (members.pids().len() - 1 - heirs.len(), handles) {
        (0, _) => String::new(),
        (1, true) => ", which ends its worker".into(),
        (workers, true) => format!(", which ends its {workers} workers"),
        (1, false) => " and the other process that it started".into(),
        (others, false) => format!(" and the {others} other processes that it started"),
    };
    if heirs.is_empty() {
        return begin + &workers;
    }
    let heirs: Vec<_> = heirs.iter().map(|heir| named(heir)).collect();
    format!(
        "{begin}{workers}, and {}, which inherited the socket",
        heirs.join(", ")
    )
}

/// `End the loop (77), which starts it again, and nginx (81)`
pub(super) fn begin(members: &Members<'_>, supervisor: Option<&Supervisor>) -> String {
    let who = members
        .first_process()
        .map(|first| named(first))
        .unwrap_or_default();
    match supervisor {
        Some(supervisor) if supervisor.restarts == Restarts::Unknown => {
            format!(
                "End {}, which may start it again, and {who}",
                supervisor_text(supervisor)
            )
        }
        Some(supervisor) => format!(
            "End {}, which starts it again, and {who}",
            supervisor_text(supervisor)
        ),
        None => format!("End {who}"),
    }
}
