//! Observes for a command without a screen: one observation after another, until it has enough.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use super::clock::Clock;
use super::collector::Collector;
use super::panic::spawn_worker;
use crate::app::{Exit, Msg};
use crate::track::Observation;

/// What is handed to the caller.
pub enum Seen {
    /// A reading, compared with the one before.
    Observation(Observation),
    /// A reading failed: why.
    Failure(String),
}

/// How watching ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The time was over, or the caller had enough.
    Done,
    /// Nobody reads standard output any more.
    NobodyReads,
    /// A thread crashed: what it said.
    Crashed(String),
}

/// Takes readings for so long (without a limit: for ever) and hands each to `see`, which says whether
/// it wants more. It ends as soon as whoever reads standard output is gone, whether or not there is
/// something to write.
///
/// # Errors
/// If the system starts no further threads.
pub fn watch(
    collector: Collector,
    time: Option<Duration>,
    clock: Clock,
    mut see: impl FnMut(Seen) -> io::Result<bool>,
) -> io::Result<Ended> {
    let (sender, messages) = mpsc::channel();
    // Dropped at the end, which ends the collector.
    let (_control, controlled) = mpsc::channel();
    let (on_crash, observer) = (sender.clone(), sender.clone());
    let crashed = move |what| drop(on_crash.send(Msg::EndAsked(Exit::Crashed(what))));
    let collect = move || collector.run(&controlled, |msg| observer.send(msg).is_ok());
    spawn_worker("collector", crashed, collect)?;
    watch_for_reader(sender)?;
    let end = time.map(|time| clock.now().steady + time);
    loop {
        let left = end.map(|end| end.saturating_sub(clock.now().steady));
        let received = match left {
            Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
            Some(left) => messages.recv_timeout(left),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let seen = match received {
            Err(_) => return Ok(Ended::Done),
            Ok(Msg::SnapshotTaken(observation)) => Seen::Observation(observation),
            Ok(Msg::SnapshotFailed(why)) => Seen::Failure(why),
            Ok(Msg::EndAsked(Exit::Crashed(what))) => return Ok(Ended::Crashed(what)),
            Ok(Msg::EndAsked(_)) => return Ok(Ended::NobodyReads),
            Ok(_) => continue,
        };
        if !see(seen)? {
            return Ok(Ended::Done);
        }
    }
}

/// Sends word when standard output is a pipe or a socket and its other end is closed.
#[cfg(unix)]
fn watch_for_reader(sender: Sender<Msg>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let watch = move || {
        let stdout = io::stdout();
        // Asks for nothing: an error or a hangup is always told.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut watched, None) == Err(rustix::io::Errno::INTR) {}
        let gone = PollFlags::ERR | PollFlags::HUP;
        if watched[0].revents().intersects(gone) {
            let _ = sender.send(Msg::EndAsked(Exit::TerminalGone));
        }
    };
    // Should it crash, a write will tell the same.
    spawn_worker("reader", |_| (), watch).map(drop)
}

/// A write will tell.
#[cfg(not(unix))]
fn watch_for_reader(_: Sender<Msg>) -> io::Result<()> {
    Ok(())
}
