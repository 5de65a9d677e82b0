//! By descriptors of the processes, after everything was checked through those very descriptors.

use std::collections::HashSet;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{self, Signal as RawSignal};

use super::judgement::check_confirmation;
use super::{Failure, Held, Sent, Unsent};
use crate::app::{EndRole, EndTarget, Ending, Signal};
use crate::model::{Pid, Process};
use crate::source::{ProcessHandle, SignalDisposition};

pub(super) fn send(ending: &Ending) -> Result<Sent, Failure> {
    let held = hold(ending)?;
    let processes: Vec<_> = held
        .iter()
        .map(|(_, one)| Arc::clone(&one.process))
        .collect();
    let kept_by = check_confirmation(ending, &processes)?;
    let sockets: HashSet<u32> = ending.sockets.iter().copied().collect();
    for (role, one) in &held {
        let checked = match role {
            EndRole::Owner => has_socket(one, &sockets),
            EndRole::Supervisor => keeps(one, &held),
        };
        checked.map_err(|why| why.of(&one.process))?;
    }
    let held: Vec<Held> = held.into_iter().map(|(_, one)| one).collect();
    let signal = raw(ending.signal);
    let is_dropped = held.iter().all(|one| {
        one.pinned
            .kernel_drops_signal(signal.as_raw())
            .unwrap_or(false)
    });
    send_to(&held, signal)?;
    Ok(Sent {
        is_dropped,
        held,
        kept_by,
    })
}

/// Holds fast those that are to end. Of several, those that have ended already need no signal, as long as
/// one of those that have the socket is left.
fn hold(ending: &Ending) -> Result<Vec<(EndRole, Held)>, Failure> {
    let (mut held, mut ended) = (Vec::new(), None);
    for target in &ending.targets {
        match pin(target) {
            Ok(pinned) => {
                let process = Arc::clone(&target.process);
                held.push((target.role, Held { process, pinned }));
            }
            Err(why @ (Unsent::Ended | Unsent::Replaced)) => ended = Some(why.of(&target.process)),
            Err(why) => return Err(why.of(&target.process)),
        }
    }
    let has_owner = held.iter().any(|(role, _)| *role == EndRole::Owner);
    match ended {
        Some(failure) if !has_owner => Err(failure),
        _ => Ok(held),
    }
}

/// The process as it was seen.
fn pin(target: &EndTarget) -> Result<ProcessHandle, Unsent> {
    let pid = target.process.pid;
    let told = |error| unseen(error, pid);
    let pinned = ProcessHandle::open(pid).map_err(told)?;
    let started_at_tick = pinned.started_at_tick().map_err(told)?;
    match target.process.started_at_tick {
        Some(then) if then == started_at_tick => Ok(pinned),
        Some(_) => Err(Unsent::Replaced),
        None => Err(Unsent::Unseen),
    }
}

fn has_socket(one: &Held, sockets: &HashSet<u32>) -> Result<(), Unsent> {
    let told = |error| unseen(error, one.process.pid);
    if sockets.is_empty() || !one.pinned.has_one_of(sockets).map_err(told)? {
        return Err(Unsent::HoldsNoMore);
    }
    Ok(())
}

/// Whether it is still an ancestor of one that is to end for its socket.
fn keeps(one: &Held, held: &[(EndRole, Held)]) -> Result<(), Unsent> {
    for (_, owner) in held.iter().filter(|(role, _)| *role == EndRole::Owner) {
        let keeps = one.pinned.is_ancestor_of(owner.process.pid);
        let keeps = keeps.map_err(|error| unseen(error, one.process.pid))?;
        // Its pid is its own as long as it is there.
        if keeps && owner.pinned.started_at_tick().is_ok() {
            return Ok(());
        }
    }
    Err(Unsent::KeepsNoMore)
}

