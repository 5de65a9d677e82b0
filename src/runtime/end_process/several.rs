//! Ends several processes, each as if it were the only one: checked and signalled through its own descriptor. All are
//! checked before any gets the signal. What keeps one from ending does not keep the others. Then all are watched
//! together.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::outcome::Outcome;
use super::summary::Summary;
use super::watch::{INTERVAL, TIMEOUT, Watch, WatchedPort, watch_for};
use super::{Checked, Failure, NotSent, Recipient, Sent, check_targets, names, send};
use crate::app::{Ending, Msg, PortToFree};
use crate::clock::Clock;
use crate::model::{Pid, Process, Supervisor, counted, duration};

/// What came of the signals.
#[derive(Default)]
struct Attempts {
    sent: Vec<Sent>,
    /// How many had ended before their signal: one that got it earlier may have ended them.
    ended_before: usize,
    /// Why others got no signal.
    failures: Vec<String>,
    /// Their pids.
    failed: HashSet<Pid>,
}

/// Checks all of these, sends a signal for each, in this order; then watches the processes and the ports. `notify` gets the
/// progress.
pub fn end_several(
    endings: &[Ending],
    ports: &[PortToFree],
    clock: Clock,
    notify: &mut dyn FnMut(Msg),
) -> Msg {
    let mut watch = Watch::begin(endings, ports, clock);
    let attempts = Attempts::make(endings, check_targets, send);
    if attempts.sent.is_empty() && !attempts.failures.is_empty() {
        return Msg::SignalFailed(attempts.failures.join("; "));
    }
    let count = attempts.recipients().count();
    let count = counted(count, "process", "processes");
    notify(Msg::EndPending(format!(
        "sent the signal to {count}, waiting for them to exit…"
    )));
    watch.began = clock.now().steady;
    watch.several(&attempts, endings)
}

impl Attempts {
    /// First all checks, then all signals: when a process exits, others may close the sockets they are checked for.
    fn make(
        endings: &[Ending],
        check: impl Fn(&Ending) -> Result<Checked, Failure>,
        send: impl Fn(Checked) -> Result<Sent, Failure>,
    ) -> Self {
        let checked: Vec<_> = endings.iter().map(check).collect();
        let mut attempts = Self::default();
        for (ending, checked) in endings.iter().zip(checked) {
            attempts.add(ending, checked.and_then(&send));
        }
        attempts
    }

    fn add(&mut self, ending: &Ending, sent: Result<Sent, Failure>) {
        let signal = ending.signal.as_str();
        match sent {
            Ok(sent) if sent.is_dropped => {
                let names = names(sent.recipients.iter().map(|one| &one.process));
                let why = format!("the kernel drops SIG{signal} to {names}");
                self.fail(ending, why);
            }
            Ok(sent) => {
                // Of several owners some may have ended.
                self.ended_before += ending.targets.len() - sent.recipients.len();
                self.sent.push(sent);
            }
            Err(Failure {
                why: NotSent::Ended,
                sent,
                ..
            }) if sent.is_empty() => self.ended_before += ending.targets.len(),
            Err(failure) => self.fail(ending, failure.text(signal)),
        }
    }

    fn fail(&mut self, ending: &Ending, why: String) {
        self.failures.push(why);
        let pids = ending.targets.iter().map(|target| target.process.pid);
        self.failed.extend(pids);
    }

    fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.sent.iter().flat_map(|sent| &sent.recipients)
    }

    /// Supervisors that go on and may restart one of those with the signal, each with them.
    fn supervisors(&self) -> impl Iterator<Item = (&Supervisor, &Sent)> {
        let ended: HashSet<Pid> = self.recipients().map(|one| one.process.pid).collect();
        let supervisors = self.sent.iter();
        let supervisors = supervisors.filter_map(|sent| Some((sent.supervisor.as_ref()?, sent)));
        supervisors.filter(move |(one, _)| !one.pid.is_some_and(|pid| ended.contains(&pid)))
    }

    /// The one that restarts a process that had this port.
    fn supervisor_of(&self, port: &WatchedPort, endings: &[Ending]) -> Option<&Supervisor> {
        let of_port = endings.iter().filter(|one| {
            one.port
                .as_ref()
                .is_some_and(|freed| freed.is_same(&port.freed))
        });
        let targets = of_port.flat_map(|one| &one.targets);
        let pids: HashSet<Pid> = targets.map(|target| target.process.pid).collect();
        let has_it = |sent: &Sent| {
            let mut recipients = sent.recipients.iter();
            recipients.any(|one| pids.contains(&one.process.pid))
        };
        let mut supervisors = self.supervisors();
        supervisors.find_map(|(one, sent)| has_it(sent).then_some(one))
    }
}

