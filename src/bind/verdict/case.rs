//! The facts of a bind test for choosing causes and notes: which binds count, which sockets block them, and their
//! kinds.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::bind::Address;
use crate::bind::bind_test::servers::{self, Start};
use crate::bind::bind_test::{BindTestResult, Trial};
use crate::bind::rules::Prediction;
use crate::model::{
    Behind, BehindKind, Endpoint, Engine, Evidence, Holder, Limits, Moment, Opening, Owner,
    Process, Protocol, Redirect, State, Supervisor, SupervisorKind,
};

/// The kinds of sockets in the way, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Listener,
    Bound,
    Udp,
    /// A connection to itself.
    SelfConnect,
    /// A connection that was accepted from a listener.
    Accepted,
    /// A connection that was opened from here.
    Outgoing,
    /// A connection that its process has closed and the peer has not.
    Orphan,
    TimeWait,
}

/// One bind test with derived facts.
pub(super) struct Case<'a> {
    pub(super) result: &'a BindTestResult,
    pub(super) evidence: &'a Evidence,
    pub(super) limits: &'a Limits,
    pub(super) zone: &'a TimeZone,
    /// The sockets in the way, the most important first.
    pub(super) blockers: Vec<&'a Holder>,
    pub(super) with_reuse_address: Start,
    pub(super) without: Start,
    /// Whether the table was recorded: sentences are about what was so then.
    pub(super) is_recorded: bool,
    /// How long ago the table was read.
    age: Duration,
}

impl<'a> Case<'a> {
    pub(super) fn of(result: &'a BindTestResult, zone: &'a TimeZone, now: Moment) -> Self {
        let mut case = Self {
            result,
            evidence: &result.evidence,
            limits: &result.evidence.limits,
            zone,
            blockers: Vec::new(),
            with_reuse_address: servers::start(result, &[], true),
            without: servers::start(result, &[], false),
            is_recorded: false,
            age: result.evidence.taken_at.age(now),
        };
        let indices = case.in_the_way().into_iter();
        let mut blockers: Vec<_> = indices.map(|at| &case.evidence.holders[at]).collect();
        blockers.sort_by_key(|holder| {
            let is_known = matches!(holder.socket.owner, Owner::Known(_));
            (case.kind(holder), Reverse(is_known), holder.socket.local)
        });
        case.blockers = blockers;
        case
    }

