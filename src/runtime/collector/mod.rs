//! The collector thread: takes snapshots, updates the table with them and sends the result.
//!
//! It takes one snapshot at a time and sleeps on its control channel in between. Slow work happens here, so
//! that a key never waits for it. A crash while taking or comparing a snapshot is reported; then it starts
//! again from scratch, so that the table outlives it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::history::LastHour;
use super::process::memory;
use super::{fault, panic};
use crate::bind::is_own_probe;
use crate::clock::Clock;
use crate::history::FileWriter;
use crate::model::{Kinds, Problem, ProblemCode, Refresh, RefreshTimings, Services, Snapshot};
use crate::source::Source;
use crate::track::{Table, TableUpdate, Tracker};

/// Events of the collector.
#[derive(Debug)]
pub enum CollectorEvent {
    /// A snapshot was taken and compared with the one before.
    Updated(TableUpdate),
    /// The cost of taking and comparing the snapshot whose update follows.
    Measured(Refresh),
    /// A snapshot could not be taken: the error, then a fix.
    Failed(String),
}

/// Sends an event; whether anyone still receives.
type EventSink<'a> = &'a mut dyn FnMut(CollectorEvent) -> bool;

/// Commands for the collector. It ends when their sender is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Take a snapshot now, paused or not.
    Refresh,
    /// Take snapshots at this interval.
    SetInterval(Duration),
    /// Keep closed rows for this long.
    SetLinger(Duration),
    /// Use these names for ports from the next snapshot on.
    SetServices(Services),
    /// Read these kinds of sockets, immediately unless paused.
    SetKinds(Kinds),
    /// Read the counters of sockets from now on, immediately unless paused, or no longer.
    SetCounters(bool),
    /// Pause or resume taking snapshots.
    SetPaused(bool),
}

/// How soon a row that is missing from one snapshot is looked up again: long enough that whatever the
/// kernel was doing to it is over, short enough that a closed port is seen to close at once.
const CONFIRM_AFTER: Duration = Duration::from_millis(100);

/// The longest delay between two attempts while each of them crashes.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);

/// The longest sleep without checking the clock. A sleep doesn't advance while the machine is suspended and
/// the [`Clock`] does: a snapshot that became due meanwhile is taken this soon after it wakes up.
const MAX_SLEEP: Duration = Duration::from_secs(5);

/// After so many updates nothing refers to the rows of the first one.
const FIRST_ROWS: u64 = 4;

/// After each so many updates freed memory is returned, which takes a millisecond.
const TRIM_EVERY: u64 = 64;

/// Takes snapshots from a source until its control channel or its receiver is gone.
pub struct Collector {
    /// Where snapshots come from.
    pub source: Box<dyn Source>,
    /// The tracker that compares them.
    pub tracker: Tracker,
    /// The recording, if any.
    pub recorder: Option<FileWriter>,
    /// The history in memory, if it is kept.
    pub history: Option<LastHour>,
    /// The clock.
    pub clock: Clock,
    /// Time from the start of one snapshot to the start of the next.
    pub interval: Duration,
    /// Why the recording has ended, if it has.
    pub lost_recording: Option<Problem>,
    /// Whether the table is sent as soon as it is read, and its owners when they are found.
    pub partial_owners_first: bool,
    /// Whether to send a measurement before each update.
    pub is_measured: bool,
}

/// Updates the tracker with a snapshot and measures that. `taking` is the cost of taking it.
pub fn track_snapshot(
    tracker: &mut Tracker,
    snapshot: Snapshot,
    taking: RefreshTimings,
    clock: Clock,
) -> (TableUpdate, Refresh) {
    fault::point("tracker");
    let (taken_at, rows) = (snapshot.taken_at, snapshot.sockets.len());
    let began = clock.now();
    let update = tracker.apply(snapshot);
    let diff = began.age(clock.now());
    let cost = RefreshTimings { diff, ..taking };
    let refresh = Refresh {
        taken_at,
        rows,
        cost,
    };
    (update, refresh)
}

