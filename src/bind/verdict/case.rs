//! The facts of a bind test that causes and notes speak of: which binds decide, what is in their
//! way, and what kind of thing that is.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::examine::{Agreement, Examination, Trial, foretold, plain};
use super::super::rules::Prediction;
use super::super::servers::{self, Start};
use super::super::{Address, ProbeResult};
use super::kind::{Kind, kind};
use super::{Cause, Outcome, who};
use crate::model::{
    Behind, BehindKind, Engine, Evidence, Holder, Limits, Moment, Owner, Protocol, Readiness,
    Redirect, State, Supervisor, SupervisorKind,
};

/// One bind test, ready to be judged.
pub(super) struct Case<'a> {
    pub(super) examination: &'a Examination,
    pub(super) evidence: &'a Evidence,
    /// What is in the way, what matters most first.
    pub(super) blockers: Vec<&'a Holder>,
    pub(super) with_reuse_address: Start,
    pub(super) without: Start,
    /// How long ago the table was read.
    age: Duration,
}

impl<'a> Case<'a> {
    pub(super) fn of(examination: &'a Examination, now: Moment) -> Self {
        let mut case = Self {
            examination,
            evidence: &examination.evidence,
            blockers: Vec::new(),
            with_reuse_address: servers::server(examination, true),
            without: servers::server(examination, false),
            age: examination.evidence.taken_at.age(now),
        };
        let mut indices: Vec<usize> = case.in_the_way().collect();
        indices.sort_unstable();
        indices.dedup();
        case.blockers = indices
            .into_iter()
            .map(|index| &case.evidence.holders[index])
            .collect();
        let limits = &case.evidence.limits;
        case.blockers.sort_by_key(|holder| {
            let is_known = matches!(holder.socket.owner, Owner::Known(_));
            (kind(holder, limits), Reverse(is_known), holder.socket.local)
        });
        case
    }

    pub(super) fn port(&self) -> u16 {
        self.examination.target.first_port()
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.examination.target.protocol
    }

