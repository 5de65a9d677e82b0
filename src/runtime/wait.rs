//! Waits until ports are free, or until something listens on them.
//!
//! Each check reads the rows of the ports that have not reached the goal and binds as gently as possible: TCP with
//! `SO_REUSEADDR`, which was never seen to keep a server from starting; UDP, which has no such bind, only if the port
//! has no row. The whole bind test, which finds the owner, runs when a bind first fails, and again when the rows have
//! changed. A port that has reached the goal is not checked again until all have.

mod expected;
mod inside;

use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::bind::{self, Cause, Outcome, Probe, ServerMatch, Target, Verdict};
use crate::clock::Clock;
use crate::inspect::{BindTester, Survey, has_row};
use crate::model::{
    Answered, Endpoint, Evidence, Family, GapCode, Holder, Moment, Protocol, Redirect, State,
};
pub use expected::ExpectedServer;
use inside::Inside;

/// The goal of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A server that sets `SO_REUSEADDR` can bind every address of the target.
    Free,
    /// A listener covers the address, in this family if one is named.
    Listening(Option<Family>),
}

/// Waits for several ports, one target for each.
pub struct PortWaiter {
    ports: Vec<Port>,
    goal: Goal,
    /// The server that must listen, if not any will do.
    expected: Option<ExpectedServer>,
    clock: Clock,
    tester: BindTester,
    /// The other namespaces that have the ports.
    inside: Option<Inside>,
}

/// One of the ports.
pub struct Port {
    /// The port.
    pub target: Target,
    /// Whether it has reached the goal.
    pub is_reached: bool,
    /// When it reached the goal, if it had not at first.
    pub changed_at: Option<Moment>,
    /// The blockers at the last check if waiting for a free port, otherwise the listeners.
    pub holders: Vec<Holder>,
    /// When those were seen.
    pub seen_at: Moment,
    /// The summary of the last bind test; or why there is no namespace that could have a listener.
    pub summary: Option<String>,
    /// Whether the listeners are those of the expected server; `None` if none is expected, or nothing listens.
    pub server: Option<ServerMatch>,
    /// Those of the listeners that are not known to be the expected server's.
    pub others: Vec<Holder>,
    /// The rule that sends what a client of this machine sends elsewhere, if the expected server listens.
    pub diverted_by: Option<Redirect>,
    /// The rows at the last bind test, or when the owners of listeners were last read, and when that was.
    tested: Option<(Vec<RowKey>, Duration)>,
    /// How often in a row reading the table failed, and the last error.
    unread: (u32, String),
}

type RowKey = (Option<u32>, State, Endpoint, Option<Endpoint>);

/// The least time between two bind tests while rows change all the time.
const TEST_INTERVAL: Duration = Duration::from_secs(1);

/// After this many failures in a row the table counts as unreadable.
const MAX_UNREAD: u32 = 5;

impl PortWaiter {
    /// Waits for the first port of each target.
    pub fn new(targets: Vec<Target>, goal: Goal, clock: Clock) -> Self {
        let port = |target| Port {
            target,
            is_reached: false,
            changed_at: None,
            holders: Vec::new(),
            seen_at: clock.now(),
            summary: None,
            server: None,
            others: Vec::new(),
            diverted_by: None,
            tested: None,
            unread: (0, String::new()),
        };
        Self {
            ports: targets.into_iter().map(port).collect(),
            goal,
            expected: None,
            clock,
            tester: BindTester::new(clock),
            inside: None,
        }
    }

    /// Waits until this server listens, and no other that a client could get instead.
    #[must_use]
    pub fn for_server(mut self, expected: Option<ExpectedServer>) -> Self {
        self.expected = expected;
        self
    }

    /// Whether the expected server has ended.
    pub fn has_server_ended(&self) -> bool {
        let expected = self.expected.as_ref();
        expected.is_some_and(ExpectedServer::has_ended)
    }