impl Collector {
    /// Runs on the calling thread. `send` returns whether anyone still receives.
    pub fn run(
        mut self,
        control: &Receiver<Control>,
        mut send: impl FnMut(CollectorEvent) -> bool,
    ) {
        // The receiver drops its table before this thread does, so that the rows are freed here: 100,000 of them
        // would keep the screen waiting for 5 ms.
        let mut last_tables: [Option<Arc<Table>>; 2] = [None, None];
        memory::return_large_blocks();
        let mut updates = 0;
        let _: Option<()> = self.run_until_closed(control, &mut |event| {
            if let CollectorEvent::Updated(update) = &event {
                last_tables.swap(0, 1);
                last_tables[1] = Some(Arc::clone(&update.table));
                updates += 1;
                // The first rows, without owners, have just been freed.
                if updates == FIRST_ROWS || updates % TRIM_EVERY == 0 {
                    memory::return_free_memory();
                }
            }
            send(event)
        });
    }

    /// Returns `None`, like each of its steps, when no one receives or controls any more.
    fn run_until_closed(&mut self, control: &Receiver<Control>, send: EventSink<'_>) -> Option<()> {
        let (mut is_paused, mut crashes) = (false, 0);
        if self.partial_owners_first {
            let now = self.clock.now();
            match panic::catch(|| self.source.take_without_owners(now)) {
                Ok(Some(snapshot)) => {
                    self.update(snapshot, send)?;
                }
                Ok(None) => {}
                Err(what) => {
                    self.reset(&what, send)?;
                }
            }
        }
        loop {
            let began = self.clock.now().steady;
            let mut next = self.collect(send)?;
            fault::point("collector");
            // At most once, so that a busy machine doesn't stretch the interval.
            if next == Next::Confirm && self.interval > CONFIRM_AFTER && !is_paused {
                let wait = self.wait(control, began, Some(CONFIRM_AFTER), &mut is_paused)?;
                if wait == Wait::Command {
                    continue;
                }
                if self.collect(send)? == Next::Retry {
                    next = Next::Retry;
                }
            }
            crashes = if next == Next::Retry { crashes + 1 } else { 0 };
            let (since, delay) = match next {
                Next::AtOnce if !is_paused => (began, Some(Duration::ZERO)),
                Next::Retry => {
                    let delay = retry_delay(crashes, self.interval);
                    (self.clock.now().steady, Some(delay))
                }
                _ => (began, None),
            };
            self.wait(control, since, delay, &mut is_paused)?;
        }
    }

    fn collect(&mut self, send: EventSink<'_>) -> Option<Next> {
        let now = self.clock.now();
        let taken = panic::catch(|| {
            fault::point("reading");
            self.source.take(now)
        });
        match taken {
            Ok(Ok(mut snapshot)) => {
                snapshot.closed.retain(|closed| {
                    let cookie = closed.socket.cookie;
                    !cookie.is_some_and(is_own_probe)
                });
                self.record(&mut snapshot);
                if let Some(history) = &self.history {
                    history.add(&snapshot);
                }
                self.update(snapshot, send)
            }
            Ok(Err(error)) => {
                send(CollectorEvent::Failed(error.to_string())).then_some(Next::OnSchedule)
            }
            Err(what) => self.reset(&what, send),
        }
    }

    /// Resets the source after a crash, as its state may be inconsistent.
    fn reset(&mut self, what: &str, send: EventSink<'_>) -> Option<Next> {
        // Ignore another crash while dropping its state.
        let _ = panic::catch(|| self.source.reset());
        let why = format!("taking a snapshot crashed: {what}; trying again");
        send(CollectorEvent::Failed(why)).then_some(Next::Retry)
    }

