//! Sends the signals of a plan, after every process was checked: it is the same, has one of the sockets, and one
//! confirmation is enough for it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::{Confirmed, EndRole, EndTarget, Ending, PortToFree};
use crate::bind::{EndStep, SentSignal};
use crate::model::{Pid, Process, Signal, Supervisor};
use crate::runtime::end_process::{
    Checked, Failure, NotSent, Recipient, check_targets, names, send,
};

/// How often the processes are checked while some of them end.
const MAX_CHECKS: usize = 8;

pub(super) struct Signals {
    ports: Vec<PortToFree>,
    /// The inodes of the sockets in the way.
    sockets: Vec<u32>,
    /// The pids of their owners.
    owners: Vec<Pid>,
    /// The signals that were sent.
    pub(super) sent: Vec<SentSignal>,
    /// The processes that got one.
    pub(super) recipients: Vec<Recipient>,
    /// A supervisor that may start one of them again.
    pub(super) supervisor: Option<Supervisor>,
}

impl Signals {
    pub(super) fn new(ports: Vec<PortToFree>, sockets: Vec<u32>, owners: &[Arc<Process>]) -> Self {
        Self {
            ports,
            sockets,
            owners: owners.iter().map(|owner| owner.pid).collect(),
            sent: Vec::new(),
            recipients: Vec::new(),
            supervisor: None,
        }
    }

    /// Checks the processes of all these steps, then sends each its signal. Processes that have ended need none.
    ///
    /// # Errors
    /// Why nothing was sent, or not to all.
    pub(super) fn send(
        &mut self,
        steps: &[EndStep],
        notify: &mut dyn FnMut(&str),
    ) -> Result<(), String> {
        let signals = steps.iter().filter_map(|step| match step {
            EndStep::Signal { signal, processes } => Some((*signal, processes)),
            _ => None,
        });
        let signals: Vec<_> = signals.collect();
        let Some(&(first, _)) = signals.first() else {
            return Ok(());
        };
        let all = signals.iter().flat_map(|(_, processes)| processes.iter());
        let ending = self.ending(first, all);
        let mut checked = check_targets(&ending);
        for _ in 0..MAX_CHECKS {
            // One that has ended during the check does not keep the others from it.
            match &checked {
                Err(failure) if matches!(failure.why, NotSent::Ended) => {}
                _ => break,
            }
            checked = check_targets(&ending);
        }
        let checked = match checked {
            Ok(checked) => checked,
            // The watch finds out who has the port now.
            Err(failure) if matches!(failure.why, NotSent::Ended | NotSent::Replaced) => {
                notify(&failure.text(first.as_str()));
                return Ok(());
            }
            Err(failure) => return Err(text_of(failure, first)),
        };
        if checked.is_dropped {
            let names = names(checked.recipients.iter().map(|one| &one.process));
            let name = first.as_str();
            return Err(format!(
                "the kernel drops SIG{name} to {names}: it has no handler for it"
            ));
        }
        self.supervisor = self.supervisor.take().or(checked.supervisor);
        let mut left = checked.recipients;
        for (signal, processes) in signals {
            let pids: HashSet<Pid> = processes.iter().map(|one| one.pid).collect();
            let (recipients, rest): (Vec<_>, Vec<_>) = left
                .into_iter()
                .partition(|one| pids.contains(&one.process.pid));
            left = rest;
            self.send_to(signal, recipients, notify)?;
        }
        Ok(())
    }

    fn send_to(
        &mut self,
        signal: Signal,
        recipients: Vec<Recipient>,
        notify: &mut dyn FnMut(&str),
    ) -> Result<(), String> {
        let mut record = |processes: &[Arc<Process>]| {
            if !processes.is_empty() {
                notify(&format!(
                    "sent SIG{} to {}",
                    signal.as_str(),
                    names(processes)
                ));
                let pids = processes.iter().map(|one| one.pid).collect();
                self.sent.push(SentSignal { signal, pids });
            }
        };
        let checked = Checked {
            signal,
            recipients,
            is_dropped: false,
            supervisor: None,
        };
        match send(checked) {
            Ok(sent) => {
                let processes = sent.recipients.iter().map(|one| Arc::clone(&one.process));
                record(&processes.collect::<Vec<_>>());
                self.recipients.extend(sent.recipients);
                Ok(())
            }
            Err(failure) => {
                record(&failure.sent);
                if matches!(failure.why, NotSent::Ended) {
                    return Ok(());
                }
                Err(failure.text(signal.as_str()))
            }
        }
    }

    /// Whether a process had one of the sockets.
    pub(super) fn is_owner(&self, pid: Pid) -> bool {
        self.owners.contains(&pid)
    }

    pub(super) fn last_signal(&self) -> Option<Signal> {
        self.sent.last().map(|sent| sent.signal)
    }

    /// The request for these processes, which is checked as one of the live table.
    fn ending<'a>(
        &self,
        signal: Signal,
        processes: impl Iterator<Item = &'a Arc<Process>>,
    ) -> Ending {
        let targets = processes.map(|process| EndTarget {
            role: if self.owners.contains(&process.pid) {
                EndRole::Owner
            } else {
                EndRole::Supervisor
            },
            process: Arc::clone(process),
        });
        Ending {
            targets: targets.collect(),
            sockets: self.sockets.clone(),
            signal,
            confirmed: Confirmed::Once,
            port: self.ports.first().cloned(),
            owners: self.owners.clone(),
        }
    }
}

/// Why nothing was sent: a second confirmation is not offered here.
fn text_of(failure: Failure, signal: Signal) -> String {
    match failure.why {
        NotSent::ConfirmedOnce(guard) => {
            let name = failure.process.name_and_pid();
            format!("nothing was sent: {name} is {}", guard.as_str())
        }
        _ => failure.text(signal.as_str()),
    }
}
