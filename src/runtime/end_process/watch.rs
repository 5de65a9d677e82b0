//! Watches the result of a signal: whether the processes end, who has the port then, and whether a process is
//! restarted.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::outcome::{self, Outcome};
use super::{Recipient, Sent, names};
use crate::app::{Ending, Msg, PortToFree, Signal};
use crate::bind::{BindTestResult, FixCode, Outcome as BindOutcome, Verdict, supervisor_text};
use crate::clock::Clock;
use crate::inspect::{AccessError, BindTester};
use crate::model::{Pid, Process, Restarts, Supervisor, duration};
use crate::runtime::namespace::run_in_row;
use crate::runtime::wait::can_be_bound;

pub(in crate::runtime) const TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for a restarted process; longer if there is a known supervisor.
const WATCH_FOR: Duration = Duration::from_millis(1500);
const WATCH_LONGER: Duration = Duration::from_secs(3);

/// The most ports to watch: each is looked up again at every interval.
const MAX_PORTS: usize = 32;

pub(in crate::runtime) const INTERVAL: Duration = Duration::from_millis(25);

/// A watch, with the state before the signal.
pub(in crate::runtime) struct Watch {
    pub(in crate::runtime) signal: Signal,
    clock: Clock,
    tester: BindTester,
    pub(in crate::runtime) ports: Vec<WatchedPort>,
    /// How many more ports were to be freed.
    pub(in crate::runtime) unwatched: usize,
    /// The owners of the sockets before, by pid.
    owners: HashSet<Pid>,
    pub(in crate::runtime) began: Duration,
}

/// A port to be freed.
#[derive(Clone)]
pub(in crate::runtime) struct WatchedPort {
    pub freed: PortToFree,
    /// The inodes of the sockets that waited for peers on it.
    before: HashSet<u32>,
}

impl Watch {
    pub(in crate::runtime) fn begin(
        endings: &[Ending],
        ports: &[PortToFree],
        clock: Clock,
    ) -> Self {
        let unwatched = ports.len().saturating_sub(MAX_PORTS);
        let ports = &ports[..ports.len() - unwatched];
        let owners = endings.iter().flat_map(|one| one.owners.iter().copied());
        Self {
            signal: endings.first().map_or(Signal::Term, |one| one.signal),
            unwatched,
            ..Self::of(BindTester::new(clock), ports, owners.collect(), clock)
        }
    }

    /// A watch of all these ports by this tester. `owners` are the owners of their sockets now.
    pub(in crate::runtime) fn of(
        mut tester: BindTester,
        ports: &[PortToFree],
        owners: HashSet<Pid>,
        clock: Clock,
    ) -> Self {
        let ports = ports.iter().map(|freed| WatchedPort {
            freed: freed.clone(),
            before: waiting_sockets(&mut tester, freed, clock),
        });
        Self {
            signal: Signal::Term,
            clock,
            ports: ports.collect(),
            unwatched: 0,
            tester,
            owners,
            began: clock.now().steady,
        }
    }

    /// Waits for the end and watches on; returns the result.
    pub(in crate::runtime) fn run(&mut self, sent: &Sent, notify: &mut dyn FnMut(Msg)) -> Msg {
        let recipients: Vec<_> = sent.recipients.iter().collect();
        let who = match recipients.len() {
            0..=3 => names(recipients.iter().map(|one| &one.process)),
            many => format!("all {many} processes"),
        };
        let after = loop {
            let took = self.since(self.began);
            if recipients.iter().all(|one| one.has_ended()) {
                break duration::format_after(took);
            }
            if took >= TIMEOUT {
                return Msg::EndOutcome {
                    succeeded: false,
                    message: self.still_running(&recipients),
                };
            }
            thread::sleep(INTERVAL);
        };
        let text = format!("{who} exited {after}; checking whether something restarts it…");
        notify(Msg::EndPending(text));
        let port = self.ports.first().cloned();
        let outcome = match &port {
            Some(port) => self.outcome(port, &recipients, sent.supervisor.as_ref()),
            None => Outcome::Ended,
        };
        let port = port.map(|port| port.freed.target.first_port());
        let text = outcome.text(port.unwrap_or_default());
        Msg::EndOutcome {
            succeeded: matches!(outcome, Outcome::Ended | Outcome::Free { .. }),
            message: format!("{who} exited {after}{text}"),
        }
    }

