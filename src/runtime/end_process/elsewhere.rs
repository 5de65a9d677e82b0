//! By pid, right after it was looked at again: nothing better is to be had through sysinfo.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sysinfo::{Pid as SysPid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::judgement::check_confirmation;
use super::{Failure, Held, Sent, Unsent};
use crate::app::{EndRole, Ending, Signal};
use crate::model::Process;

/// Start times are counted from a boot time that is derived from the wall clock: read at two
/// moments, the same start may differ by a second. No pid comes round in so short a time.
const BOOT_TIME_JITTER: Duration = Duration::from_secs(2);

pub(super) fn send(ending: &Ending) -> Result<Sent, Failure> {
    let targets = ending.targets.iter();
    let processes: Vec<_> = targets.map(|target| Arc::clone(&target.process)).collect();
    let kept_by = check_confirmation(ending, &processes)?;
    let mut held = Vec::new();
    for target in &ending.targets {
        // What an ancestor is can't be looked at again here.
        let sent = match target.role {
            EndRole::Owner => send_to(&target.process, ending.signal),
            EndRole::Supervisor => Err(Unsent::KeepsNoMore),
        };
        let process = Arc::clone(&target.process);
        match sent {
            Ok(()) => held.push(Held { process }),
            Err(Unsent::Ended) if !held.is_empty() => {}
            Err(why) => {
                let sent = held.into_iter().map(|one: Held| one.process).collect();
                return Err(Failure {
                    sent,
                    ..why.of(&process)
                });
            }
        }
    }
    Ok(Sent {
        is_dropped: false,
        held,
        kept_by,
    })
}

fn send_to(process: &Process, signal: Signal) -> Result<(), Unsent> {
    let pid = SysPid::from_u32(process.pid);
    let system = look(pid)?;
    let found = system.process(pid).ok_or(Unsent::Ended)?;
    if !is_same(found, process) {
        return Err(Unsent::Replaced);
    }
    match found.kill_with(raw(signal)) {
        Some(true) => Ok(()),
        Some(false) => Err(Unsent::Refused(
            "not permitted, or it has ended already".into(),
        )),
        None => Err(Unsent::Refused("this system has no such signal".into())),
    }
}

fn look(pid: SysPid) -> Result<System, Unsent> {
    let mut system = System::new().map_err(|error| Unsent::Refused(error.to_string().into()))?;
    let only = ProcessesToUpdate::Some(&[pid]);
    system.refresh_processes_specifics(only, false, ProcessRefreshKind::nothing());
    Ok(system)
}

fn is_same(found: &sysinfo::Process, process: &Process) -> bool {
    let started = Timestamp::from_second(found.start_time().try_into().unwrap_or(i64::MAX));
    let starts = started.ok().zip(process.started_at);
    starts.is_some_and(|(now, then)| now.duration_since(then).unsigned_abs() <= BOOT_TIME_JITTER)
}

impl Held {
    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        let pid = SysPid::from_u32(self.process.pid);
        look(pid).is_ok_and(|system| {
            let found = system.process(pid);
            found.is_none_or(|found| !is_same(found, &self.process))
        })
    }

    /// Why it still runs is not known here.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn why_it_runs(&self, _signal: Signal) -> (String, Option<&'static str>) {
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
