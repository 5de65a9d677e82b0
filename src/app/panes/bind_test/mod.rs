//! The state of an open bind test: its answer as it is told now, and what it waits for.

mod update;
pub(crate) mod view;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::app::BindReport;
use crate::app::notices::slow_notice::{LONG, next_second};
use crate::bind::{Cause, Outcome, Target, Verdict};
use crate::model::{Limits, Moment, Owner, Pid, Socket};

/// How long after one test of a watch the next one begins.
const EACH: Duration = Duration::from_secs(1);

/// The same after a process was asked to end, which is a matter of moments.
const EACH_AFTER_END: Duration = Duration::from_millis(250);

/// How long a process that was asked to end is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A bind test that is open below the table.
#[derive(Clone, Debug)]
pub(crate) struct BindPane {
    pub target: Target,
    /// The last answer; `None` as long as the first test runs.
    tested: Option<Tested>,
    /// Since when a test runs, on the steady clock.
    running_since: Option<Duration>,
    /// Why there is no answer: the last test crashed.
    failure: Option<String>,
    /// Whether another test was asked for while one runs.
    is_wanted_again: bool,
    watch: Watch,
    /// When the next test of a watch is due, on the steady clock.
    due: Option<Duration>,
    /// Which of the sockets in the way was last gone to.
    visited: Option<usize>,
}

/// An answer, and the words for it at one moment.
#[derive(Clone, Debug)]
struct Tested {
    report: BindReport,
    verdict: Verdict,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    Off,
    /// What ends by itself.
    Countdown,
    /// This process, which was asked to end, until then on the steady clock.
    Ending {
        pid: Pid,
        until: Duration,
    },
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// Nothing that the pane does not show.
    Nothing,
    /// What was waited for: the port is free. Whether that follows from an end.
    Free { is_end: bool },
    /// What was waited for will not come.
    InVain(&'static str),
}

impl BindPane {
    /// A test that has just begun.
    pub const fn new(target: Target, now: Moment) -> Self {
        Self {
            target,
            tested: None,
            running_since: Some(now.steady),
            failure: None,
            is_wanted_again: false,
            watch: Watch::Off,
            due: None,
            visited: None,
        }
    }

    /// The answer, as it is told now.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.tested.as_ref().map(|tested| &tested.verdict)
    }

    /// The same, with the limits of the system that it was given under.
    pub fn answer(&self) -> Option<(&Verdict, &Limits)> {
        let tested = self.tested.as_ref()?;
        let limits = &tested.report.test_result.evidence.limits;
        Some((&tested.verdict, limits))
    }

    pub const fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    /// For how long a test runs that should have answered by now.
    pub fn unanswered_for(&self, now: Moment) -> Option<Duration> {
        let runs_for = now.steady.saturating_sub(self.running_since?);
        (runs_for >= LONG).then_some(runs_for)
    }