    /// Sends the update by a snapshot. The measurement goes first: if a screen is drawn for the update, its
    /// drawing time then counts for the next one, whichever way the two events are received.
    fn update(&mut self, snapshot: Snapshot, send: EventSink<'_>) -> Option<Next> {
        let cost = self.source.timings();
        let tracked =
            panic::catch(|| track_snapshot(&mut self.tracker, snapshot, cost, self.clock));
        let (mut update, refresh) = match tracked {
            Ok(tracked) => tracked,
            Err(what) => {
                let _ = panic::catch(|| self.tracker.reset());
                let why = format!("comparing two snapshots crashed: {what}; trying again");
                return send(CollectorEvent::Failed(why)).then_some(Next::Retry);
            }
        };
        if self.is_measured && !send(CollectorEvent::Measured(refresh)) {
            return None;
        }
        update.playback = self.source.playback();
        let has_unconfirmed_closes = update.table.has_unconfirmed_closes;
        send(CollectorEvent::Updated(update)).then(|| {
            if self.source.wants_immediate_retake() {
                Next::AtOnce
            } else if has_unconfirmed_closes {
                Next::Confirm
            } else {
                Next::OnSchedule
            }
        })
    }

    /// Writes a snapshot to the recording. If that fails, the recording ends, with a problem in the table.
    fn record(&mut self, snapshot: &mut Snapshot) {
        let mut left_out = None;
        if let Some(recorder) = &mut self.recorder {
            left_out = FileWriter::incomplete_problem(snapshot);
            let written = panic::catch(|| recorder.add(snapshot));
            let written = written.map_err(|what| format!("it crashed: {what}"));
            if let Err(why) = written.and_then(|done| done.map_err(|error| error.to_string())) {
                let message = format!("the recording has ended: {why}");
                self.recorder = None;
                self.lost_recording = Some(Problem::new(ProblemCode::RecordingEnded, &message));
            }
        }
        let problems = self.lost_recording.clone().or(left_out);
        snapshot.problems.extend(problems);
    }

    /// Sleeps until `delay`, or the interval, has passed since `began`; while paused until a command ends that.
    fn wait(
        &mut self,
        control: &Receiver<Control>,
        began: Duration,
        delay: Option<Duration>,
        is_paused: &mut bool,
    ) -> Option<Wait> {
        loop {
            let received = if *is_paused {
                control.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                let due = began + delay.unwrap_or(self.interval);
                let left = due.saturating_sub(self.clock.now().steady);
                match control.recv_timeout(left.min(MAX_SLEEP)) {
                    Err(RecvTimeoutError::Timeout) if left > MAX_SLEEP => continue,
                    received => received,
                }
            };
            match received {
                Err(RecvTimeoutError::Timeout) => return Some(Wait::Elapsed),
                Err(RecvTimeoutError::Disconnected) => return None,
                Ok(Control::Refresh) => return Some(Wait::Command),
                Ok(Control::SetInterval(interval)) => self.interval = interval,
                Ok(Control::SetLinger(linger)) => self.tracker.linger = linger,
                Ok(Control::SetServices(services)) => self.tracker.services = services,
                Ok(Control::SetKinds(kinds)) => {
                    if self.source.set_kinds(kinds) && !*is_paused {
                        return Some(Wait::Command);
                    }
                }
                Ok(Control::SetCounters(has_counters)) => {
                    let is_changed = self.source.set_counters(has_counters);
                    if is_changed && has_counters && !*is_paused {
                        return Some(Wait::Command);
                    }
                }
                Ok(Control::SetPaused(paused)) => {
                    if std::mem::replace(is_paused, paused) && !paused {
                        return Some(Wait::Command);
                    }
                }
            }
        }
    }
}

/// The delay before the next attempt after this many crashes in a row: the interval, doubled each time.
fn retry_delay(crashes: u32, interval: Duration) -> Duration {
    let longer = interval.saturating_mul(1 << (crashes.clamp(1, 16) - 1));
    longer.min(MAX_RETRY_DELAY.max(interval))
}

/// When the next snapshot is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// When the interval is over.
    OnSchedule,
    /// At once: it will have more owners.
    AtOnce,
    /// Soon: a row is missing, which needs confirmation.
    Confirm,
    /// After a growing delay, as this one crashed.
    Retry,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// The time has passed.
    Elapsed,
    /// A command requests a snapshot now.
    Command,
}

#[cfg(test)]
mod tests;
