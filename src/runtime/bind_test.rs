//! A bind test on this machine: brings together who can be asked.

use super::clock::Clock;
use crate::bind::{self, Examination, Probe, Suite, Target, Verdict, Witness};
use crate::model::Evidence;
use crate::source::Investigator;
use jiff::tz::TimeZone;

/// Puts ports to the test, one after the other.
pub struct BindTester {
    investigator: Investigator,
    clock: Clock,
    zone: TimeZone,
}

impl BindTester {
    /// One that tells times of day in `zone`.
    pub fn new(clock: Clock, zone: TimeZone) -> Self {
        let investigator = Investigator::new();
        Self {
            investigator,
            clock,
            zone,
        }
    }

    /// Tests the first port of `target` by real binds, and says what that means. Takes as long as
    /// [`Investigator::evidence`] does, twice where the table and the kernel disagree.
    pub fn test(&mut self, target: &Target, suite: Suite) -> Verdict {
        let mut machine = Machine {
            investigator: &mut self.investigator,
            clock: self.clock,
            target,
            suite,
        };
        Verdict::of(&Examination::of(target, &mut machine), &self.zone)
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
