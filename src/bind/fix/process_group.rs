//! Processes that share a port because one started the others: common properties, and names of processes and
//! supervisors.

use std::sync::Arc;

use super::action::Step;
use super::{Fix, FixCode, Situation, consequence};
use crate::bind::text::unique;
use crate::model::{
    AlsoEnds, Background, EndRisk, Pid, Process, Restarts, Supervisor, SupervisorKind, Term,
};

pub(super) type Member<'a> = (&'a Arc<Process>, &'a Background);

/// The background of a process of which nothing is known.
pub(super) static UNKNOWN: Background = Background::new(0);

#[derive(Debug)]
pub(super) struct Members<'a> {
    pub(super) first: &'a Arc<Process>,
    /// The background of the first.
    pub(super) background: &'a Background,
    pub(super) all: Vec<Member<'a>>,
}

/// Each process that none of the others started, with its descendants.
pub(super) fn families<'a>(all: &[Member<'a>]) -> Vec<Members<'a>> {
    let has = |members: &[Member<'a>], pid| members.iter().any(|(one, _)| one.pid == pid);
    let is_first = |(process, _): &&Member<'a>| !process.parent.is_some_and(|pid| has(all, pid));
    let mut families: Vec<Members<'a>> = Vec::new();
    // Parents are not read atomically: in a cycle, any of them counts as the first.
    for &(first, background) in all.iter().filter(is_first).chain(all) {
        if families.iter().any(|family| has(&family.all, first.pid)) {
            continue;
        }
        let mut family = vec![(first, background)];
        let mut at = 0;
        while let Some(&(parent, _)) = family.get(at) {
            for &child in all.iter().filter(|(one, _)| one.parent == Some(parent.pid)) {
                if !has(&family, child.0.pid) {
                    family.push(child);
                }
            }
            at += 1;
        }
        families.push(Members {
            first,
            background,
            all: family,
        });
    }
    families
}

impl<'a> Members<'a> {
    pub(super) fn pids(&self) -> Vec<Pid> {
        self.all.iter().map(|(process, _)| process.pid).collect()
    }

    /// The first risk of ending one of them.
    pub(super) fn end_risk(&self) -> EndRisk {
        let mut risks = self.all.iter().map(|(_, background)| background.end_risk);
        let first = risks.find(|&end_risk| consequence(end_risk).is_some());
        first.unwrap_or(EndRisk::Ordinary)
    }

    pub(super) fn also_ends(&self) -> Vec<AlsoEnds> {
        let all = self.all.iter().flat_map(|(_, one)| &one.also_ends);
        unique(all.cloned())
    }

    /// Why SIGTERM does not end the first of them, if it doesn't.
    pub(super) fn ignores_term(&self) -> Option<&'static str> {
        why_term_fails(self.background.reaction.term)
    }

    /// Ends the first of them without what restarts it.
    pub(super) fn end_restarting(&self, situation: &Situation<'_>) -> Option<Fix> {
        let kept_by = self.background.kept_by.as_ref()?;
        let text = format!("End only {}", self.first.name_and_pid());
        let fix = Fix {
            restarts: kept_by.restarts,
            warning: may_start_it_again(kept_by),
            also_ends: self.also_ends(),
            ..FixCode::EndProcess.steps(text, vec![Step::term([self.first.pid])])
        };
        (kept_by.restarts != Restarts::No).then(|| self.by_whom(fix, situation))
    }

    /// Those that execute another program than the first: they inherited the socket and end by themselves.
    pub(super) fn other_programs(&self) -> Vec<&'a Process> {
        let first = self.first;
        let is_other = |process: &&Process| match (&first.executable, &process.executable) {
            (Some(one), Some(other)) => one != other,
            _ => first.comm != process.comm,
        };
        let processes = self.all.iter().map(|&(process, _)| &**process);
        processes.filter(is_other).collect()
    }

    /// A parent that restarts the first of them and has no command to prevent that.
    pub(super) fn supervisor_to_end(&self) -> Option<&'a Supervisor> {
        let kept_by = self.background.kept_by.as_ref();
        kept_by.filter(|kept_by| kept_by.is_ended_too())
    }

    /// A shell that may restart the first of them, and is not ended because that is not certain.
    pub(super) fn possible_loop(&self) -> Option<&'a Supervisor> {
        let kept_by = self.background.kept_by.as_ref();
        kept_by.filter(|kept_by| {
            kept_by.kind == SupervisorKind::ShellLoop && kept_by.restarts == Restarts::Unknown
        })
    }

    /// The fix as root's if what restarts them is ended too and takes that.
    pub(super) fn by_whom_with_supervisor(&self, fix: Fix, situation: &Situation<'_>) -> Fix {
        match self.supervisor_to_end() {
            Some(supervisor) if !supervisor.is_reachable => fix.by_root(situation.limits),
            _ => self.by_whom(fix, situation),
        }
    }

    /// The fix as root's if one of them belongs to another user.
    pub(super) fn by_whom(&self, fix: Fix, situation: &Situation<'_>) -> Fix {
        if self.all.iter().all(|(_, background)| background.may_signal) {
            fix
        } else {
            fix.by_root(situation.limits)
        }
    }
}

/// A warning if it is not certain that a supervisor restarts the process.
pub(super) fn may_start_it_again(kept_by: &Supervisor) -> Option<String> {
    let is_certain = kept_by.restarts != Restarts::Unknown;
    (!is_certain).then(|| format!("{} may start it again.", supervisor_text(kept_by)))
}

/// Why SIGTERM does not end a process.
pub(super) const fn why_term_fails(term: Term) -> Option<&'static str> {
    match term {
        Term::Blocked => Some("it blocks SIGTERM"),
        Term::Dropped => {
            Some("it is the first process of its pid namespace and has no handler for SIGTERM")
        }
        Term::Ignored => Some("it ignores SIGTERM"),
        Term::Handled | Term::Ends => None,
    }
}

pub(super) const fn supervisor_name(kind: SupervisorKind) -> &'static str {
    match kind {
        SupervisorKind::Systemd => "systemd",
        SupervisorKind::Docker => "Docker",
        SupervisorKind::Podman => "podman",
        SupervisorKind::Kubelet => "Kubernetes",
        SupervisorKind::Pm2 => "pm2",
        SupervisorKind::Supervisord => "supervisord",
        SupervisorKind::Runit => "runit",
        SupervisorKind::Daemontools => "daemontools",
        SupervisorKind::S6 => "s6",
        SupervisorKind::Nodemon => "nodemon",
        SupervisorKind::Watch => "its file watcher",
        SupervisorKind::Forever => "forever",
        SupervisorKind::Foreman => "foreman",
        SupervisorKind::Overmind => "overmind",
        SupervisorKind::ShellLoop => "a loop in a shell",
        SupervisorKind::UnknownParent => "its parent",
    }
}

/// The supervisor of a process: `supervisord (77)`, `systemd`.
pub fn supervisor_text(kept_by: &Supervisor) -> String {
    let name = supervisor_name(kept_by.kind);
    let Some(pid) = kept_by.pid else {
        return name.to_owned();
    };
    // For a supervisor with a known name, omit the interpreter.
    match kept_by.process.as_ref().filter(|_| name.contains(' ')) {
        Some(process) => format!("{process} ({pid})"),
        None => format!("{name} ({pid})"),
    }
}