impl Watch {
    /// Waits for the ends and for restarted processes; returns the result for all.
    fn several(&mut self, attempts: &Attempts, endings: &[Ending]) -> Msg {
        let recipients: Vec<_> = attempts.recipients().collect();
        let supervisors = attempts.supervisors().map(|(one, _)| watch_for(Some(one)));
        let watch_time = supervisors.max().unwrap_or_else(|| watch_for(None));
        let ports = self.ports.clone();
        let mut back: Vec<Option<Outcome>> = ports.iter().map(|_| None).collect();
        let mut last_end = Duration::ZERO;
        let mut running = recipients.clone();
        loop {
            let took = self.since(self.began);
            let before = running.len();
            running.retain(|one| !one.has_ended());
            if running.len() < before {
                last_end = took;
            }
            for (port, back) in ports.iter().zip(&mut back) {
                if back.is_none() {
                    let after = took.saturating_sub(last_end);
                    *back = self.returned(port, &recipients, after);
                }
            }
            let is_over = running.is_empty() || took >= TIMEOUT;
            let is_watched = took >= last_end + watch_time;
            if is_over && (is_watched || back.iter().all(Option::is_some)) {
                break;
            }
            thread::sleep(INTERVAL);
        }
        let all: usize = endings.iter().map(|ending| ending.targets.len()).sum();
        let exited = recipients.len() - running.len() + attempts.ended_before;
        let mut summary = Summary::new(exited, all, &duration::format_after(last_end));
        if let ([one], []) = (endings, running.as_slice())
            && attempts.failures.is_empty()
        {
            let targets = one.targets.iter().map(|target| &target.process);
            summary.name(names(targets));
        }
        let mut left = attempts.failed.clone();
        left.extend(running.iter().map(|one| one.process.pid));
        for (port, back) in ports.iter().zip(back) {
            let outcome = match back {
                Some(back) => back,
                None => self.at_last(port, &recipients, attempts.supervisor_of(port, endings)),
            };
            summary.add_port(port.freed.target.first_port(), &outcome, &left);
        }
        summary.add_running(self.running_by_reason(&running));
        summary.add_failures(&attempts.failures);
        summary.add_unwatched(self.unwatched);
        Msg::EndOutcome {
            succeeded: summary.is_success(),
            message: summary.text(),
        }
    }

    /// The names of the processes that still run, by the reason.
    fn running_by_reason(&self, running: &[&Recipient]) -> Vec<(String, String)> {
        let mut by_reason: Vec<(String, Vec<&Arc<Process>>)> = Vec::new();
        for one in running {
            let (why, ends) = one.why_it_runs(self.signal);
            let why = [why.as_str()].into_iter().chain(ends);
            let why: Vec<_> = why.filter(|text| !text.is_empty()).collect();
            let why = why.join("; ");
            match by_reason.iter_mut().find(|(reason, _)| *reason == why) {
                Some((_, processes)) => processes.push(&one.process),
                None => by_reason.push((why, vec![&one.process])),
            }
        }
        let reasons = by_reason.into_iter();
        reasons
            .map(|(why, processes)| (names(processes), why))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::app::{Confirmed, EndRole, EndTarget, Signal};

    fn ending(pid: Pid) -> Ending {
        let process = Arc::new(Process::new(pid, "worker"));
        Ending {
            targets: vec![EndTarget {
                process,
                role: EndRole::Owner,
            }],
            sockets: vec![1],
            signal: Signal::Term,
            confirmed: Confirmed::Once,
            port: None,
            owners: Vec::new(),
        }
    }

    #[test]
    fn a_worker_that_closes_its_socket_after_the_signal_to_its_master_was_checked_before() {
        let log = RefCell::new(Vec::new());
        let check = |ending: &Ending| {
            let process = &ending.targets[0].process;
            log.borrow_mut().push("check");
            if log.borrow().contains(&"send") {
                return Err(NotSent::HasNoSocket.to(process));
            }
            Ok(Checked {
                signal: ending.signal,
                recipients: Vec::new(),
                is_dropped: false,
                supervisor: None,
            })
        };
        let send = |checked: Checked| {
            log.borrow_mut().push("send");
            Ok(Sent {
                is_dropped: checked.is_dropped,
                recipients: checked.recipients,
                supervisor: checked.supervisor,
            })
        };
        let attempts = Attempts::make(&[ending(12), ending(13)], check, send);
        assert_eq!(attempts.failures, <[String; 0]>::default());
        assert_eq!(attempts.sent.len(), 2);
        assert_eq!(*log.borrow(), ["check", "check", "send", "send"]);
    }
}
