//! One bind test: the rows of the socket table, the prediction of the rules, the results of real binds, and whether
//! they agree.
//!
//! Pure: both the evidence and the binds come from a [`Prober`].

pub(super) mod attempt;
mod recorded;
pub(super) mod servers;
#[cfg(test)]
mod tests;

use super::probe::{Bind, RULES_ARE_MEASURED};
use super::rules::{self, Answer, Prediction, Request};
use super::{Probe, ProbeResult, Target};
use crate::model::{Answered, Evidence, Pid, State, Text};
use attempt::SocketTraits;

/// Reads the evidence about one port and makes real binds.
pub trait Prober {
    /// The rows of the port in the table now, and the limits of the system.
    fn rows(&mut self) -> Evidence;
    /// Real binds in order, with their results. If a bind with `SO_REUSEADDR` succeeds, `wants_plain` returns whether
    /// to make one without it too.
    fn probes(&mut self, wants_plain: &dyn Fn(&Probe) -> bool) -> Vec<Probe>;
    /// Adds the owners of the rows' sockets, their options, and whether they are still open.
    fn explain(&mut self, evidence: &mut Evidence, answered: Answered);
    /// The socket of another program that the first binds were made with; `None` if they are our own.
    fn caller(&self) -> Option<&SocketTraits> {
        None
    }
}

/// How many more times a port is tested, after two times, if every socket is listed and none explains the refusal:
/// a server that keeps restarting is likelier than a socket that no table shows.
const EXTRA_TESTS: usize = 3;

/// The result of one bind test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindTestResult {
    /// The target, with one port.
    pub target: Target,
    /// The socket of the program whose call failed; `None` if the binds are our own.
    pub caller: Option<SocketTraits>,
    /// The pid of that program, where it is known: sockets in the way may be its own.
    pub caller_pid: Option<Pid>,
    /// The evidence, read just before the binds.
    pub evidence: Evidence,
    /// The binds, in the order they were made.
    pub trials: Vec<Trial>,
    /// Whether the table and the kernel agree.
    pub agreement: Agreement,
}

/// A trial bind, with its prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The bind and its result.
    pub probe: Probe,
    /// The holders in its way, by their index in the evidence.
    pub prediction: Prediction,
}

/// How the results compare with the prediction from the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// As predicted, or nothing certain could be predicted.
    Agreed,
    /// Not as predicted, and different the second time, or the blocker was gone both times: the port was taken or
    /// released during the test.
    Changed,
    /// Refused twice and nothing in the table explains it: a socket that no table shows has the port, or this kernel
    /// has another rule.
    Disagreed,
}

impl BindTestResult {
    /// Tests the target. If kernel and table disagree, or the blocker is gone a moment later, it is tested once more.
    pub fn of(target: &Target, prober: &mut impl Prober) -> Self {
        let first = Self::once(target, prober);
        if first.agreement == Agreement::Agreed {
            return first;
        }
        let mut last = Self::once(target, prober);
        // A call of a program is made once: further binds of ours say less about it each time.
        let extra_tests = if first.caller.is_none() {
            EXTRA_TESTS
        } else {
            0
        };
        for _ in 0..extra_tests {
            let is_whole = !last.evidence.may_lack_rows();
            let is_odd = last.agreement == Agreement::Disagreed && is_whole;
            if !is_odd || !first.has_same_probes(&last) {
                break;
            }
            last = Self::once(target, prober);
        }
        if !first.has_same_probes(&last) {
            last.agreement = Agreement::Changed;
        }
        last
    }

    fn has_same_probes(&self, other: &Self) -> bool {
        let probes = self.trials.iter().map(|trial| &trial.probe);
        probes.eq(other.trials.iter().map(|trial| &trial.probe))
    }

    /// Whether an error only means that there is no IPv6, and the target includes IPv4: servers then start with
    /// IPv4 alone. (If IPv6 is only switched off, its wildcard can still be bound, its loopback address can't.)
    pub(super) fn is_family_missing(&self, result: &ProbeResult) -> bool {
        let has_both_families = self.target.address.single().is_none();
        let is_off = self.evidence.limits.is_ipv6_off == Some(true);
        has_both_families && (result.is("EAFNOSUPPORT") || is_off && result.is("EADDRNOTAVAIL"))
    }

