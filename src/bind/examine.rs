//! One bind test from beginning to end: what the table says, what the rules make of it, what the
//! kernel answers, and whether the two agree.
//!
//! Pure: both the evidence and the binds come from a [`Prober`].

use std::net::IpAddr;

use super::probe::RULES_ARE_MEASURED;
use super::rules::{self, Answer, Prediction, Request};
use super::{Probe, ProbeResult, Target};
use crate::model::{Answered, Evidence, State, Text};

/// Who can be asked about one port.
pub trait Prober {
    /// What the table says of the port now, and the limits of the system.
    fn rows(&mut self) -> Evidence;
    /// What the kernel answers to real binds now, in the order in which they were made. Where a bind
    /// with `SO_REUSEADDR` succeeds, `asks_plain` decides whether one without it is made too.
    fn probes(&mut self, asks_plain: &dyn Fn(&Probe) -> bool) -> Vec<Probe>;
    /// Adds who has the sockets of these rows, with what options, and whether they are still there.
    fn explain(&mut self, evidence: &mut Evidence, answered: Answered);
}

/// How often more than twice a port is looked at that is refused with nothing to show for it, though
/// every socket of it is listed: a server that restarts all the time is likelier than such a holder.
const LOOKS_FOR_THE_INVISIBLE: usize = 3;

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
    /// Not as foretold, and otherwise when it was asked again, or what was in the way was gone both
    /// times: the port was taken or released during the test.
    Changed,
    /// Refused twice with nothing in the table to show for it: something holds the port that is in no
    /// table, or a rule of this kernel is another one.
    Disagreed,
}

impl Examination {
    /// Puts the target to the test. Where kernel and table disagree, or what was in the way is gone
    /// a moment later, both are asked once more.
    pub fn of(target: &Target, witness: &mut impl Prober) -> Self {
        let first = Self::once(target, witness);
        if first.agreement == Agreement::Agreed {
            return first;
        }
        let results = |of: &Self| -> Vec<Probe> {
            of.trials.iter().map(|trial| trial.probe.clone()).collect()
        };
        let mut last = Self::once(target, witness);
        for _ in 0..LOOKS_FOR_THE_INVISIBLE {
            let is_whole = !last.evidence.may_lack_rows();
            let is_odd = last.agreement == Agreement::Disagreed && is_whole;
            if !is_odd || results(&first) != results(&last) {
                break;
            }
            last = Self::once(target, witness);
        }
        if results(&first) != results(&last) {
            last.agreement = Agreement::Changed;
        }
        last
    }

    /// Whether an error only says that there is no IPv6, while IPv4 was asked for as well: servers then
    /// make do with the other family. (Where IPv6 is merely switched off its wildcard can still be
    /// bound, its loopback address not.)
    pub(super) fn is_family_missing(&self, result: &ProbeResult) -> bool {
        let asks_both = self.target.address.single().is_none();
        let is_off = self.evidence.limits.is_ipv6_off == Some(true);
        asks_both && (result.is("EAFNOSUPPORT") || is_off && result.is("EADDRNOTAVAIL"))
    }

    fn once(target: &Target, witness: &mut impl Prober) -> Self {
        let mut evidence = witness.rows();
        let asks_plain = |first: &Probe| is_plain_harmless(first, target, &evidence);
        let probes = witness.probes(&asks_plain);
        let answered = answered(&probes, target, &evidence);
        witness.explain(&mut evidence, answered);
        let trial = |probe: Probe| Trial {
            prediction: foretold(&request(&probe, target, &evidence), &evidence),
            probe,
        };
        let trials: Vec<_> = probes.into_iter().map(trial).collect();
        let is_sound = |trial: &Trial| trial.agrees() && trial.is_settled(&evidence);
        let agreement = if trials.iter().all(is_sound) {
            Agreement::Agreed
        } else if trials.iter().any(Trial::is_unexplained) {
            Agreement::Disagreed
        } else {
            // What the table showed was gone when the kernel was asked, or just after.
            Agreement::Changed
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

    /// Whether it was refused with nothing in the table to show for it.
    fn is_unexplained(&self) -> bool {
        self.probe.result.is_in_use() && self.prediction.is_refused() == Answer::No
    }

    /// Whether what refused it was still there afterwards.
    fn is_settled(&self, evidence: &Evidence) -> bool {
        let blockers = &self.prediction.blockers;
        let mut settled = blockers
            .iter()
            .map(|&index| evidence.holders[index].is_settled);
        !self.probe.result.is_in_use()
            || blockers.is_empty()
            || settled.any(|is_settled| is_settled)
    }
}

/// How the binds were answered, as far as the rows alone tell.
fn answered(probes: &[Probe], target: &Target, evidence: &Evidence) -> Answered {
    let is_explained = |probe: &Probe| {
        let prediction = foretold(&request(probe, target, evidence), evidence);
        prediction.is_refused() != Answer::No
    };
    let mut refused = probes
        .iter()
        .filter(|probe| probe.result.is_in_use())
        .peekable();
    if refused.peek().is_none() {
        Answered::Open
    } else if refused.all(is_explained) {
        Answered::Refused
    } else {
        Answered::Unexplained
    }
}

/// What the rules say of a bind. They are Linux's: elsewhere they only name who may be in the way.
pub(super) fn foretold(request: &Request, evidence: &Evidence) -> Prediction {
    let mut prediction = rules::predict(request, &evidence.holders);
    if !RULES_ARE_MEASURED {
        prediction.doubtful.append(&mut prediction.blockers);
    }
    prediction
}

/// Whether a bind without `SO_REUSEADDR` can be made for certain without hurting anybody.
///
/// One that succeeds has the port for a microsecond, and a server that starts just then is refused.
/// So it is made where it will fail, because of leftovers and the like that the table shows: that
/// confirms the table and holds nothing. Where the table shows nothing, that is the answer, and no
/// bind is made for it; unless the table could not be read whole, when there is no other way.
fn is_plain_harmless(first: &Probe, target: &Target, evidence: &Evidence) -> bool {
    let blockers = foretold(&plain(first, target, evidence), evidence).blockers;
    // A server that listened or was bound a moment ago, and now is not, may be starting again.
    let lasts = |&index: &usize| {
        let state = evidence.holders[index].socket.state;
        !matches!(state, State::Listen | State::Bound)
    };
    evidence.may_lack_rows() || !blockers.is_empty() && blockers.iter().all(lasts)
}

/// The same request without `SO_REUSEADDR`.
pub(super) fn plain(probe: &Probe, target: &Target, evidence: &Evidence) -> Request {
    Request {
        reuse_address: false,
        ..request(probe, target, evidence)
    }
}

/// The request that a probe made, as the rules see it.
pub(super) fn request(probe: &Probe, target: &Target, evidence: &Evidence) -> Request {
    let Probe {
        address,
        v6only,
        reuse_address,
        ..
    } = *probe;
    request_of(address, v6only, reuse_address, target, evidence)
}

/// A bind by this process, as the rules see it.
pub(super) fn request_of(
    address: IpAddr,
    v6only: Option<bool>,
    reuse_address: bool,
    target: &Target,
    evidence: &Evidence,
) -> Request {
    Request {
        protocol: target.protocol,
        address,
        v6only: v6only.unwrap_or(false),
        reuse_address,
        reuse_port: false,
        uid: evidence.limits.uid,
        // The kernel binds a socket of a link-local address to its interface.
        device: target.address.zone().map(|zone| Text::new(zone.as_str())),
    }
}

#[cfg(test)]
#[path = "examine_tests.rs"]
mod tests;
