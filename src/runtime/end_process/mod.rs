//! Sends a signal to a process that was seen to hold a socket, and to no other.
//!
//! Between the question and the answer the process may have ended and its pid may be another's, it
//! may have closed the socket, and it may have become one that sockeye descends from. So all of it is
//! looked at again, as close to the signal as can be. On Linux the process is held fast meanwhile
//! ([`Pinned`](crate::source::Pinned)), so that the signal reaches the one that was looked at or
//! nobody. Elsewhere the time between the look and the signal is short, but it is there.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

use std::borrow::Cow;

#[cfg(not(target_os = "linux"))]
use elsewhere::send;
#[cfg(target_os = "linux")]
use linux::send;

use crate::app::{Confirmed, Ending, Msg};
use crate::model::Guard;
use crate::source::lineage;

/// What the system did with a signal that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    ToProcess,
    /// It goes no further.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux tells")
    )]
    Dropped,
}

/// Why nothing was sent.
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

/// Sends the signal; the answer says what became of it.
pub fn end_process(ending: &Ending) -> Msg {
    let sent = send(ending);
    let succeeded = sent == Ok(Sent::ToProcess);
    let message = words(ending, sent);
    if succeeded {
        Msg::JobDone { succeeded, message }
    } else {
        Msg::SignalFailed(message)
    }
}

fn words(ending: &Ending, sent: Result<Sent, Unsent>) -> String {
    let (process, signal) = (&ending.process, ending.signal.as_str());
    let pid = process.pid;
    let who = format!("{} ({pid})", process.name);
    match sent {
        Ok(Sent::ToProcess) => format!("sent {signal} to {who}"),
        Ok(Sent::Dropped) => format!(
            "the kernel drops {signal} to {who}: the first process gets only what it handles"
        ),
        Err(Unsent::Ended) => format!("{who} has ended already"),
        Err(Unsent::Replaced) => {
            format!("{who} has ended, and {pid} is another process now: nothing was sent")
        }
        Err(Unsent::HoldsNoMore) => format!("{who} no longer has this socket: nothing was sent"),
        Err(Unsent::Unseen) => format!("{who} can't be looked at any more: nothing was sent"),
        Err(Unsent::ConfirmedOnce(guard)) => {
            format!(
                "nothing was sent, not confirmed twice: {who} is {}",
                guard.as_str()
            )
        }
        Err(Unsent::Refused(why)) => format!("{who}: {why}"),
    }
}

/// The last word on whether one yes was enough: what the question knew may be over.
fn check_confirmation(ending: &Ending) -> Result<(), Unsent> {
    match (ending.confirmed, lineage().guard(&ending.process)) {
        (Confirmed::Once, Some(guard)) => Err(Unsent::ConfirmedOnce(guard)),
        _ => Ok(()),
    }
}
