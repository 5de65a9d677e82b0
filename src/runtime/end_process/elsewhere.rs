//! By pid, right after it was looked at again: nothing better is to be had through sysinfo.

use std::time::Duration;

use jiff::Timestamp;
use sysinfo::{Pid as SysPid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::{Sent, Unsent, check_confirmation};
use crate::app::{Ending, Signal};

/// Start times are counted from a boot time that is derived from the wall clock: read at two
/// moments, the same start may differ by a second. No pid comes round in so short a time.
const BOOT_TIME_JITTER: Duration = Duration::from_secs(2);

pub(super) fn send(ending: &Ending) -> Result<Sent, Unsent> {
    check_confirmation(ending)?;
    let pid = SysPid::from_u32(ending.process.pid);
    let mut system = System::new().map_err(|error| Unsent::Refused(error.to_string().into()))?;
    let only = ProcessesToUpdate::Some(&[pid]);
    system.refresh_processes_specifics(only, false, ProcessRefreshKind::nothing());
    let process = system.process(pid).ok_or(Unsent::Ended)?;
    let started = Timestamp::from_second(process.start_time().try_into().unwrap_or(i64::MAX));
    let starts = started.ok().zip(ending.process.started_at);
    if !starts
        .is_some_and(|(now, then)| now.duration_since(then).unsigned_abs() <= BOOT_TIME_JITTER)
    {
        return Err(Unsent::Replaced);
    }
    match process.kill_with(raw(ending.signal)) {
        Some(true) => Ok(Sent::ToProcess),
        Some(false) => Err(Unsent::Refused(
            "not permitted, or it has ended already".into(),
        )),
        None => Err(Unsent::Refused("this system has no such signal".into())),
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
