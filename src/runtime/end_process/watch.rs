//! Watches the result of a signal: whether the processes end, who has the port then, and whether a process is
//! restarted.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::outcome::{self, Outcome};
use super::{Recipient, Sent, named, names};
use crate::app::{Ending, Msg};
use crate::bind::{
    BindTestResult, FixCode, Outcome as BindOutcome, Target, Verdict, supervisor_text,
};
use crate::clock::Clock;
use crate::inspect::BindTester;
use crate::model::{Process, Restarts, State, Supervisor};

const TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for a restarted process; longer if there is a known supervisor.
const WATCH_FOR: Duration = Duration::from_millis(1500);
const WATCH_LONGER: Duration = Duration::from_secs(3);

const INTERVAL: Duration = Duration::from_millis(25);

/// A watch, with the state before the signal.
pub(super) struct Watch<'a> {
    ending: &'a Ending,
    clock: Clock,
    tester: BindTester,
    /// The inodes of the sockets that waited for peers on the port.
    before: HashSet<u32>,
    began: Duration,
}

impl<'a> Watch<'a> {
    pub(super) fn begin(ending: &'a Ending, clock: Clock) -> Self {
        let mut tester = BindTester::new(clock);
        Self {
            ending,
            clock,
            before: waiting_sockets(&mut tester, ending.port.as_ref(), clock),
            tester,
            began: clock.now().steady,
        }
    }

    /// Waits for the end and watches on; returns the result.
    pub(super) fn run(&mut self, sent: &Sent, notify: &mut dyn FnMut(Msg)) -> Msg {
        let recipients = sent.recipients.as_slice();
        let who = match recipients.len() {
            0..=3 => names(recipients.iter().map(|one| &one.process)),
            many => format!("all {many} processes"),
        };
        let after = loop {
            let took = self.since(self.began);
            if recipients.iter().all(Recipient::has_ended) {
                break outcome::after(took);
            }
            if took >= TIMEOUT {
                return Msg::EndOutcome {
                    succeeded: false,
                    message: self.still_running(recipients),
                };
            }
            thread::sleep(INTERVAL);
        };
        let text = format!("{who} exited {after}; checking whether something restarts it…");
        notify(Msg::EndPending(text));
        let outcome = self.outcome(recipients, sent.supervisor.as_ref());
        let port = self.ending.port.as_ref().map(Target::first_port);
        let text = outcome.text(port.unwrap_or_default());
        Msg::EndOutcome {
            succeeded: matches!(outcome, Outcome::Ended | Outcome::Free { .. }),
            message: format!("{who} exited {after}{text}"),
        }
    }

    fn still_running(&mut self, recipients: &[Recipient]) -> String {
        let running: Vec<_> = recipients.iter().filter(|one| !one.has_ended()).collect();
        let signal = self.ending.signal;
        let why = running.first().map(|one| one.why_it_runs(signal));
        let (why, ends) = why.unwrap_or_default();
        // It may have closed its socket and go on for its clients.
        let target = self.ending.port.clone();
        let free = target.filter(|target| is_free(&self.test(target).1));
        let who = names(running.iter().map(|one| &one.process));
        outcome::still_running(&who, &why, ends, free.map(|target| target.first_port()))
    }

    fn outcome(&mut self, recipients: &[Recipient], supervisor: Option<&Supervisor>) -> Outcome {
        let Some(target) = self.ending.port.clone() else {
            return Outcome::Ended;
        };
        let supervisor = supervisor.filter(|one| one.restarts != Restarts::No);
        let watch_for = match supervisor.map(|one| one.restarts) {
            Some(Restarts::Yes) => WATCH_LONGER,
            _ => WATCH_FOR,
        };
        let ended_at = self.clock.now().steady;
        let mut back = None;
        while back.is_none() && self.since(ended_at) < watch_for {
            thread::sleep(INTERVAL);
            let after = self.since(ended_at);
            let waiting = waiting_sockets(&mut self.tester, Some(&target), self.clock);
            if !waiting.is_subset(&self.before) {
                back = self.returned(&target, recipients, Some(after));
            }
        }
        if let Some(back) = back.or_else(|| self.returned(&target, recipients, None)) {
            return back;
        }
        let (_, verdict) = self.test(&target);
        if is_free(&verdict) {
            // The connections that are left.
            let has_some = !verdict.blockers.is_empty() && !verdict.is_wide_open();
            return Outcome::Free {
                leftovers: has_some.then(|| verdict.summary.clone()),
                supervisor: supervisor.map(supervisor_text),
            };
        }
        let processes = owners(&verdict);
        Outcome::Kept {
            count: processes.len(),
            names: names(&processes),
            summary: verdict.summary,
        }
    }

