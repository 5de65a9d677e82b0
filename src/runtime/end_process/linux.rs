//! By a descriptor of the process, after everything was checked through that very descriptor.

use std::collections::HashSet;

use rustix::io::Errno;
use rustix::process::{self, Signal as RawSignal};

use super::{Sent, Unsent, check_confirmation};
use crate::app::{Ending, Signal};
use crate::model::Pid;
use crate::source::Pinned;

pub(super) fn send(ending: &Ending) -> Result<Sent, Unsent> {
    let pid = ending.process.pid;
    let pinned = Pinned::open(pid).map_err(|error| unseen(error, pid))?;
    let told = |error| unseen(error, pid);
    let started_at_tick = pinned.started_at_tick().map_err(told)?;
    match ending.process.started_at_tick {
        Some(then) if then == started_at_tick => {}
        Some(_) => return Err(Unsent::Replaced),
        None => return Err(Unsent::Unseen),
    }
    check_confirmation(ending)?;
    let sockets: HashSet<u32> = ending.sockets.iter().copied().collect();
    if sockets.is_empty() || !pinned.holds_one_of(&sockets).map_err(told)? {
        return Err(Unsent::HoldsNoMore);
    }
    let signal = raw(ending.signal);
    let is_dropped = pinned.is_deaf_to(signal.as_raw()).unwrap_or(false);
    match process::pidfd_send_signal(&pinned, signal) {
        Ok(()) if is_dropped => Ok(Sent::Dropped),
        Ok(()) => Ok(Sent::ToProcess),
        Err(error) => Err(refused(error, &pinned)),
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
fn refused(error: Errno, pinned: &Pinned) -> Unsent {
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

fn not_permitted(pinned: &Pinned) -> &'static str {
    let own = [process::geteuid(), process::getuid()].map(process::Uid::as_raw);
    match pinned.is_of(own) {
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
