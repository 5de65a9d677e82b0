//! What `sockeye end` does about ports: the first fix of each verdict as steps, or why nothing is done.
//!
//! Pure: verdicts in, a plan out; `runtime::end_port` carries it out. Only the first fix counts: the later ones free the port
//! for a moment only, or end more than the port. A step that needs SIGKILL is planned only if that is allowed.

mod report;
mod scope;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use report::{EndOutcome, EndReport, PortReport, RanProgram, SentSignal};
pub use scope::{EndScope, EndsWith};
pub use steps::{EndStep, describe_step};

use super::bind_test::BindTestResult;
use super::fix::{Fix, FixCode};
use super::{Outcome, Target, Verdict};
use crate::bind::text::unique;
use crate::bind::verdict::owner_sentence;
use crate::model::{AlsoEnds, AlsoEndsKind, Owner, Process, Signal};

/// Whether a process may be ended, or why not, as a sentence without a full stop.
pub type MayEnd<'a> = dyn Fn(&Process) -> Result<(), String> + 'a;

/// What may be done to free a port.
#[derive(Clone, Copy)]
pub struct EndRules<'a> {
    /// Sent instead of the signals of the fixes.
    pub signal: Option<Signal>,
    /// Whether SIGKILL may be sent where a fix needs it.
    pub allows_kill: bool,
    /// Whether programs may be run by `sudo`, which may want a password.
    pub allows_sudo: bool,
    /// Whether a process may be ended, or why not; `None` if all may be. Otherwise a port is left alone if the owner of one
    /// of its sockets can't be seen.
    pub may_end: Option<&'a MayEnd<'a>>,
    /// Finds the processes that end with a command, for `may_end`. Without it, none that stops a unit, a container or an app
    /// is run if not all processes may be ended.
    pub ends_with: Option<&'a EndsWith<'a>>,
}

impl EndRules<'_> {
    /// What the fixes say, without SIGKILL and `sudo`, to any process.
    pub const DEFAULT: Self = Self {
        signal: None,
        allows_kill: false,
        allows_sudo: false,
        may_end: None,
        ends_with: None,
    };
}

/// A plan for all ports.
#[derive(Clone, Debug)]
pub struct EndPlan {
    /// The ports, as they were named.
    pub ports: Vec<PlannedPort>,
}

/// The plan for one port.
#[derive(Clone, Debug)]
pub struct PlannedPort {
    /// A target with one port.
    pub target: Target,
    /// The explanation of its bind test.
    pub verdict: Verdict,
    /// Who has it: command line, folder, what started it.
    pub who: Option<String>,
    /// What is done.
    pub decision: Decision,
}

/// What is done about a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it can be bound already.
    Free,
    /// It is waited for: it becomes free by itself.
    Wait,
    /// These steps are carried out; never empty.
    End(Vec<EndStep>),
    /// Nothing, for this reason.
    Refuse(EndRefusal),
}

/// Why nothing is done about a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRefusal {
    /// Its kind.
    pub code: RefusalCode,
    /// A sentence without a full stop.
    pub why: String,
}

/// The kind of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// The first fix is not a command.
    NoCommand,
    /// This user may not bind the port, or it has no such address.
    CannotBind,
    /// The fix needs SIGKILL.
    NeedsHard,
    /// The fix needs another user.
    NeedsRoot,
    /// A process may not be ended by the rules.
    NotMine,
    /// It can't be verified which process a pid means.
    Unverified,
}

impl RefusalCode {
    fn because(self, why: impl Into<String>) -> Decision {
        let why = why.into();
        let why = why.trim_end_matches('.').to_owned();
        Decision::Refuse(EndRefusal { code: self, why })
    }
}

impl EndPlan {
    /// Plans for these ports. If the rules forbid to end a process of one of them, nothing is done about any.
    pub fn of(
        tested: impl IntoIterator<Item = (Target, BindTestResult, Verdict)>,
        rules: &EndRules<'_>,
    ) -> Self {
        let tested = tested
            .into_iter()
            .map(|(target, result, verdict)| PlannedPort {
                decision: decide(&target, &result, &verdict, rules),
                who: who(&result, &verdict),
                target,
                verdict,
            });
        let mut ports: Vec<_> = tested.collect();
        let is_forbidden = |one: &PlannedPort| match &one.decision {
            Decision::Refuse(refusal) => refusal.code == RefusalCode::NotMine,
            _ => false,
        };
        if let Some(forbidden) = ports.iter().find(|one| is_forbidden(one)) {
            let why = format!("nothing is ended, because of port {}", forbidden.target);
            for port in &mut ports {
                if matches!(port.decision, Decision::End(_)) {
                    port.decision = RefusalCode::NotMine.because(&why);
                }
            }
        }
        Self { ports }
    }