    /// Why there is no answer, if the last test crashed.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub fn is_watching(&self) -> bool {
        self.watch != Watch::Off
    }

    /// Another test of the same target is asked for; whether it may begin. One runs at a time, and
    /// the next one begins when that has answered. The old answer stays until the new one comes.
    pub fn begin_again(&mut self, now: Moment) -> bool {
        self.is_wanted_again = self.is_running();
        self.due = None;
        self.running_since.get_or_insert(now.steady);
        !self.is_wanted_again
    }

    /// Whether a test was asked for while the last one ran.
    pub fn is_wanted_again(&self) -> bool {
        self.is_wanted_again
    }

    /// A test has answered.
    pub fn take(&mut self, report: BindReport, zone: &TimeZone, now: Moment) -> Came {
        let verdict = Verdict::of(&report.test_result, zone, now);
        if self.is_over_for_good(&verdict) {
            // What is left of the process ends by itself.
            self.watch = Watch::Countdown;
        }
        let came = self.came(&verdict, now);
        self.tested = Some(Tested { report, verdict });
        (self.running_since, self.failure) = (None, None);
        if came == Came::Nothing {
            self.due = match self.watch {
                Watch::Off => None,
                Watch::Countdown => Some(now.steady + EACH),
                Watch::Ending { .. } => Some(now.steady + EACH_AFTER_END),
            };
        } else {
            self.watch = Watch::Off;
        }
        came
    }

    /// Whether the process that was asked to end has left nothing but what ends by itself.
    fn is_over_for_good(&self, verdict: &Verdict) -> bool {
        let Watch::Ending { pid, .. } = self.watch else {
            return false;
        };
        verdict.is_timed() && !is_held_by(verdict, pid)
    }

    fn came(&self, verdict: &Verdict, now: Moment) -> Came {
        let is_free = match self.watch {
            Watch::Off => return Came::Nothing,
            Watch::Countdown => verdict.cause == Cause::Free,
            Watch::Ending { .. } => verdict.outcome == Outcome::Free,
        };
        match self.watch {
            Watch::Ending { .. } if is_free => Came::Free { is_end: true },
            _ if is_free => Came::Free { is_end: false },
            Watch::Countdown if !verdict.is_timed() => {
                Came::InVain("what holds the port now does not end by itself")
            }
            Watch::Ending { pid, .. } if !is_held_by(verdict, pid) => {
                Came::InVain("that process has let go of the port, but something else still has it")
            }
            Watch::Ending { until, .. } if now.steady >= until => {
                Came::InVain("it still has the port: end it again, with a stronger signal")
            }
            _ => Came::Nothing,
        }
    }

    /// Begins to wait for what ends by itself, or stops waiting.
    ///
    /// # Errors
    /// One line that says why there is nothing to wait for.
    pub fn toggle_watch(&mut self, now: Moment) -> Result<(), &'static str> {
        if self.is_watching() {
            self.stop_watching();
            return Ok(());
        }
        match self.verdict() {
            None => Err("the test is still running"),
            Some(verdict) if verdict.cause == Cause::Free => Err("the port is free already"),
            Some(verdict) if !verdict.is_timed() => {
                Err("nothing to wait for: what holds the port does not end by itself")
            }
            Some(_) => {
                self.watch = Watch::Countdown;
                self.due = Some(now.steady);
                Ok(())
            }
        }
    }

    pub const fn stop_watching(&mut self) {
        self.watch = Watch::Off;
        self.due = None;
    }

    /// A process in the way was asked to end: the port is watched until it is free.
    pub fn watch_end(&mut self, pid: Pid, now: Moment) {
        self.watch = Watch::Ending {
            pid,
            until: now.steady + PATIENCE,
        };
        self.due = Some(now.steady + EACH_AFTER_END);
    }

    /// The test crashed. It is not tried again before that is asked for.
    pub fn test_failed(&mut self, why: String) {
        (self.running_since, self.failure) = (None, Some(why));
        self.is_wanted_again = false;
        self.stop_watching();
    }

    /// The process was not asked after all.
    pub const fn end_failed(&mut self) {
        if matches!(self.watch, Watch::Ending { .. }) {
            self.stop_watching();
        }
    }

    /// Time has passed: the words follow it. Whether a test is due.
    pub fn pass_time(&mut self, zone: &TimeZone, now: Moment) -> bool {
        if let Some(tested) = &mut self.tested
            && tested.verdict.is_timed()
        {
            tested.verdict = Verdict::of(&tested.report.test_result, zone, now);
        }
        self.due.is_some_and(|due| due <= now.steady)
    }

    /// After how long it wants to be woken.
    pub fn wakes_in(&self, now: Moment) -> Option<Duration> {
        let test = self.due.map(|due| due.saturating_sub(now.steady));
        [test, self.reads_differently_in(now), self.counts_on_in(now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// How long an answer is overdue is told in whole seconds.
    fn counts_on_in(&self, now: Moment) -> Option<Duration> {
        let runs_for = now.steady.saturating_sub(self.running_since?);
        Some(next_second(runs_for))
    }

    /// The time left is told in whole seconds.
    fn reads_differently_in(&self, now: Moment) -> Option<Duration> {
        let verdict = self.verdict()?;
        let ends = verdict
            .blockers
            .iter()
            .filter_map(|holder| holder.expires_in)
            .max()
            .filter(|_| verdict.is_timed())?;
        let left = ends.checked_sub(verdict.taken_at.age(now))?;
        let part = left.subsec_nanos();
        Some(match (left.as_secs(), part) {
            (0, 0) => return None,
            (_, 0) => Duration::from_secs(1),
            (_, part) => Duration::from_nanos(part.into()),
        })
    }

    /// The next of the sockets in the way, round and round.
    pub fn next_blocker(&mut self) -> Option<Arc<Socket>> {
        let count = self.verdict()?.blockers.len();
        let next = self.visited.map_or(0, |at| at + 1);
        self.visit(if next < count { next } else { 0 })
    }

    /// This one of the sockets in the way.
    pub fn visit(&mut self, at: usize) -> Option<Arc<Socket>> {
        let socket = Arc::clone(&self.verdict()?.blockers.get(at)?.socket);
        self.visited = Some(at);
        Some(socket)
    }

    /// Which one was last gone to.
    pub const fn visited(&self) -> Option<usize> {
        self.visited
    }
}

/// Whether a process has one of the sockets in the way.
fn is_held_by(verdict: &Verdict, pid: Pid) -> bool {
    let owners = verdict.blockers.iter().map(|holder| &holder.socket.owner);
    let mut processes = owners.flat_map(Owner::present);
    processes.any(|process| process.pid == pid)
}
