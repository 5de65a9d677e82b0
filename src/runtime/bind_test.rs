//! A bind test on this machine: brings together who can be asked.

use super::clock::Clock;
use crate::bind::{self, Examination, Probe, Suite, Target, Witness};
use crate::model::Evidence;
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

    /// Tests the first port of `target` by real binds. Takes as long as [`Investigator::evidence`]
    /// does, twice where the table and the kernel disagree.
    pub fn test(&mut self, target: &Target, suite: Suite) -> Examination {
        let mut machine = Machine {
            investigator: &mut self.investigator,
            clock: self.clock,
            target,
            suite,
        };
        Examination::of(target, &mut machine)
    }
}

/// This machine, asked about one port.
struct Machine<'a> {
    investigator: &'a mut Investigator,
    clock: Clock,
    target: &'a Target,
    suite: Suite,
}

impl Witness for Machine<'_> {
    fn evidence(&mut self) -> Evidence {
        let port = *self.target.ports.start();
        let now = self.clock.now();
        self.investigator.evidence(self.target.protocol, port, now)
    }

    fn probes(&mut self) -> Vec<Probe> {
        let port = *self.target.ports.start();
        bind::probe(self.target.protocol, self.target.address, port, self.suite)
    }
}
