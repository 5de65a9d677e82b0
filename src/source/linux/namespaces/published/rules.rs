//! The ports that rules of the packet filter send to addresses elsewhere, read by a thread in the background: printing the
//! rules takes 20 ms and more.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use crate::model::{Moment, Namespace, NamespaceId, Protocol, Redirect};
use crate::source::linux::redirects::PacketFilter;

/// Rules are read again after this time if the namespaces are others, and after that one in any case.
const AFTER_CHANGE: Duration = Duration::from_secs(1);
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// The most ports of rules.
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
    answer: Option<Receiver<Vec<Rule>>>,
    read_at: Option<Moment>,
    /// The namespaces when they were read.
    namespaces: Vec<NamespaceId>,
    are_known: bool,
}

impl Rules {
    /// Begins to read them if they may have changed, and takes what was read. Whether that is there for the first time.
    pub(super) fn update(
        &mut self,
        namespaces: &HashMap<NamespaceId, Arc<Namespace>>,
        at: Moment,
        is_complete: bool,
    ) -> bool {
        let mut ids: Vec<NamespaceId> = namespaces.keys().copied().collect();
        ids.sort_unstable();
        let wait = if ids == self.namespaces {
            REREAD_AFTER
        } else {
            AFTER_CHANGE
        };
        let is_due = self.read_at.is_none_or(|then| then.age(at) >= wait);
        if self.answer.is_none() && is_due && !ids.is_empty() {
            (self.read_at, self.namespaces) = (Some(at), ids);
            let (sender, answer) = channel();
            let read = move || drop(sender.send(read()));
            let thread = std::thread::Builder::new().spawn(read);
            self.answer = thread.is_ok().then_some(answer);
        }
        let Some(answer) = &self.answer else {
            return false;
        };
        let received = if is_complete {
            answer.recv().map_err(|_| TryRecvError::Disconnected)
        } else {
            answer.try_recv()
        };
        match received {
            Err(TryRecvError::Empty) => false,
            Err(TryRecvError::Disconnected) => {
                self.answer = None;
                false
            }
            Ok(rules) => {
                self.answer = None;
                self.known.clear();
                for rule in rules {
                    self.known.entry(rule.on).or_default().push(rule);
                }
                !std::mem::replace(&mut self.are_known, true)
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

fn read() -> Vec<Rule> {
    let mut filter = PacketFilter::default();
    let mut rules = Vec::new();
    for port in filter.ports_sent_elsewhere() {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let (redirects, _) = filter.redirects(protocol, port);
            for rule in redirects
                .iter()
                .filter_map(|one| rule(one, (protocol, port)))
            {
                if rules.len() < MOST && !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
    rules
}

/// A redirect to one address of another machine or namespace, for packets to any of our addresses or to one.
fn rule(redirect: &Redirect, on: (Protocol, u16)) -> Option<Rule> {
    let address = redirect
        .to
        .address
        .filter(|address| !address.is_loopback())?;
    let any = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let mut conditions = redirect.conditions.iter();
    let host = conditions.find_map(|condition| condition.strip_prefix("are for ")?.parse().ok());
    Some(Rule {
        on,
        host: host.unwrap_or(any),
        address,
        port: redirect.to.port.unwrap_or(on.1),
    })
}