/// Sends the signal to each. One that is stopped is continued after it, or it would never handle it.
fn send_to(held: &[Held], signal: RawSignal) -> Result<(), Failure> {
    let mut sent: Vec<Arc<Process>> = Vec::new();
    for one in held {
        let is_stopped = one.pinned.disposition(signal.as_raw()) == Ok(SignalDisposition::Stopped);
        let ignores = one.pinned.ignores_signal(signal.as_raw()).unwrap_or(true);
        match process::pidfd_send_signal(&one.pinned, signal) {
            Ok(()) => sent.push(Arc::clone(&one.process)),
            // One after the other they may have ended each other.
            Err(Errno::SRCH) if !sent.is_empty() => {}
            Err(error) => {
                let why = refused(error, &one.pinned);
                return Err(Failure {
                    sent,
                    ..why.of(&one.process)
                });
            }
        }
        if is_stopped && !ignores && signal != RawSignal::KILL {
            let _ = process::pidfd_send_signal(&one.pinned, RawSignal::CONT);
        }
    }
    Ok(())
}

impl Held {
    /// Whether it has ended, whether or not its parent has noticed.
    pub(super) fn has_ended(&self) -> bool {
        let told = self.pinned.started_at_tick();
        matches!(told, Err(Errno::SRCH | Errno::NOENT))
    }

    /// Why it still runs, to be said after "it still runs"; what ends it, where something does.
    pub(super) fn why_it_runs(&self, signal: Signal) -> (String, Option<&'static str>) {
        let name = signal.as_str();
        let kill = (signal != Signal::Kill).then_some("SIGKILL ends it");
        match self.pinned.disposition(raw(signal).as_raw()) {
            Ok(SignalDisposition::Ignored) => (format!("it ignores SIG{name}"), kill),
            Ok(SignalDisposition::Blocked) => (format!("it blocks SIG{name}"), kill),
            Ok(SignalDisposition::Handled) => {
                (format!("it handles SIG{name} and takes its time"), kill)
            }
            Ok(SignalDisposition::Stopped) => ("it is stopped".into(), kill),
            Ok(SignalDisposition::Traced) => ("a debugger has stopped it".into(), kill),
            Ok(SignalDisposition::Uninterruptible) => {
                ("it waits for I/O in the kernel".into(), None)
            }
            Ok(SignalDisposition::Default) | Err(_) => (String::new(), kill),
        }
    }
}

/// Why a process could not be looked at: it is no more, or it is kept from this user.
fn unseen(error: Errno, pid: Pid) -> Unsent {
    let raw = i32::try_from(pid).ok().and_then(process::Pid::from_raw);
    // Where `/proc` is mounted with `hidepid`, what is hidden seems not to be there.
    let is_there = || {
        let asked = raw.map(process::test_kill_process);
        !matches!(asked, None | Some(Err(Errno::SRCH)))
    };
    match error {
        Errno::SRCH => Unsent::Ended,
        Errno::NOENT if !is_there() => Unsent::Ended,
        _ => Unsent::Unseen,
    }
}

/// What the kernel answered, see `pidfd_send_signal(2)`.
fn refused(error: Errno, pinned: &ProcessHandle) -> Unsent {
    match error {
        Errno::SRCH => Unsent::Ended,
        Errno::PERM => Unsent::Refused(not_permitted(pinned).into()),
        Errno::INVAL => Unsent::Refused(
            "it is in another pid namespace: no signal from here can reach it".into(),
        ),
        other => {
            let name = nix::errno::Errno::from_raw(other.raw_os_error());
            Unsent::Refused(format!("the kernel refused with {name:?}").into())
        }
    }
}

fn not_permitted(pinned: &ProcessHandle) -> &'static str {
    let own = [process::geteuid(), process::getuid()].map(process::Uid::as_raw);
    match pinned.runs_as_one_of(own) {
        _ if process::geteuid().is_root() => {
            "not permitted, even as root: it takes CAP_KILL, if nothing forbids it"
        }
        Ok(true) => "not permitted, though it is this user's: something forbids it",
        _ => "not permitted: run as root or as its user",
    }
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