    fn still_running(&mut self, recipients: &[&Recipient]) -> String {
        let running: Vec<_> = recipients.iter().filter(|one| !one.has_ended()).collect();
        let signal = self.signal;
        let why = running.first().map(|one| one.why_it_runs(signal));
        let (why, ends) = why.unwrap_or_default();
        // It may have closed its socket and go on for its clients.
        let freed = self.ports.first().map(|port| port.freed.clone());
        let free = freed.filter(|freed| match self.test(freed) {
            Ok((_, verdict)) => is_free(&verdict),
            Err(AccessError::Gone(_)) => true,
            // Nothing was tested.
            Err(AccessError::NotPermitted(_) | AccessError::Failed(_)) => false,
        });
        let who = names(running.iter().map(|one| &one.process));
        outcome::still_running(
            &who,
            &why,
            ends,
            free.map(|freed| freed.target.first_port()),
        )
    }

    fn outcome(
        &mut self,
        port: &WatchedPort,
        recipients: &[&Recipient],
        supervisor: Option<&Supervisor>,
    ) -> Outcome {
        let watch_for = watch_for(supervisor);
        let ended_at = self.clock.now().steady;
        let mut back = None;
        while back.is_none() && self.since(ended_at) < watch_for {
            thread::sleep(INTERVAL);
            let after = self.since(ended_at);
            back = self.returned(port, recipients, after);
        }
        back.unwrap_or_else(|| self.at_last(port, recipients, supervisor))
    }

    /// A new owner of the port, as soon as it has a socket there.
    pub(in crate::runtime) fn returned(
        &mut self,
        port: &WatchedPort,
        recipients: &[&Recipient],
        after: Duration,
    ) -> Option<Outcome> {
        let waiting = waiting_sockets(&mut self.tester, &port.freed, self.clock);
        let is_new = !waiting.is_subset(&port.before);
        is_new
            .then(|| self.new_owner(&port.freed, recipients, Some(after)))
            .flatten()
    }

