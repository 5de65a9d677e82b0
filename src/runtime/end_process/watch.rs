//! Looks what comes of a signal: whether the processes end, what has the port then, and whether something
//! comes back.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::outcome::{After, Outcome, Return, StillRunning};
use super::{Held, Sent, named, names};
use crate::app::{Ending, Msg};
use crate::bind::{
    BindTestResult, Fix, FixCode, Outcome as BindOutcome, Target, Verdict, supervisor_text,
};
use crate::clock::Clock;
use crate::inspect::BindTester;
use crate::model::{Holder, Pid, Process, Restarts, State, Supervisor};

/// How long an end is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long after an end something is looked for that comes back; where something is known to start it
/// again, the longer one.
const LOOK: Duration = Duration::from_millis(1500);
const LONG_LOOK: Duration = Duration::from_secs(3);

/// How often it is looked.
const EACH: Duration = Duration::from_millis(25);

/// What is looked at, and what was there before.
pub(super) struct Watch<'a> {
    ending: &'a Ending,
    clock: Clock,
    tester: BindTester,
    /// The inodes of the sockets that waited for peers on the port before the signal.
    before: HashSet<u32>,
    began: Duration,
}

impl<'a> Watch<'a> {
    /// Reads what there is before the signal.
    pub(super) fn begin(ending: &'a Ending, clock: Clock) -> Self {
        let mut watch = Self {
            ending,
            clock,
            tester: BindTester::new(clock),
            before: HashSet::new(),
            began: Duration::ZERO,
        };
        watch.before = watch.waiting();
        watch.began = clock.now().steady;
        watch
    }

    /// Waits for the end and looks on; returns what came of it.
    pub(super) fn run(&mut self, sent: Sent, tell: &mut dyn FnMut(Msg)) -> Msg {
        let Sent { held, kept_by, .. } = sent;
        let who = match held.len() {
            0..=3 => names(held.iter().map(|one| &one.process)),
            many => format!("all {many} processes"),
        };
        let outcome = match self.wait_for_end(&held) {
            None => Outcome::StillRunning(self.still_running(&held)),
            Some(ended_after) => {
                tell(Msg::EndPending(format!(
                    "{who} exited {}, looking whether it comes back…",
                    After(ended_after)
                )));
                self.after_end(&held, ended_after, kept_by.as_ref())
            }
        };
        Msg::EndOutcome {
            succeeded: outcome.is_good(),
            message: outcome.words(&who),
        }
    }

    /// How long the end of all of them took; `None` where one still runs.
    fn wait_for_end(&self, held: &[Held]) -> Option<Duration> {
        loop {
            let took = self.since(self.began);
            if held.iter().all(Held::has_ended) {
                return Some(took);
            }
            if took >= PATIENCE {
                return None;
            }
            thread::sleep(EACH);
        }
    }

    fn still_running(&mut self, held: &[Held]) -> StillRunning {
        let running: Vec<&Held> = held.iter().filter(|one| !one.has_ended()).collect();
        let first = running.first();
        let (why, ends) = first
            .map(|one| one.why_it_runs(self.ending.signal))
            .unwrap_or_default();
        StillRunning {
            who: names(running.iter().map(|one| &one.process)),
            why,
            ends,
            // It may have closed its socket and go on for its clients.
            free_port: self.verdict().filter(is_free).map(|_| self.port()),
        }
    }

    fn after_end(
        &mut self,
        held: &[Held],
        ended_after: Duration,
        kept_by: Option<&Supervisor>,
    ) -> Outcome {
        let is_restarted = |supervisor: &&Supervisor| supervisor.restarts != Restarts::No;
        let supervisor = kept_by.filter(is_restarted);
        let Some(target) = self.ending.port.clone() else {
            return Outcome::Ended { after: ended_after };
        };
        let ended_at = self.clock.now().steady;
        let look = if supervisor.is_some_and(|supervisor| supervisor.restarts == Restarts::Yes) {
            LONG_LOOK
        } else {
            LOOK
        };
        while self.since(ended_at) < look {
            thread::sleep(EACH);
            let after = self.since(ended_at);
            let is_new = self.waiting().iter().any(|one| !self.before.contains(one));
            if is_new && let Some(back) = self.returned(&target, held, Some(after)) {
                return Outcome::Back {
                    after: ended_after,
                    back,
                };
            }
        }
        if let Some(back) = self.returned(&target, held, None) {
            return Outcome::Back {
                after: ended_after,
                back,
            };
        }
        let after = ended_after;
        let port = self.port();
        match self.verdict() {
            Some(verdict) if is_free(&verdict) => Outcome::Free {
                after,
                port,
                leftovers: leftovers(&verdict),
                supervisor: supervisor.map(supervisor_text),
            },
            Some(verdict) => self.kept(after, &verdict),
            None => Outcome::Ended { after },
        }
    }

