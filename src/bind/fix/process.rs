//! Ending processes: which of a family, by which signal, and what is said where that costs more than the
//! port.

use std::sync::Arc;

use super::party::{self, Party, is_guarded, named};
use super::reader::Reader;
use super::service::{ignores, keeper_text};
use super::{Fix, FixCode, Situation, container, guard};
use crate::model::{
    AlsoEnds, AlsoEndsKind, Background, BehindKind, KeeperKind, KeptBy, Pid, Process, Restarts,
    Run, Standing, Term, Unit,
};

/// A process, and what is known of it.
pub(super) type Member<'a> = (&'a Arc<Process>, Option<&'a Background>);

/// Processes that share a port because one started the others. The first started them.
#[derive(Clone, Debug, Default)]
pub(super) struct Members<'a>(Vec<Member<'a>>);

/// Parties of processes: each first process with what it started.
pub(super) fn grouped<'a>(all: &[Member<'a>]) -> Vec<Party<'a>> {
    let has = |pid: Pid| all.iter().any(|(process, _)| process.pid == pid);
    let is_first = |(process, _): &&Member<'a>| !process.parent.is_some_and(has);
    let mut families: Vec<Vec<Member<'a>>> = Vec::new();
    // Parents are not read at one instant: where they form a ring, any of them counts as the first.
    for &first in all.iter().filter(is_first).chain(all) {
        let is_known =
            |family: &Vec<Member<'a>>| family.iter().any(|(known, _)| known.pid == first.0.pid);
        if !families.iter().any(is_known) {
            families.push(family_of(first, all));
        }
    }
    families
        .into_iter()
        .map(|family| party::of_members(Members(family)))
        .collect()
}

/// A process and its descendants among these.
fn family_of<'a>(first: Member<'a>, all: &[Member<'a>]) -> Vec<Member<'a>> {
    let mut family = vec![first];
    let mut at = 0;
    while let Some(&(parent, _)) = family.get(at) {
        let is_child = |(process, _): &&Member<'a>| process.parent == Some(parent.pid);
        for &child in all.iter().filter(is_child) {
            if !family.iter().any(|(known, _)| known.pid == child.0.pid) {
                family.push(child);
            }
        }
        at += 1;
    }
    family
}

impl<'a> Members<'a> {
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn first_process(&self) -> Option<&'a Arc<Process>> {
        self.0.first().map(|&(process, _)| process)
    }

    pub(super) fn first_background(&self) -> Option<&'a Background> {
        self.0.first().and_then(|&(_, background)| background)
    }

    pub(super) fn pids(&self) -> Vec<Pid> {
        self.0.iter().map(|(process, _)| process.pid).collect()
    }

    /// What the most guarded of them would cost.
    pub(super) fn standing(&self) -> Standing {
        let mut standings = self.backgrounds().map(|background| background.standing);
        standings
            .find(|&standing| is_guarded(standing))
            .unwrap_or(Standing::Ordinary)
    }

    /// What else ends with them, each once.
    pub(super) fn also_ends(&self) -> Vec<AlsoEnds> {
        let mut all: Vec<AlsoEnds> = Vec::new();
        for ends in self
            .backgrounds()
            .flat_map(|background| &background.also_ends)
        {
            if !all.contains(ends) {
                all.push(ends.clone());
            }
        }
        all
    }

    /// Why SIGTERM does not end the first of them, if it doesn't.
    pub(super) fn deaf(&self) -> Option<&'static str> {
        let term = self.first_background()?.reaction.term;
        ignores(term).then(|| deaf(term))
    }

    /// Those that a stopped unit leaves where `KillMode=` says so: all, or all but its main process.
    pub(super) fn outlive(&self, unit: &Unit) -> Vec<Pid> {
        let mut pids = self.pids();
        match unit.kill_mode.as_deref() {
            Some("process") => pids.retain(|&pid| Some(pid) != unit.main_pid),
            Some("none") => {}
            _ => pids.clear(),
        }
        pids
    }

    /// Ending them without the one that starts them again.
    pub(super) fn end_restarting(&self, situation: &Situation<'_>) -> Option<Fix> {
        let first = self.first_process()?;
        let kept_by = self.first_background()?.kept_by.as_ref()?;
        let fix = Fix {
            restarts: matches!(kept_by.restarts, Restarts::Yes | Restarts::OnChange),
            warning: (kept_by.restarts == Restarts::Unknown)
                .then(|| format!("{} may start it again.", keeper_text(kept_by))),
            also_ends: self.also_ends(),
            ..Fix::command(
                FixCode::EndProcess,
                format!("End only {}", named(first)),
                kill("", &[first.pid]),
            )
        };
        (kept_by.restarts != Restarts::No).then(|| self.by_whom(fix, situation))
    }

    fn backgrounds(&self) -> impl Iterator<Item = &'a Background> {
        self.0.iter().filter_map(|&(_, background)| background)
    }

    /// Those that execute another program than the first: they inherited the socket and end by themselves.
    fn heirs(&self) -> Vec<&'a Arc<Process>> {
        let Some(first) = self.first_process() else {
            return Vec::new();
        };
        let is_other = |process: &&Arc<Process>| match (&first.executable, &process.executable) {
            (Some(one), Some(other)) => one != other,
            _ => first.comm != process.comm,
        };
        self.0
            .iter()
            .map(|&(process, _)| process)
            .filter(is_other)
            .collect()
    }

    /// The same where what starts them again is ended too.
    fn by_whom_with_keeper(&self, fix: Fix, situation: &Situation<'_>) -> Fix {
        match keeper_to_end(self) {
            Some(keeper) if !keeper.is_reachable => Reader::of(situation.limits).as_root(fix),
            _ => self.by_whom(fix, situation),
        }
    }

    /// The fix as root's where one of them belongs to somebody else.
    fn by_whom(&self, fix: Fix, situation: &Situation<'_>) -> Fix {
        if self.backgrounds().all(|background| background.may_signal) {
            fix
        } else {
            Reader::of(situation.limits).as_root(fix)
        }
    }
}

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
    let standing = members.standing();
    if is_guarded(standing) {
        let mut fixes = guarded(standing, members, situation);
        let end = Fix {
            also_ends: members.also_ends(),
            warning: consequence(standing),
            ..end(members)
        };
        // Nothing ends pid 1, and what it would cost is said above.
        if first.pid != 1 {
            fixes.push(members.by_whom(end, situation));
        }
        return fixes;
    }
    if let Some(fixes) = forward(members, situation) {
        return fixes;
    }
    let mut fixes = vec![members.by_whom_with_keeper(end(members), situation)];
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
    if keeper_to_end(members).is_some() {
        fixes.extend(members.end_restarting(situation));
    }
    fixes
}

