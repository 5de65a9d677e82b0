//! Waits until ports are free, or until something listens there.
//!
//! Each look reads the rows of the ports that are not so yet and binds as gently as can be: TCP with
//! `SO_REUSEADDR`, which was never seen to keep a server from starting; UDP, which has no such bind, only
//! while no row of the port is left. The whole bind test, which names who has the port, is made when a bind
//! failed at first, and when the rows have changed since. A port that is so is left alone until all are.

use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::inspect::{BindTester, Survey, has_row};
use crate::clock::Clock;
use crate::bind::{self, Cause, Outcome, Probe, Target, Verdict};
use crate::model::{
    Answered, Endpoint, Evidence, Family, GapCode, Holder, Moment, Protocol, State,
};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A server that sets `SO_REUSEADDR` can bind every address that was asked for.
    Free,
    /// A listener covers the address, in this family if one is named.
    Listening(Option<Family>),
}

/// Ports that are waited for, one target for each.
pub struct Waiting {
    ports: Vec<Port>,
    wanted: Wanted,
    clock: Clock,
    tester: BindTester,
}

/// One of the ports.
pub struct Port {
    /// The port.
    pub target: Target,
    /// Whether it is so.
    pub is_reached: bool,
    /// When it was seen to become so, if it was not at first.
    pub changed_at: Option<Moment>,
    /// Waiting for it to be free, the sockets that were last in the way; waiting for it to be listened
    /// on, those that listen.
    pub holders: Vec<Holder>,
    /// When those were seen.
    pub seen_at: Moment,
    /// What the last bind test said of it in one sentence.
    pub summary: Option<String>,
    /// The rows when the bind test was last made, and when that was.
    tested: Option<(Vec<Trace>, Duration)>,
    /// How often in a row the table could not be read, and why the last time.
    unread: (u32, String),
}

/// What tells one row from another.
type Trace = (Option<u32>, State, Endpoint, Option<Endpoint>);

/// Why waiting can't help: the port, and one sentence.
#[derive(Debug, PartialEq, Eq)]
pub struct WaitError {
    /// The port.
    pub target: Target,
    /// What was found out.
    pub why: String,
}

/// With rows that change all the time the owners are not asked for more often than this.
const LEAST_BETWEEN_TESTS: Duration = Duration::from_secs(1);

/// A table that can't be read so often in a row will not be read the next time either.
const MAX_UNREAD: u32 = 5;

impl Waiting {
    /// Begins to wait for the first port of each target.
    pub fn new(targets: Vec<Target>, wanted: Wanted, clock: Clock) -> Self {
        let port = |target| Port {
            target,
            is_so: false,
            changed_at: None,
            holders: Vec::new(),
            seen_at: clock.now(),
            summary: None,
            tested: None,
            unread: (0, String::new()),
        };
        Self {
            ports: targets.into_iter().map(port).collect(),
            wanted,
            clock,
            tester: BindTester::new(clock),
        }
    }

    /// The ports.
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// Looks every `interval` until all ports are so at the same time, or `timeout` is over; whether
    /// they are. Between two looks `show` may tell how it stands.
    ///
    /// # Errors
    /// Why one of them can never be so.
    pub fn wait(
        &mut self,
        interval: Duration,
        timeout: Option<Duration>,
        mut show: impl FnMut(&[Port]),
    ) -> Result<bool, WaitError> {
        let end = timeout.map(|timeout| self.clock.now().steady + timeout);
        let mut is_first = true;
        loop {
            self.look_at_all(is_first, end)?;
            if self.ports.iter().all(|port| port.is_reached) && self.are_all_at_once() {
                return Ok(true);
            }
            is_first = false;
            let left = self.left(end);
            if left.is_zero() {
                return self.outcome_in_the_end();
            }
            show(&self.ports);
            thread::sleep(interval.min(left));
        }
    }

    /// That it did not happen, if that was looked at.
    fn outcome_in_the_end(&self) -> Result<bool, WaitError> {
        let is_unread = |port: &&Port| !port.is_reached && port.unread.0 > 0;
        match self.ports.iter().find(is_unread) {
            Some(port) => Err(WaitError {
                target: port.target.clone(),
                why: port.unread.1.clone(),
            }),
            None => Ok(false),
        }
    }

    fn left(&self, end: Option<Duration>) -> Duration {
        end.map_or(Duration::MAX, |end| {
            end.saturating_sub(self.clock.now().steady)
        })
    }

    /// Looks once at every port that is not so: at first at all of them, later as far as time allows.
    fn look_at_all(&mut self, is_first: bool, end: Option<Duration>) -> Result<(), WaitError> {
        self.survey();
        for at in 0..self.ports.len() {
            if self.ports[at].is_so {
                continue;
            }
            if !is_first && self.left(end).is_zero() {
                return Ok(());
            }
            self.look_at(at)?;
            let port = &mut self.ports[at];
            if port.is_reached && !is_first {
                port.changed_at = Some(self.clock.now());
            }
        }
        Ok(())
    }

