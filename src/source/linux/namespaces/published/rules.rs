//! The ports that rules of the packet filter send to addresses elsewhere, read by a thread in the background: printing the
//! rules takes 20 ms and more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use crate::model::{Moment, Namespace, NamespaceId, Protocol, Redirect, RedirectedPackets};
use crate::source::Meter;
use crate::source::linux::redirects::PacketFilter;

/// Rules are read again after this time if the namespaces are others, and after that one in any case.
const AFTER_CHANGE: Duration = Duration::from_secs(1);
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// They are read again after this many times what that costs at the earliest.
const TIMES_COST: u32 = 50;

/// How long a single listing waits for them.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The most ports that are traced through the rules, for how long, and the most rules that are kept.
const MOST_PORTS: usize = 1024;
const MOST_TIME: Duration = Duration::from_millis(300);
const MOST: usize = 4096;

/// A port that is sent elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) on: (Protocol, u16),
    /// The address of ours that packets are for.
    pub(super) host: IpAddr,
    pub(super) address: IpAddr,
    pub(super) port: u16,
}

#[derive(Default)]
pub(super) struct Rules {
    known: BTreeMap<(Protocol, u16), Vec<Rule>>,
    answer: Option<Receiver<Answer>>,
    read_at: Option<Moment>,
    /// When reading those that are known began.
    known_at: Option<Moment>,
    /// How long it took to read them.
    cost: Duration,
    /// The last port that was traced, if others are left.
    traced_to: Option<u16>,
    /// The namespaces when they were read.
    namespaces: Vec<NamespaceId>,
    are_known: bool,
}

/// What a thread has read.
struct Answer {
    /// Every port that rules send elsewhere.
    ports: BTreeSet<u16>,
    /// Those that were traced.
    traced: BTreeSet<u16>,
    traced_to: Option<u16>,
    rules: Vec<Rule>,
    cost: Duration,
}

impl Rules {
    /// Begins to read them if they may have changed, and takes what was read. Whether that is there for the first time.
    /// `is_single`: there is no later snapshot, so this one waits for them. `is_urgent`: what is known of them may be wrong.
    pub(super) fn update(
        &mut self,
        namespaces: &HashMap<NamespaceId, Arc<Namespace>>,
        at: Moment,
        is_single: bool,
        is_urgent: bool,
    ) -> bool {
        let mut ids: Vec<NamespaceId> = namespaces.keys().copied().collect();
        ids.sort_unstable();
        let is_same = ids == self.namespaces && self.traced_to.is_none();
        let wait = if is_same && !is_urgent {
            REREAD_AFTER
        } else {
            AFTER_CHANGE
        };
        let wait = wait.max(self.cost * TIMES_COST);
        let is_due = self.read_at.is_none_or(|then| then.age(at) >= wait);
        if self.answer.is_none() && is_due && (!ids.is_empty() || !self.known.is_empty()) {
            (self.read_at, self.namespaces) = (Some(at), ids);
            let (sender, answer) = channel();
            let after = self.traced_to;
            let read = move || drop(sender.send(read(after)));
            let thread = std::thread::Builder::new().spawn(read);
            self.answer = thread.is_ok().then_some(answer);
        }
        let Some(answer) = &self.answer else {
            return false;
        };
        let received = if is_single {
            answer.recv_timeout(MAX_WAIT).map_err(|error| match error {
                RecvTimeoutError::Timeout => TryRecvError::Empty,
                RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
            })
        } else {
            answer.try_recv()
        };
        match received {
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Disconnected) => {
                self.answer = None;
                false
            }
            Ok(answer) => {
                (self.answer, self.known_at) = (None, self.read_at);
                self.add(answer);
                !std::mem::replace(&mut self.are_known, true)
            }
        }
    }

    /// Whether reading them began after this moment.
    pub(super) fn were_read_after(&self, then: Moment) -> bool {
        self.known_at
            .is_some_and(|known_at| known_at.steady > then.steady)
    }

    /// Takes what was read; the rules for ports that were not reached stay as they were.
    fn add(&mut self, answer: Answer) {
        (self.cost, self.traced_to) = (answer.cost, answer.traced_to);
        let is_left = |port: &u16| answer.ports.contains(port) && !answer.traced.contains(port);
        self.known.retain(|(_, port), _| is_left(port));
        let mut count: usize = self.known.values().map(Vec::len).sum();
        for rule in answer.rules {
            let of_port = self.known.entry(rule.on).or_default();
            if count < MOST && !of_port.contains(&rule) {
                of_port.push(rule);
                count += 1;
            }
        }
    }

    /// The rule for a port, if there is only one.
    pub(super) fn of(&self, on: (Protocol, u16)) -> Option<Rule> {
        let rules = self.known.get(&on)?;
        let first = *rules.first()?;
        let is_same = |rule: &Rule| (rule.address, rule.port) == (first.address, first.port);
        rules.iter().all(is_same).then_some(first)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Rule> {
        self.known.values().flatten().copied()
    }
}