    /// What is carried out for all ports, in order: each program runs once, each process gets one signal.
    pub fn steps(&self) -> Vec<EndStep> {
        steps::once(self.ports.iter().flat_map(PlannedPort::steps))
    }

    /// Whether something is carried out.
    pub fn has_steps(&self) -> bool {
        let mut decisions = self.ports.iter().map(|port| &port.decision);
        decisions.any(|decision| matches!(decision, Decision::End(_)))
    }

    /// Whether all ports can be bound after it, as far as that is known.
    pub fn is_complete(&self) -> bool {
        let mut decisions = self.ports.iter().map(|port| &port.decision);
        !decisions.any(|decision| matches!(decision, Decision::Refuse(_)))
    }

    /// What ends besides what the steps name, without the ports that are to be freed anyway.
    pub fn also_ends(&self) -> Vec<AlsoEnds> {
        let targets = self.ports.iter().map(|port| &port.target);
        let planned: Vec<_> = targets
            .map(|target| {
                let port = format!("{}/{}", target.first_port(), target.protocol.as_str());
                AlsoEnds::new(AlsoEndsKind::Port, &port)
            })
            .collect();
        let fixes = self.ports.iter().filter_map(PlannedPort::fix);
        let ends = fixes.flat_map(|fix| fix.also_ends.iter().cloned());
        unique(ends.filter(|one| !planned.contains(one)))
    }
}

impl PlannedPort {
    /// Its steps; none if nothing is carried out.
    pub fn steps(&self) -> &[EndStep] {
        match &self.decision {
            Decision::End(steps) => steps,
            _ => &[],
        }
    }

    /// The fix that is carried out.
    pub fn fix(&self) -> Option<&Fix> {
        let is_ended = matches!(self.decision, Decision::End(_));
        self.verdict.fixes.first().filter(|_| is_ended)
    }

    /// The processes that have sockets in the way, and those that get a signal.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        let signalled = self.steps().iter().flat_map(|step| match step {
            EndStep::Signal { processes, .. } => processes.as_slice(),
            _ => &[],
        });
        unique(self.owners().into_iter().chain(signalled.cloned()))
    }

    /// The processes that have sockets in the way, each once.
    pub fn owners(&self) -> Vec<Arc<Process>> {
        let sockets = self.verdict.blockers.iter().map(|holder| &holder.socket);
        let owners = sockets.flat_map(|socket| socket.owner.present());
        unique(owners.map(Arc::clone))
    }
}

fn who(result: &BindTestResult, verdict: &Verdict) -> Option<String> {
    let (evidence, now) = (&result.evidence, verdict.taken_at.wall);
    let holder = verdict.blockers.first()?;
    owner_sentence(&evidence.processes, &evidence.limits, holder, now)
}

fn decide(
    target: &Target,
    result: &BindTestResult,
    verdict: &Verdict,
    rules: &EndRules<'_>,
) -> Decision {
    match verdict.outcome {
        Outcome::Free => return Decision::Free,
        Outcome::Denied | Outcome::Unavailable | Outcome::Raced => {
            return RefusalCode::CannotBind.because(&verdict.summary);
        }
        Outcome::InUse => {}
    }
    let Some(fix) = verdict.fixes.first() else {
        return RefusalCode::NoCommand.because(&verdict.summary);
    };
    if fix.code == FixCode::Wait || fix.command.is_none() && verdict.is_timed() {
        return Decision::Wait;
    }
    if fix.actions.is_empty() {
        return RefusalCode::NoCommand.because(fix.to_string());
    }
    let checked = check_owners(verdict, rules);
    if let Err(why) = checked.and_then(|()| scope::check_commands(fix, verdict, rules)) {
        return RefusalCode::NotMine.because(why);
    }
    match steps::of_fix(fix, (target, result), rules) {
        Ok(steps) => Decision::End(steps),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

/// Whether the rules allow to end the owners of all sockets in the way.
fn check_owners(verdict: &Verdict, rules: &EndRules<'_>) -> Result<(), String> {
    let Some(may_end) = rules.may_end else {
        return Ok(());
    };
    for holder in &verdict.blockers {
        match &holder.socket.owner {
            Owner::Known(owners) if !owners.is_empty() => {
                owners.iter().try_for_each(|owner| may_end(owner))?;
            }
            _ => return Err("the process that has it can't be seen".to_owned()),
        }
    }
    Ok(())
}
