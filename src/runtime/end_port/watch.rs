//! Watches ports while a plan is carried out: until a bind succeeds, and then whether something returns.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::signals::Signals;
use crate::bind::{EndOutcome, EndStep, PlannedPort};
use crate::model::{Pid, Process, Signal};
use crate::runtime::end_process::outcome::Outcome;
use crate::runtime::end_process::watch::{INTERVAL, Watch, WatchedPort, owners, watch_for};
use crate::runtime::end_process::{Recipient, names, open};

/// How long processes may take before they get SIGKILL, if that is wanted.
const GRACE: Duration = Duration::from_secs(3);

pub(super) struct PortWatch {
    watch: Watch,
    ports: Vec<OnePort>,
    /// The processes that had the ports, and those that got a signal.
    recipients: Vec<Recipient>,
    /// Those of them that have ended, with the time.
    pub(super) ended: Vec<(Arc<Process>, Duration)>,
    /// Whether SIGKILL is still to be sent to those that stay.
    escalates: bool,
}

struct OnePort {
    watched: WatchedPort,
    /// When a bind succeeded.
    freed_at: Option<Duration>,
    /// What returned.
    back: Option<Outcome>,
}

impl OnePort {
    const fn is_done(&self) -> bool {
        self.freed_at.is_some() || self.back.is_some()
    }
}

impl PortWatch {
    pub(super) fn new(
        watch: Watch,
        ports: &[&PlannedPort],
        owners: &[Arc<Process>],
        escalates: bool,
    ) -> Self {
        let steps = ports.iter().flat_map(|port| port.steps());
        let signalled = steps.flat_map(|step| match step {
            EndStep::Signal { processes, .. } => processes.as_slice(),
            _ => &[],
        });
        let mut pids = HashSet::new();
        let all = owners.iter().chain(signalled);
        let once = all.filter(|one| pids.insert(one.pid));
        let recipients = once.filter_map(|one| open(one).ok()).collect();
        let watched = watch.ports.iter().map(|watched| OnePort {
            watched: watched.clone(),
            freed_at: None,
            back: None,
        });
        Self {
            ports: watched.collect(),
            watch,
            recipients,
            ended: Vec::new(),
            escalates,
        }
    }

    /// Each port after a step failed: some may be free all the same.
    pub(super) fn failed(&mut self, signals: &Signals, why: &str) -> Vec<(EndOutcome, Duration)> {
        let took = self.watch.since(self.watch.began);
        self.note_ends(took);
        let outcomes = self.outcomes(signals).into_iter();
        let failed = outcomes.map(|(outcome, took)| match outcome {
            free @ EndOutcome::Free { .. } => (free, took),
            _ => (EndOutcome::Failed(why.to_owned()), took),
        });
        failed.collect()
    }

    /// Watches from `from` until `end`, or until all ports are free, and some time more.
    pub(super) fn run(
        &mut self,
        (from, end): (Duration, Duration),
        signals: &mut Signals,
        notify: &mut dyn FnMut(&str),
    ) -> Vec<(EndOutcome, Duration)> {
        let (from, end) = (self.watch.at(from), self.watch.at(end));
        let grace = GRACE.min(end.saturating_sub(from) / 2);
        let mut last_change = from;
        loop {
            let took = self.watch.since(self.watch.began);
            if self.note_ends(took) {
                last_change = took;
            }
            self.check_ports(took, last_change);
            let are_done = self.ports.iter().all(OnePort::is_done);
            // Nothing that was to end is left: only others keep the port.
            let is_kept = self.running().next().is_none()
                && took >= last_change + watch_for(signals.supervisor.as_ref());
            if are_done || is_kept || took >= end {
                break;
            }
            if self.escalates && took >= from + grace && self.running().next().is_some() {
                self.escalates = false;
                self.kill(signals, notify);
                last_change = took;
            }
            thread::sleep(INTERVAL);
        }
        self.watch_on(signals, last_change, notify);
        self.outcomes(signals)
    }

    /// Removes the processes that have ended; returns whether there were some.
    fn note_ends(&mut self, took: Duration) -> bool {
        let ended = self.running().filter(|one| one.has_ended());
        let ended: Vec<_> = ended.map(|one| (Arc::clone(&one.process), took)).collect();
        let is_new = !ended.is_empty();
        self.ended.extend(ended);
        is_new
    }

    fn running(&self) -> impl Iterator<Item = &Recipient> {
        let has_ended = |one: &&Recipient| {
            let mut ended = self.ended.iter();
            ended.any(|(process, _)| process.pid == one.process.pid)
        };
        self.recipients.iter().filter(move |one| !has_ended(one))
    }

    fn check_ports(&mut self, took: Duration, last_change: Duration) {
        let Self {
            watch,
            ports,
            recipients,
            ..
        } = self;
        let recipients: Vec<&Recipient> = recipients.iter().collect();
        for port in ports.iter_mut().filter(|port| port.back.is_none()) {
            let after = took.saturating_sub(last_change);
            port.back = watch.returned(&port.watched, &recipients, after);
            if port.freed_at.is_none() && port.back.is_none() && watch.can_be_bound(&port.watched) {
                port.freed_at = Some(took);
            }
        }
    }

