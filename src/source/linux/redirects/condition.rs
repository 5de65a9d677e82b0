//! Conditions on a packet that depend on unknown properties: combining and describing them. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::Protocol;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Condition {
    pub(super) subject: Subject,
    pub(super) value: String,
    pub(super) is_negated: bool,
    parts: Vec<Condition>,
}

/// The subject of a condition, in the order in which conditions are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Subject {
    InInterface,
    Source,
    SourcePort,
    Destination,
    /// An address of this machine, on any interface; its value is empty.
    OwnAddress,
    User,
    Group,
    Mark,
    Version,
    /// Any other verb phrase, positive: `belong to a transparent socket`.
    Phrase,
    /// All of its parts at the same time. Negated where an earlier rule took those packets.
    All,
    /// Chosen at random or in turn: not a property of the packet.
    Share,
    Unknown,
}

impl Condition {
    pub(super) fn new(subject: Subject, value: impl Into<String>) -> Self {
        Self {
            subject,
            value: value.into(),
            is_negated: false,
            parts: Vec::new(),
        }
    }

    pub(super) fn negated(mut self) -> Self {
        self.is_negated = !self.is_negated;
        self
    }

    /// That a packet does not meet all of these.
    pub(super) fn none_of(mut all: Vec<Self>) -> Self {
        if all.len() == 1 {
            return all.remove(0).negated();
        }
        Self {
            parts: all,
            ..Self::new(Subject::All, "")
        }
        .negated()
    }

    pub(super) fn is_share(&self) -> bool {
        self.subject == Subject::Share
    }

    /// Whether it is true for every packet for a server here: with TCP, no packet is for another address. It is still
    /// listed, but does not restrict later rules.
    pub(super) fn is_certain(&self, protocol: Protocol) -> bool {
        protocol == Protocol::Tcp && *self == Self::new(Subject::OwnAddress, "")
    }

    /// As a verb phrase whose subject is packets.
    pub(super) fn phrase(&self) -> String {
        let Self { value, .. } = self;
        let verb = match self.subject {
            Subject::InInterface => "come in by ",
            Subject::Source => "come from ",
            Subject::SourcePort => "come from port ",
            Subject::Destination => "are for ",
            Subject::OwnAddress if self.is_negated => return "are broadcast or multicast".into(),
            Subject::OwnAddress => "are for this machine's own addresses",
            Subject::User => "are sent by user ",
            Subject::Group => "are sent by group ",
            Subject::Mark => "have the mark ",
            Subject::Version => "are ",
            Subject::Phrase | Subject::All => "",
            Subject::Share => "are chosen at random",
            Subject::Unknown => "meet a condition that was not understood: ",
        };
        let parts: Vec<_> = self.parts.iter().map(Self::phrase).collect();
        let phrase = format!("{verb}{value}{}", parts.join(" and "));
        match phrase.strip_prefix("are ") {
            _ if !self.is_negated => phrase,
            _ if self.subject == Subject::All => format!("are none of those that {phrase}"),
            Some(rest) => format!("are not {rest}"),
            None => format!("do not {phrase}"),
        }
    }

    /// Whether no packet can meet both.
    fn excludes(&self, other: &Self) -> bool {
        // Two random choices are independent.
        if self.is_share() || other.is_share() {
            return false;
        }
        let contains = self.subject.contains(&self.value, &other.value);
        let is_within = self.subject.contains(&other.value, &self.value);
        let is_same_subject = self.subject == other.subject;
        match contains.zip(is_within).filter(|_| is_same_subject) {
            None => *other == self.clone().negated(),
            Some((contains, is_within)) => match (self.is_negated, other.is_negated) {
                (false, false) => {
                    // A list of interfaces may overlap every one.
                    let is_list = self.value.contains(' ') || other.value.contains(' ');
                    !contains && !is_within && !is_list
                }
                (false, true) => is_within,
                (true, false) => contains,
                (true, true) => false,
            },
        }
    }
}

