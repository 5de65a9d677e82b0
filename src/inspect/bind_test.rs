//! Bind tests on this machine: brings together who can be asked.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::ops::ControlFlow;
use std::time::Duration;

use super::{PortInspector, this_machine};
use crate::bind::{self, BindTestResult, Probe, Prober, Target};
use crate::clock::Clock;
use crate::model::{Answered, Evidence, Protocol, UnixAddress, UnixEvidence};

/// Puts ports to the test, one after the other.
pub struct BindTester {
    inspector: Box<dyn PortInspector>,
    clock: Clock,
}

/// Ports are tested for so long between two surveys of the table. A survey takes about 10 ms, a port that
/// is free some 20 µs and one that is not up to 100 ms: no number of ports would do.
const STRETCH: Duration = Duration::from_millis(500);

impl BindTester {
    /// One that has tested nothing yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            inspector: this_machine(),
            clock,
        }
    }

    /// Who tells of the machine.
    pub fn inspector(&mut self) -> &mut dyn PortInspector {
        &mut *self.inspector
    }

    /// Looks at the name of a unix socket; once more where it was taken or released meanwhile. `None` where the
    /// system tells nothing of them.
    pub fn unix_name(&mut self, name: &UnixAddress) -> Option<UnixEvidence> {
        let first = self.inspector.unix_name(name, self.clock.now())?;
        if first.is_settled() {
            return Some(first);
        }
        self.inspector.unix_name(name, self.clock.now())
    }

    /// Tests the first port of `target` by real binds. Takes as long as [`PortInspector::explain`]
    /// does, twice where the table and the kernel disagree.
    pub fn test(&mut self, target: &Target) -> BindTestResult {
        self.examine(target, false)
    }

    /// Tests the first port of each target, and hands each to `tell` until that has enough. Ports
    /// without a row in the table, mostly all, take some 20 µs. The table is surveyed before
    /// a stretch of them and after it: a port that got a row in between is tested once more.
    pub fn test_all<'a>(
        &mut self,
        targets: &'a [Target],
        mut tell: impl FnMut(&mut Self, &'a Target, BindTestResult) -> ControlFlow<()>,
    ) {
        if let [only] = targets {
            let test_result = self.test(only);
            let _ = tell(self, only, test_result);
            return;
        }
        let protocols: HashSet<Protocol> = targets.iter().map(|target| target.protocol).collect();
        let mut left = targets;
        let mut before = self.survey(protocols.iter().copied());
        while !left.is_empty() {
            let test_results = self.examine_stretch(left);
            let (stretch, rest) = left.split_at(test_results.len());
            let after = self.survey(protocols.iter().copied());
            for (target, mut test_result) in stretch.iter().zip(test_results) {
                if has_row(&after, target) && !has_row(&before, target) {
                    test_result = self.test(target);
                }
                if tell(self, target, test_result).is_break() {
                    return;
                }
            }
            (left, before) = (rest, after);
        }
    }

    /// Tests as many of the targets as a stretch has time for, and one at least.
    fn examine_stretch(&mut self, targets: &[Target]) -> Vec<BindTestResult> {
        let began = self.clock.now();
        let mut test_results = Vec::new();
        for target in targets {
            if !test_results.is_empty() && began.age(self.clock.now()) >= STRETCH {
                break;
            }
            test_results.push(self.examine(target, true));
        }
        test_results
    }

    /// The ports that have rows, of each of these protocols; none where they can't be read.
    pub fn survey(&mut self, protocols: impl Iterator<Item = Protocol>) -> Survey {
        let mut survey = Survey::new();
        for protocol in protocols {
            survey.entry(protocol).or_insert_with(|| {
                let ports = self.inspector.survey(protocol);
                ports.unwrap_or_default()
            });
        }
        survey
    }

    fn examine(&mut self, target: &Target, is_surveyed: bool) -> BindTestResult {
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

/// This machine, asked about one port.
struct Machine<'a> {
    inspector: &'a mut dyn PortInspector,
    clock: Clock,
    target: &'a Target,
    /// Whether what the last survey said does: the first time. When it is asked again, something was at
    /// odds with it.
    is_surveyed: bool,
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

    fn probes(&mut self, asks_plain: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let Target {
            protocol, address, ..
        } = *self.target;
        bind::probe(protocol, address, self.target.first_port(), asks_plain)
    }
}