    /// The ports.
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// Checks every `interval` until all ports have reached the goal at the same time, until `timeout`, or until the
    /// expected server has ended; returns whether they have. Calls `show` between two checks.
    ///
    /// # Errors
    /// If one of them can never reach it: which, and why in one sentence.
    pub fn wait(
        &mut self,
        interval: Duration,
        timeout: Option<Duration>,
        mut show: impl FnMut(&[Port]),
    ) -> Result<bool, (Target, String)> {
        if let Some(inside) = self.inside.take() {
            return self.wait_inside(inside, interval, timeout, show);
        }
        let end = timeout.map(|timeout| self.clock.now().steady + timeout);
        let mut is_first = true;
        loop {
            self.survey();
            for at in 0..self.ports.len() {
                if self.ports[at].is_reached {
                    continue;
                }
                // The first time all of them, later as time allows.
                if !is_first && self.left(end).is_zero() {
                    break;
                }
                let evidence = self.rows(at);
                let is_reached = match self.goal {
                    Goal::Free => self.check_free(at, &evidence),
                    Goal::Listening(family) => self.check_listening(at, evidence, family),
                };
                let port = &mut self.ports[at];
                port.is_reached = is_reached.map_err(|why| (port.target.clone(), why))?;
                if port.is_reached && !is_first {
                    port.changed_at = Some(self.clock.now());
                }
            }
            if self.ports.iter().all(|port| port.is_reached) && self.are_all_at_once() {
                return Ok(true);
            }
            is_first = false;
            if self.has_server_ended() {
                return Ok(false);
            }
            let left = self.left(end);
            if left.is_zero() {
                // If a table was never read, the goal may have been reached.
                let unread = |port: &&Port| !port.is_reached && port.unread.0 > 0;
                let unread = self.ports.iter().find(unread);
                return unread.map_or(Ok(false), |port| {
                    Err((port.target.clone(), port.unread.1.clone()))
                });
            }
            show(&self.ports);
            thread::sleep(interval.min(left));
        }
    }

    fn left(&self, end: Option<Duration>) -> Duration {
        let now = self.clock.now().steady;
        end.map_or(Duration::MAX, |end| end.saturating_sub(now))
    }

    /// Whether several ports, which were checked one after the other, have reached the goal at the same time.
    /// Those that have not are waited for again.
    fn are_all_at_once(&mut self) -> bool {
        if self.ports.len() == 1 {
            return true;
        }
        let survey = self.survey();
        // Check forwards and backwards: a state that holds before and after the check of another port holds at the same
        // time.
        let last = self.ports.len() - 1;
        for at in (0..=last).chain((0..last).rev()) {
            let is_reached = match self.goal {
                Goal::Free => {
                    let port = &self.ports[at];
                    can_be_bound(&port.target, has_row(&survey, &port.target))
                }
                Goal::Listening(family) => {
                    let evidence = self.rows(at);
                    let target = &self.ports[at].target;
                    if self.expected.is_some() {
                        matches!(self.check_listening(at, evidence, family), Ok(true))
                    } else {
                        !bind::reachable_listeners(target, &evidence.holders, family).is_empty()
                    }
                }
            };
            let port = &mut self.ports[at];
            port.is_reached &= is_reached;
            if !is_reached {
                port.tested = None;
            }
        }
        self.ports.iter().all(|port| port.is_reached)
    }

    /// With several ports, reads which of them have a row at all: the others are not read one by one.
    fn survey(&mut self) -> Survey {
        let is_worth_it = self.ports.len() > 1;
        let protocols = self.ports.iter().map(|port| port.target.protocol);
        self.tester.survey(protocols.filter(|_| is_worth_it))
    }

    fn rows(&mut self, at: usize) -> Evidence {
        let target = &self.ports[at].target;
        let (protocol, port, now) = (target.protocol, target.first_port(), self.clock.now());
        let inspector = self.tester.inspector();
        inspector.surveyed_rows(protocol, port, now)
    }

