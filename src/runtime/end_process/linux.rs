//! Sends signals through descriptors of the processes, after everything was checked through the same descriptors.

use std::collections::HashSet;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{self, Signal as RawSignal, pidfd_send_signal};

use super::confirmation::check;
use super::{Checked, Failure, NotSent, Recipient, Sent};
use crate::app::{EndRole, Ending, Signal};
use crate::model::{Pid, Process};
use crate::source::{ProcessHandle, SignalDisposition};

/// Opens the processes that are to end and checks that the question still fits them.
pub(in crate::runtime) fn check_targets(ending: &Ending) -> Result<Checked, Failure> {
    let all = open_targets(ending)?;
    let processes = all.iter().map(|(_, one)| Arc::clone(&one.process));
    let processes: Vec<_> = processes.collect();
    let supervisor = check(ending, &processes)?;
    let sockets: HashSet<u32> = ending.sockets.iter().copied().collect();
    for (role, one) in &all {
        let failed = |error| unreadable(error, one.process.pid).to(&one.process);
        match role {
            EndRole::Owner => {
                if sockets.is_empty() || !one.handle.has_one_of(&sockets).map_err(failed)? {
                    return Err(NotSent::HasNoSocket.to(&one.process));
                }
            }
            EndRole::Supervisor => check_ancestor(one, &all).map_err(|why| why.to(&one.process))?,
        }
    }
    let recipients: Vec<_> = all.into_iter().map(|(_, one)| one).collect();
    let signal = raw(ending.signal).as_raw();
    let is_dropped = recipients.iter().all(|one| {
        let is_dropped = one.handle.kernel_drops_signal(signal);
        is_dropped.unwrap_or(false)
    });
    Ok(Checked {
        signal: ending.signal,
        recipients,
        is_dropped,
        supervisor,
    })
}

pub(in crate::runtime) fn send(checked: Checked) -> Result<Sent, Failure> {
    send_to(&checked.recipients, raw(checked.signal))?;
    Ok(Sent {
        is_dropped: checked.is_dropped,
        recipients: checked.recipients,
        supervisor: checked.supervisor,
    })
}

/// Opens the processes that are to end. Those that have ended already need no signal, as long as one that has the
/// socket is left.
fn open_targets(ending: &Ending) -> Result<Vec<(EndRole, Recipient)>, Failure> {
    let (mut opened, mut ended) = (Vec::new(), None);
    for target in &ending.targets {
        match open(&target.process) {
            Ok(recipient) => opened.push((target.role, recipient)),
            Err(why @ (NotSent::Ended | NotSent::Replaced)) => {
                ended = Some(why.to(&target.process));
            }
            Err(why) => return Err(why.to(&target.process)),
        }
    }
    let has_owner = opened.iter().any(|(role, _)| *role == EndRole::Owner);
    match ended {
        Some(failure) if !has_owner => Err(failure),
        _ => Ok(opened),
    }
}

/// Opens the process if it is still the same.
pub(in crate::runtime) fn open(process: &Arc<Process>) -> Result<Recipient, NotSent> {
    let process = Arc::clone(process);
    let failed = |error| unreadable(error, process.pid);
    let handle = ProcessHandle::open(process.pid).map_err(failed)?;
    let started_at_tick = handle.started_at_tick().map_err(failed)?;
    match process.started_at_tick {
        Some(then) if then == started_at_tick => Ok(Recipient { process, handle }),
        Some(_) => Err(NotSent::Replaced),
        None => Err(NotSent::Unreadable),
    }
}

/// Checks that it is still an ancestor of a process that is to end for its socket.
fn check_ancestor(one: &Recipient, all: &[(EndRole, Recipient)]) -> Result<(), NotSent> {
    for (_, owner) in all.iter().filter(|(role, _)| *role == EndRole::Owner) {
        let is_ancestor = one.handle.is_ancestor_of(owner.process.pid);
        let is_ancestor = is_ancestor.map_err(|error| unreadable(error, one.process.pid))?;
        // Its pid is not reused while it exists.
        if is_ancestor && owner.handle.started_at_tick().is_ok() {
            return Ok(());
        }
    }
    Err(NotSent::IsNoAncestor)
}

