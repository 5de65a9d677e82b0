//! Ends processes: which of them, with which signal, and the alternatives if that would end more than the port. A tunnel is
//! closed without the session that carries it.

use super::action::Step;
use super::process_group::{Members, may_start_it_again, supervisor_text, why_term_fails};
use super::{Fix, FixCode, Situation, consequence, kept_for, protected};
use crate::bind::text::{after, uncapitalised};
use crate::model::{
    AlsoEnds, AlsoEndsKind, BehindKind, Pid, Process, Reaction, Restarts, Run, Term,
};

pub(super) fn fixes(members: &Members<'_>, situation: &Situation<'_>) -> Vec<Fix> {
    let end_risk = members.end_risk();
    if let Some(consequence) = consequence(end_risk) {
        let mut fixes = protected::instead(end_risk, members, situation);
        // Pid 1 can't be ended.
        if members.first.pid != 1 {
            let end = warned(end(members), consequence);
            fixes.push(members.by_whom(end, situation));
        }
        return fixes;
    }
    if let Some(fixes) = close_forward(members, situation) {
        return fixes;
    }
    if let Some(fixes) = kept_for::fixes(members, situation) {
        return fixes;
    }
    let mut fixes = vec![members.by_whom_with_supervisor(end(members), situation)];
    if fixes[0].command.is_some() && fixes[0].code != FixCode::EndHard && members.all.len() > 1 {
        let text = "If some of them still run, kill all of them at once";
        let hard = FixCode::EndHard.steps(text, vec![Step::kill(members.pids())]);
        let hard = warned(
            with_possible_restart(members, hard),
            "What they are doing is lost.",
        );
        fixes.push(members.by_whom(hard, situation));
    }
    if members.supervisor_to_end().is_some() {
        fixes.extend(members.end_restarting(situation));
    }
    fixes
}

/// The fixes for a tunnel or forwarder; `None` if the processes are none.
fn close_forward(members: &Members<'_>, situation: &Situation<'_>) -> Option<Vec<Fix>> {
    let behind = members.background.behind.as_ref()?;
    let end_it = uncapitalised(&begin(members));
    let end = |text: String| Fix {
        text: format!("{text}: {end_it}"),
        ..end(members)
    };
    let close = |text| Fix {
        code: FixCode::CloseForward,
        ..end(text)
    };
    let name = behind.name.as_deref();
    let to = after(" to ", name);
    Some(match behind.kind {
        BehindKind::SshForward if behind.is_reachable => {
            let close = close(format!("Close the tunnel{to}"));
            vec![members.by_whom_with_supervisor(close, situation)]
        }
        BehindKind::SshForward => {
            let only = match behind.escape.as_deref() {
                Some(command) if !command.starts_with('-') => {
                    let by = name.unwrap_or_default();
                    format!("the forward of the shared connection {by}: {command}")
                }
                Some(escape) => {
                    let how = protected::by_escape("in it", escape);
                    format!("the forward in the ssh session{to}: {how}")
                }
                None => format!("the forward in the ssh session{to}"),
            };
            let only = FixCode::CloseForward.fix(format!("Close only {only}"));
            let mut close = close(format!("Close the tunnel{to}"));
            let login = AlsoEnds::new(AlsoEndsKind::Login, name.unwrap_or("the session"));
            close.also_ends.insert(0, login);
            vec![only, members.by_whom(close, situation)]
        }
        BehindKind::SshSession => {
            let session = name.unwrap_or("ssh");
            let again = "whose client may connect again if it is autossh";
            let close = close(format!("Close the tunnel of {session}, {again}"));
            vec![members.by_whom(close, situation)]
        }
        BehindKind::PortForward => {
            let end = end(format!("Stop the forwarder{to}"));
            vec![members.by_whom(end, situation)]
        }
        BehindKind::Container | BehindKind::SocketUnit | BehindKind::SystemdProxy => return None,
    })
}

