//! The collector thread: takes snapshots, compares them, hands over what changed.
//!
//! It never has more than one snapshot under way, and between two it sleeps on its control
//! channel. Whatever takes long happens here, so that a key never waits for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::clock::Clock;
use super::refresh;
use crate::app::Msg;
use crate::model::{Problem, ProblemCode, Snapshot};
use crate::source::{Recorder, Source};
use crate::track::{Table, Tracker};

/// What the collector can be told. It ends when the sender is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Take a snapshot now, paused or not.
    Refresh,
    /// Take one each time this long has passed.
    SetInterval(Duration),
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
    pub is_hasty: bool,
    /// Whether each reading is preceded by what it took.
    pub is_measured: bool,
}

impl Collector {
    /// Runs on the calling thread. `deliver` returns whether anyone still listens.
    pub fn run(mut self, control: &Receiver<Control>, mut deliver: impl FnMut(Msg) -> bool) {
        let mut kept = Kept::default();
        let mut deliver = |msg: Msg| {
            kept.keep(&msg);
            deliver(msg)
        };
        let mut is_paused = false;
        if self.is_hasty
            && let Some(snapshot) = self.source.take_at_once(self.clock.now())
            && self.hand_over(snapshot, &mut deliver).is_none()
        {
            return;
        }
        loop {
            let began = self.clock.now().steady;
            let Some(is_unsettled) = self.collect(&mut deliver) else {
                return;
            };
            fail_on_purpose();
            if self.source.is_to_be_continued() && !is_paused {
                match self.sleep(control, began, Some(Duration::ZERO), &mut is_paused) {
                    Slept::Over => return,
                    Slept::Told | Slept::Through => continue,
                }
            }
            // One second look at most, so that the interval keeps its word on a busy machine.
            if is_unsettled && self.interval > SECOND_LOOK && !is_paused {
                match self.sleep(control, began, Some(SECOND_LOOK), &mut is_paused) {
                    Slept::Over => return,
                    Slept::Told => continue,
                    Slept::Through => {
                        if self.collect(&mut deliver).is_none() {
                            return;
                        }
                    }
                }
            }
            if self.sleep(control, began, None, &mut is_paused) == Slept::Over {
                return;
            }
        }
    }

    /// Takes one snapshot and hands it over; whether a second look is wanted soon, `None` if nobody
    /// listens any more.
    fn collect(&mut self, deliver: &mut impl FnMut(Msg) -> bool) -> Option<bool> {
        match self.source.take(self.clock.now()) {
            Ok(mut snapshot) => {
                self.record(&mut snapshot);
                self.hand_over(snapshot, deliver)
            }
            Err(error) => deliver(Msg::SnapshotFailed(error.to_string())).then_some(false),
        }
    }

    /// Hands over a snapshot, compared with the last. What it took goes first: whatever is drawn for
    /// the snapshot then counts for the next one, however the two messages are taken in.
    fn hand_over(
        &mut self,
        snapshot: Snapshot,
        deliver: &mut impl FnMut(Msg) -> bool,
    ) -> Option<bool> {
        let cost = self.source.cost();
        let (observation, refresh) =
            refresh::observe(&mut self.tracker, snapshot, cost, self.clock);
        if self.is_measured && !deliver(Msg::RefreshMeasured(refresh)) {
            return None;
        }
        let is_unsettled = observation.table.is_unsettled;
        deliver(Msg::SnapshotTaken(observation)).then_some(is_unsettled)
    }

    /// A recording that can't be written any more ends; the table lives on and says so.
    fn record(&mut self, snapshot: &mut Snapshot) {
        if let Some(Err(error)) = self.recorder.as_mut().map(|to| to.record(snapshot)) {
            let message = format!("the recording has ended: {error}");
            self.recorder = None;
            self.lost_recording = Some(Problem::new(ProblemCode::RecordingEnded, &message));
        }
        snapshot.problems.extend(self.lost_recording.clone());
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
                control.recv_timeout(due.saturating_sub(self.clock.now().steady))
            };
            match received {
                Err(RecvTimeoutError::Timeout) => return Slept::Through,
                Err(RecvTimeoutError::Disconnected) => return Slept::Over,
                Ok(Control::Refresh) => return Slept::Told,
                Ok(Control::SetInterval(interval)) => self.interval = interval,
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

/// In a debug build, `SOCKEYE_FAULT=collector-panic` makes the collector crash after its first
/// snapshot: a test proves with it that a crash leaves the terminal as it was found.
fn fail_on_purpose() {
    #[cfg(debug_assertions)]
    assert!(
        std::env::var_os("SOCKEYE_FAULT").is_none_or(|fault| fault != "collector-panic"),
        "SOCKEYE_FAULT asked for this"
    );
}

#[cfg(test)]
mod tests;