    pub(super) fn predict(&self, bind: Bind, reuse_address: bool) -> Prediction {
        let caller = self.caller.as_ref();
        predict((&self.target, caller), &self.evidence, bind, reuse_address)
    }

    fn once(target: &Target, prober: &mut impl Prober) -> Self {
        let mut evidence = prober.rows();
        let caller = prober.caller().cloned();
        let target_of = (target, caller.as_ref());
        let wants_plain = |probe: &Probe| is_plain_bind_harmless(probe, target, &evidence);
        let binds = prober.probes(&wants_plain);
        let predicted = |evidence: &Evidence| -> Vec<Trial> {
            let trials = binds.iter().map(|probe| Trial {
                prediction: predict(target_of, evidence, probe.bind(), probe.reuse_address),
                probe: probe.clone(),
            });
            trials.collect()
        };
        let by_rows_alone = predicted(&evidence);
        let answered = if by_rows_alone.iter().any(Trial::is_unexplained) {
            Answered::Unexplained
        } else if binds.iter().any(|probe| probe.result.is_in_use()) {
            Answered::Refused
        } else {
            Answered::Open
        };
        prober.explain(&mut evidence, answered);
        let trials = predicted(&evidence);
        let agreement = if trials.iter().all(|trial| trial.agrees(&evidence)) {
            Agreement::Agreed
        } else if trials.iter().any(Trial::is_unexplained) {
            Agreement::Disagreed
        } else {
            // The socket in the table was gone when the bind was made, or just after.
            Agreement::Changed
        };
        Self {
            target: target.clone(),
            caller,
            caller_pid: None,
            evidence,
            trials,
            agreement,
        }
    }
}

impl Trial {
    /// Whether the kernel answered as predicted, and a socket that refused it was still open afterwards. An error other
    /// than `EADDRINUSE` says nothing about holders: the kernel returns it first.
    fn agrees(&self, evidence: &Evidence) -> bool {
        let blockers = &self.prediction.blockers;
        let mut blockers = blockers.iter().map(|&index| &evidence.holders[index]);
        match (&self.probe.result, self.prediction.is_refused()) {
            (ProbeResult::Ok, Answer::Yes) => false,
            (result, Answer::Yes) if result.is_in_use() => blockers.any(|one| one.is_still_open),
            (result, Answer::No) => !result.is_in_use(),
            _ => true,
        }
    }

    /// Whether it was refused and nothing in the table explains that.
    fn is_unexplained(&self) -> bool {
        self.probe.result.is_in_use() && self.prediction.is_refused() == Answer::No
    }
}

/// Whether a bind without `SO_REUSEADDR` disturbs no server.
///
/// One that succeeds has the port for a microsecond, and a server that starts just then is refused. So it is made only
/// if sockets in the table, such as connections in `TIME_WAIT`, will refuse it: that confirms the table. If the table shows
/// nothing, the bind is not made, unless the table could not be read whole.
fn is_plain_bind_harmless(first: &Probe, target: &Target, evidence: &Evidence) -> bool {
    let blockers = predict((target, None), evidence, first.bind(), false).blockers;
    // A server that listened or was bound a moment ago, and now is not, may be starting again.
    let lasts = |&index: &usize| {
        let state = evidence.holders[index].socket.state;
        !matches!(state, State::Listen | State::Bound)
    };
    evidence.may_lack_rows() || !blockers.is_empty() && blockers.iter().all(lasts)
}

/// The prediction of the rules, for one of our own binds or for that of another program. They are Linux's: on other
/// systems they only find sockets that may be in the way.
pub(super) fn predict(
    (target, caller): (&Target, Option<&SocketTraits>),
    evidence: &Evidence,
    (address, v6only): Bind,
    reuse_address: bool,
) -> Prediction {
    let device = caller.and_then(|caller| caller.device.clone());
    // The kernel binds a socket of a link-local address to its interface.
    let zone = || target.address.zone().map(|zone| Text::new(zone.as_str()));
    let request = Request {
        protocol: target.protocol,
        address,
        v6only: v6only.unwrap_or(false),
        reuse_address,
        reuse_port: caller.is_some_and(|caller| caller.reuse_port),
        uid: caller.map_or(evidence.limits.uid, |caller| caller.uid),
        device: device.or_else(zone),
    };
    let mut prediction = rules::predict(&request, &evidence.holders);
    if !RULES_ARE_MEASURED {
        prediction.doubtful.append(&mut prediction.blockers);
    }
    prediction
}