/// Reads the rules and traces ports from the one after `after` on.
fn read(after: Option<u16>) -> Answer {
    let mut total = Meter::start();
    let mut filter = PacketFilter::default();
    let ports = filter.ports_sent_elsewhere();
    let (mut meter, mut took) = (Meter::start(), Duration::ZERO);
    let (mut rules, mut traced) = (Vec::new(), BTreeSet::new());
    let mut traced_to = None;
    for port in in_turn(&ports, after).take(MOST_PORTS) {
        took += meter.lap();
        if took > MOST_TIME {
            break;
        }
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let (redirects, _) = filter.redirects(protocol, port);
            let of_port = redirects.iter();
            rules.extend(of_port.filter_map(|one| rule(one, (protocol, port))));
        }
        traced.insert(port);
        traced_to = Some(port);
    }
    Answer {
        traced_to: traced_to.filter(|_| traced.len() < ports.len()),
        ports,
        traced,
        rules,
        cost: total.lap(),
    }
}

/// All ports, from the one after `after` on.
fn in_turn(ports: &BTreeSet<u16>, after: Option<u16>) -> impl Iterator<Item = u16> {
    let is_next = move |port: &&u16| after.is_none_or(|after| **port > after);
    let next = ports.iter().filter(is_next);
    let before = ports.iter().filter(move |port| !is_next(port));
    next.chain(before).copied()
}

/// A redirect to one address of another machine or namespace, for all packets to any of our addresses or to one. What is sent
/// there under further conditions is not published.
fn rule(redirect: &Redirect, on: (Protocol, u16)) -> Option<Rule> {
    let address = redirect
        .to
        .address
        .filter(|address| !address.is_loopback())?;
    let any = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let host = redirect.destination.unwrap_or(any);
    // Packets for the loopback address come in from nowhere.
    let is_unreachable = host.is_loopback() && redirect.packets == RedirectedPackets::Incoming;
    (redirect.is_unconditional && !is_unreachable).then(|| Rule {
        on,
        host,
        address,
        port: redirect.to.port.unwrap_or(on.1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RedirectTarget, Text};

    /// Of more rules than there is time for, each reading showed others.
    #[test]
    fn ports_that_were_not_reached_keep_their_rules_and_come_next() {
        let of = |port| Rule {
            on: (Protocol::Tcp, port),
            host: [0, 0, 0, 0].into(),
            address: [172, 17, 0, 2].into(),
            port: 80,
        };
        let answer = |ports: &[u16], traced: &[u16]| Answer {
            ports: ports.iter().copied().collect(),
            traced: traced.iter().copied().collect(),
            traced_to: traced.last().copied(),
            rules: traced.iter().map(|&port| of(port)).collect(),
            cost: Duration::ZERO,
        };
        let mut rules = Rules::default();
        for (ports, traced, expected) in [
            (&[1, 2, 3, 4][..], &[1, 2][..], &[1, 2][..]),
            (&[1, 2, 3, 4], &[3, 4], &[1, 2, 3, 4]),
            (&[1, 3, 4], &[1], &[1, 3, 4]),
        ] {
            rules.add(answer(ports, traced));
            let known: Vec<u16> = rules.all().map(|rule| rule.on.1).collect();
            assert_eq!(known, expected);
        }
        let ports = BTreeSet::from([1, 2, 3, 4]);
        assert!(in_turn(&ports, Some(2)).eq([3, 4, 1, 2]));
        assert!(in_turn(&ports, None).eq([1, 2, 3, 4]));
    }

    /// A rule for the packets of one other machine was shown as a port published to every machine.
    #[test]
    fn a_conditional_rule_publishes_nothing() {
        use RedirectedPackets::{All, Incoming};
        let published = |destination: Option<&str>, packets, is_unconditional| {
            let redirect = Redirect {
                protocol: Protocol::Tcp,
                packets,
                conditions: vec![Text::new("are for 10.0.0.1")],
                destination: destination.map(|one| one.parse().unwrap()),
                is_unconditional,
                to: RedirectTarget {
                    address: "172.17.0.2".parse().ok(),
                    port: Some(80),
                    text: Text::new("172.17.0.2:80"),
                    is_unreachable: false,
                },
                place: Text::new("nftables ip nat x"),
                comment: None,
            };
            rule(&redirect, (Protocol::Tcp, 8080)).map(|rule| rule.host.to_string())
        };
        assert_eq!(published(None, All, true).as_deref(), Some("0.0.0.0"));
        assert_eq!(
            published(Some("10.0.0.9"), Incoming, true).as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(published(None, All, false), None);
        assert_eq!(published(Some("127.0.0.1"), Incoming, true), None);
        assert_eq!(
            published(Some("127.0.0.1"), All, true).as_deref(),
            Some("127.0.0.1")
        );
    }
}
