//! Keeps the history of this machine: takes snapshots and stores them, until a signal ends it. There is no table and nothing is
//! compared here, so that it costs less than the live table.

mod interval;
mod waiting;

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use self::interval::SnapshotInterval;
pub use self::waiting::{POLL, wait_for_recorder};
use super::panic;
use super::process::memory;
use super::process::signals::{self, Signal};
use crate::clock::Clock;
use crate::history::{StoreError, Stored, Writer};
use crate::model::{Endpoint, NamespaceId, ProblemCode, Protocol, Snapshot, Socket};
use crate::source::{Source, SourceError};

/// How soon a listener that is missing from one snapshot is looked up again: it may be in neither place while the kernel moves
/// it.
const CONFIRM_AFTER: Duration = Duration::from_millis(100);

/// How long owners are searched before a snapshot is stored without all of them.
const OWNERS_WITHIN: Duration = Duration::from_secs(2);

/// The longest sleep without checking the clock, which goes on while the machine is suspended, and whether a reader waits.
const MAX_SLEEP: Duration = Duration::from_millis(500);

/// A socket without a peer, as far as one snapshot is compared with the next.
type Bound = (NamespaceId, Protocol, Endpoint, Option<u32>);

/// Takes snapshots from a source and stores them.
pub struct HistoryRecorder {
    source: Box<dyn Source>,
    writer: Writer,
    clock: Clock,
    interval: SnapshotInterval,
    /// Those of the last snapshot.
    bound: HashSet<Bound>,
    /// What was reported: each problem once, of failures the last one.
    problems: HashSet<ProblemCode>,
    failure: Option<String>,
    /// Whether nothing can be stored at present.
    has_stopped: bool,
}

impl HistoryRecorder {
    /// Stores a snapshot of the source in each interval. Unless that is fixed, it is longer, up to 10 seconds, where snapshots
    /// would take more than 1 % of a core.
    pub fn new(
        source: Box<dyn Source>,
        writer: Writer,
        clock: Clock,
        (interval, is_fixed): (Duration, bool),
    ) -> Self {
        Self {
            source,
            writer,
            clock,
            interval: SnapshotInterval::new(interval, is_fixed),
            bound: HashSet::new(),
            problems: HashSet::new(),
            failure: None,
            has_stopped: false,
        }
    }

    /// Runs until a signal ends it, and returns its number; what was taken is stored by then. `report` gets a line for each
    /// problem.
    ///
    /// # Errors
    /// When the history can't be written any more, or its end can't.
    pub fn run(
        mut self,
        signals: &Receiver<Signal>,
        mut report: impl FnMut(&str),
    ) -> Result<i32, StoreError> {
        memory::return_large_blocks();
        loop {
            let began = self.clock.now().steady;
            match self.take() {
                Ok(snapshot) => {
                    self.failure = None;
                    self.store(&snapshot, &mut report)?;
                }
                Err(why) if self.failure.as_ref() != Some(&why) => {
                    report(&why);
                    self.failure = Some(why);
                }
                Err(_) => {}
            }
            let interval = self.interval.next();
            if let Some(number) = self.wait(signals, began, interval) {
                self.writer.close()?;
                return Ok(number);
            }
        }
    }

    /// A snapshot with all owners. One from which a listener is missing is confirmed.
    fn take(&mut self) -> Result<Snapshot, String> {
        let began = self.clock.now();
        let mut snapshot = self.take_one()?;
        let is_late = |now| began.age(now) >= OWNERS_WITHIN;
        while self.source.wants_immediate_retake() && !is_late(self.clock.now()) {
            snapshot = self.take_another(snapshot)?;
        }
        if self.lacks_listener(&snapshot) {
            thread::sleep(CONFIRM_AFTER);
            snapshot = self.take_another(snapshot)?;
        }
        let sockets = snapshot.sockets.iter();
        self.bound = sockets.filter_map(bound).collect();
        Ok(snapshot)
    }

    /// A snapshot instead of this one, with the closed sockets of both.
    fn take_another(&mut self, mut before: Snapshot) -> Result<Snapshot, String> {
        let mut snapshot = self.take_one()?;
        before.closed.append(&mut snapshot.closed);
        snapshot.closed = before.closed;
        snapshot.late_namespaces.append(&mut before.late_namespaces);
        snapshot.lost_closes.overruns += before.lost_closes.overruns;
        snapshot.lost_closes.dropped += before.lost_closes.dropped;
        Ok(snapshot)
    }

    fn take_one(&mut self) -> Result<Snapshot, String> {
        let now = self.clock.now();
        match panic::catch(|| self.source.take(now)) {
            Ok(taken) => taken.map_err(|error: SourceError| error.to_string()),
            Err(what) => {
                // Its state may be inconsistent. Another crash while dropping that is ignored.
                let _ = panic::catch(|| self.source.reset());
                Err(format!(
                    "taking a snapshot crashed: {what}; trying again (this is a bug, please report it)"
                ))
            }
        }
    }

    fn lacks_listener(&self, snapshot: &Snapshot) -> bool {
        let present = snapshot.sockets.iter().filter_map(bound);
        let still = present.filter(|one| self.bound.contains(one));
        still.collect::<HashSet<_>>().len() < self.bound.len()
    }

    fn store(
        &mut self,
        snapshot: &Snapshot,
        report: &mut impl FnMut(&str),
    ) -> Result<(), StoreError> {
        for problem in &snapshot.problems {
            if self.problems.insert(problem.code) {
                report(&problem.message);
            }
        }
        match self.writer.add(snapshot)? {
            Stored::Written if self.has_stopped => {
                report("the history is being stored again");
                self.has_stopped = false;
            }
            Stored::Written => {}
            Stored::Stopped(problem) => {
                if !self.has_stopped {
                    let message = &problem.message;
                    report(&format!("{message}; trying again every 10 seconds"));
                }
                self.has_stopped = true;
            }
        }
        Ok(())
    }

    /// Sleeps until the next snapshot is due or requested by a reader, or until the signal of this number ends the program.
    fn wait(
        &mut self,
        signals: &Receiver<Signal>,
        began: Duration,
        interval: Duration,
    ) -> Option<i32> {
        loop {
            let passed = self.clock.now().steady.saturating_sub(began);
            let left = interval.saturating_sub(passed);
            match signals.recv_timeout(left.min(MAX_SLEEP)) {
                Ok(Signal::Quit(number)) => return Some(number),
                Ok(Signal::Suspend) => {
                    let _ = signals::stop_now();
                }
                Ok(Signal::Resume) => {}
                Err(RecvTimeoutError::Timeout) if left > MAX_SLEEP => {
                    if self.writer.is_flush_requested() {
                        return None;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return None,
                // Without signals only the system ends it.
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(left);
                    return None;
                }
            }
        }
    }
}

fn bound(socket: &Socket) -> Option<Bound> {
    let is_bound = socket.remote.is_none() && socket.protocol.has_ports();
    is_bound.then(|| {
        let id = (socket.namespace_id(), socket.protocol);
        (id.0, id.1, socket.local, socket.inode)
    })
}

#[cfg(test)]
mod tests;
