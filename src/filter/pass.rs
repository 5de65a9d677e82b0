//! Whether a row matches a filter.
//!
//! A term is true, false, or undecided (`None`): of a socket whose owner is not known yet, and about an age of which only
//! a lower bound is known. Terms combine by Kleene's rules: an answer that is certain needs no more terms.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::expr::{Counter, CounterTime, Expr, QueueEnd, Term};
use super::number::{Comparison, Numbers};
use super::subject::Subject;
use super::{Context, Filter};
use crate::model::{BuildSpread, Process, ProcessRule, Socket, State};
use crate::track::{Bytes, Flow, Flows, Row};

/// A filter applied to many rows of one table: it keeps what rows share.
///
/// Start a new one for each table, at the moment of its [`Context`].
pub struct Pass<'a> {
    filter: &'a Filter,
    context: Context,
    /// Whose rows match at all.
    mine: Option<&'a ProcessRule>,
    /// By the address of an owner, whether that rule admits it: its files are read once, not for each of its sockets.
    admitted: HashMap<usize, bool, BuildSpread>,
    /// The counters of the rows, if they are read.
    flows: Option<&'a Flows>,
    /// The comparisons with ages in it.
    ages: Vec<&'a Comparison<Duration>>,
    /// By needle and by text or list of owners, whether the one is in the other. Both are known by their addresses in
    /// memory: as long as the pass borrows them (`'a`) they stay where they are, and nothing else gets their place.
    pub(super) known: HashMap<(usize, Place), bool, BuildSpread>,
    /// Addresses as they are printed before a port: `127.0.0.1`, `[::1]`.
    pub(super) addresses: HashMap<IpAddr, String>,
    /// The line of the current row, once a regex needed it.
    pub(super) line: String,
}

/// Where in memory a text or a list begins, and how long it is: an empty one may begin where another thing does.
pub(super) type Place = (usize, usize);

impl<'a> Pass<'a> {
    pub(super) fn new(filter: &'a Filter, context: &Context) -> Self {
        Self {
            filter,
            context: *context,
            mine: None,
            admitted: HashMap::default(),
            flows: None,
            ages: filter.ages(),
            known: HashMap::default(),
            addresses: HashMap::default(),
            line: String::new(),
        }
    }

    /// Only for rows with an owner that this rule admits.
    #[must_use]
    pub const fn with_mine(mut self, mine: Option<&'a ProcessRule>) -> Self {
        self.mine = mine;
        self
    }

    /// With the counters of the rows. Without them, terms about counters are undecided.
    #[must_use]
    pub fn with_flows(mut self, flows: &'a Flows) -> Self {
        self.flows = (flows.is_counted()).then_some(flows);
        self
    }

    /// Same answer as [`Filter::matches`], but with terms about counters.
    pub fn matches(&mut self, row: &'a Row) -> bool {
        let socket = &row.socket;
        self.find(&Subject {
            socket,
            row: Some(row),
        }) == Some(true)
    }

    /// On the steady clock: the first moment after now at which time alone can turn an answer about the row's age; from
    /// then on it has to be matched again.
    pub(crate) fn next_turn(&self, row: &Row) -> Option<Duration> {
        if self.ages.is_empty() {
            return None;
        }
        let now = self.context.now;
        let age = row.shown_age(now).duration();
        let turns = self.ages.iter().map(|comparison| comparison.turns_at());
        let ahead = turns.filter_map(|turn| turn.checked_sub(age));
        let left = ahead.filter(|left| !left.is_zero()).min()?;
        now.steady.checked_add(left)
    }

    /// Same answer as [`Filter::could_match`].
    pub fn could_match(&mut self, socket: &'a Socket) -> Option<bool> {
        self.find(&Subject { socket, row: None })
    }

    /// Whether it is true of the counters of a row, if there are any; `None` if counters are not read.
    fn holds_of_flow(
        &self,
        subject: &Subject<'_>,
        holds: impl FnOnce(&Flow) -> bool,
    ) -> Option<bool> {
        let (flows, row) = (self.flows?, subject.row?);
        Some(flows.of_row(row).as_ref().is_some_and(holds))
    }

    fn find(&mut self, subject: &Subject<'a>) -> Option<bool> {
        self.line.clear();
        let is_mine = self
            .mine
            .map_or(Some(true), |mine| self.is_mine(mine, subject));
        if is_mine == Some(false) {
            return is_mine;
        }
        let expr = self.filter.expr.as_ref();
        let matches = expr.map_or(Some(true), |expr| self.expr(expr, subject));
        combine(false, [is_mine, matches].into_iter())
    }

