//! The collector thread: takes snapshots, compares them, hands over what changed.
//!
//! It never has more than one snapshot under way, and between two it sleeps on its control
//! channel. Whatever takes long happens here, so that a key never waits for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::clock::Clock;
use crate::app::Msg;
use crate::source::{Recorder, Source};
use crate::track::Tracker;

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
}

impl Collector {
    /// Runs on the calling thread. `deliver` returns whether anyone still listens.
    pub fn run(mut self, control: &Receiver<Control>, mut deliver: impl FnMut(Msg) -> bool) {
        let mut is_paused = false;
        loop {
            let began = self.clock.now();
            let (msg, is_unsettled) = self.collect();
            if !deliver(msg) {
                return;
            }
            fail_on_purpose();
            if !self.sleep(control, began.steady, is_unsettled, &mut is_paused) {
                return;
            }
        }
    }

    /// One snapshot, compared with the last; whether a second look is wanted soon.
    fn collect(&mut self) -> (Msg, bool) {
        let taken = self
            .source
            .take(self.clock.now())
            .map_err(|error| error.to_string());
        let recorded = taken.and_then(|snapshot| match &mut self.recorder {
            Some(recorder) => match recorder.record(&snapshot) {
                Ok(()) => Ok(snapshot),
                Err(error) => Err(error.to_string()),
            },
            None => Ok(snapshot),
        });
        match recorded {
            Ok(snapshot) => {
                let observation = self.tracker.observe(snapshot);
                let is_unsettled = observation.table.is_unsettled;
                (Msg::SnapshotTaken(observation), is_unsettled)
            }
            Err(why) => (Msg::SnapshotFailed(why), false),
        }
    }

    /// Sleeps until the next snapshot is due; `false` if there shall be none.
    fn sleep(
        &mut self,
        control: &Receiver<Control>,
        began: Duration,
        is_unsettled: bool,
        is_paused: &mut bool,
    ) -> bool {
        loop {
            let pause = if is_unsettled {
                self.interval.min(SECOND_LOOK)
            } else {
                self.interval
            };
            let received = if *is_paused {
                control.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                let due = began + pause;
                control.recv_timeout(due.saturating_sub(self.clock.now().steady))
            };
            match received {
                Err(RecvTimeoutError::Timeout) | Ok(Control::Refresh) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
                Ok(Control::SetInterval(interval)) => self.interval = interval,
                Ok(Control::SetPaused(paused)) => {
                    let goes_on = *is_paused && !paused;
                    *is_paused = paused;
                    if goes_on {
                        return true;
                    }
                }
            }
        }
    }
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
