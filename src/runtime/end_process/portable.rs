//! Sends signals by pid, right after the process was checked again: sysinfo has nothing better.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sysinfo::{Pid as SysPid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::confirmation::check;
use super::{Checked, Failure, NotSent, Recipient, Sent};
use crate::app::{EndRole, Ending, Signal};
use crate::model::Process;

/// Start times are counted from a boot time that is derived from the wall clock: read at two moments, the same start
/// may differ by a second. No pid is reused in so short a time.
const BOOT_TIME_JITTER: Duration = Duration::from_secs(2);

/// Checks what can be checked here; whether it is the same process, again right before its signal.
pub(in crate::runtime) fn check_targets(ending: &Ending) -> Result<Checked, Failure> {
    let targets = ending.targets.iter();
    let processes: Vec<_> = targets.map(|target| Arc::clone(&target.process)).collect();
    let supervisor = check(ending, &processes)?;
    // Ancestors can't be checked here.
    let mut targets = ending.targets.iter();
    if let Some(target) = targets.find(|target| target.role == EndRole::Supervisor) {
        return Err(NotSent::IsNoAncestor.to(&target.process));
    }
    let recipients = processes.into_iter().map(|process| Recipient { process });
    Ok(Checked {
        signal: ending.signal,
        recipients: recipients.collect(),
        is_dropped: false,
        supervisor,
    })
}

pub(in crate::runtime) fn send(checked: Checked) -> Result<Sent, Failure> {
    let mut recipients: Vec<Recipient> = Vec::new();
    for Recipient { process } in checked.recipients {
        match send_to(&process, checked.signal) {
            Ok(()) => recipients.push(Recipient { process }),
            Err(NotSent::Ended) if !recipients.is_empty() => {}
            Err(why) => {
                return Err(Failure {
                    sent: recipients.into_iter().map(|one| one.process).collect(),
                    ..why.to(&process)
                });
            }
        }
    }
    Ok(Sent {
        is_dropped: checked.is_dropped,
        recipients,
        supervisor: checked.supervisor,
    })
}

/// The process if it is still the same.
pub(in crate::runtime) fn open(process: &Arc<Process>) -> Result<Recipient, NotSent> {
    let pid = SysPid::from_u32(process.pid);
    let system = read(pid)?;
    let found = system.process(pid).ok_or(NotSent::Ended)?;
    if !is_same(found, process) {
        return Err(NotSent::Replaced);
    }
    Ok(Recipient {
        process: Arc::clone(process),
    })
}

fn send_to(process: &Process, signal: Signal) -> Result<(), NotSent> {
    let pid = SysPid::from_u32(process.pid);
    let system = read(pid)?;
    let found = system.process(pid).ok_or(NotSent::Ended)?;
    if !is_same(found, process) {
        return Err(NotSent::Replaced);
    }
    match found.kill_with(raw(signal)) {
        Some(true) => Ok(()),
        Some(false) => Err(NotSent::Refused(
            "not permitted, or it has ended already".into(),
        )),
        None => Err(NotSent::Refused("this system has no such signal".into())),
    }
}

fn read(pid: SysPid) -> Result<System, NotSent> {
    let mut system = System::new().map_err(|error| NotSent::Refused(error.to_string().into()))?;
    let only = ProcessesToUpdate::Some(&[pid]);
    system.refresh_processes_specifics(only, false, ProcessRefreshKind::nothing());
    Ok(system)
}

fn is_same(found: &sysinfo::Process, process: &Process) -> bool {
    let started = Timestamp::from_second(found.start_time().try_into().unwrap_or(i64::MAX));
    let starts = started.ok().zip(process.started_at);
    starts.is_some_and(|(now, then)| now.duration_since(then).unsigned_abs() <= BOOT_TIME_JITTER)
}

impl Recipient {
    /// Whether it has ended.
    pub(in crate::runtime) fn has_ended(&self) -> bool {
        let pid = SysPid::from_u32(self.process.pid);
        read(pid).is_ok_and(|system| {
            let found = system.process(pid);
            found.is_none_or(|found| !is_same(found, &self.process))
        })
    }

    /// Why it still runs is unknown on these systems.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(in crate::runtime) const fn why_it_runs(
        &self,
        _signal: Signal,
    ) -> (String, Option<&'static str>) {
        (String::new(), None)
    }
}

const fn raw(signal: Signal) -> sysinfo::Signal {
    match signal {
        Signal::Term => sysinfo::Signal::Term,
        Signal::Int => sysinfo::Signal::Interrupt,
        Signal::Hup => sysinfo::Signal::Hangup,
        Signal::Quit => sysinfo::Signal::Quit,
        Signal::Kill => sysinfo::Signal::Kill,
    }
}
