//! The collector thread: takes snapshots, compares them, hands over what changed.
//!
//! It never has more than one snapshot under way, and between two it sleeps on its control
//! channel. Whatever takes long happens here, so that a key never waits for it; whatever crashes in a
//! reading is told, begun afresh and tried again, so that the table outlives it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::clock::Clock;
use super::{fault, panic, refresh};
use crate::app::Msg;
use crate::model::{Kinds, Problem, ProblemCode, Snapshot};
use crate::source::{Recorder, Source};
use crate::track::{Table, Tracker};

/// What the collector can be told. It ends when the sender is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Take a snapshot now, paused or not.
    Refresh,
    /// Take one each time this long has passed.
    SetInterval(Duration),
    /// Keep closed rows for this long.
    SetLinger(Duration),
    /// Read these kinds of sockets from now on, and unless paused at once.
    SetKinds(Kinds),
    /// Take none until told otherwise, or go on.
    SetPaused(bool),
}

/// How soon to look again when a row is missing from one reading: long enough that whatever the
/// kernel was doing to it is over, short enough that a closed port is seen to close at once.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// Takes snapshots from a source until nobody controls or listens any more.
pub struct Collector {
    /// Where snapshots come from.
    pub source: Box<dyn Source>,
    /// What compares them.
    pub tracker: Tracker,
    /// Where they are written as well.
    pub recorder: Option<Recorder>,
    /// What time it is.
    pub clock: Clock,
    /// Time from the start of one snapshot to the start of the next.
    pub interval: Duration,
    /// Why there is no recording any more, if one was wanted.
    pub lost_recording: Option<Problem>,
    /// Whether the table is shown as soon as it is read, and its owners when they are found.
    pub partial_owners_first: bool,
    /// Whether each reading is preceded by what it took.
    pub is_measured: bool,
}

/// The longest pause between two attempts to read while each of them crashes.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest sleep without a look at the clock. A sleep stands still while the machine is suspended
/// and the [`Clock`] does not: so soon after it wakes up, a reading that became due meanwhile is taken.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

impl Collector {
    /// Runs on the calling thread. `deliver` returns whether anyone still listens.
    pub fn run(mut self, control: &Receiver<Control>, mut deliver: impl FnMut(Msg) -> bool) {
        let mut kept = Kept::default();
        let mut deliver = |msg: Msg| {
            kept.keep(&msg);
            deliver(msg)
        };
        let (mut is_paused, mut crashes) = (false, 0);
        if self.partial_owners_first && self.show_at_once(&mut deliver).is_none() {
            return;
        }
        loop {
            let began = self.clock.now().steady;
            let Some(mut next) = self.collect(&mut deliver) else {
                return;
            };
            fault::point("collector");
            // One second look at most, so that the interval keeps its word on a busy machine.
            if next == Next::SecondLook && self.interval > SECOND_LOOK && !is_paused {
                match self.sleep(control, began, Some(SECOND_LOOK), &mut is_paused) {
                    Slept::Over => return,
                    Slept::Told => continue,
                    Slept::Through => match self.collect(&mut deliver) {
                        None => return,
                        Some(Next::TryAgain) => next = Next::TryAgain,
                        Some(_) => {}
                    },
                }
            }
            crashes = if next == Next::TryAgain {
                crashes + 1
            } else {
                0
            };
            let (since, pause) = match next {
                Next::GoOn if !is_paused => (began, Some(Duration::ZERO)),
                Next::TryAgain => {
                    let pause = pause_after(crashes, self.interval);
                    (self.clock.now().steady, Some(pause))
                }
                _ => (began, None),
            };
            let slept = self.sleep(control, since, pause, &mut is_paused);
            if slept == Slept::Over {
                return;
            }
        }
    }

    /// What can be had at once, before the first reading; `None` if nobody listens any more.
    fn show_at_once(&mut self, deliver: &mut impl FnMut(Msg) -> bool) -> Option<Next> {
        let now = self.clock.now();
        match panic::catch(|| self.source.take_without_owners(now)) {
            Ok(Some(snapshot)) => self.hand_over(snapshot, deliver),
            Ok(None) => Some(Next::GoOn),
            Err(what) => self.begin_afresh(&what, deliver),
        }
    }

    /// Takes one snapshot and hands it over; `None` if nobody listens any more.
    fn collect(&mut self, deliver: &mut impl FnMut(Msg) -> bool) -> Option<Next> {
        let now = self.clock.now();
        let taken = panic::catch(|| {
            fault::point("reading");
            self.source.take(now)
        });
        match taken {
            Ok(Ok(mut snapshot)) => {
                self.record(&mut snapshot);
                self.hand_over(snapshot, deliver)
            }
            Ok(Err(error)) => deliver(Msg::SnapshotFailed(error.to_string())).then_some(Next::Wait),
            Err(what) => self.begin_afresh(&what, deliver),
        }
    }

