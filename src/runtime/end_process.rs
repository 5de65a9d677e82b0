//! Sends a signal to a process that was seen to hold a socket, and to no other.
//!
//! Between the question and the answer the process may have ended and its pid may be another's.
//! On Linux a pidfd pins the process first and its start time is compared afterwards, so that the
//! signal can reach no other one. Elsewhere the time between the comparison and the signal is
//! short, but it is there.

use std::time::Duration;

use jiff::Timestamp;
use sysinfo::{Pid as SysPid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::app::{Msg, Signal};
use crate::model::{Pid, Text};

/// Sends `signal`; the answer says what became of it.
pub fn end_process(pid: Pid, started_at: Option<Timestamp>, name: &Text, signal: Signal) -> Msg {
    let sent = send(pid, started_at, signal);
    let succeeded = sent.is_ok();
    let message = match sent {
        Ok(()) => format!("sent {} to {name} ({pid})", signal.as_str()),
        Err(why) => format!("{name} ({pid}): {why}"),
    };
    Msg::JobDone { succeeded, message }
}

/// Looks the process up, and makes sure that it is the one that started then.
fn find(pid: Pid, started_at: Option<Timestamp>) -> Result<System, String> {
    let mut system = System::new().map_err(|error| error.to_string())?;
    let pid = SysPid::from_u32(pid);
    let only = ProcessesToUpdate::Some(&[pid]);
    system.refresh_processes_specifics(only, false, ProcessRefreshKind::nothing());
    let started = system.process(pid).map(sysinfo::Process::start_time);
    let started = started.and_then(|secs| Timestamp::from_second(secs.try_into().ok()?).ok());
    let is_same = started
        .zip(started_at)
        .is_some_and(|(now, then)| now.duration_since(then).unsigned_abs() <= BOOT_TIME_JITTER);
    if is_same {
        Ok(system)
    } else {
        Err(ENDED.into())
    }
}

/// Start times are counted from a boot time that the kernel derives from the wall clock: read at
/// two moments, the same start may differ by a second. No pid comes round in so short a time.
const BOOT_TIME_JITTER: Duration = Duration::from_secs(2);

/// What to say of a process that is no more.
const ENDED: &str = "it has ended already";

#[cfg(target_os = "linux")]
fn send(pid: Pid, started_at: Option<Timestamp>, signal: Signal) -> Result<(), String> {
    use rustix::io::Errno;
    use rustix::process::{self, PidfdFlags};

    let number = match signal {
        Signal::Term => process::Signal::TERM,
        Signal::Int => process::Signal::INT,
        Signal::Hup => process::Signal::HUP,
        Signal::Quit => process::Signal::QUIT,
        Signal::Kill => process::Signal::KILL,
    };
    let told = |errno: Errno| match errno {
        Errno::SRCH => ENDED.to_owned(),
        Errno::PERM => "not permitted: run as root or as its user".to_owned(),
        other => other.to_string(),
    };
    let raw = i32::try_from(pid)
        .ok()
        .and_then(process::Pid::from_raw)
        .ok_or("no such process")?;
    let pinned = process::pidfd_open(raw, PidfdFlags::empty()).map_err(told)?;
    find(pid, started_at)?;
    process::pidfd_send_signal(&pinned, number).map_err(told)
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, started_at: Option<Timestamp>, signal: Signal) -> Result<(), String> {
    let number = match signal {
        Signal::Term => sysinfo::Signal::Term,
        Signal::Int => sysinfo::Signal::Interrupt,
        Signal::Hup => sysinfo::Signal::Hangup,
        Signal::Quit => sysinfo::Signal::Quit,
        Signal::Kill => sysinfo::Signal::Kill,
    };
    let system = find(pid, started_at)?;
    let process = system.process(SysPid::from_u32(pid)).ok_or(ENDED)?;
    let sent = process.kill_with(number);
    match sent {
        Some(true) => Ok(()),
        Some(false) => Err("not permitted, or it has ended already".into()),
        None => Err(format!("this system has no signal {}", signal.as_str())),
    }
}
