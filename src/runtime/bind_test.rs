//! A bind test on this machine: brings together who can be asked.

use std::mem;

use super::clock::Clock;
use crate::bind::{self, Examination, Probe, Target, Witness};
use crate::model::{Answered, Evidence};
use crate::source::Investigator;

/// Puts ports to the test, one after the other.
pub struct BindTester {
    investigator: Investigator,
    clock: Clock,
    /// Whether it is about to test many.
    tests_several: bool,
}

impl BindTester {
    /// One that has tested nothing yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            investigator: Investigator::new(),
            clock,
            tests_several: false,
        }
    }

    /// One that is about to test many ports in a row: each takes less time.
    pub fn of_several(clock: Clock) -> Self {
        Self {
            tests_several: true,
            ..Self::new(clock)
        }
    }

    /// Tests the first port of `target` by real binds. Takes as long as [`Investigator::explain`]
    /// does, twice where the table and the kernel disagree.
    pub fn test(&mut self, target: &Target) -> Examination {
        let mut machine = Machine {
            investigator: &mut self.investigator,
            clock: self.clock,
            target,
            may_be_old: self.tests_several,
        };
        Examination::of(target, &mut machine)
    }
}

/// This machine, asked about one port.
struct Machine<'a> {
    investigator: &'a mut Investigator,
    clock: Clock,
    target: &'a Target,
    /// Whether rows do that were read a moment ago: the first time. When it is asked again, something
    /// was at odds with them.
    may_be_old: bool,
}

impl Witness for Machine<'_> {
    fn rows(&mut self) -> Evidence {
        let port = self.target.first_port();
        let (protocol, now) = (self.target.protocol, self.clock.now());
        if mem::take(&mut self.may_be_old) {
            self.investigator.rows_of_several(protocol, port, now)
        } else {
            self.investigator.rows(protocol, port, now)
        }
    }

    fn explain(&mut self, evidence: &mut Evidence, answered: Answered) {
        let (protocol, port) = (self.target.protocol, self.target.first_port());
        self.investigator
            .explain(evidence, protocol, port, answered);
    }

    fn probes(&mut self, asks_plain: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let Target {
            protocol, address, ..
        } = *self.target;
        bind::probe_asking(protocol, address, self.target.first_port(), asks_plain)
    }
}
