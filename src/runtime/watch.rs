//! Observes for a command without a screen: one observation after another, until it has enough.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use crate::clock::Clock;
use super::collector::Collector;
use super::panic::spawn_worker;
use crate::app::{Exit, Msg};
use crate::model::Refresh;
use crate::track::TableUpdate;

/// What is handed to the caller.
pub enum Seen {
    /// A reading, compared with the one before.
    TableUpdate(TableUpdate),
    /// What the reading took that comes next, if the collector measures.
    Measured(Refresh),
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

/// When it is over.
#[derive(Clone, Debug)]
pub struct End {
    at: Option<Duration>,
    clock: Clock,
    /// How often a write began or ended: odd while there is one.
    writes: Arc<AtomicU64>,
}

/// A write that takes longer than this when it is over will never end.
const LAST_WRITE: Duration = Duration::from_millis(250);

impl End {
    /// After so long from now, or never.
    pub fn after(time: Option<Duration>, clock: Clock) -> Self {
        Self {
            at: time.map(|time| clock.now().steady + time),
            clock,
            writes: Arc::default(),
        }
    }

    /// Writes something to standard output. If that takes for ever, the process ends when it is over.
    pub fn while_writing<T>(&self, write: impl FnOnce() -> T) -> T {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let written = write();
        self.writes.fetch_add(1, Ordering::Relaxed);
        written
    }

    /// How long it still is; `None`: for ever.
    pub fn left(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_sub(self.clock.now().steady))
    }
}

/// Takes readings until it is over, at least one, and hands each to `see`, which says whether it wants
/// more. It ends as soon as whoever reads standard output is gone, whether or not there is something to
/// write. While `see` is busy no more than one further reading is taken: the next is compared with that.
///
/// # Errors
/// If the system starts no further threads.
pub fn watch(
    collector: Collector,
    end: &End,
    mut see: impl FnMut(Seen) -> io::Result<bool>,
) -> io::Result<Ended> {
    let (sender, messages) = mpsc::sync_channel(1);
    // Dropped at the end, which ends the collector.
    let (_control, controlled) = mpsc::channel();
    let (on_crash, observer) = (sender.clone(), sender.clone());
    let crashed = move |what| drop(on_crash.send(Msg::ExitRequested(Exit::Crashed(what))));
    let collect = move || collector.run(&controlled, |msg| observer.send(msg).is_ok());
    spawn_worker("collector", crashed, collect)?;
    watch_for_reader(sender)?;
    end_with(end.clone())?;
    let mut has_begun = false;
    loop {
        let received = match end.left().filter(|_| has_begun) {
            Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
            Some(left) => messages.recv_timeout(left),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let seen = match received {
            Err(_) => return Ok(WatchEnd::Done),
            Ok(Msg::SnapshotTaken(observation)) => CollectorEvent::Updated(observation),
            Ok(Msg::RefreshMeasured(refresh)) => CollectorEvent::Measured(refresh),
            Ok(Msg::SnapshotFailed(why)) => CollectorEvent::Failed(why),
            Ok(Msg::ExitRequested(Exit::Crashed(what))) => return Ok(WatchEnd::Crashed(what)),
            Ok(Msg::ExitRequested(_)) => return Ok(WatchEnd::ReaderGone),
            Ok(_) => continue,
        };
        // What a reading took is followed by the reading itself.
        has_begun |= !matches!(seen, CollectorEvent::Measured(_));
        if !see(seen)? {
            return Ok(WatchEnd::Done);
        }
    }
}

/// Ends the process when it is over and a write does not return: nobody reads what was begun.
#[expect(
    clippy::disallowed_methods,
    reason = "the main thread can't be reached in its write, and holds nothing else"
)]
fn end_with(end: Deadline) -> io::Result<()> {
    let Some(left) = end.left() else {
        return Ok(());
    };
    let watch = move || {
        thread::sleep(left);
        loop {
            let before = end.writes.load(Ordering::Relaxed);
            thread::sleep(LAST_WRITE);
            if before % 2 == 1 && end.writes.load(Ordering::Relaxed) == before {
                std::process::exit(0);
            }
        }
    };
    spawn_worker("end", |_| (), watch).map(drop)
}

/// Sends word when standard output is a pipe or a socket and its other end is closed.
#[cfg(unix)]
fn watch_for_reader(sender: SyncSender<Msg>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let watch = move || {
        let stdout = io::stdout();
        // Asks for nothing: an error or a hangup is always told.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut watched, None) == Err(rustix::io::Errno::INTR) {}
        let gone = PollFlags::ERR | PollFlags::HUP;
        if watched[0].revents().intersects(gone) {
            let _ = sender.send(Msg::ExitRequested(Exit::TerminalGone));
        }
    };
    // Should it crash, a write will tell the same.
    spawn_worker("reader", |_| (), watch).map(drop)
}

/// A write will tell.
#[cfg(not(unix))]
fn watch_for_reader(_: SyncSender<Msg>) -> io::Result<()> {
    Ok(())
}

/// Waits until standard output takes a line; `false` if it is over before. A reader that does not read
/// would otherwise hold us beyond the time that was asked for.
#[cfg(unix)]
pub fn takes_a_line(end: &End) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::OUT)];
    loop {
        let left = end.left().map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        match poll(&mut watched, left.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) => return false,
            // Also when it can't be asked: a write will tell.
            Ok(_) | Err(_) => return true,
        }
    }
}

/// There is no way to know.
#[cfg(not(unix))]
pub fn takes_a_line(_: &End) -> bool {
    true
}