    /// Whether several ports, which were looked at one after the other, are so at the same time. Those
    /// that are not are waited for again.
    fn are_all_at_once(&mut self) -> bool {
        if self.ports.len() == 1 {
            return true;
        }
        let survey = self.survey();
        // There and back: what is so before and after another was looked at was so with it.
        let last = self.ports.len() - 1;
        for at in (0..=last).chain((0..last).rev()) {
            let is_so = match self.wanted {
                Goal::Free => {
                    let port = &self.ports[at];
                    port.can_be_bound(has_row(&survey, &port.target))
                }
                Goal::Listening(family) => {
                    let evidence = self.rows(at);
                    let target = &self.ports[at].target;
                    !bind::reachable_listeners(target, &evidence.holders, family).is_empty()
                }
            };
            let port = &mut self.ports[at];
            port.is_reached &= is_so;
            if !is_so {
                port.tested = None;
            }
        }
        self.ports.iter().all(|port| port.is_reached)
    }

    /// With several ports, those without a row need not be asked for one by one. Returns which have one.
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

    fn look_at(&mut self, at: usize) -> Result<(), WaitError> {
        let evidence = self.rows(at);
        let hopeless = match self.wanted {
            Goal::Free => self.look_whether_free(at, &evidence),
            Goal::Listening(family) => self.look_whether_listening(at, evidence, family),
        };
        match hopeless {
            Some(why) => Err(WaitError {
                target: self.ports[at].target.clone(),
                why,
            }),
            None => Ok(()),
        }
    }

    fn look_whether_free(&mut self, at: usize, evidence: &Evidence) -> Option<String> {
        let (port, now) = (&mut self.ports[at], self.clock.now());
        if port.can_be_bound(!evidence.holders.is_empty()) {
            port.is_reached = true;
            return None;
        }
        let rows: Vec<Trace> = evidence.holders.iter().map(trace).collect();
        if let Some((then, at)) = &port.tested
            && (*then == rows || now.steady.saturating_sub(*at) < LEAST_BETWEEN_TESTS)
        {
            return None;
        }
        port.tested = Some((rows, now.steady));
        let test_result = self.tester.test(&port.target);
        let verdict = Verdict::of(&test_result, &TimeZone::system(), self.clock.now());
        match (verdict.outcome, verdict.cause) {
            (Outcome::Free, _) => {
                port.is_reached = true;
                return None;
            }
            (Outcome::Denied, _) | (_, Cause::ProbeFailed | Cause::ScopeNeeded) => {
                return Some(verdict.summary);
            }
            _ => {}
        }
        if !verdict.blockers.is_empty() {
            port.holders = verdict.blockers;
            port.seen_at = verdict.taken_at;
        }
        port.summary = Some(verdict.summary);
        None
    }

    fn look_whether_listening(
        &mut self,
        at: usize,
        mut evidence: Evidence,
        family: Option<Family>,
    ) -> Option<String> {
        let port = &mut self.ports[at];
        port.holders.clear();
        if bind::reachable_listeners(&port.target, &evidence.holders, family).is_empty() {
            let mut unread = evidence
                .gaps
                .iter()
                .filter(|gap| gap.code == GapCode::Table);
            let Some(gap) = unread.next() else {
                port.unread.0 = 0;
                return None;
            };
            port.unread = (port.unread.0 + 1, gap.message.to_string());
            return (port.unread.0 >= MAX_UNREAD).then(|| gap.message.to_string());
        }
        let (protocol, number) = (port.target.protocol, port.target.first_port());
        let inspector = self.tester.inspector();
        inspector.explain(&mut evidence, protocol, number, Answered::Refused);
        let listeners = bind::reachable_listeners(&port.target, &evidence.holders, family);
        port.holders = listeners.into_iter().cloned().collect();
        port.seen_at = evidence.taken_at;
        port.is_reached = true;
        None
    }
}

impl Port {
    /// Binds, if nobody can be hurt by it.
    fn can_be_bound(&self, has_row: bool) -> bool {
        let Target {
            protocol, address, ..
        } = self.target;
        if protocol == Protocol::Udp && has_row {
            return false;
        }
        let port = self.target.first_port();
        let probes = bind::probe(protocol, address, port, &|_| false);
        let (bound, refused): (Vec<_>, Vec<_>) =
            probes.iter().partition(|probe| probe.result.is_ok());
        // Where there is no IPv6, servers make do with IPv4.
        let asks_both = address.single().is_none();
        let is_missing = |probe: &&Probe| asks_both && probe.result.is("EAFNOSUPPORT");
        !bound.is_empty() && refused.iter().all(is_missing)
    }
}

fn trace(holder: &Holder) -> Trace {
    let socket = &holder.socket;
    (socket.inode, socket.state, socket.local, socket.remote)
}