/// A parent that starts the process again and has no command of its own to keep it down.
fn keeper_to_end<'a>(members: &Members<'a>) -> Option<&'a KeptBy> {
    use KeeperKind as K;
    let kept_by = members.first_background()?.kept_by.as_ref()?;
    let is_ended = matches!(
        kept_by.kind,
        K::ShellLoop | K::UnknownParent | K::Nodemon | K::Watch
    );
    // A script that can't be read is no reason to end the shell that runs it.
    let is_guess = kept_by.kind == K::ShellLoop && kept_by.restarts == Restarts::Unknown;
    (is_ended && !is_guess && kept_by.pid.is_some()).then_some(kept_by)
}

/// The end of a family, by the signal that its first process reacts to.
fn end(members: &Members<'_>) -> Fix {
    let Some(first) = members.first_process() else {
        return Fix::sentence(FixCode::NoneNeeded, "Nothing is to be ended");
    };
    let reaction = members
        .first_background()
        .map(|background| background.reaction);
    let (run, term) = reaction.map_or((Run::Running, Term::Ends), |it| (it.run, it.term));
    let who = named(first);
    let keeper = keeper_to_end(members);
    let before: Vec<Pid> = keeper.and_then(|keeper| keeper.pid).into_iter().collect();
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
            let command = format!("{}; {}", kill("", &pids), kill("-CONT ", &members.pids()));
            let text = format!(
                "End {who}, which is stopped (Ctrl-Z) and handles the signal when it is continued"
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
        (Run::Running, _) => by_term(members, keeper, &before),
    };
    Fix { also_ends, ..fix }
}

const fn deaf(term: Term) -> &'static str {
    match term {
        Term::Blocked => "it blocks SIGTERM",
        Term::Dropped => {
            "it is the first process of its pid namespace and has no handler for SIGTERM"
        }
        _ => "it ignores SIGTERM",
    }
}

