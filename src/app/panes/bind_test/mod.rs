//! An open bind test: its answer and its watch.

mod tables;
mod update;
pub(crate) mod view;

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::app::RowNamespace;
use crate::app::notices::next_second;
use crate::bind::{BindTestResult, Cause, Outcome, Target, Verdict};
use crate::model::duration::countdown_changes_in;
use crate::model::{Moment, Owner, Pid};

/// Time between two tests while the pane watches.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shorter, after a process was sent a signal.
const INTERVAL_AFTER_SIGNAL: Duration = Duration::from_millis(250);

/// How long the pane waits for a process that was sent a signal.
const END_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(crate) struct BindPane {
    pub target: Target,
    /// The network namespace of the test.
    pub namespace: Option<RowNamespace>,
    /// The last answer; `None` as long as the first test runs.
    answer: Option<(BindTestResult, Verdict)>,
    /// Since when a test runs, on the steady clock.
    running_since: Option<Duration>,
    /// The error of the last test, if it crashed.
    failure: Option<String>,
    /// Whether another test was requested while one runs.
    pub is_wanted_again: bool,
    watch: Watch,
    /// When the next test of a watch is due, on the steady clock.
    due: Option<Duration>,
    /// The blocker that the cursor went to last.
    visited: Option<usize>,
    /// Whether the tables of addresses and servers are shown.
    has_tables: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    Off,
    /// A socket that closes by itself.
    Countdown,
    /// The end of this process, which was sent a signal, with a deadline on the steady clock.
    ProcessEnd {
        pid: Pid,
        until: Duration,
    },
}

/// The outcome of a watch after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WatchOutcome {
    /// It continues, or there is no watch.
    None,
    /// The port is free, perhaps because a process ended.
    Free { is_end: bool },
    /// The port will not become free; with the reason.
    Failed(&'static str),
}

impl BindPane {
    pub const fn new(target: Target, namespace: Option<RowNamespace>, now: Moment) -> Self {
        Self {
            target,
            namespace,
            answer: None,
            running_since: Some(now.steady),
            failure: None,
            is_wanted_again: false,
            watch: Watch::Off,
            due: None,
            visited: None,
            has_tables: false,
        }
    }

    /// The answer, in words for the present moment.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.answer.as_ref().map(|(_, verdict)| verdict)
    }

    pub const fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    pub fn has_watch(&self) -> bool {
        self.watch != Watch::Off
    }

    /// Requests another test of the same target; returns whether it may start. One runs at a time, and the next one
    /// starts when that has answered. The old answer stays until then.
    pub fn restart(&mut self, now: Moment) -> bool {
        self.is_wanted_again = self.running_since.is_some();
        self.due = None;
        self.running_since.get_or_insert(now.steady);
        !self.is_wanted_again
    }

    pub fn receive(&mut self, found: BindTestResult, zone: &TimeZone, now: Moment) -> WatchOutcome {
        let verdict = Verdict::of(&found, zone, now);
        if let Watch::ProcessEnd { pid, .. } = self.watch
            && verdict.is_timed()
            && !has_owner(&verdict, pid)
        {
            // The remaining sockets of the process close by themselves.
            self.watch = Watch::Countdown;
        }
        let outcome = match self.watch {
            Watch::Countdown if verdict.cause == Cause::Free => {
                WatchOutcome::Free { is_end: false }
            }
            Watch::Countdown if !verdict.is_timed() => {
                WatchOutcome::Failed("what holds the port now does not end by itself")
            }
            Watch::ProcessEnd { .. } if verdict.outcome == Outcome::Free => {
                WatchOutcome::Free { is_end: true }
            }
            Watch::ProcessEnd { pid, .. } if !has_owner(&verdict, pid) => WatchOutcome::Failed(
                "that process has let go of the port, but something else still has it",
            ),
            Watch::ProcessEnd { until, .. } if now.steady >= until => {
                WatchOutcome::Failed("it still has the port: end it again, with a stronger signal")
            }
            Watch::Off | Watch::Countdown | Watch::ProcessEnd { .. } => WatchOutcome::None,
        };
        self.answer = Some((found, verdict));
        (self.running_since, self.failure) = (None, None);
        if outcome != WatchOutcome::None {
            self.watch = Watch::Off;
        }
        self.due = match self.watch {
            Watch::Off => None,
            Watch::Countdown => Some(now.steady + INTERVAL),
            Watch::ProcessEnd { .. } => Some(now.steady + INTERVAL_AFTER_SIGNAL),
        };
        outcome
    }

    /// Starts or stops waiting for sockets that close by themselves.
    ///
    /// # Errors
    /// One line that says why there is nothing to wait for.
    pub fn toggle_watch(&mut self, now: Moment) -> Result<(), &'static str> {
        if self.has_watch() {
            self.stop_watch();
            return Ok(());
        }
        let verdict = self.verdict().ok_or("the test is still running")?;
        if verdict.cause == Cause::Free {
            return Err("already free: nothing to wait for");
        }
        if !verdict.is_timed() {
            return Err("nothing to wait for: what holds the port does not end by itself");
        }
        (self.watch, self.due) = (Watch::Countdown, Some(now.steady));
        Ok(())
    }

    pub const fn toggle_tables(&mut self) {
        self.has_tables = !self.has_tables;
    }

    pub const fn stop_watch(&mut self) {
        self.watch = Watch::Off;
        self.due = None;
    }

    /// Watches the port until this process, which was sent a signal, has freed it.
    pub fn watch_end(&mut self, pid: Pid, now: Moment) {
        self.watch = Watch::ProcessEnd {
            pid,
            until: now.steady + END_TIMEOUT,
        };
        self.due = Some(now.steady + INTERVAL_AFTER_SIGNAL);
    }

    pub const fn end_failed(&mut self) {
        if matches!(self.watch, Watch::ProcessEnd { .. }) {
            self.stop_watch();
        }
    }

    /// Updates the countdown text; returns whether a test is due.
    pub fn pass_time(&mut self, zone: &TimeZone, now: Moment) -> bool {
        if let Some((found, verdict)) = &mut self.answer
            && verdict.is_timed()
        {
            *verdict = Verdict::of(found, zone, now);
        }
        self.due.is_some_and(|due| due <= now.steady)
    }

    /// Time until the next wake-up: for a test, or because its text changes.
    pub fn wakes_in(&self, now: Moment) -> Option<Duration> {
        let test = self.due.map(|due| due.saturating_sub(now.steady));
        let runs_for = |since| now.steady.saturating_sub(since);
        let unanswered = self.running_since.map(|since| next_second(runs_for(since)));
        let timed = self.verdict().filter(|verdict| verdict.is_timed());
        let countdown = timed.and_then(|verdict| {
            let blockers = verdict.blockers.iter();
            let ends = blockers.filter_map(|holder| holder.expires_in).max()?;
            countdown_changes_in(ends.checked_sub(verdict.taken_at.age(now))?)
        });
        [test, countdown, unanswered].into_iter().flatten().min()
    }
}

fn has_owner(verdict: &Verdict, pid: Pid) -> bool {
    let owners = verdict.blockers.iter().map(|holder| &holder.socket.owner);
    let mut processes = owners.flat_map(Owner::present);
    processes.any(|process| process.pid == pid)
}