    /// The word for what is so, or for what was so when the table was recorded.
    pub(super) const fn in_tense(&self, now: &'static str, then: &'static str) -> &'static str {
        if self.is_recorded { then } else { now }
    }

    pub(super) fn port(&self) -> u16 {
        self.result.target.first_port()
    }

    pub(super) fn is_udp(&self) -> bool {
        self.result.target.protocol == Protocol::Udp
    }

    pub(super) fn kind(&self, holder: &Holder) -> Kind {
        let socket = &holder.socket;
        // If a connection's counters don't show which side opened it, the port does: the kernel gives ephemeral ports
        // to the side that connects.
        let is_ephemeral = |endpoint: &Endpoint| self.limits.is_ephemeral(endpoint.port);
        match (socket.protocol, socket.state) {
            (Protocol::Udp, _) => Kind::Udp,
            (_, State::Listen) => Kind::Listener,
            (_, State::Bound | State::Closed | State::Unconn) => Kind::Bound,
            (_, State::TimeWait) => Kind::TimeWait,
            (_, State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck)
                if socket.inode.is_none() =>
            {
                Kind::Orphan
            }
            _ if socket.remote == Some(socket.local) => Kind::SelfConnect,
            (_, State::SynSent) => Kind::Outgoing,
            (_, State::SynRecv) => Kind::Accepted,
            _ => {
                let is_outgoing = match holder.opening {
                    Some(opening) => opening == Opening::Active,
                    None => {
                        is_ephemeral(&socket.local)
                            && !socket.remote.as_ref().is_some_and(is_ephemeral)
                    }
                };
                if is_outgoing {
                    Kind::Outgoing
                } else {
                    Kind::Accepted
                }
            }
        }
    }

    /// The holders in the way of the binds that count: those that refused them for sure, else those that may have.
    /// If another error hides whether the port is taken, those that the table predicts; none if this host lacks the
    /// address, as then no socket is the cause.
    fn in_the_way(&self) -> BTreeSet<usize> {
        let is_hidden = self.is_denied_with("EACCES") || self.is_denied_with("EPERM");
        let refused = |trial: &&Trial| trial.probe.result.is_in_use() || is_hidden;
        let refused = self.decisive_trials().filter(refused);
        let mut predictions: Vec<_> = refused.map(|trial| trial.prediction.clone()).collect();
        let is_predicted = self.without == Start::Refused && !self.lacks_address();
        if predictions.is_empty() && is_predicted {
            predictions = self.predictions_without().collect();
        }
        // Those that refuse a bind for sure, with the doubtful ones of the same kind; if none is sure, the doubtful.
        let kind_of = |&index: &usize| self.kind(&self.evidence.holders[index]);
        let likely = predictions.into_iter().flat_map(|mut it| {
            let kinds: Vec<Kind> = it.blockers.iter().map(kind_of).collect();
            let is_alike = |index: &usize| kinds.is_empty() || kinds.contains(&kind_of(index));
            it.doubtful.retain(is_alike);
            it.blockers.into_iter().chain(it.doubtful)
        });
        likely.collect()
    }

    /// The predictions for binds without `SO_REUSEADDR`.
    pub(super) fn predictions_without(&self) -> impl Iterator<Item = Prediction> + '_ {
        let probes = self.target_trials().map(|trial| &trial.probe);
        probes.map(|probe| self.result.predict(probe.bind(), false))
    }

    /// The binds with `SO_REUSEADDR` if one of them fails, else those without: then a server with the option can start,
    /// and the blockers of other servers matter.
    pub(super) fn decisive_trials(&self) -> impl Iterator<Item = &'a Trial> {
        let trials = self.result.trials.iter();
        let mut with_option = trials.clone().filter(|trial| trial.probe.reuse_address);
        let is_refused = with_option.any(|trial| !trial.probe.result.is_ok());
        trials.filter(move |trial| trial.probe.reuse_address || !is_refused)
    }

    /// The binds of the target's own addresses, not the single ones that are tried if a wildcard is refused.
    pub(super) fn target_trials(&self) -> impl Iterator<Item = &'a Trial> {
        let is_every = self.result.target.address == Address::Every;
        let trials = self.result.trials.iter();
        trials.filter(move |trial| !is_every || trial.probe.address.is_unspecified())
    }

    /// The ephemeral range, if the port is in it.
    pub(super) fn ephemeral_range(&self) -> Option<String> {
        let range = self.limits.ephemeral.as_ref()?;
        let is_in_it = self.limits.is_ephemeral(self.port());
        is_in_it.then(|| format!("{}–{}", range.start(), range.end()))
    }

    pub(super) fn is_refused(&self) -> bool {
        let mut trials = self.target_trials();
        trials.any(|trial| trial.probe.result.is_in_use()) || self.without == Start::Refused
    }

    pub(super) fn main_holder(&self) -> Option<&'a Holder> {
        self.blockers.first().copied()
    }

    /// The program whose call failed, if it has this socket itself.
    pub(super) fn caller_in(&self, holder: &'a Holder) -> Option<&'a Process> {
        let pid = self.result.caller_pid?;
        let mut owners = holder.socket.owner.present().iter();
        owners.find(|owner| owner.pid == pid).map(|owner| &**owner)
    }

    pub(super) fn main_kind(&self) -> Option<Kind> {
        self.main_holder().map(|holder| self.kind(holder))
    }

    pub(super) fn is(&self, kind: Kind) -> bool {
        self.main_kind() == Some(kind)
    }

    /// The redirects that take packets from a server on the port, except those to its current owner.
    pub(super) fn foreign_redirects(&self) -> impl Iterator<Item = &'a Redirect> {
        let is_container = |behind: &Behind| behind.kind == BehindKind::Container;
        let behind = self.behind().filter(is_container);
        let targets = &self.evidence.redirect_targets;
        let redirects = self.evidence.redirects.iter();
        redirects.filter(move |redirect| {
            !behind.as_ref().is_some_and(|behind| {
                // podman's monitor does not say which address its container has.
                let is_podman = behind.engine == Some(Engine::Podman) && behind.address.is_none();
                let to = redirect.to.address;
                let mut targets = targets.iter().filter(|target| target.address == to);
                let is_same = |target: &Behind| target.id.is_some() && target.id == behind.id;
                is_podman || to.is_some() && behind.address == to || targets.any(is_same)
            })
        })
    }

    pub(super) fn behind(&self) -> Option<Behind> {
        let holder = self.main_holder()?;
        if let Some(activation) = &holder.activation {
            return Some(Behind {
                name: Some(activation.socket_unit.clone()),
                ..Behind::new(BehindKind::SocketUnit)
            });
        }
        behind_of(holder).cloned()
    }

    pub(super) fn kept_by(&self) -> Option<Supervisor> {
        let holder = self.main_holder()?;
        let mut known = holder.backgrounds.iter();
        let known = known.find_map(|background| background.kept_by.clone());
        let by_unit = holder.hidden_unit.as_ref().map(|unit| Supervisor {
            name: Some(unit.name.clone()),
            restarts: unit.restarts(),
            is_reachable: false,
            ..Supervisor::new(SupervisorKind::Systemd)
        });
        known.or(by_unit)
    }

    /// The sockets in the way that are of the main holder's kind.
    pub(super) fn alike(&self) -> impl Iterator<Item = &'a Holder> + '_ {
        let (first, blockers) = (self.main_kind(), self.blockers.iter().copied());
        blockers.filter(move |holder| Some(self.kind(holder)) == first)
    }

    /// Those of them that the same processes have.
    pub(super) fn of_same_owner(&self) -> impl Iterator<Item = &'a Holder> + '_ {
        let first = self.main_holder().map(|holder| &holder.socket.owner);
        self.alike()
            .filter(move |holder| Some(&holder.socket.owner) == first)
    }

    /// The owner of the main holder, if that has an inode.
    pub(super) fn inode_owner(&self) -> Option<&'a Owner> {
        let socket = self.main_holder().map(|holder| &holder.socket);
        let socket = socket.filter(|socket| socket.inode.is_some())?;
        Some(&socket.owner)
    }

    /// Whether the owner of a server's socket is hidden. Connections are explained without an owner.
    pub(super) fn is_owner_hidden(&self) -> bool {
        let is_server = self.is(Kind::Listener) || self.is(Kind::Udp);
        is_server && matches!(self.inode_owner(), Some(Owner::Hidden | Owner::None))
    }

    /// Whether a listener is in the way, and every one on IPv4 is a dual-stack socket of IPv6.
    pub(super) fn is_dual_stack(&self) -> bool {
        let refused = self.target_trials().filter(|trial| {
            trial.probe.address.to_canonical().is_ipv4() && trial.probe.result.is_in_use()
        });
        let blockers = refused.flat_map(|trial| &trial.prediction.blockers);
        let sockets = blockers.map(|&index| &self.evidence.holders[index].socket);
        let listeners = sockets.filter(|socket| socket.state == State::Listen);
        let listeners: Vec<_> = listeners.map(|socket| socket.local).collect();
        let are_dual = !listeners.is_empty() && listeners.iter().all(|it| it.is_v6_wildcard());
        self.is(Kind::Listener) && are_dual
    }

    /// Whether the target is IPv4 only, and only IPv6 connections are in the way.
    pub(super) fn is_ipv6_shadow(&self) -> bool {
        let is_v4 = |trial: &Trial| trial.probe.address.to_canonical().is_ipv4();
        let locals = self.blockers.iter().map(|it| it.socket.local.address);
        let are_v6 = locals
            .map(|it| it.to_canonical())
            .all(|local| local.is_ipv6() && !local.is_unspecified());
        are_v6 && !self.blockers.is_empty() && self.target_trials().all(is_v4)
    }

    pub(super) fn only_plain_is_refused(&self) -> bool {
        self.with_reuse_address == Start::Ok && self.without == Start::Refused
    }

    /// Until the last socket in the way ends, if all of them end by themselves.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let ends: Option<Vec<Duration>> = self.blockers.iter().map(|it| it.expires_in).collect();
        Some(ends?.into_iter().max()?.saturating_sub(self.age))
    }
}

/// The background of a socket: of the first owner that serves something, or of the port without an owner.
pub(super) fn behind_of(holder: &Holder) -> Option<&Behind> {
    let mut backgrounds = holder.backgrounds.iter();
    let known = backgrounds.find_map(|background| background.behind.as_ref());
    known.or(holder.behind.as_ref())
}
