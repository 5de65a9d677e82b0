//! Waits until a port is free, or until something listens there.
//!
//! Each look reads the rows of the port and binds as gently as can be: TCP with `SO_REUSEADDR`, which
//! was never seen to keep a server from starting; UDP, which has no such bind, only while no row of the
//! port is left. The whole bind test, which names who has the port, is made at first, when the rows
//! have changed, and when a bind succeeded.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::bind_test::BindTester;
use super::clock::Clock;
use crate::bind::{self, Cause, Outcome, Suite, Target, Verdict};
use crate::model::{Answered, Endpoint, Evidence, GapCode, Holder, Moment, Protocol, State};
use crate::source::Investigator;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A server that sets `SO_REUSEADDR` can bind every address that was asked for.
    Free,
    /// A listener covers the address.
    Listening,
}

/// One port that is waited for.
pub struct Waiter {
    target: Target,
    wanted: Wanted,
    clock: Clock,
    investigator: Investigator,
    tester: BindTester,
    /// The rows when the bind test was last made, and when that was.
    tested: Option<(Vec<Trace>, Duration)>,
    /// Who has the port, or had it last: as the last look that asked for owners told.
    holders: Vec<Holder>,
    seen_at: Moment,
    /// What the last test said in one sentence.
    summary: Option<String>,
}

/// What tells one row from another.
type Trace = (Option<u32>, State, Endpoint, Option<Endpoint>);

/// What one look found.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// It is so.
    Yes,
    /// It is not so yet.
    NotYet,
    /// It can't become so by waiting: why.
    Never(String),
}

/// With rows that change all the time the owners are not asked for more often than this.
const LEAST_BETWEEN_TESTS: Duration = Duration::from_secs(1);

impl Waiter {
    /// Waits for the first port of the target.
    pub fn new(target: Target, wanted: Wanted, clock: Clock) -> Self {
        Self {
            target,
            wanted,
            clock,
            investigator: Investigator::new(),
            tester: BindTester::new(clock),
            tested: None,
            holders: Vec::new(),
            seen_at: clock.now(),
            summary: None,
        }
    }

    /// The port.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// For [`Wanted::Free`], the sockets that were last in the way; for [`Wanted::Listening`], those
    /// that listen.
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// When those were seen.
    pub const fn seen_at(&self) -> Moment {
        self.seen_at
    }

    /// What the last bind test said.
    pub fn summary(&self) -> Option<&str> {
        self.summary.as_deref()
    }

    /// Looks once.
    pub fn look(&mut self) -> Look {
        let (protocol, port) = (self.target.protocol, self.target.first_port());
        let now = self.clock.now();
        let evidence = self.investigator.rows(protocol, port, now);
        match self.wanted {
            Wanted::Free => self.look_whether_free(&evidence, now),
            Wanted::Listening => self.look_whether_listening(evidence),
        }
    }

    fn look_whether_free(&mut self, evidence: &Evidence, now: Moment) -> Look {
        let rows: Vec<Trace> = evidence.holders.iter().map(trace).collect();
        let is_due = match &self.tested {
            None => true,
            Some((then, at)) => {
                *then != rows && now.steady.saturating_sub(*at) >= LEAST_BETWEEN_TESTS
            }
        };
        if !is_due && !self.can_be_bound(evidence) {
            return Look::NotYet;
        }
        self.tested = Some((rows, now.steady));
        let verdict = {
            let examination = self.tester.test(&self.target);
            Verdict::of(&examination, &TimeZone::system(), self.clock.now())
        };
        match (verdict.outcome, verdict.cause) {
            (Outcome::Free, _) => return Look::Yes,
            (Outcome::Denied, _) | (_, Cause::ProbeFailed | Cause::ScopeNeeded) => {
                return Look::Never(verdict.summary);
            }
            _ => {}
        }
        if !verdict.blockers.is_empty() {
            self.holders = verdict.blockers;
            self.seen_at = verdict.taken_at;
        }
        self.summary = Some(verdict.summary);
        Look::NotYet
    }

    /// Binds, if nobody can be hurt by it.
    fn can_be_bound(&self, evidence: &Evidence) -> bool {
        let Target {
            protocol, address, ..
        } = self.target;
        if protocol == Protocol::Udp && !evidence.holders.is_empty() {
            return false;
        }
        let port = self.target.first_port();
        let probes = bind::probe(protocol, address, port, Suite::Repeatable);
        probes.iter().all(|probe| probe.result.is_ok())
    }

    fn look_whether_listening(&mut self, mut evidence: Evidence) -> Look {
        if bind::covering(&self.target, &evidence.holders).is_empty() {
            let mut unread = evidence
                .gaps
                .iter()
                .filter(|gap| gap.code == GapCode::Table);
            return match unread.next() {
                Some(gap) => Look::Never(gap.message.to_string()),
                None => Look::NotYet,
            };
        }
        let (protocol, port) = (self.target.protocol, self.target.first_port());
        self.investigator
            .explain(&mut evidence, protocol, port, Answered::Refused);
        let listeners = bind::covering(&self.target, &evidence.holders);
        self.holders = listeners.into_iter().cloned().collect();
        self.seen_at = evidence.taken_at;
        Look::Yes
    }
}

fn trace(holder: &Holder) -> Trace {
    let socket = &holder.socket;
    (socket.inode, socket.state, socket.local, socket.remote)
}