    /// After the ports are free: whether something returns.
    fn watch_on(&mut self, signals: &Signals, last_change: Duration, notify: &mut dyn FnMut(&str)) {
        let freed = self.ports.iter().filter_map(|port| port.freed_at).max();
        let Some(freed) = freed else {
            return;
        };
        notify("checking whether something starts it again…");
        let end = freed + watch_for(signals.supervisor.as_ref());
        loop {
            let took = self.watch.since(self.watch.began);
            self.note_ends(took);
            let is_open = |port: &OnePort| port.freed_at.is_some() && port.back.is_none();
            if took >= end || !self.ports.iter().any(is_open) {
                return;
            }
            self.check_ports(took, last_change);
            thread::sleep(INTERVAL);
        }
    }

    /// SIGKILL to all that still have a port and had it before, at once: a master without its workers would leave them
    /// with the port.
    fn kill(&mut self, signals: &mut Signals, notify: &mut dyn FnMut(&str)) {
        let had_it = self.running().map(|one| Arc::clone(&one.process));
        let had_it: Vec<Arc<Process>> = had_it.collect();
        let mut left: Vec<Arc<Process>> = Vec::new();
        for port in self.ports.iter().filter(|port| !port.is_done()) {
            let Ok((_, verdict)) = self.watch.test(&port.watched.freed) else {
                continue;
            };
            for owner in owners(&verdict) {
                let is_known = had_it.iter().any(|one| one.is_same(&owner));
                if is_known && !left.iter().any(|one| one.pid == owner.pid) {
                    left.push(owner);
                }
            }
        }
        // A supervisor that got a signal and stays would start them again.
        let pids: HashSet<Pid> = left.iter().map(|one| one.pid).collect();
        let got_it: HashSet<Pid> = signals
            .recipients
            .iter()
            .map(|one| one.process.pid)
            .collect();
        let more = had_it
            .into_iter()
            .filter(|one| got_it.contains(&one.pid) && !pids.contains(&one.pid));
        let supervisors: Vec<_> = more.filter(|one| !signals.is_owner(one.pid)).collect();
        if left.is_empty() {
            return;
        }
        notify(&format!("still running: {}", names(&left)));
        let processes = supervisors.into_iter().chain(left).collect();
        let step = EndStep::Signal {
            signal: Signal::Kill,
            processes,
        };
        if let Err(why) = signals.send(&[step], notify) {
            notify(&why);
        }
    }

    fn outcomes(&mut self, signals: &Signals) -> Vec<(EndOutcome, Duration)> {
        let now = self.watch.since(self.watch.began);
        let mut outcomes = Vec::new();
        for at in 0..self.ports.len() {
            let took = self.ports[at].freed_at.unwrap_or(now);
            outcomes.push((self.outcome(at, signals), took));
        }
        outcomes
    }

    fn outcome(&mut self, at: usize, signals: &Signals) -> EndOutcome {
        if let Some(back) = self.ports[at].back.take() {
            return described(back);
        }
        let watched = self.ports[at].watched.clone();
        if let Ok((_, verdict)) = self.watch.test(&watched.freed) {
            let owners = owners(&verdict);
            let has_it = |one: &&Recipient| owners.iter().any(|owner| owner.is_same(&one.process));
            let still: Vec<&Recipient> = self.running().filter(has_it).collect();
            if let Some(first) = still.first() {
                let (why, names) = (
                    why_it_runs(first, signals),
                    names(still.iter().map(|one| &one.process)),
                );
                return EndOutcome::StillRunning { names, why };
            }
        }
        let recipients: Vec<&Recipient> = self.recipients.iter().collect();
        let supervisor = signals.supervisor.as_ref();
        described(self.watch.at_last(&watched, &recipients, supervisor))
    }
}

fn why_it_runs(process: &Recipient, signals: &Signals) -> String {
    let signal = signals.last_signal().unwrap_or(Signal::Term);
    let (why, ends) = process.why_it_runs(signal);
    let ends = ends.map(|_| "--hard ends it by SIGKILL".to_owned());
    let parts = [Some(why), ends].into_iter().flatten();
    let parts: Vec<_> = parts.filter(|text| !text.is_empty()).collect();
    parts.join("; ")
}

/// The outcome in the words of a report.
fn described(outcome: Outcome) -> EndOutcome {
    match outcome {
        Outcome::Ended => EndOutcome::Failed("the port can't be tested any more".to_owned()),
        Outcome::Free {
            leftovers,
            supervisor,
        } => EndOutcome::Free {
            supervisor,
            leftovers,
        },
        Outcome::Back {
            pid,
            name,
            is_same,
            by,
            command,
            ..
        } => EndOutcome::Back {
            pid,
            name,
            is_same,
            by,
            command,
        },
        Outcome::Kept { summary, .. } => EndOutcome::Kept(summary),
    }
}
