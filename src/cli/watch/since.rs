//! `watch --since`: the changes in the history, then those that happen now, as one series.
//!
//! A live snapshot is taken first, at a time that the history is then read up to: what was stored before it, and what was
//! reported as closed before it. The table is the same one before and after, so a change is in one of both, and only once. If
//! a recorder runs, its last seconds are awaited: it is requested to store them with a snapshot, or, if this user can't do
//! that, stores them within 20 seconds.

use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sockeye::clock::Clock;
use sockeye::history::{Gap, GapReason, Position, Recorded, TimeRange};
use sockeye::model::{Moment, Snapshot};
use sockeye::runtime::collector::{CollectorEvent, track_snapshot};
use sockeye::runtime::record::POLL;
use sockeye::source::{Source as _, System};
use sockeye::track::Tracker;

use super::Printer;
use crate::cli::history::OpenedHistory;

/// A recorder stores a change within 10 seconds and the interval of its snapshots, which is up to 10 seconds unless a longer one
/// was named.
const STORED_WITHIN: Duration = Duration::from_millis(20_500);

/// A clock that goes on from the history, whose snapshots count from 1970.
pub(super) fn clock_after(opened: &mut OpenedHistory) -> anyhow::Result<Clock> {
    let last = opened.history.at(opened.range.to)?;
    let last = last.map_or(Duration::ZERO, |last| last.snapshot.taken_at.steady);
    let now = Clock::start()
        .now()
        .wall
        .duration_since(Timestamp::UNIX_EPOCH);
    let now = Duration::try_from(now).unwrap_or_default();
    Ok(Clock::starting_at(now.max(last + Duration::from_millis(1))))
}

/// The past that is printed before the present.
pub(super) struct HistoryReplay<'a> {
    opened: OpenedHistory,
    since: Timestamp,
    tracker: &'a mut Tracker,
    printer: &'a mut Printer,
    /// The last snapshot that was printed.
    printed: Option<Position>,
    /// Its time on the steady clock, which must not go back.
    steady: Duration,
}

impl<'a> HistoryReplay<'a> {
    pub fn new(
        opened: OpenedHistory,
        since: Timestamp,
        tracker: &'a mut Tracker,
        printer: &'a mut Printer,
    ) -> Self {
        Self {
            opened,
            since,
            tracker,
            printer,
            printed: None,
            steady: Duration::ZERO,
        }
    }

    /// Prints the changes since the time, up to a snapshot that is taken of this machine now. `false` if there is no reader
    /// any more.
    pub fn print(mut self, source: &mut System, clock: Clock) -> anyhow::Result<bool> {
        let mut present = source.take(clock.now())?;
        while source.wants_immediate_retake() {
            present = source.take(clock.now())?;
        }
        let until = present.taken_at;
        self.tracker.closes_unconfirmed = true;
        let gaps = self.opened.history.gaps(TimeRange {
            from: self.since,
            to: until.wall,
        });
        let mut gaps = gaps.into_iter().peekable();
        loop {
            // By position: before the clock was set back there are later times.
            let last = self.opened.history.at(until.wall)?;
            let last = last.map(|last| last.position);
            while let Some(recorded) = self.next()? {
                let is_later = recorded.snapshot.taken_at.wall > until.wall;
                if is_later && last.is_none_or(|last| recorded.position > last) {
                    add_closes(&mut present, &recorded.snapshot);
                    return self.print_present(present, clock);
                }
                self.printed = Some(recorded.position);
                let begins_at = recorded.snapshot.taken_at;
                while let Some(gap) = gaps.next_if(|gap| gap.to <= begins_at.wall) {
                    self.printer.print_history_gap(&gap, begins_at)?;
                }
                if !self.print_one(recorded.snapshot, clock)? {
                    return Ok(false);
                }
            }
            let waited = until.age(clock.now());
            let is_stored = self.opened.range.to > until.wall;
            if is_stored || !self.opened.is_current || waited >= STORED_WITHIN {
                return self.print_present(present, clock);
            }
            // Again each time: a request may come when the recorder has taken a snapshot and not stored it yet.
            self.opened.is_silent = self.opened.history.request_flush();
            thread::sleep(POLL);
            self.opened.refresh()?;
        }
    }

    fn next(&mut self) -> anyhow::Result<Option<Recorded>> {
        let history = &mut self.opened.history;
        Ok(match self.printed {
            Some(position) => history.next(position)?,
            None => history.from(self.since).next().transpose()?,
        })
    }

    fn print_one(&mut self, mut snapshot: Snapshot, clock: Clock) -> anyhow::Result<bool> {
        self.steady = self.steady.max(snapshot.taken_at.steady);
        snapshot.taken_at.steady = self.steady;
        let timings = sockeye::model::RefreshTimings::default();
        let (update, _) = track_snapshot(self.tracker, snapshot, timings, clock);
        Ok(self.printer.handle(CollectorEvent::Updated(update))?)
    }

    /// Prints what differs now. A recorder that does not run leaves a gap before it.
    fn print_present(&mut self, present: Snapshot, clock: Clock) -> anyhow::Result<bool> {
        self.tracker.closes_unconfirmed = false;
        let is_silent = self.opened.is_silent && self.opened.range.to < present.taken_at.wall;
        if !self.opened.is_current || is_silent {
            let gap = Gap {
                from: self.opened.range.to,
                to: present.taken_at.wall,
                reason: if self.opened.is_current {
                    GapReason::NoSnapshots
                } else {
                    GapReason::Stopped
                },
            };
            self.printer.print_history_gap(&gap, present.taken_at)?;
        }
        self.printer.begin_present(present.taken_at);
        self.print_one(present, clock)
    }
}

/// Adds the sockets that were closed before the snapshot was taken, according to a later one in the history.
fn add_closes(present: &mut Snapshot, later: &Snapshot) {
    let taken_at = present.taken_at;
    let is_before = |at: Moment| at.wall.duration_since(taken_at.wall) <= SignedDuration::ZERO;
    let closed = later.closed.iter().filter(|one| is_before(one.at));
    let mut closed: Vec<_> = closed.cloned().collect();
    closed.append(&mut present.closed);
    present.closed = closed;
}

impl Printer {
    /// Prints that nothing is stored of a part of the past.
    fn print_history_gap(&mut self, gap: &Gap, now: Moment) -> anyhow::Result<()> {
        let line = sockeye::report::gap_line(gap, &TimeZone::system());
        let mut lines = Vec::new();
        match &mut self.stream {
            Some(stream) => stream.write_history_gap(&mut lines, now, gap.from, &line)?,
            None => crate::cli::errors::print_error(&line),
        }
        self.print_lines(&lines)?;
        Ok(())
    }
}
