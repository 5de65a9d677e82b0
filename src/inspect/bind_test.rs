//! Bind tests on this machine: real binds, and the inspector's evidence about the port.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::{PortInspector, inspector_of};
use crate::bind::{self, BindAttempt, BindTestResult, Probe, Prober, SocketTraits, Target};
use crate::clock::Clock;
use crate::model::{Answered, Evidence, Inside, Protocol, UnixAddress, UnixEvidence};

/// Tests ports, one after the other.
pub struct BindTester {
    inspector: Box<dyn PortInspector>,
    clock: Clock,
}

/// The time between two surveys of the table. A survey takes about 10 ms, a free port some 20 µs and a port in use up to
/// 100 ms: a fixed number of ports would not do.
const SURVEY_INTERVAL: Duration = Duration::from_millis(500);

impl BindTester {
    /// A tester of this machine.
    pub fn new(clock: Clock) -> Self {
        Self::inside(clock, None)
    }

    /// A tester of another network namespace, as [`inspector_of`] is one.
    pub fn inside(clock: Clock, inside: Option<Arc<Inside>>) -> Self {
        Self {
            inspector: inspector_of(inside),
            clock,
        }
    }

    /// The inspector of the machine.
    pub fn inspector(&mut self) -> &mut dyn PortInspector {
        &mut *self.inspector
    }

    /// Inspects the name of a unix socket, again if it was taken or released meanwhile. `None` where the system does not
    /// list unix sockets.
    pub fn unix_name(&mut self, name: &UnixAddress) -> Option<UnixEvidence> {
        let first = self.inspector.unix_name(name, self.clock.now())?;
        if first.is_consistent() {
            return Some(first);
        }
        self.inspector.unix_name(name, self.clock.now())
    }

    /// Tests the first port of `target` by real binds. Takes as long as [`PortInspector::explain`], twice as long if the
    /// table and the kernel disagree.
    pub fn test(&mut self, target: &Target) -> BindTestResult {
        self.test_one(target, false)
    }

    /// Tests the first port of each target and passes the results to `report` until that breaks off. Ports without a row
    /// in the table, mostly all, take some 20 µs. The table is surveyed before and after a batch of them: a port that got
    /// a row in between is tested again.
    pub fn test_all<'a>(
        &mut self,
        targets: &'a [Target],
        mut report: impl FnMut(&mut Self, &'a Target, BindTestResult) -> ControlFlow<()>,
    ) {
        if let [only] = targets {
            let result = self.test(only);
            let _ = report(self, only, result);
            return;
        }
        let protocols: HashSet<Protocol> = targets.iter().map(|target| target.protocol).collect();
        let mut left = targets;
        let mut before = self.survey(protocols.iter().copied());
        while !left.is_empty() {
            // Until the next survey is due, at least one.
            let (began, mut results) = (self.clock.now(), Vec::new());
            for target in left {
                if !results.is_empty() && began.age(self.clock.now()) >= SURVEY_INTERVAL {
                    break;
                }
                results.push(self.test_one(target, true));
            }
            let (batch, rest) = left.split_at(results.len());
            let after = self.survey(protocols.iter().copied());
            for (target, mut result) in batch.iter().zip(results) {
                if has_row(&after, target) && !has_row(&before, target) {
                    result = self.test(target);
                }
                if report(self, target, result).is_break() {
                    return;
                }
            }
            (left, before) = (rest, after);
        }
    }

    /// The ports that have rows, of each of these protocols; none if they can't be read.
    pub fn survey(&mut self, protocols: impl Iterator<Item = Protocol>) -> Survey {
        let mut survey = Survey::new();
        for protocol in protocols {
            let ports = || self.inspector.survey(protocol).unwrap_or_default();
            survey.entry(protocol).or_insert_with(ports);
        }
        survey
    }

    /// Explains a call of another program by what the table shows now. `own` is the inode of its socket, which is not in
    /// its own way. If the table does not explain the answer, a socket of our own is bound the same way: when that
    /// succeeds, whatever was in the way has gone. Calls `found` each time that it has read whose the sockets are.
    pub fn explain(
        &mut self,
        attempt: &BindAttempt,
        own: Option<u32>,
        found: &mut dyn FnMut(),
    ) -> BindTestResult {
        let target = attempt.target();
        let machine = Machine {
            inspector: &mut *self.inspector,
            clock: self.clock,
            target: &target,
            is_surveyed: false,
        };
        let mut call = Call {
            machine,
            attempt,
            own,
            is_answered: false,
            found,
        };
        BindTestResult::of(&target, &mut call)
    }

    fn test_one(&mut self, target: &Target, is_surveyed: bool) -> BindTestResult {
        let mut machine = Machine {
            inspector: &mut *self.inspector,
            clock: self.clock,
            target,
            is_surveyed,
        };
        BindTestResult::of(target, &mut machine)
    }
}

/// The ports that have rows, by protocol.
pub type Survey = HashMap<Protocol, HashSet<u16>>;

/// Whether the first port of the target has a row in a survey.
pub fn has_row(survey: &Survey, target: &Target) -> bool {
    let ports = survey.get(&target.protocol);
    ports.is_some_and(|ports| ports.contains(&target.first_port()))
}

/// This machine, for the test of one port.
struct Machine<'a> {
    inspector: &'a mut dyn PortInspector,
    clock: Clock,
    target: &'a Target,
    /// Whether to use the last survey instead of a new dump: only for the first read, as a second one means that
    /// something contradicted it.
    is_surveyed: bool,
}

/// A call of another program on this machine.
struct Call<'a> {
    machine: Machine<'a>,
    attempt: &'a BindAttempt,
    own: Option<u32>,
    /// Whether the answer of the call itself was used.
    is_answered: bool,
    found: &'a mut dyn FnMut(),
}

impl Call<'_> {
    fn leave_out_own(&self, evidence: &mut Evidence) {
        let is_own = |inode: Option<u32>| inode.is_some() && inode == self.own;
        evidence.holders.retain(|one| !is_own(one.socket.inode));
    }
}

impl Prober for Call<'_> {
    fn rows(&mut self) -> Evidence {
        let mut evidence = self.machine.rows();
        self.leave_out_own(&mut evidence);
        evidence
    }

    fn explain(&mut self, evidence: &mut Evidence, answered: Answered) {
        let target = self.machine.target;
        let target = (target.protocol, target.first_port());
        let inspector = &mut self.machine.inspector;
        inspector.explain_sockets(evidence, target, answered, self.found);
        self.leave_out_own(evidence);
    }

    fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let first = !mem::replace(&mut self.is_answered, true);
        vec![if first {
            self.attempt.probe()
        } else {
            bind::probe_again(self.attempt)
        }]
    }

    fn caller(&self) -> Option<&SocketTraits> {
        Some(&self.attempt.traits)
    }
}

impl Prober for Machine<'_> {
    fn rows(&mut self) -> Evidence {
        let port = self.target.first_port();
        let (protocol, now) = (self.target.protocol, self.clock.now());
        if mem::take(&mut self.is_surveyed) {
            self.inspector.surveyed_rows(protocol, port, now)
        } else {
            self.inspector.rows(protocol, port, now)
        }
    }

    fn explain(&mut self, evidence: &mut Evidence, answered: Answered) {
        let (protocol, port) = (self.target.protocol, self.target.first_port());
        self.inspector.explain(evidence, protocol, port, answered);
    }

    fn probes(&mut self, wants_plain: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let Target {
            protocol, address, ..
        } = *self.target;
        bind::probe(protocol, address, self.target.first_port(), wants_plain)
    }
}