/// Ends a family by the signal that its first process reacts to.
pub(super) fn end(members: &Members<'_>) -> Fix {
    let reaction = members.background.reaction;
    let who = members.first.name_and_pid();
    let supervisor = members.supervisor_to_end();
    let before = supervisor.and_then(|supervisor| supervisor.pid);
    let all: Vec<Pid> = before.into_iter().chain(members.pids()).collect();
    let kill_all = |text: String| FixCode::EndHard.steps(text, vec![Step::kill(&*all)]);
    let fix = match (reaction.run, members.ignores_term()) {
        (Run::Uninterruptible, _) => FixCode::Wait.fix(format!(
            "{who} waits for I/O in the kernel and reacts to no signal, not even SIGKILL, until that ends"
        )),
        (Run::Stopped, None) => {
            let begin = begin(members);
            let text = format!(
                "{begin}, which is stopped (Ctrl-Z) and handles the signal when it is continued"
            );
            let go_on = Step::Continue { pids: all.clone() };
            FixCode::ContinueThenEnd.steps(text, vec![Step::term(&*all), go_on])
        }
        (Run::Stopped | Run::Traced, _) => kill_all(format!(
            "Kill {who}, which is stopped and handles no other signal"
        )),
        (Run::Running, Some(why)) => kill_all(format!("Kill {who}: {why}")),
        (Run::Running, None) => by_term(members, reaction, before),
    };
    let fix = Fix {
        also_ends: members.also_ends(),
        ..fix
    };
    with_possible_restart(members, fix)
}

/// The fix with the warning that a shell may start the server again, if that is not known.
fn with_possible_restart(members: &Members<'_>, fix: Fix) -> Fix {
    let warning = members.possible_loop().and_then(may_start_it_again);
    match warning.filter(|_| fix.command.is_some()) {
        Some(warning) => Fix {
            restarts: Restarts::Unknown,
            ..warned(fix, &warning)
        },
        None => fix,
    }
}

/// The fix with another warning before its own.
fn warned(fix: Fix, warning: &str) -> Fix {
    let warnings = std::iter::once(warning).chain(fix.warning.as_deref());
    let warning = Some(warnings.collect::<Vec<_>>().join(" "));
    Fix { warning, ..fix }
}

/// Ends a family by SIGTERM, or by the signal that ends this kind of server at once. What starts it again is ended
/// `before`.
fn by_term(members: &Members<'_>, reaction: Reaction, before: Option<Pid>) -> Fix {
    let first = members.first.pid;
    if let Some(quick) = reaction.quick {
        let (signal, instead_of) = (quick.signal, quick.instead_of);
        let (begin, name) = (begin(members), signal.as_str());
        let text = format!("{begin} by SIG{name} (SIGTERM {instead_of})");
        let before = before.map(|pid| Step::term([pid]));
        let pids = vec![first];
        let end = Step::Signal { signal, pids };
        let steps = before.into_iter().chain([end]).collect();
        return FixCode::EndProcess.steps(text, steps);
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
    let supervisor = members.supervisor_to_end();
    if supervisor.is_some_and(|supervisor| supervisor.restarts == Restarts::OnChange) {
        pids.extend(before);
    } else {
        pids.splice(..0, before);
    }
    let text = text_of(members, handles);
    // A master may end a worker that ignores SIGTERM; one without a handler does not.
    let mut all = members.all.iter();
    let stays = all.find(|(_, one)| why_term_fails(one.reaction.term).is_some());
    if let (Some((who, _)), false) = (stays, handles) {
        let text = format!("{text}, by SIGKILL: {} ignores SIGTERM", who.name_and_pid());
        return FixCode::EndHard.steps(text, vec![Step::kill(pids)]);
    }
    let code = match pids.len() {
        1 => FixCode::EndProcess,
        _ => FixCode::EndProcesses,
    };
    code.steps(text, vec![Step::term(pids)])
}

/// `End the loop (77), which starts it again, and nginx (81), which ends its 4 workers`
fn text_of(members: &Members<'_>, handles: bool) -> String {
    let others = members.other_programs();
    let workers = match (members.all.len() - 1 - others.len(), handles) {
        (0, _) => String::new(),
        (1, true) => ", which ends its worker".into(),
        (workers, true) => format!(", which ends its {workers} workers"),
        (1, false) => " and the other process that it started".into(),
        (others, false) => format!(" and the {others} other processes that it started"),
    };
    let text = begin(members) + &workers;
    if others.is_empty() {
        return text;
    }
    let others: Vec<_> = others.into_iter().map(Process::name_and_pid).collect();
    let others = others.join(", ");
    format!("{text}, and {others}, which inherited the socket")
}

/// `End the loop (77), which starts it again, and nginx (81)`
fn begin(members: &Members<'_>) -> String {
    let who = members.first.name_and_pid();
    let Some(supervisor) = members.supervisor_to_end() else {
        return format!("End {who}");
    };
    let starts = match supervisor.restarts {
        Restarts::Unknown => "may start",
        _ => "starts",
    };
    let supervisor = supervisor_text(supervisor);
    format!("End {supervisor}, which {starts} it again, and {who}")
}