/// The end by SIGTERM, or by the signal that this kind of server ends at once by.
fn by_term(members: &Members<'_>, keeper: Option<&KeptBy>, before: &[Pid]) -> Fix {
    let Some(&(first, background)) = members.0.first() else {
        return Fix::sentence(FixCode::NoneNeeded, "Nothing is to be ended");
    };
    let reaction = background.map(|background| background.reaction);
    let who = named(first);
    if let Some(quick) = reaction.and_then(|reaction| reaction.quick) {
        let text = format!(
            "End {who} by SIG{} (SIGTERM {})",
            quick.signal, quick.instead_of
        );
        let command = kill(&format!("-{} ", quick.signal), &[first.pid]);
        return Fix::command(FixCode::EndProcess, text, command);
    }
    let heirs = members.heirs();
    let handles = reaction.is_some_and(|reaction| reaction.term == Term::Handled);
    let others = members.0.len() - 1;
    // One that has a handler ends its workers itself; heirs of another program know nothing of it.
    let mut pids = before.to_vec();
    pids.push(first.pid);
    if handles {
        pids.extend(heirs.iter().map(|heir| heir.pid));
    } else {
        pids.extend(members.pids().into_iter().skip(1));
    }
    let mut text = match keeper {
        Some(keeper) => {
            let how = if keeper.restarts == Restarts::Unknown {
                "may start it again"
            } else {
                "starts it again"
            };
            format!("End {}, which {how}, and {who}", keeper_text(keeper))
        }
        None => format!("End {who}"),
    };
    let workers = others - heirs.len();
    if workers > 0 {
        let s = if workers == 1 { "" } else { "s" };
        text = if handles {
            format!("{text}, which ends its {workers} worker{s}")
        } else {
            format!(
                "{text} and the {workers} other process{} that it started",
                if workers == 1 { "" } else { "es" }
            )
        };
    }
    if !heirs.is_empty() {
        let names: Vec<_> = heirs.iter().map(|heir| named(heir)).collect();
        text = format!(
            "{text}, and {}, which inherited the socket",
            names.join(", ")
        );
    }
    let code = if pids.len() > 1 {
        FixCode::EndProcesses
    } else {
        FixCode::EndProcess
    };
    Fix::command(code, text, kill("", &pids))
}

/// A tunnel or forwarder: the process is all that there is to end, unless it carries a session too.
fn forward(members: &Members<'_>, situation: &Situation<'_>) -> Option<Vec<Fix>> {
    let behind = members.first_background()?.behind.as_ref()?;
    let first = members.first_process()?;
    let to = behind
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" to {name}"));
    let close = Fix {
        code: FixCode::CloseForward,
        text: format!("Close the tunnel{to}: end {}", named(first)),
        ..end(members)
    };
    match behind.kind {
        BehindKind::SshForward if behind.is_reachable => {
            Some(vec![members.by_whom_with_keeper(close, situation)])
        }
        BehindKind::SshForward => {
            let escape = behind.escape.as_deref();
            let sentence = match escape {
                Some(command) if !command.starts_with('-') => {
                    let by = behind.name.as_deref().unwrap_or_default();
                    format!("Close only the forward of the shared connection {by}: {command}")
                }
                Some(escape) => {
                    format!(
                        "Close only the forward in the ssh session{to}: type ~C in it, then {escape}"
                    )
                }
                None => format!("Close only the forward in the ssh session{to}"),
            };
            let login = AlsoEnds::new(
                AlsoEndsKind::Login,
                behind.name.as_deref().unwrap_or("the session"),
            );
            let close = Fix {
                also_ends: [vec![login], close.also_ends.clone()].concat(),
                ..close
            };
            Some(vec![
                Fix::sentence(FixCode::CloseForward, sentence),
                members.by_whom(close, situation),
            ])
        }
        BehindKind::SshSession => {
            let text = format!(
                "Close the tunnel of {}, whose client may connect again if it is autossh: end {}",
                behind.name.as_deref().unwrap_or("ssh"),
                named(first)
            );
            let fix = Fix { text, ..close };
            Some(vec![members.by_whom(fix, situation)])
        }
        BehindKind::PortForward => {
            let text = format!("Stop the forwarder{to}: end {}", named(first));
            Some(vec![members.by_whom(
                Fix {
                    text,
                    ..end(members)
                },
                situation,
            )])
        }
        _ => None,
    }
}

/// What is said before the end of something that others need.
pub(super) fn guarded(
    standing: Standing,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let behind = members
        .first_background()
        .and_then(|background| background.behind.as_ref());
    let of_container = behind
        .filter(|behind| behind.kind == BehindKind::Container)
        .and_then(|behind| container::instead(behind, situation));
    match of_container {
        Some(fix) => vec![fix],
        None => guard::sentences(standing, members, situation),
    }
}

/// What happens if it is ended all the same.
pub(super) fn consequence(standing: Standing) -> Option<String> {
    let text = match standing {
        Standing::Ordinary | Standing::ContainerInit => return None,
        Standing::ContainerProxy => {
            "The container goes on and is reached from outside all the same."
        }
        Standing::ContainerMonitor => {
            "The container goes on, and its engine can't stop it any more."
        }
        Standing::Engine => "Every container depends on it.",
        Standing::Manager => "Everything that it runs ends with it.",
        Standing::Supervisor => "Every program that it runs ends with it.",
        Standing::Login => "The login ends with it.",
        Standing::OwnLogin => "Your own login ends with it.",
        Standing::Ancestor => "It runs the session that you are in, which may end with it.",
        Standing::Resolver => "This machine looks up no names without it.",
        Standing::SshServer => "There is no new ssh login without it.",
        Standing::Network => "This machine may lose its network without it.",
        Standing::SystemService => "The system needs it.",
    };
    Some(text.to_owned())
}
