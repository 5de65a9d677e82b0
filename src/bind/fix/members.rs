//! Processes that share a port because one started the others, and what they have in common.

use std::sync::Arc;

use super::party::{self, Party, is_guarded, named};
use super::process::kill;
use super::reader::Reader;
use super::service::{ignores, supervisor_text};
use super::{Fix, FixCode, Situation};
use crate::model::{AlsoEnds, Background, EndRisk, Pid, Process, Restarts, Supervisor, Term, Unit};

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

    /// The first of them, as if it had started no others.
    pub(super) fn alone(&self) -> Self {
        Self(self.0.iter().take(1).copied().collect())
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
    pub(super) fn end_risk(&self) -> EndRisk {
        let mut risks = self.backgrounds().map(|background| background.end_risk);
        risks
            .find(|&end_risk| is_guarded(end_risk))
            .unwrap_or(EndRisk::Ordinary)
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

    /// Those that SIGTERM does not end.
    pub(super) fn deaf_ones(&self) -> Vec<&'a Arc<Process>> {
        let is_deaf = |background: &Background| ignores(background.reaction.term);
        let deaf = self
            .0
            .iter()
            .filter(|(_, background)| background.is_some_and(is_deaf));
        deaf.map(|&(process, _)| process).collect()
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
                .then(|| format!("{} may start it again.", supervisor_text(kept_by))),
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
    pub(super) fn heirs(&self) -> Vec<&'a Arc<Process>> {
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

    /// A parent that starts the first of them again and has no command of its own to keep it down.
    pub(super) fn supervisor_to_end(&self) -> Option<&'a Supervisor> {
        let kept_by = self.first_background()?.kept_by.as_ref()?;
        kept_by.is_ended_too().then_some(kept_by)
    }

    /// The same where what starts them again is ended too.
    pub(super) fn by_whom_with_supervisor(&self, fix: Fix, situation: &Situation<'_>) -> Fix {
        match self.supervisor_to_end() {
            Some(supervisor) if !supervisor.is_reachable => {
                Reader::of(situation.limits).as_root(fix)
            }
            _ => self.by_whom(fix, situation),
        }
    }

    /// The fix as root's where one of them belongs to somebody else.
    pub(super) fn by_whom(&self, fix: Fix, situation: &Situation<'_>) -> Fix {
        if self.backgrounds().all(|background| background.may_signal) {
            fix
        } else {
            Reader::of(situation.limits).as_root(fix)
        }
    }
}

/// Why a process does not end by SIGTERM.
pub(super) const fn deaf(term: Term) -> &'static str {
    match term {
        Term::Blocked => "it blocks SIGTERM",
        Term::Dropped => {
            "it is the first process of its pid namespace and has no handler for SIGTERM"
        }
        _ => "it ignores SIGTERM",
    }
}
