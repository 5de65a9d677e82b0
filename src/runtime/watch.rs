//! Takes snapshots for a command without a screen: one update after another, until the caller stops it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::collector::{Collector, CollectorEvent};
use super::panic::spawn_worker;
use crate::clock::Clock;

/// How watching ended.
#[derive(Debug, PartialEq, Eq)]
pub enum WatchEnd {
    /// The deadline has passed, or the caller stopped.
    Done,
    /// The reader of standard output is gone.
    ReaderGone,
    /// A thread crashed: its message.
    Crashed(String),
}

/// The end of watching.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Option<Duration>,
    clock: Clock,
    /// How often a write began or ended: odd during one.
    writes: Arc<AtomicU64>,
}

/// A write that takes longer than this past the deadline will never end.
const LAST_WRITE: Duration = Duration::from_millis(250);

impl Deadline {
    /// After this time from now, or never.
    pub fn after(time: Option<Duration>, clock: Clock) -> Self {
        Self {
            at: time.map(|time| clock.now().steady + time),
            clock,
            writes: Arc::default(),
        }
    }

    /// Writes something to standard output. If that takes for ever, the process ends at the deadline.
    pub fn while_writing<T>(&self, write: impl FnOnce() -> T) -> T {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let written = write();
        self.writes.fetch_add(1, Ordering::Relaxed);
        written
    }

    /// The time left; `None`: for ever.
    fn left(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_sub(self.clock.now().steady))
    }

    /// Waits until standard output takes a line; `false` if the deadline comes first. A reader that stops reading
    /// would block us past it.
    pub fn waits_for_stdout(&self) -> bool {
        #[cfg(unix)]
        loop {
            use rustix::{event::PollFlags, io::Errno};
            match super::process::stdio::poll_stream(io::stdout(), PollFlags::OUT, self.left()) {
                Ok(events) => return !events.is_empty(),
                Err(Errno::INTR) => {}
                // The write reports why it can't be polled.
                Err(_) => return true,
            }
        }
        #[cfg(not(unix))]
        true
    }

    /// Ends the process if a write doesn't return at the deadline.
    #[expect(
        clippy::disallowed_methods,
        reason = "the main thread can't be reached in its write, and holds nothing else"
    )]
    fn enforce(self) -> io::Result<()> {
        let Some(left) = self.left() else {
            return Ok(());
        };
        let watch = move || {
            thread::sleep(left);
            loop {
                let before = self.writes.load(Ordering::Relaxed);
                thread::sleep(LAST_WRITE);
                if before % 2 == 1 && self.writes.load(Ordering::Relaxed) == before {
                    std::process::exit(0);
                }
            }
        };
        spawn_worker("end", |_| (), watch).map(drop)
    }
}

/// Messages from the threads to the caller.
enum Message {
    Event(CollectorEvent),
    End(WatchEnd),
}

/// Takes snapshots until the deadline, at least one, and passes each event to `handle`, which returns whether it
/// wants more. It ends as soon as the reader of standard output is gone, whether or not there is something to
/// write. While `handle` runs, one further snapshot is taken at most, which the next is compared with.
///
/// # Errors
/// If the system starts no further threads.
pub fn watch(
    collector: Collector,
    deadline: &Deadline,
    mut handle: impl FnMut(CollectorEvent) -> io::Result<bool>,
) -> io::Result<WatchEnd> {
    let (sender, messages) = mpsc::sync_channel(1);
    // Dropped at the end, which ends the collector.
    let (_control, commands) = mpsc::channel();
    let (on_crash, events) = (sender.clone(), sender.clone());
    let crashed = move |what| drop(on_crash.send(Message::End(WatchEnd::Crashed(what))));
    let send = move |event| events.send(Message::Event(event)).is_ok();
    let collect = move || collector.run(&commands, send);
    spawn_worker("collector", crashed, collect)?;
    watch_for_reader(sender)?;
    deadline.clone().enforce()?;
    let mut has_begun = false;
    loop {
        let received = match deadline.left().filter(|_| has_begun) {
            Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
            Some(left) => messages.recv_timeout(left),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let event = match received {
            Err(_) => return Ok(WatchEnd::Done),
            Ok(Message::End(end)) => return Ok(end),
            Ok(Message::Event(event)) => event,
        };
        // A measurement is followed by its update.
        has_begun |= !matches!(event, CollectorEvent::Measured(_));
        if !handle(event)? {
            return Ok(WatchEnd::Done);
        }
    }
}

/// Sends a message when standard output is a pipe or a socket whose other end is closed.
#[cfg(unix)]
fn watch_for_reader(sender: SyncSender<Message>) -> io::Result<()> {
    use rustix::{event::PollFlags, io::Errno};

    use super::process::stdio::poll_stream;
    let watch = move || {
        // Polls for nothing: an error or a hangup is reported in any case.
        let mut events = Err(Errno::INTR);
        while events == Err(Errno::INTR) {
            events = poll_stream(io::stdout(), PollFlags::empty(), None);
        }
        let gone = PollFlags::ERR | PollFlags::HUP;
        if events.is_ok_and(|events| events.intersects(gone)) {
            let _ = sender.send(Message::End(WatchEnd::ReaderGone));
        }
    };
    // If it crashes, the next write fails with the same result.
    spawn_worker("reader", |_| (), watch).map(drop)
}

/// The next write fails instead.
#[cfg(not(unix))]
fn watch_for_reader(_: SyncSender<Message>) -> io::Result<()> {
    Ok(())
}