    /// A reading crashed: what the source knew may be half of it.
    fn begin_afresh(&mut self, what: &str, deliver: &mut impl FnMut(Msg) -> bool) -> Option<Next> {
        // What is thrown away may crash once more, which changes nothing.
        let _ = panic::catch(|| self.source.reset());
        let why = format!("a reading crashed: {what}; trying again");
        deliver(Msg::SnapshotFailed(why)).then_some(Next::TryAgain)
    }

    /// Hands over a snapshot, compared with the last. What it took goes first: whatever is drawn for
    /// the snapshot then counts for the next one, however the two messages are taken in.
    fn hand_over(
        &mut self,
        snapshot: Snapshot,
        deliver: &mut impl FnMut(Msg) -> bool,
    ) -> Option<Next> {
        let cost = self.source.timings();
        let observed =
            panic::catch(|| collector::track_snapshot(&mut self.tracker, snapshot, cost, self.clock));
        let (mut observation, refresh) = match observed {
            Ok(observed) => observed,
            Err(what) => {
                let _ = panic::catch(|| self.tracker.reset());
                let why = format!("comparing two readings crashed: {what}; trying again");
                return deliver(Msg::SnapshotFailed(why)).then_some(Next::TryAgain);
            }
        };
        if self.is_measured && !deliver(Msg::RefreshMeasured(refresh)) {
            return None;
        }
        observation.playback = self.source.playback();
        let has_unconfirmed_closes = observation.table.has_unconfirmed_closes;
        deliver(Msg::SnapshotTaken(observation)).then(|| {
            if self.source.wants_immediate_retake() {
                Next::GoOn
            } else if has_unconfirmed_closes {
                Next::SecondLook
            } else {
                Next::Wait
            }
        })
    }

    /// A recording that can't be written any more ends; the table lives on and says so.
    fn record(&mut self, snapshot: &mut Snapshot) {
        let to = self.recorder.as_mut();
        let left_out = to.as_ref().and_then(|_| Recorder::incomplete_problem(snapshot));
        let written = panic::catch(|| to.map(|to| to.record(snapshot)));
        let why = match written {
            Ok(Some(Err(error))) => Some(error.to_string()),
            Err(what) => Some(format!("it crashed: {what}")),
            Ok(_) => None,
        };
        if let Some(why) = why {
            let message = format!("the recording has ended: {why}");
            self.recorder = None;
            self.lost_recording = Some(Problem::new(ProblemCode::RecordingEnded, &message));
        }
        snapshot
            .problems
            .extend(self.lost_recording.clone().or(left_out));
    }

    /// Sleeps until the next snapshot is due: `pause` or the interval after `began`.
    fn sleep(
        &mut self,
        control: &Receiver<Control>,
        began: Duration,
        pause: Option<Duration>,
        is_paused: &mut bool,
    ) -> Slept {
        loop {
            let received = if *is_paused {
                control.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                let due = began + pause.unwrap_or(self.interval);
                let left = due.saturating_sub(self.clock.now().steady);
                match control.recv_timeout(left.min(LONGEST_SLEEP)) {
                    Err(RecvTimeoutError::Timeout) if left > LONGEST_SLEEP => continue,
                    received => received,
                }
            };
            match received {
                Err(RecvTimeoutError::Timeout) => return Slept::Through,
                Err(RecvTimeoutError::Disconnected) => return Slept::Over,
                Ok(Control::Refresh) => return Slept::Told,
                Ok(Control::SetInterval(interval)) => self.interval = interval,
                Ok(Control::SetLinger(linger)) => self.tracker.set_linger(linger),
                Ok(Control::SetKinds(kinds)) => {
                    if self.source.set_kinds(kinds) && !*is_paused {
                        return Slept::Told;
                    }
                }
                Ok(Control::SetPaused(paused)) => {
                    let goes_on = *is_paused && !paused;
                    *is_paused = paused;
                    if goes_on {
                        return Slept::Told;
                    }
                }
            }
        }
    }
}

/// How long the next attempt is waited for after so many crashes in a row: the interval at first, then
/// twice as long each time.
fn pause_after(crashes: u32, interval: Duration) -> Duration {
    let longer = interval.saturating_mul(1 << (crashes.clamp(1, 16) - 1));
    longer.min(LONGEST_PAUSE.max(interval))
}

/// The last two tables. Whoever shows them lets go of a table before we do, so that to free its rows is
/// our work: with 100,000 of them it would take the screen 5 ms.
#[derive(Default)]
struct Kept([Option<Arc<Table>>; 2]);

impl Kept {
    fn keep(&mut self, msg: &Msg) {
        if let Msg::SnapshotTaken(observation) = msg {
            self.0.swap(0, 1);
            self.0[1] = Some(Arc::clone(&observation.table));
        }
    }
}

/// What is to follow a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next one, when its time has come.
    Wait,
    /// Another one at once: it will find more owners.
    GoOn,
    /// Another one soon: a row is missing, which proves nothing yet.
    SecondLook,
    /// Another attempt, later each time: it crashed.
    TryAgain,
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slept {
    /// The time was over.
    Through,
    /// A snapshot is wanted now.
    Told,
    /// Nobody wants another one.
    Over,
}

#[cfg(test)]
mod tests;