    /// Whether a port is free; the error is why it can never be.
    fn check_free(&mut self, at: usize, evidence: &Evidence) -> Result<bool, String> {
        let (port, now) = (&mut self.ports[at], self.clock.now());
        if can_be_bound(&port.target, !evidence.holders.is_empty()) {
            return Ok(true);
        }
        let rows: Vec<RowKey> = evidence.holders.iter().map(row_key).collect();
        if let Some((then, at)) = &port.tested
            && (*then == rows || now.steady.saturating_sub(*at) < TEST_INTERVAL)
        {
            return Ok(false);
        }
        port.tested = Some((rows, now.steady));
        let test_result = self.tester.test(&port.target);
        let verdict = Verdict::of(&test_result, &TimeZone::system(), self.clock.now());
        match (verdict.outcome, verdict.cause) {
            (Outcome::Free, _) => return Ok(true),
            (Outcome::Denied, _) | (_, Cause::ProbeFailed | Cause::ScopeNeeded) => {
                return Err(verdict.summary);
            }
            _ => {}
        }
        if !verdict.blockers.is_empty() {
            port.holders = verdict.blockers;
            port.seen_at = verdict.taken_at;
        }
        port.summary = Some(verdict.summary);
        Ok(false)
    }

    /// Whether something listens on a port; the error is why that can't be determined.
    fn check_listening(
        &mut self,
        at: usize,
        mut evidence: Evidence,
        family: Option<Family>,
    ) -> Result<bool, String> {
        let (port, now) = (&mut self.ports[at], self.clock.now());
        let listeners = bind::reachable_listeners(&port.target, &evidence.holders, family);
        if listeners.is_empty() {
            port.forget_listeners();
            let mut gaps = evidence.gaps.iter();
            port.unread = match gaps.find(|gap| gap.code == GapCode::Table) {
                Some(gap) => (port.unread.0 + 1, gap.message.to_string()),
                None => (0, String::new()),
            };
            if port.unread.0 >= MAX_UNREAD {
                return Err(port.unread.1.clone());
            }
            return Ok(false);
        }
        // To find the owners takes up to 100 ms.
        let selectable = bind::selectable_listeners(&port.target, &evidence.holders, family);
        let rows: Vec<RowKey> = selectable.into_iter().map(row_key).collect();
        if let Some((then, at)) = &port.tested
            && *then == rows
            && now.steady.saturating_sub(*at) < TEST_INTERVAL
        {
            return Ok(port.server == Some(ServerMatch::Expected));
        }
        let (protocol, number) = (port.target.protocol, port.target.first_port());
        let inspector = self.tester.inspector();
        inspector.explain(&mut evidence, protocol, number, Answered::Refused);
        let (holders, at) = (&evidence.holders, evidence.taken_at);
        if let Some(expected) = &self.expected {
            port.tested = Some((rows, now.steady));
            let listeners = bind::selectable_listeners(&port.target, holders, family);
            let listeners = listeners.into_iter().cloned().collect();
            let is_expected = port.match_server(expected, listeners, (&evidence.processes, at));
            return Ok(is_expected && !port.is_diverted(&evidence.redirects));
        }
        let listeners = bind::reachable_listeners(&port.target, holders, family);
        port.holders = listeners.into_iter().cloned().collect();
        port.seen_at = at;
        Ok(true)
    }
}

fn row_key(holder: &Holder) -> RowKey {
    let socket = &holder.socket;
    (socket.inode, socket.state, socket.local, socket.remote)
}

impl Port {
    fn forget_listeners(&mut self) {
        self.holders.clear();
        self.others.clear();
        (self.server, self.tested, self.diverted_by) = (None, None, None);
    }
}

/// Binds, unless that could get in the way of a server: a UDP port with a row is not bound. Whether a server that sets
/// `SO_REUSEADDR` could start.
pub(super) fn can_be_bound(target: &Target, has_row: bool) -> bool {
    let Target {
        protocol, address, ..
    } = *target;
    if protocol == Protocol::Udp && has_row {
        return false;
    }
    let probes = bind::probe(protocol, address, target.first_port(), &|_| false);
    let is_bound = |probe: &Probe| probe.result.is_ok();
    // Without IPv6 on this machine, servers use IPv4 alone.
    let is_any_family = address.single().is_none();
    let is_missing = |probe: &Probe| is_any_family && probe.result.is("EAFNOSUPPORT");
    let is_fine = |probe: &Probe| is_bound(probe) || is_missing(probe);
    probes.iter().any(is_bound) && probes.iter().all(is_fine)
}
