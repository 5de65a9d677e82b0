//! Sends a signal only to processes that were seen to have a socket; then watches the result.
//!
//! Between question and answer a process may have ended and its pid may have been reused, it may have closed the
//! socket, or become an ancestor of sockeye. So everything is checked again, for every process before any gets the
//! signal. On Linux a handle pins each process ([`ProcessHandle`](crate::source::ProcessHandle)), so that the signal
//! reaches the checked process or none. On other systems the time between check and signal is short, but not zero.

mod confirmation;
#[cfg(target_os = "linux")]
mod linux;
pub(super) mod outcome;
#[cfg(not(target_os = "linux"))]
mod portable;
mod several;
mod summary;
pub(super) mod watch;

use std::borrow::Cow;
use std::sync::Arc;

#[cfg(target_os = "linux")]
pub(super) use linux::{check_targets, open, send};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{check_targets, open, send};

use crate::app::{Ending, Msg, Signal};
use crate::clock::Clock;
use crate::model::{Guard, Process, Supervisor, listed};
pub use confirmation::inspect_owner;
pub use several::end_several;

/// Processes that may get the signal, as everything about them was checked.
pub(super) struct Checked {
    pub(super) signal: Signal,
    pub(super) recipients: Vec<Recipient>,
    /// Whether the kernel drops it.
    pub(super) is_dropped: bool,
    /// A supervisor that may restart one of them.
    pub(super) supervisor: Option<Supervisor>,
}

pub(super) struct Sent {
    /// Whether the kernel drops it.
    is_dropped: bool,
    pub(super) recipients: Vec<Recipient>,
    /// A supervisor that may restart one of them.
    supervisor: Option<Supervisor>,
}

pub(super) struct Recipient {
    pub(super) process: Arc<Process>,
    #[cfg(target_os = "linux")]
    handle: crate::source::ProcessHandle,
}

/// Why nothing was sent, or not to all.
pub(super) struct Failure {
    pub(super) process: Arc<Process>,
    pub(super) why: NotSent,
    /// The processes that had got it before.
    pub(super) sent: Vec<Arc<Process>>,
}

pub(super) enum NotSent {
    Ended,
    /// Its pid now belongs to another process.
    Replaced,
    #[cfg_attr(
        not(any(target_os = "linux", test)),
        expect(dead_code, reason = "only Linux can check it")
    )]
    HasNoSocket,
    /// It is not an ancestor of any process that is to end.
    IsNoAncestor,
    /// It can't be checked whether it is the same process.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "on other systems it is gone")
    )]
    Unreadable,
    /// It needs a second confirmation.
    ConfirmedOnce(Guard),
    /// The system refused, with the reason.
    Refused(Cow<'static, str>),
}

impl NotSent {
    fn to(self, process: &Arc<Process>) -> Failure {
        Failure {
            process: Arc::clone(process),
            why: self,
            sent: Vec::new(),
        }
    }
}

/// Sends the signal; the message describes the result.
pub fn end_process(ending: &Ending) -> Msg {
    try_send(ending).map_or_else(Msg::SignalFailed, |(_, message)| Msg::JobDone {
        succeeded: true,
        message,
    })
}

/// Sends the signal and watches the result for some seconds. `notify` gets the progress.
pub fn end_and_watch(ending: &Ending, clock: Clock, notify: &mut dyn FnMut(Msg)) -> Msg {
    let ports = ending.port.as_slice();
    let mut watch = watch::Watch::begin(std::slice::from_ref(ending), ports, clock);
    match try_send(ending) {
        Ok((sent, text)) => {
            notify(Msg::EndPending(format!("{text}, waiting for its end…")));
            watch.run(&sent, notify)
        }
        Err(text) => Msg::SignalFailed(text),
    }
}

/// Sends the signal; returns a sentence on the result. It is an error if the kernel drops the signal.
fn try_send(ending: &Ending) -> Result<(Sent, String), String> {
    let signal = ending.signal.as_str();
    let sent = check_targets(ending).and_then(send);
    let sent = sent.map_err(|failure| failure.text(signal))?;
    let names = names(sent.recipients.iter().map(|one| &one.process));
    if sent.is_dropped {
        return Err(format!(
            "the kernel drops SIG{signal} to {names}: the first process gets only what it handles"
        ));
    }
    Ok((sent, format!("sent SIG{signal} to {names}")))
}

impl Failure {
    /// A sentence, with the processes that had got the signal before.
    pub(super) fn text(self, signal: &str) -> String {
        let Self { process, why, sent } = self;
        let (name, pid) = (process.name_and_pid(), process.pid);
        let text = match why {
            NotSent::Ended => format!("{name} has ended already"),
            NotSent::Replaced => {
                format!("{name} has ended, and {pid} is another process now: nothing was sent")
            }
            NotSent::HasNoSocket => format!("{name} no longer has this socket: nothing was sent"),
            NotSent::IsNoAncestor => {
                format!("{name} is no longer an ancestor of what it started: nothing was sent")
            }
            NotSent::Unreadable => format!("{name} can't be checked any more: nothing was sent"),
            NotSent::ConfirmedOnce(guard) => {
                let guard = guard.as_str();
                format!("nothing was sent, not confirmed twice: {name} is {guard}")
            }
            NotSent::Refused(why) => format!("{name}: {why}"),
        };
        match sent.as_slice() {
            [] => text,
            sent => format!("sent SIG{signal} to {}, but {text}", names(sent)),
        }
    }
}

/// `nginx (12), nginx (13) and 4 more`
pub(super) fn names<'a>(processes: impl IntoIterator<Item = &'a Arc<Process>>) -> String {
    listed(processes.into_iter().map(|process| process.name_and_pid()))
}