    pub(super) const fn limits(&self) -> &'a Limits {
        &self.evidence.limits
    }

    /// The holders in the way of the binds that decide: of those that were refused, the ones that
    /// refused them for sure or, where none is sure, those that may have. Where another error hides
    /// whether the port is taken, what the table lets expect.
    fn in_the_way(&self) -> impl Iterator<Item = usize> + '_ {
        let is_hidden = self.is_denied_with("EACCES") || self.is_denied_with("EPERM");
        let decisive = move |trial: &&Trial| trial.probe.result.is_in_use() || is_hidden;
        let refused = self.decisive_trials().filter(decisive);
        let mut predictions: Vec<_> = refused.map(|trial| trial.prediction.clone()).collect();
        if predictions.is_empty() && self.without == Start::Refused {
            predictions = self.foretold_without().collect();
        }
        predictions
            .into_iter()
            .flat_map(|prediction| self.likely(prediction))
    }

    /// Of a prediction the certain ones, with those that are of the same kind and were merely not
    /// asked; where none is certain, the doubtful ones.
    fn likely(&self, prediction: Prediction) -> Vec<usize> {
        let Prediction { blockers, doubtful } = prediction;
        if blockers.is_empty() {
            return doubtful;
        }
        let kind_of = |&index: &usize| kind(&self.evidence.holders[index], self.limits());
        let kinds: Vec<Kind> = blockers.iter().map(kind_of).collect();
        let is_alike = |index: &usize| kinds.contains(&kind_of(index));
        let alike = doubtful.into_iter().filter(is_alike);
        blockers.iter().copied().chain(alike).collect()
    }

    /// What the rules say of binds without the option, where none was made.
    fn foretold_without(&self) -> impl Iterator<Item = Prediction> + '_ {
        self.asked_trials().map(|trial| {
            let target = &self.examination.target;
            foretold(&plain(&trial.probe, target, self.evidence), self.evidence)
        })
    }

    /// The binds with `SO_REUSEADDR` if one of them fails, else those without: a server with the
    /// option can start, and the question is what would keep one without from it.
    fn decisive_trials(&self) -> impl Iterator<Item = &'a Trial> {
        let trials = &self.examination.trials;
        let is_reuse_refused = trials
            .iter()
            .any(|trial| trial.probe.reuse_address && !trial.probe.result.is_ok());
        let is_first = move |trial: &&Trial| trial.probe.reuse_address || !is_reuse_refused;
        trials.iter().filter(is_first)
    }

    /// The binds of the addresses that were asked for; the single addresses that are tried beside a
    /// refused wildcard are none of those.
    pub(super) fn asked_trials(&self) -> impl Iterator<Item = &'a Trial> {
        let is_every = self.examination.target.address == Address::Every;
        let is_asked = move |trial: &&Trial| !is_every || trial.probe.address.is_unspecified();
        self.examination.trials.iter().filter(is_asked)
    }

    /// The error of the first bind that failed with something else than "in use", where an address
    /// that is not there at all is passed over.
    fn denial(&self) -> Option<&'a ProbeResult> {
        let results = self.asked_trials().map(|trial| &trial.probe.result);
        let mut other = results.filter(|result| !result.is_ok() && !result.is_in_use());
        other.find(|result| !self.examination.is_family_missing(result))
    }

    /// Whether the deciding error is this one.
    pub(super) fn is_denied_with(&self, errno: &str) -> bool {
        self.denial().is_some_and(|result| result.is(errno))
    }

    /// The deciding error, whatever it is.
    pub(super) fn error(&self) -> Option<&'a str> {
        self.denial().map(ProbeResult::as_str)
    }

    /// The address whose bind failed with the deciding error.
    pub(super) fn denied_address(&self) -> Option<IpAddr> {
        let denial = self.denial()?;
        let mut trials = self.asked_trials();
        let trial = trials.find(|trial| &trial.probe.result == denial)?;
        Some(trial.probe.address)
    }

    /// Whether the address whose bind failed is there and not usable.
    pub(super) fn denied_readiness(&self) -> Option<Readiness> {
        let address = self
            .denied_address()
            .filter(|_| self.is_denied_with("EADDRNOTAVAIL"))?;
        let mut unready = self.limits().unready.iter();
        let found = unready.find(|(one, _)| std::net::IpAddr::V6(*one) == address);
        found.map(|&(_, readiness)| readiness)
    }

    /// Whether the port needs a privilege that this process lacks, as far as that is known.
    pub(super) fn lacks_privilege(&self) -> bool {
        let limits = self.limits();
        let has_it = limits.has_bind_capability == Some(true);
        limits.is_privileged(self.port()) && (!has_it || limits.is_in_user_namespace == Some(true))
    }

    /// The range that Windows has set aside and the port is in.
    pub(super) fn excluded_range(&self) -> Option<&'a RangeInclusive<u16>> {
        let ranges = self.limits().excluded.as_ref()?;
        ranges.iter().find(|range| range.contains(&self.port()))
    }

    pub(super) fn is_refused(&self) -> bool {
        let mut trials = self.asked_trials();
        trials.any(|trial| trial.probe.result.is_in_use()) || self.without == Start::Refused
    }

    pub(super) fn agreement(&self) -> Agreement {
        self.examination.agreement
    }

    /// The socket that matters most.
    pub(super) fn principal(&self) -> Option<&'a Holder> {
        self.blockers.first().copied()
    }

    /// The redirects that a server on the port would suffer from: not those to what has the port already.
    pub(super) fn foreign_redirects(&self) -> impl Iterator<Item = &'a Redirect> {
        let behind = self
            .behind()
            .filter(|behind| behind.kind == BehindKind::Container);
        let targets = &self.evidence.redirect_targets;
        let is_its_own = move |redirect: &&Redirect| {
            behind.as_ref().is_some_and(|behind| {
                // podman's monitor does not say which address its container has.
                let is_podman = behind.engine == Some(Engine::Podman) && behind.address.is_none();
                let to = redirect.to.address;
                let mut targets = targets.iter().filter(|target| target.address == to);
                let is_same = |target: &Behind| target.id.is_some() && target.id == behind.id;
                is_podman || to.is_some() && behind.address == to || targets.any(is_same)
            })
        };
        self.evidence
            .redirects
            .iter()
            .filter(move |redirect| !is_its_own(redirect))
    }

    /// What is behind the socket that matters most.
    pub(super) fn behind(&self) -> Option<Behind> {
        let holder = self.principal()?;
        if let Some(activation) = &holder.activation {
            let name = Some(activation.socket_unit.clone());
            return Some(Behind {
                name,
                ..Behind::new(BehindKind::SocketUnit)
            });
        }
        let mut behind = holder
            .backgrounds
            .iter()
            .filter_map(|background| background.behind.as_ref());
        behind.next().or(holder.behind.as_ref()).cloned()
    }

    /// What starts the owner of the socket that matters most again.
    pub(super) fn kept_by(&self) -> Option<Supervisor> {
        let holder = self.principal()?;
        let mut known = holder.backgrounds.iter();
        let known = known.find_map(|background| background.kept_by.clone());
        let by_unit = || {
            let unit = holder.hidden_unit.as_ref()?;
            Some(Supervisor {
                name: Some(unit.name.clone()),
                restarts: unit.restarts(),
                is_reachable: false,
                ..Supervisor::new(SupervisorKind::Systemd)
            })
        };
        known.or_else(by_unit)
    }

    /// Who has it: command line, folder and origin.
    pub(super) fn who(&self, now: Moment) -> Option<String> {
        who::sentence(self.evidence, self.principal()?, now.wall)
    }

    /// Whether the socket that matters most is of this kind.
    pub(super) fn is_held_by(&self, wanted: Kind) -> bool {
        self.principal()
            .is_some_and(|holder| kind(holder, self.limits()) == wanted)
    }

    /// Whether something else in the way is of this kind.
    pub(super) fn others(&self, wanted: Kind) -> impl Iterator<Item = &'a Holder> + '_ {
        let holders = self.evidence.holders.iter();
        holders.filter(move |holder| kind(holder, self.limits()) == wanted)
    }

    /// Those in the way that are of the kind of the one that matters most.
    pub(super) fn alike(&self) -> impl Iterator<Item = &'a Holder> + '_ {
        let first = self.principal().map(|holder| kind(holder, self.limits()));
        let blockers = self.blockers.iter().copied();
        blockers.filter(move |holder| Some(kind(holder, self.limits())) == first)
    }

    /// Those of them that the same processes have.
    pub(super) fn of_same_owner(&self) -> impl Iterator<Item = &'a Holder> + '_ {
        let first = self.principal().map(|holder| &holder.socket.owner);
        let is_same = move |holder: &&Holder| Some(&holder.socket.owner) == first;
        self.alike().filter(is_same)
    }

    pub(super) fn has_owner(&self, wanted: fn(&Owner) -> bool) -> bool {
        self.principal()
            .is_some_and(|holder| holder.socket.inode.is_some() && wanted(&holder.socket.owner))
    }

    /// Whether all that listens on IPv4 are dual-stack sockets of IPv6.
    pub(super) fn is_dual_stack(&self) -> bool {
        let is_v4 = |trial: &&Trial| trial.probe.address.to_canonical().is_ipv4();
        let refused = self
            .asked_trials()
            .filter(is_v4)
            .filter(|trial| trial.probe.result.is_in_use());
        let blockers = refused.flat_map(|trial| &trial.prediction.blockers);
        let mut listeners = blockers
            .map(|&index| &self.evidence.holders[index].socket)
            .filter(|socket| socket.state == State::Listen)
            .peekable();
        listeners.peek().is_some() && listeners.all(|socket| socket.local.is_v6_wildcard())
    }

    /// Whether only IPv4 was asked for, and only IPv6 connections are in its way.
    pub(super) fn is_shadow(&self) -> bool {
        let asks_v4 = |trial: &Trial| trial.probe.address.to_canonical().is_ipv4();
        let is_v6_connection = |holder: &&Holder| {
            let local = holder.socket.local.address.to_canonical();
            local.is_ipv6() && !local.is_unspecified()
        };
        self.asked_trials().all(asks_v4)
            && !self.blockers.is_empty()
            && self.blockers.iter().all(is_v6_connection)
    }

    /// Whether a bind without the option failed where one with it was not refused.
    pub(super) fn only_plain_is_refused(&self) -> bool {
        self.with_reuse_address == Start::Ok && self.without == Start::Refused
    }

    /// Whether something that was not read of a holder decides.
    pub(super) fn is_in_doubt(&self) -> bool {
        let trials = self.examination.trials.iter();
        let mut refused = trials.filter(|trial| trial.probe.result.is_in_use());
        refused.any(|trial| trial.prediction.blockers.is_empty())
    }

    pub(super) fn outcome(&self, cause: Cause) -> Outcome {
        match cause {
            Cause::PrivilegedPort | Cause::Policy | Cause::CgroupPolicy => Outcome::Denied,
            Cause::AddressNotLocal
            | Cause::AddressTentative
            | Cause::AddressDuplicate
            | Cause::Ipv6Off
            | Cause::ScopeNeeded
            | Cause::ProbeFailed => Outcome::Unavailable,
            Cause::Raced => Outcome::Raced,
            Cause::Free => Outcome::Free,
            _ if self.protocol() == Protocol::Tcp && self.with_reuse_address == Start::Ok => {
                Outcome::Free
            }
            _ => Outcome::InUse,
        }
    }

    /// When the last of the sockets in the way is gone, if all of them go by themselves.
    pub(super) fn free_in(&self, cause: Cause) -> Option<Duration> {
        let is_timed = matches!(
            cause,
            Cause::TimeWait | Cause::TimeWaitNoReuse | Cause::ClosingOrphan | Cause::Ipv6Shadow
        );
        if is_timed { self.left() } else { None }
    }

    /// Until the last of what is in the way ends, if all of it ends by itself.
    pub(super) fn left(&self) -> Option<Duration> {
        let ends: Option<Vec<Duration>> = self
            .blockers
            .iter()
            .map(|holder| holder.expires_in)
            .collect();
        let last = ends?.into_iter().max()?;
        Some(last.saturating_sub(self.age))
    }

    /// What listens or is bound on the port, on addresses that were not asked for.
    pub(super) fn bystanders(&self) -> impl Iterator<Item = &'a Holder> + '_ {
        let here: Vec<usize> = self
            .foretold_without()
            .flat_map(|prediction| prediction.all().collect::<Vec<_>>())
            .collect();
        let holders = self.evidence.holders.iter().enumerate();
        holders
            .filter(move |(index, _)| !here.contains(index))
            .map(|(_, holder)| holder)
            .filter(|holder| holder.socket.is_listening() && holder.socket.remote.is_none())
    }

    /// The addresses whose bind succeeded with the option (or, for UDP, at all).
    pub(super) fn open_addresses(&self) -> Vec<(IpAddr, Option<bool>)> {
        let trials = self.decisive_trials();
        trials
            .filter(|trial| trial.probe.result.is_ok())
            .map(|trial| (trial.probe.address, trial.probe.v6only))
            .collect()
    }
}
