//! A call that fails again and again is explained once, and again only if other sockets are in its way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Explainer, Failure, PAUSE};
use crate::bind::{BindAttempt, ProbeResult};
use crate::model::{Moment, Pid, Process, Text};
use crate::report::{Caller, Repeated};
use crate::runtime::run::linux::caller::CallerProcess;

/// Calls with the same key are the same call, made again.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The arguments of the program; without them its pid.
    program: Result<Arc<[Text]>, Pid>,
    attempt: BindAttempt,
}

/// A call that was made again and again.
pub(super) struct Series {
    id: u32,
    pid: Pid,
    process: Option<Process>,
    /// Whether other processes of the same program made it, too.
    is_of_several: bool,
    /// How often it has failed since the last success.
    pub(super) count: u64,
    began: Moment,
    last: Moment,
    /// How often it was explained in a short time, and when last.
    pub(super) explained: u32,
    pub(super) explained_at: Moment,
    /// The sockets of servers that were in its way then.
    pub(super) sockets: BTreeSet<u32>,
}

impl Key {
    pub(crate) fn of(caller: &CallerProcess, attempt: &BindAttempt) -> Self {
        let process = caller.process.as_ref();
        Self {
            program: process
                .and_then(|process| process.argv.clone())
                .ok_or(caller.pid),
            // Whatever came of it.
            attempt: BindAttempt {
                result: ProbeResult::Ok,
                ..attempt.clone()
            },
        }
    }
}

impl Series {
    /// None yet, of a call like this one.
    pub(super) fn new(id: u32, failure: &Failure) -> Self {
        Self {
            id,
            pid: failure.caller.pid,
            process: failure.caller.process.clone(),
            is_of_several: false,
            count: 0,
            began: failure.at,
            last: failure.at,
            explained: 0,
            explained_at: failure.at,
            sockets: BTreeSet::new(),
        }
    }

    /// Counts a call that failed. Returns the id of the first.
    pub(super) fn add(&mut self, failure: &Failure) -> u32 {
        let caller = &failure.caller;
        if self.count == 0 {
            (self.pid, self.process) = (caller.pid, caller.process.clone());
            self.is_of_several = false;
        }
        self.is_of_several |= self.pid != caller.pid;
        self.count(failure.at, 1)
    }

    /// Counts calls that failed. Returns the id of the first.
    fn count(&mut self, at: Moment, count: u64) -> u32 {
        if self.count == 0 {
            self.began = at;
        }
        (self.count, self.last) = (self.count + count, at);
        self.id
    }

    /// `succeeded`: who made the call that succeeded, and when.
    fn repeated<'a>(
        &'a self,
        key: &'a Key,
        succeeded: Option<(Caller<'a>, Moment)>,
    ) -> Repeated<'a> {
        let caller = Caller {
            pid: self.pid,
            process: self.process.as_ref(),
        };
        let ended_at = succeeded.map_or(self.last, |(_, at)| at);
        Repeated {
            id: self.id,
            caller: succeeded.map_or(caller, |(caller, _)| caller),
            is_of_several: self.is_of_several,
            attempt: &key.attempt,
            count: self.count,
            lasted: self.began.age(ended_at),
            succeeded: succeeded.is_some(),
        }
    }

    /// Counts one that was explained by these sockets.
    pub(super) fn explain(&mut self, id: u32, failure: &Failure, sockets: BTreeSet<u32>) {
        if self.count == 0 {
            self.id = id;
        }
        if self.explained_at.age(failure.at) >= PAUSE {
            self.explained = 0;
        }
        self.add(failure);
        (self.explained, self.explained_at) = (self.explained + 1, failure.at);
        self.sockets = sockets;
    }
}

impl Explainer {
    /// Calls that failed and were not looked at.
    pub(super) fn more(&mut self, key: &Key, count: u64) {
        let now = self.clock.now();
        if let Some(series) = self.series.get_mut(key) {
            series.count(now, count);
        } else {
            let reason = format!("{count} more calls failed, too fast to look at each");
            self.output.unjudged(&reason);
        }
    }

    /// A call like one that failed before has succeeded.
    pub(super) fn succeeded(&mut self, caller: &CallerProcess, attempt: &BindAttempt) {
        let key = Key::of(caller, attempt);
        let Some(series) = self.series.get_mut(&key).filter(|series| series.count > 0) else {
            return;
        };
        let repeated = series.repeated(&key, Some((caller.report(), self.clock.now())));
        self.output.repeated(&repeated);
        series.count = 0;
    }

    pub(super) fn end_all_series(&mut self) {
        let mut all: Vec<_> = self.series.drain().collect();
        all.sort_by_key(|(_, series)| series.id);
        // A single failure was reported already.
        for (key, series) in all.iter().filter(|(_, series)| series.count > 1) {
            self.output.repeated(&series.repeated(key, None));
        }
    }
}