    /// A process that has the port now and did not have it before.
    fn returned(
        &mut self,
        target: &Target,
        recipients: &[Recipient],
        after: Option<Duration>,
    ) -> Option<Outcome> {
        let (result, verdict) = self.test(target);
        let mut processes = owners(&verdict).into_iter();
        let process = processes.find(|one| !self.ending.owners.contains(&one.pid))?;
        let mut ended = recipients.iter().map(|one| &one.process);
        let mut backgrounds = verdict.blockers.iter().flat_map(|one| &one.backgrounds);
        let background = backgrounds.find(|one| one.pid == process.pid);
        let supervisor = background.and_then(|one| one.kept_by.as_ref());
        let by = supervisor.map(supervisor_text).or_else(|| {
            let parent = result.evidence.processes.get(&process.parent?)?;
            Some(named(parent))
        });
        let ends_supervisor = supervisor.is_some_and(Supervisor::is_ended_too);
        let mut fixes = verdict.fixes.iter();
        let command = fixes.find_map(|fix| {
            let ends_process = matches!(
                fix.code,
                FixCode::EndProcess
                    | FixCode::EndProcesses
                    | FixCode::EndHard
                    | FixCode::ContinueThenEnd
            );
            // A signal alone evidently does not last.
            let lasts = !fix.restarts && (ends_supervisor || !ends_process);
            fix.command.clone().filter(|_| lasts)
        });
        let is_same = |one: &Arc<Process>| {
            one.name == process.name && (one.argv.is_none() || one.argv == process.argv)
        };
        Some(Outcome::Back {
            pid: process.pid,
            name: process.name.to_string(),
            is_same: ended.any(is_same),
            after,
            by,
            command,
        })
    }

    fn test(&mut self, target: &Target) -> (BindTestResult, Verdict) {
        let result = self.tester.test(target);
        let verdict = Verdict::of(&result, &TimeZone::system(), self.clock.now());
        (result, verdict)
    }

    fn since(&self, then: Duration) -> Duration {
        self.clock.now().steady.saturating_sub(then)
    }
}

/// The inodes of the sockets that wait for peers on the port.
fn waiting_sockets(tester: &mut BindTester, target: Option<&Target>, clock: Clock) -> HashSet<u32> {
    let Some(target) = target else {
        return HashSet::new();
    };
    let inspector = tester.inspector();
    let evidence = inspector.rows(target.protocol, target.first_port(), clock.now());
    let sockets = evidence.holders.iter().map(|holder| &holder.socket);
    let waiting = sockets
        .filter(|socket| matches!(socket.state, State::Listen | State::Unconn | State::Bound));
    waiting.filter_map(|socket| socket.inode).collect()
}

/// Whether most servers can start.
fn is_free(verdict: &Verdict) -> bool {
    verdict.outcome == BindOutcome::Free
}

/// The processes that have a socket in the way, each once.
fn owners(verdict: &Verdict) -> Vec<Arc<Process>> {
    let sockets = verdict.blockers.iter().map(|holder| &holder.socket);
    let owners = sockets.flat_map(|socket| socket.owner.present());
    let mut owners: Vec<_> = owners.map(Arc::clone).collect();
    owners.sort_by_key(|process| process.pid);
    owners.dedup_by_key(|process| process.pid);
    owners
}
