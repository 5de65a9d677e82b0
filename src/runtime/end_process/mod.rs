//! Sends a signal to processes that were seen to have a socket, and to no others; then looks what comes of it.
//!
//! Between the question and the answer a process may have ended and its pid may be another's, it may have
//! closed the socket, and it may have become one that sockeye descends from. So all of it is looked at again,
//! for every process before any gets the signal. On Linux each is held fast meanwhile
//! ([`ProcessHandle`](crate::source::ProcessHandle)), so that the signal reaches the one that was looked at or none.
//! Elsewhere the time between the look and the signal is short, but it is there.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod judgement;
#[cfg(target_os = "linux")]
mod linux;
mod outcome;
mod watch;

use std::borrow::Cow;
use std::sync::Arc;

#[cfg(not(target_os = "linux"))]
use elsewhere::send;
#[cfg(target_os = "linux")]
use linux::send;

use crate::app::{Ending, Msg};
use crate::clock::Clock;
use crate::model::{Guard, Process, Supervisor};
pub use judgement::{inspect_owner, uninspected};

/// A signal that the system took.
struct Sent {
    /// Whether it goes no further: the kernel drops it.
    is_dropped: bool,
    /// Those that got it.
    held: Vec<Held>,
    /// What may start one of them again.
    kept_by: Option<Supervisor>,
}

/// A process that got the signal.
struct Held {
    process: Arc<Process>,
    #[cfg(target_os = "linux")]
    pinned: crate::source::ProcessHandle,
}

/// Why nothing was sent, or not to all.
struct Failure {
    /// To whom.
    process: Arc<Process>,
    why: Unsent,
    /// Those that had got it before.
    sent: Vec<Arc<Process>>,
}

/// Why a process got no signal.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unsent {
    Ended,
    /// Its pid is another process's by now.
    Replaced,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux tells")
    )]
    HoldsNoMore,
    /// It does not start anything of what is to end any more.
    KeepsNoMore,
    /// It can't be found out whether it is the one.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "elsewhere it is gone")
    )]
    Unseen,
    /// One yes is not enough for it.
    ConfirmedOnce(Guard),
    /// The system would not: why.
    Refused(Cow<'static, str>),
}

impl Unsent {
    fn of(self, process: &Arc<Process>) -> Failure {
        Failure {
            process: Arc::clone(process),
            why: self,
            sent: Vec::new(),
        }
    }
}

/// Sends the signal; the answer says what the kernel did with it.
pub fn end_process(ending: &Ending) -> Msg {
    match send(ending) {
        Ok(sent) if !sent.is_dropped => Msg::JobDone {
            succeeded: true,
            message: sent_words(ending, &sent),
        },
        sent => Msg::SignalFailed(failure_words(ending, sent)),
    }
}

/// Sends the signal, and looks for some seconds what comes of it. What is known meanwhile goes to `tell`.
pub fn end_and_watch(ending: &Ending, clock: Clock, tell: &mut dyn FnMut(Msg)) -> Msg {
    let mut watch = watch::Watch::begin(ending, clock);
    match send(ending) {
        Ok(sent) if !sent.is_dropped => {
            let words = sent_words(ending, &sent);
            tell(Msg::EndPending(format!("{words}, waiting for its end…")));
            watch.run(sent, tell)
        }
        sent => Msg::SignalFailed(failure_words(ending, sent)),
    }
}

fn sent_words(ending: &Ending, sent: &Sent) -> String {
    let names = names(sent.held.iter().map(|held| &held.process));
    format!("sent SIG{} to {names}", ending.signal.as_str())
}

fn failure_words(ending: &Ending, sent: Result<Sent, Failure>) -> String {
    let signal = ending.signal.as_str();
    let (process, why, before) = match sent {
        Ok(sent) => {
            let names = names(sent.held.iter().map(|held| &held.process));
            return format!(
                "the kernel drops SIG{signal} to {names}: the first process gets only what it handles"
            );
        }
        Err(Failure { process, why, sent }) => (process, why, sent),
    };
    let (who, pid) = (named(&process), process.pid);
    let what = match why {
        Unsent::Ended => format!("{who} has ended already"),
        Unsent::Replaced => {
            format!("{who} has ended, and {pid} is another process now: nothing was sent")
        }
        Unsent::HoldsNoMore => format!("{who} no longer has this socket: nothing was sent"),
        Unsent::KeepsNoMore => {
            format!("{who} is no longer an ancestor of what it started: nothing was sent")
        }
        Unsent::Unseen => format!("{who} can't be looked at any more: nothing was sent"),
        Unsent::ConfirmedOnce(guard) => format!(
            "nothing was sent, not confirmed twice: {who} is {}",
            guard.as_str()
        ),
        Unsent::Refused(why) => format!("{who}: {why}"),
    };
    if before.is_empty() {
        what
    } else {
        format!("sent SIG{signal} to {}, but {what}", names(before.iter()))
    }
}

/// `nginx (12)`
fn named(process: &Process) -> String {
    format!("{} ({})", process.name, process.pid)
}

/// `nginx (12), nginx (13) and 4 more`
fn names<'a>(processes: impl Iterator<Item = &'a Arc<Process>>) -> String {
    const MAX: usize = 3;
    let mut names: Vec<String> = processes.map(|process| named(process)).collect();
    let more = names.len().saturating_sub(MAX);
    names.truncate(MAX);
    match names.pop() {
        Some(last) if more > 0 => format!("{}, {last} and {more} more", names.join(", ")),
        Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        last => last.unwrap_or_default(),
    }
}