    /// Whether the rule admits any owner; `None` if the owners are not known yet.
    fn is_mine(&mut self, mine: &ProcessRule, subject: &Subject<'a>) -> Option<bool> {
        let mut admits = |process: &'a Arc<Process>| {
            let known = self.admitted.entry(Arc::as_ptr(process).addr());
            *known.or_insert_with(|| mine.check(process).is_ok())
        };
        Some(subject.owners()?.iter().any(&mut admits))
    }

    fn expr(&mut self, expr: &'a Expr, subject: &Subject<'a>) -> Option<bool> {
        match expr {
            Expr::Term(term) => self.term(term, subject),
            Expr::Not(inner) => self.expr(inner, subject).map(|matches| !matches),
            Expr::All(all) => combine(false, all.iter().map(|one| self.expr(one, subject))),
            Expr::Any(all) => combine(true, all.iter().map(|one| self.expr(one, subject))),
        }
    }

    fn term(&mut self, term: &'a Term, subject: &Subject<'a>) -> Option<bool> {
        let socket = subject.socket;
        match term {
            Term::Number(number) => {
                let remote_port = socket.remote.map(|remote| remote.port);
                let mut ports = [socket.port(), remote_port].into_iter().flatten();
                if socket.protocol.has_ports() && ports.any(|port| starts_with(port, *number)) {
                    return Some(true);
                }
                subject.has_pid(|pid| pid == *number)
            }
            Term::Transport(transport) => {
                let is_family = |family| socket.family() == family;
                let is_protocol = socket.protocol == transport.protocol;
                Some(is_protocol && transport.family.is_none_or(is_family))
            }
            Term::Endpoint(side, pattern) => Some(pattern.matches(*side, socket)),
            Term::Pid(pids) => subject.has_pid(|pid| pids.contains(&pid)),
            Term::Text(needle) => self.row_contains(needle, subject),
            Term::Part(part, needle) => self.part_contains(*part, needle, subject),
            // A closed row has two states: the last one it had, and closed.
            Term::State(State::Closed) if subject.is_closed() => Some(true),
            Term::State(state) => Some(socket.state == *state),
            Term::Age(comparison) => comparison.holds_for(subject.age(self.context.now)?),
            Term::Queue(end, sizes) => {
                let queue = socket.queue.filter(|_| !subject.is_closed());
                let fill = queue.map(|queue| match end {
                    QueueEnd::Receive => queue.receive,
                    QueueEnd::Send => queue.send,
                });
                Some(fill.is_some_and(|fill| sizes.contains(&fill)))
            }
            Term::Counter(counter, numbers) => {
                let holds = |flow: &Flow| holds(*counter, numbers, flow, socket);
                self.holds_of_flow(subject, holds)
            }
            Term::CounterTime(time, comparison) => self.holds_of_flow(subject, |flow| {
                let tcp = flow.counters.tcp.as_ref();
                tcp.is_some_and(|tcp| match time {
                    // Before the first measurement it is zero.
                    CounterTime::Rtt => !tcp.rtt.is_zero() && comparison.holds(&tcp.rtt),
                    CounterTime::Idle => comparison.holds(&tcp.idle()),
                })
            }),
            Term::Is(flag) => (flag.matches)(subject, &self.context),
            Term::Regex(pattern) => self.line_matches(pattern, subject),
        }
    }
}

/// Whether a counter has one of these numbers. A socket without it has none.
fn holds(counter: Counter, numbers: &Numbers<u64>, flow: &Flow, socket: &Socket) -> bool {
    let number = match counter {
        Counter::Rate => flow.rates.map(Bytes::total),
        Counter::Rx => flow.totals().map(|totals| totals.received),
        Counter::Tx => flow.totals().map(|totals| totals.sent),
        Counter::Retr => flow.counters.tcp.map(|tcp| tcp.retransmits.into()),
        Counter::Drops => {
            let drops = flow.counters.drops.filter(|_| socket.counts_drops());
            drops.map(u64::from)
        }
    };
    number.is_some_and(|number| numbers.contains(&number))
}

/// The decisive answer, if there is one; otherwise its opposite, unless an answer is undecided.
fn combine(decisive: bool, answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut combined = Some(!decisive);
    for answer in answers {
        match answer {
            Some(found) if found == decisive => return Some(decisive),
            Some(_) => {}
            None => combined = None,
        }
    }
    combined
}

/// Whether the digits of the port start with those of the number.
fn starts_with(port: u16, number: u32) -> bool {
    let mut start = u32::from(port);
    while start > number && start > 9 {
        start /= 10;
    }
    start == number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_combine_by_kleenes_rules() {
        let all = |answers: &[Option<bool>]| combine(false, answers.iter().copied());
        let any = |answers: &[Option<bool>]| combine(true, answers.iter().copied());
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(all(&[yes, yes]), yes);
        assert_eq!(all(&[None, no]), no, "one no is enough");
        assert_eq!(all(&[yes, None, yes]), None);
        assert_eq!(any(&[no, no]), no);
        assert_eq!(any(&[None, yes]), yes, "one yes is enough");
        assert_eq!(any(&[no, None, no]), None);
    }
}
