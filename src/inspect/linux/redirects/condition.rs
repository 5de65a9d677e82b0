//! Conditions on a packet that are not decided by what is known about it: how several combine, and their words.
//! Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rule::Packet;
use crate::model::Protocol;

/// Something that only the packet itself decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Condition {
    Simple {
        subject: Subject,
        value: String,
        is_negated: bool,
    },
    /// Not all of these at the same time: an earlier rule took those packets.
    NotAll(Vec<Condition>),
}

/// What a condition is about, in the order in which conditions are listed.
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
    /// Chosen at random or in turn: not a property of the packet.
    Share,
    /// Words of the tool that are not understood.
    Unknown,
}

impl Condition {
    pub(super) fn new(subject: Subject, value: impl Into<String>) -> Self {
        Self::Simple {
            subject,
            value: value.into(),
            is_negated: false,
        }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Simple {
                subject,
                value,
                is_negated,
            } => Self::Simple {
                subject,
                value,
                is_negated: !is_negated,
            },
            Self::NotAll(all) => Self::new(Subject::Phrase, joined(&all)),
        }
    }

    /// That a packet does not meet all of these.
    pub(super) fn none_of(mut all: Vec<Self>) -> Self {
        match all.len() {
            1 => all.remove(0).negated(),
            _ => Self::NotAll(all),
        }
    }

    pub(super) const fn is_share(&self) -> bool {
        matches!(
            self,
            Self::Simple {
                subject: Subject::Share,
                ..
            }
        )
    }

    /// Whether it is true of every packet for a server here: with TCP, none is for another address. It is listed all
    /// the same, and takes nothing from the rules after it.
    pub(super) fn is_certain(&self, packet: &Packet<'_>) -> bool {
        packet.protocol == Protocol::Tcp && *self == Self::new(Subject::OwnAddress, "")
    }

    pub(super) const fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Simple {
                subject: Subject::Unknown,
                is_negated: false,
                ..
            }
        )
    }

    /// The words of the tool, without a verb.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Simple { value, .. } => value,
            Self::NotAll(_) => "",
        }
    }

    /// As a verb phrase whose subject is packets.
    pub(super) fn phrase(&self) -> String {
        let (subject, value, is_negated) = match self {
            Self::Simple {
                subject,
                value,
                is_negated,
            } => (subject, value, *is_negated),
            Self::NotAll(all) => return format!("are none of those that {}", joined(all)),
        };
        let (verb, negative) = match subject {
            Subject::InInterface => ("come in by ", "do not come in by "),
            Subject::Source => ("come from ", "do not come from "),
            Subject::SourcePort => ("come from port ", "do not come from port "),
            Subject::Destination => ("are for ", "are not for "),
            Subject::OwnAddress => (
                "are for this machine's own addresses",
                "are broadcast or multicast",
            ),
            Subject::User => ("are sent by user ", "are not sent by user "),
            Subject::Group => ("are sent by group ", "are not sent by group "),
            Subject::Mark => ("have the mark ", "do not have the mark "),
            Subject::Version => ("are ", "are not "),
            Subject::Phrase => ("", "do not "),
            Subject::Share => ("are chosen at random", "are not chosen at random"),
            Subject::Unknown => (
                "meet a condition that was not understood: ",
                "do not meet a condition that was not understood: ",
            ),
        };
        if let (true, Subject::Phrase, Some(rest)) =
            (is_negated, subject, value.strip_prefix("are "))
        {
            return format!("are not {rest}");
        }
        let verb = if is_negated { negative } else { verb };
        format!("{verb}{value}")
    }
}

/// `come in by eth0 and come from 10.0.0.0/8`.
fn joined(all: &[Condition]) -> String {
    let phrases: Vec<_> = all.iter().map(Condition::phrase).collect();
    phrases.join(" and ")
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
        .partition(|one| matches!(one, Condition::Simple { .. }));
    let excluded = |one: &Condition| simple.iter().any(|other| other.excludes(one));
    if simple.iter().any(excluded) {
        return None;
    }
    let implied = |one: &Condition| {
        simple
            .iter()
            .any(|other| other != one && other.implies(one))
    };
    let mut kept: Vec<_> = simple.iter().filter(|one| !implied(one)).cloned().collect();
    for condition in compound {
        let Condition::NotAll(parts) = condition else {
            continue;
        };
        if parts.iter().any(excluded) {
            continue;
        }
        let is_open = |part: &Condition| !simple.contains(part) && !implied(part);
        let open: Vec<_> = parts.into_iter().filter(is_open).collect();
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

impl Condition {
    /// Whether no packet can meet both.
    fn excludes(&self, other: &Self) -> bool {
        // Two random choices are independent.
        if self.is_share() || other.is_share() {
            return false;
        }
        let (
            Self::Simple {
                subject,
                value,
                is_negated,
            },
            Self::Simple {
                subject: same,
                value: other_value,
                is_negated: other_negated,
            },
        ) = (self, other)
        else {
            return *other == self.clone().negated();
        };
        let contains = subject.contains(value, other_value);
        let is_within = subject.contains(other_value, value);
        match contains.zip(is_within).filter(|_| subject == same) {
            None => *other == self.clone().negated(),
            Some((contains, is_within)) => match (is_negated, other_negated) {
                // A list of interfaces may overlap every one.
                (false, false) => {
                    !contains && !is_within && !value.contains(' ') && !other_value.contains(' ')
                }
                (false, true) => is_within,
                (true, false) => contains,
                (true, true) => false,
            },
        }
    }

    /// Whether every packet that meets this one meets the other.
    fn implies(&self, other: &Self) -> bool {
        self.excludes(&other.clone().negated())
    }
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
        let not_both = Condition::NotAll(vec![from("a"), from("b")]);
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
        let both = Condition::NotAll(vec![from("a"), Condition::new(Subject::User, "7")]);
        assert_eq!(
            both.phrase(),
            "are none of those that come from a and are sent by user 7"
        );
    }
}