/// Sends the signal to each. A stopped process is continued after it, or it would never handle it.
fn send_to(recipients: &[Recipient], signal: RawSignal) -> Result<(), Failure> {
    let mut sent: Vec<Arc<Process>> = Vec::new();
    for Recipient { process, handle } in recipients {
        let is_stopped = handle.disposition(signal.as_raw()) == Ok(SignalDisposition::Stopped);
        let ignores = handle.ignores_signal(signal.as_raw()).unwrap_or(true);
        match pidfd_send_signal(handle, signal) {
            Ok(()) => sent.push(Arc::clone(process)),
            // A process before may have ended this one.
            Err(Errno::SRCH) if !sent.is_empty() => {}
            Err(error) => {
                return Err(Failure {
                    sent,
                    ..refusal(error, handle).to(process)
                });
            }
        }
        if is_stopped && !ignores && signal != RawSignal::KILL {
            let _ = pidfd_send_signal(handle, RawSignal::CONT);
        }
    }
    Ok(())
}

impl Recipient {
    /// Whether it has ended, whether or not its parent has noticed.
    pub(in crate::runtime) fn has_ended(&self) -> bool {
        let started = self.handle.started_at_tick();
        matches!(started, Err(Errno::SRCH | Errno::NOENT))
    }

    /// Why it still runs, as the end of a sentence, and how to end it, if possible.
    pub(in crate::runtime) fn why_it_runs(&self, signal: Signal) -> (String, Option<&'static str>) {
        use SignalDisposition as S;
        let name = signal.as_str();
        let kill = (signal != Signal::Kill).then_some("SIGKILL ends it");
        let why = match self.handle.disposition(raw(signal).as_raw()) {
            Ok(S::Ignored) => format!("it ignores SIG{name}"),
            Ok(S::Blocked) => format!("it blocks SIG{name}"),
            Ok(S::Handled) => format!("it handles SIG{name} and takes its time"),
            Ok(S::Stopped) => "it is stopped".to_owned(),
            Ok(S::Traced) => "a debugger has stopped it".to_owned(),
            Ok(S::Uninterruptible) => return ("it waits for I/O in the kernel".to_owned(), None),
            Ok(S::Default) | Err(_) => String::new(),
        };
        (why, kill)
    }
}

/// Why a process could not be read: it has ended, or this user may not.
fn unreadable(error: Errno, pid: Pid) -> NotSent {
    let raw = i32::try_from(pid).ok().and_then(process::Pid::from_raw);
    // Where `/proc` is mounted with `hidepid`, hidden processes seem to be missing.
    let exists = || {
        let tested = raw.map(process::test_kill_process);
        !matches!(tested, None | Some(Err(Errno::SRCH)))
    };
    match error {
        Errno::SRCH => NotSent::Ended,
        Errno::NOENT if !exists() => NotSent::Ended,
        _ => NotSent::Unreadable,
    }
}

/// The kernel's error, see `pidfd_send_signal(2)`.
fn refusal(error: Errno, handle: &ProcessHandle) -> NotSent {
    let own = [process::geteuid(), process::getuid()].map(process::Uid::as_raw);
    NotSent::Refused(match error {
        Errno::SRCH => return NotSent::Ended,
        Errno::PERM if process::geteuid().is_root() => {
            "not permitted, even as root: it takes CAP_KILL, if nothing forbids it".into()
        }
        Errno::PERM if handle.runs_as_one_of(own) == Ok(true) => {
            "not permitted, though it is this user's: something forbids it".into()
        }
        Errno::PERM => "not permitted: run as root or as its user".into(),
        Errno::INVAL => "it is in another pid namespace: no signal from here can reach it".into(),
        other => {
            let name = nix::errno::Errno::from_raw(other.raw_os_error());
            format!("the kernel refused with {name:?}").into()
        }
    })
}

const fn raw(signal: Signal) -> RawSignal {
    match signal {
        Signal::Term => RawSignal::TERM,
        Signal::Int => RawSignal::INT,
        Signal::Hup => RawSignal::HUP,
        Signal::Quit => RawSignal::QUIT,
        Signal::Kill => RawSignal::KILL,
    }
}
