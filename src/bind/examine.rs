//! One bind test from beginning to end: what the table says, what the rules make of it, what the
//! kernel answers, and whether the two agree.
//!
//! Pure: both the evidence and the binds come from a [`Witness`].

use super::rules::{self, Answer, Prediction, Request};
use super::{Probe, ProbeResult, Target};
use crate::model::Evidence;

/// Who can be asked about one port.
pub trait Witness {
    /// What the machine tells about the port now.
    fn evidence(&mut self) -> Evidence;
    /// What the kernel answers to real binds now, in the order in which they were made.
    fn probes(&mut self) -> Vec<Probe>;
}

/// Everything that one bind test brought to light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// What was asked: one port.
    pub target: Target,
    /// What the machine told, just before the binds.
    pub evidence: Evidence,
    /// The binds, in the order in which they were made.
    pub trials: Vec<Trial>,
    /// Whether the table and the kernel agree.
    pub agreement: Agreement,
}

/// A trial bind, and what the rules said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The bind and the kernel's answer.
    pub probe: Probe,
    /// The holders in its way, by their index in the evidence.
    pub prediction: Prediction,
}

/// How the kernel's answers stand to what the table let expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// As foretold, or nothing certain could be foretold.
    Agreed,
    /// Not as foretold, and otherwise when it was asked again: the port was taken or released
    /// during the test.
    Changed,
    /// Not as foretold, twice: something holds the port that is in no table, or a rule of this
    /// kernel is another one.
    Disagreed,
}

impl Examination {
    /// Puts the target to the test. Where kernel and table disagree both are asked once more.
    pub fn of(target: &Target, witness: &mut impl Witness) -> Self {
        let first = Self::once(target, witness);
        if first.agreement == Agreement::Agreed {
            return first;
        }
        let second = Self::once(target, witness);
        let results = |of: &Self| -> Vec<Probe> {
            of.trials.iter().map(|trial| trial.probe.clone()).collect()
        };
        let agreement = if results(&first) == results(&second) {
            second.agreement
        } else {
            Agreement::Changed
        };
        Self {
            agreement,
            ..second
        }
    }

    fn once(target: &Target, witness: &mut impl Witness) -> Self {
        let evidence = witness.evidence();
        let trial = |probe: Probe| Trial {
            prediction: rules::predict(&request(&probe, target, &evidence), &evidence.holders),
            probe,
        };
        let trials: Vec<_> = witness.probes().into_iter().map(trial).collect();
        let agreement = if trials.iter().all(Trial::agrees) {
            Agreement::Agreed
        } else {
            Agreement::Disagreed
        };
        Self {
            target: target.clone(),
            evidence,
            trials,
            agreement,
        }
    }
}

impl Trial {
    /// Whether the kernel answered as foretold. An answer other than `EADDRINUSE` says nothing about
    /// holders: the kernel gives it first.
    fn agrees(&self) -> bool {
        match (&self.probe.result, self.prediction.is_refused()) {
            (ProbeResult::Ok, Answer::Yes) => false,
            (result, Answer::No) => !result.is_in_use(),
            _ => true,
        }
    }
}

/// The request that a probe made, as the rules see it.
pub(super) fn request(probe: &Probe, target: &Target, evidence: &Evidence) -> Request {
    Request {
        protocol: target.protocol,
        address: probe.address,
        v6only: probe.v6only.unwrap_or(false),
        reuse_address: probe.reuse_address,
        reuse_port: false,
        uid: evidence.limits.uid,
        device: None,
    }
}

#[cfg(test)]
#[path = "examine_tests.rs"]
mod tests;
