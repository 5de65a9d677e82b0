//! A bind test on this machine: brings together who can be asked.

use super::clock::Clock;
use crate::bind::{self, Examination, Probe, Target, Witness};
use crate::model::{Answered, Evidence};
use crate::source::Investigator;

/// Puts ports to the test, one after the other.
pub struct BindTester {
    investigator: Investigator,
    clock: Clock,
}

impl BindTester {
    /// One that has tested nothing yet.
    pub fn new(clock: Clock) -> Self {
        let investigator = Investigator::new();
        Self {
            investigator,
            clock,
        }
    }

    /// Tests the first port of `target` by real binds. Takes as long as [`Investigator::explain`]
    /// does, twice where the table and the kernel disagree.
    pub fn test(&mut self, target: &Target) -> Examination {
        let mut machine = Machine {
            investigator: &mut self.investigator,
            clock: self.clock,
            target,
        };
        Examination::of(target, &mut machine)
    }
}

/// This machine, asked about one port.
struct Machine<'a> {
    investigator: &'a mut Investigator,
    clock: Clock,
    target: &'a Target,
}

impl Witness for Machine<'_> {
    fn rows(&mut self) -> Evidence {
        let port = self.target.first_port();
        let now = self.clock.now();
        self.investigator.rows(self.target.protocol, port, now)
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
