//! The test of a port in a table that was recorded. Nothing can be bound in the past: each answer is that of the rules.

use super::{BindTestResult, Prober, predict};
use crate::bind::probe::{probes, v6only_of};
use crate::bind::rules::Answer;
use crate::bind::{Probe, ProbeResult, Target};
use crate::model::{Answered, Evidence, State};

/// The rows of the port as they were.
struct Recorded<'a> {
    target: &'a Target,
    evidence: &'a Evidence,
}

impl BindTestResult {
    /// The answers of the rules for the first port of a target. A bind that may have been refused counts as refused, but for
    /// what servers leave: most of them set `SO_REUSEADDR`.
    pub fn recorded(target: &Target, evidence: &Evidence) -> Self {
        Self::of(target, &mut Recorded { target, evidence })
    }
}

impl Prober for Recorded<'_> {
    fn rows(&mut self) -> Evidence {
        self.evidence.clone()
    }

    fn explain(&mut self, _: &mut Evidence, _: Answered) {}

    fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let Target {
            protocol, address, ..
        } = *self.target;
        probes(protocol, address, &|_| true, |ip, reuse_address| {
            let bind = (ip, v6only_of(ip));
            let prediction = predict((self.target, None), self.evidence, bind, reuse_address);
            let result = match prediction.is_refused() {
                Answer::No => ProbeResult::Ok,
                Answer::Depends if reuse_address && self.are_left(&prediction.doubtful) => {
                    ProbeResult::Ok
                }
                Answer::Depends | Answer::Yes => ProbeResult::Errno("EADDRINUSE".into()),
            };
            Probe {
                address: ip,
                v6only: v6only_of(ip),
                reuse_address,
                result,
            }
        })
    }
}

impl Recorded<'_> {
    /// Whether these sockets are all what is left of connections that a server accepted, as far as their port says.
    fn are_left(&self, sockets: &[usize]) -> bool {
        let limits = &self.evidence.limits;
        sockets.iter().all(|&at| {
            let socket = &self.evidence.holders[at].socket;
            socket.state == State::TimeWait && !limits.is_ephemeral(socket.local.port)
        })
    }
}