    /// The state of the port at the end of the watch.
    pub(in crate::runtime) fn at_last(
        &mut self,
        port: &WatchedPort,
        recipients: &[&Recipient],
        supervisor: Option<&Supervisor>,
    ) -> Outcome {
        let freed = &port.freed;
        if let Some(back) = self.new_owner(freed, recipients, None) {
            return back;
        }
        let supervisor = supervisor.filter(|one| one.restarts != Restarts::No);
        let Ok((_, verdict)) = self.test(freed) else {
            return Outcome::Ended;
        };
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
            pids: processes.iter().map(|one| one.pid).collect(),
            names: names(&processes),
            summary: verdict.summary,
        }
    }

    /// A process that has the port now and did not have it before.
    fn new_owner(
        &mut self,
        freed: &PortToFree,
        recipients: &[&Recipient],
        after: Option<Duration>,
    ) -> Option<Outcome> {
        let (result, verdict) = self.test(freed).ok()?;
        let mut processes = owners(&verdict).into_iter();
        let process = processes.find(|one| !self.owners.contains(&one.pid))?;
        let mut ended = recipients.iter().map(|one| &one.process);
        let mut backgrounds = verdict.blockers.iter().flat_map(|one| &one.backgrounds);
        let background = backgrounds.find(|one| one.pid == process.pid);
        let supervisor = background.and_then(|one| one.kept_by.as_ref());
        let by = supervisor.map(supervisor_text).or_else(|| {
            let parent = result.evidence.processes.get(&process.parent?)?;
            Some(parent.name_and_pid())
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
            let lasts = !fix.may_restart() && (ends_supervisor || !ends_process);
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

    /// A bind test of the port. Fails if its network namespace is gone, or can't be entered.
    pub(in crate::runtime) fn test(
        &mut self,
        freed: &PortToFree,
    ) -> Result<(BindTestResult, Verdict), AccessError> {
        let test = |tester: &mut BindTester| tester.test(&freed.target);
        let result = with_tester(&mut self.tester, freed, self.clock, test)?;
        let verdict = Verdict::of(&result, &TimeZone::system(), self.clock.now());
        Ok((result, verdict))
    }

    /// The time from the start of the watch to this moment.
    pub(in crate::runtime) const fn at(&self, moment: Duration) -> Duration {
        moment.saturating_sub(self.began)
    }

    /// Whether a server can start on the port, by the gentlest bind there is.
    pub(in crate::runtime) fn can_be_bound(&mut self, port: &WatchedPort) -> bool {
        let target = &port.freed.target;
        let (protocol, number) = (target.protocol, target.first_port());
        let now = self.clock.now();
        let rows = self.tester.inspector().rows(protocol, number, now);
        can_be_bound(target, !rows.holders.is_empty())
    }

    pub(in crate::runtime) fn since(&self, then: Duration) -> Duration {
        self.clock.now().steady.saturating_sub(then)
    }
}

/// How long to wait for a restarted process.
pub(in crate::runtime) fn watch_for(supervisor: Option<&Supervisor>) -> Duration {
    match supervisor.map(|one| one.restarts) {
        Some(Restarts::Yes) => WATCH_LONGER,
        _ => WATCH_FOR,
    }
}

/// Uses the tester, or for another network namespace one that ends at once: its sockets would keep the namespace.
fn with_tester<T: Send>(
    tester: &mut BindTester,
    freed: &PortToFree,
    clock: Clock,
    action: impl FnOnce(&mut BindTester) -> T + Send,
) -> Result<T, AccessError> {
    if freed.namespace.is_none() {
        return Ok(action(tester));
    }
    let action = |inside| action(&mut BindTester::inside(clock, inside));
    run_in_row(freed.namespace.as_ref(), action)
}

/// The inodes of the sockets that wait for peers on the port.
fn waiting_sockets(tester: &mut BindTester, freed: &PortToFree, clock: Clock) -> HashSet<u32> {
    let (protocol, port) = (freed.target.protocol, freed.target.first_port());
    let read = |tester: &mut BindTester| tester.inspector().rows(protocol, port, clock.now());
    let Ok(evidence) = with_tester(tester, freed, clock, read) else {
        return HashSet::new();
    };
    evidence.waiting_inodes().collect()
}

/// Whether most servers can start.
fn is_free(verdict: &Verdict) -> bool {
    verdict.outcome == BindOutcome::Free
}

/// The processes that have a socket in the way, each once.
pub(in crate::runtime) fn owners(verdict: &Verdict) -> Vec<Arc<Process>> {
    let sockets = verdict.blockers.iter().map(|holder| &holder.socket);
    let owners = sockets.flat_map(|socket| socket.owner.present());
    let mut owners: Vec<_> = owners.map(Arc::clone).collect();
    owners.sort_by_key(|process| process.pid);
    owners.dedup_by_key(|process| process.pid);
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::{Address, Target};
    use crate::model::Protocol;

    #[test]
    fn of_40_ports_to_be_freed_32_are_watched_and_the_others_are_counted() {
        let port = |port: u16| PortToFree {
            target: Target {
                protocol: Protocol::Tcp,
                address: Address::Every,
                ports: port..=port,
            },
            namespace: None,
        };
        let ports: Vec<_> = (1..=40).map(port).collect();
        let watch = Watch::begin(&[], &ports, Clock::start());
        assert_eq!((watch.ports.len(), watch.unwatched), (32, 8));
        let watch = Watch::begin(&[], &ports[..32], Clock::start());
        assert_eq!((watch.ports.len(), watch.unwatched), (32, 0));
    }
}