    /// What has the port though those that were to end have ended.
    fn kept(&self, after: Duration, verdict: &Verdict) -> Outcome {
        let processes = owners(verdict);
        Outcome::Kept {
            after,
            port: self.port(),
            count: processes.len(),
            names: names(processes.iter()),
            summary: verdict.summary.clone(),
        }
    }

    /// A process that has the port now and had it not before.
    fn returned(
        &mut self,
        target: &Target,
        held: &[Held],
        after: Option<Duration>,
    ) -> Option<Return> {
        let test_result = self.tester.test(target);
        let verdict = self.judge(&test_result);
        let is_new = |pid: Pid| !self.ending.owners.contains(&pid);
        let process = owners(&verdict).into_iter().find(|one| is_new(one.pid))?;
        let is_same = held
            .iter()
            .any(|one| is_same_program(&one.process, &process));
        let background = holder_of(&verdict, process.pid)
            .and_then(|holder| holder.backgrounds.iter().find(|one| one.pid == process.pid));
        let by = background
            .and_then(|background| background.kept_by.as_ref())
            .map(supervisor_text)
            .or_else(|| {
                let parent = test_result.evidence.processes.get(&process.parent?)?;
                Some(named(parent))
            });
        let kept_by = background.and_then(|background| background.kept_by.as_ref());
        let ends_supervisor = kept_by.is_some_and(Supervisor::is_ended_too);
        // A bare kill has just been seen not to last.
        let lasts = |fix: &&Fix| {
            let ends_process = matches!(
                fix.code,
                FixCode::EndProcess
                    | FixCode::EndProcesses
                    | FixCode::EndHard
                    | FixCode::ContinueThenEnd
            );
            fix.command.is_some() && !fix.restarts && (ends_supervisor || !ends_process)
        };
        let keeps_down = verdict.fixes.iter().find(lasts);
        Some(Return {
            pid: process.pid,
            name: process.name.to_string(),
            is_same,
            after,
            by,
            command: keeps_down.and_then(|fix| fix.command.clone()),
            port: self.port(),
        })
    }

    fn verdict(&mut self) -> Option<Verdict> {
        let target = self.ending.port.clone()?;
        let test_result = self.tester.test(&target);
        Some(self.judge(&test_result))
    }

    fn judge(&self, test_result: &BindTestResult) -> Verdict {
        Verdict::of(test_result, &TimeZone::system(), self.clock.now())
    }

    /// The inodes of the sockets that wait for peers on the port.
    fn waiting(&mut self) -> HashSet<u32> {
        let Some(target) = &self.ending.port else {
            return HashSet::new();
        };
        let (protocol, port, now) = (target.protocol, target.first_port(), self.clock.now());
        let evidence = self.tester.inspector().rows(protocol, port, now);
        let sockets = evidence.holders.iter().map(|holder| &holder.socket);
        let waiting = sockets
            .filter(|socket| matches!(socket.state, State::Listen | State::Unconn | State::Bound));
        waiting.filter_map(|socket| socket.inode).collect()
    }

    fn port(&self) -> String {
        let target = self.ending.port.as_ref();
        target.map_or_else(String::new, |target| target.first_port().to_string())
    }

    fn since(&self, then: Duration) -> Duration {
        self.clock.now().steady.saturating_sub(then)
    }
}

/// Whether a server can start, as most do.
fn is_free(verdict: &Verdict) -> bool {
    verdict.outcome == BindOutcome::Free
}

/// What lingers on a port that can be bound.
fn leftovers(verdict: &Verdict) -> Option<String> {
    let lingers = !verdict.blockers.is_empty() && !verdict.is_wide_open();
    lingers.then(|| verdict.summary.clone())
}

/// The processes that have a socket in the way, each once.
fn owners(verdict: &Verdict) -> Vec<Arc<Process>> {
    let sockets = verdict.blockers.iter().map(|holder| &holder.socket);
    let mut owners: Vec<_> = sockets
        .flat_map(|socket| socket.owner.present())
        .map(Arc::clone)
        .collect();
    owners.sort_by_key(|process| process.pid);
    owners.dedup_by_key(|process| process.pid);
    owners
}

fn holder_of(verdict: &Verdict, pid: Pid) -> Option<&Holder> {
    let mut holders = verdict.blockers.iter();
    holders.find(|holder| {
        let mut present = holder.socket.owner.present().iter();
        present.any(|process| process.pid == pid)
    })
}

/// Whether both run the same program with the same arguments.
fn is_same_program(one: &Process, other: &Process) -> bool {
    one.name == other.name && (one.argv.is_none() || one.argv == other.argv)
}