/// Combines conditions that all hold: each once and none that the others imply. `None` if they contradict each other.
pub(super) fn combine(conditions: impl IntoIterator<Item = Condition>) -> Option<Vec<Condition>> {
    let mut all: Vec<Condition> = Vec::new();
    for condition in conditions {
        if !all.contains(&condition) {
            all.push(condition);
        }
    }
    let (simple, compound): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|one| one.parts.is_empty() || !one.is_negated);
    let excluded = |one: &Condition| simple.iter().any(|other| other.excludes(one));
    if simple.iter().any(excluded) {
        return None;
    }
    let implied = |one: &Condition| {
        let opposite = one.clone().negated();
        let mut others = simple.iter().filter(|other| *other != one);
        others.any(|other| other.excludes(&opposite))
    };
    let mut kept: Vec<_> = simple.iter().filter(|one| !implied(one)).cloned().collect();
    for condition in compound {
        if condition.parts.iter().any(excluded) {
            continue;
        }
        let is_open = |part: &Condition| !simple.contains(part) && !implied(part);
        let open: Vec<_> = condition.parts.into_iter().filter(is_open).collect();
        if open.is_empty() {
            return None;
        }
        let left = Condition::none_of(open);
        if !kept.contains(&left) {
            kept.push(left);
        }
    }
    Some(kept)
}

impl Subject {
    /// Whether a network or a name of interfaces contains another one; `eth+` and `eth*` are all that begin like this.
    /// `None` where values have no parts.
    fn contains(self, outer: &str, inner: &str) -> Option<bool> {
        let net = |text: &str| {
            let host = text.parse::<IpAddr>().map(IpNet::from);
            host.or_else(|_| text.parse()).ok()
        };
        match self {
            Self::Source | Self::Destination => Some(net(outer)?.contains(&net(inner)?)),
            Self::InInterface => {
                let prefix = outer.strip_suffix(['+', '*']);
                Some(outer == inner || prefix.is_some_and(|prefix| inner.starts_with(prefix)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(source: &str) -> Condition {
        Condition::new(Subject::Source, source)
    }

    #[test]
    fn contradicting_conditions_match_no_packet() {
        assert_eq!(combine([from("a"), from("a").negated()]), None);
        assert_eq!(combine([from("a"), from("a")]), Some(vec![from("a")]));
        let not_both = Condition::none_of(vec![from("a"), from("b")]);
        assert_eq!(
            combine([from("a"), not_both.clone()]),
            Some(vec![from("a"), from("b").negated()])
        );
        assert_eq!(combine([from("a"), from("b"), not_both.clone()]), None);
        let neither = from("a").negated();
        assert_eq!(combine([neither.clone(), not_both]), Some(vec![neither]));
    }

    #[test]
    fn networks_and_interfaces_contain_each_other() {
        let not = |net: &str| from(net).negated();
        assert_eq!(combine([from("10.0.0.1"), not("10.0.0.0/8")]), None);
        assert_eq!(combine([from("10.0.0.1"), from("10.0.0.2")]), None);
        let inner = vec![from("10.0.0.1")];
        assert_eq!(
            combine([from("10.0.0.0/8"), from("10.0.0.1")]),
            Some(inner.clone())
        );
        assert_eq!(combine([from("10.0.0.1"), not("11.0.0.0/8")]), Some(inner));
        let both = vec![from("10.0.0.0/8"), not("10.0.0.1")];
        assert_eq!(combine(both.clone()), Some(both));
        let by = |name: &str| Condition::new(Subject::InInterface, name);
        assert_eq!(combine([by("eth0"), by("docker0")]), None);
        assert_eq!(combine([by("eth0"), by("eth+").negated()]), None);
        assert_eq!(
            combine([by("eth0"), by("docker0").negated()]),
            Some(vec![by("eth0")])
        );
        let list = vec![by("eth0"), by("eth0 or eth1")];
        assert_eq!(combine(list.clone()), Some(list));
    }

    #[test]
    fn conditions_are_verb_phrases() {
        let negated = from("10.0.0.0/8").negated();
        assert_eq!(negated.phrase(), "do not come from 10.0.0.0/8");
        let both = Condition::none_of(vec![from("a"), Condition::new(Subject::User, "7")]);
        assert_eq!(
            both.phrase(),
            "are none of those that come from a and are sent by user 7"
        );
    }
}
