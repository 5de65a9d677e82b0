//! The rules of every packet filter of Linux in one form: tables of chains of rules, each a list of steps. Pure.
//!
//! `nftables`, `iptables` and `ipvs` parse what the tools and the kernel print into these types; rules are evaluated in
//! one place, `evaluate`.

use std::collections::HashMap;
use std::net::IpAddr;

use super::condition::Subject;
use super::packet::{BaseChain, Field, Value};

/// One table, whose chains refer to each other by name.
#[derive(Default)]
pub(super) struct Table {
    /// `iptables nat`, `nftables inet fw`.
    pub(super) place: String,
    pub(super) bases: Vec<BaseChain>,
    pub(super) chains: HashMap<String, Vec<Rule>>,
    /// Named sets and maps; `None` where the tool did not print the elements.
    pub(super) sets: HashMap<String, Option<Vec<Element>>>,
}

impl Table {
    /// The single ports that rules which send packets to an address compare them with.
    pub(super) fn ports_of_senders(&self) -> Vec<u16> {
        let has_address = |action: &Action| {
            let Action::Send { targets, .. } = action else {
                return false;
            };
            targets.iter().any(|target| target.address.is_some())
        };
        let mut ports = Vec::new();
        for rule in self.chains.values().flatten() {
            let sends = |step: &Step| match step {
                Step::Act(action)
                | Step::Map {
                    otherwise: action, ..
                } => has_address(action),
                Step::Match { .. } => false,
            };
            if !rule.steps.iter().any(sends) {
                continue;
            }
            for step in &rule.steps {
                if let Step::Match {
                    lookup,
                    is_negated: false,
                }
                | Step::Map { lookup, .. } = step
                {
                    ports.extend(self.ports_of(lookup));
                }
            }
        }
        ports
    }

    fn ports_of(&self, lookup: &Lookup) -> Vec<u16> {
        let elements = match &lookup.set {
            Set::Inline(elements) => Some(elements),
            Set::Named(name) => self.sets.get(name).and_then(Option::as_ref),
        };
        let elements = elements.into_iter().flatten();
        let values = elements.flat_map(|element| lookup.fields.iter().zip(&element.key));
        let of_port = values.filter(|(field, _)| matches!(field, Field::Port));
        of_port.flat_map(|(_, value)| value.numbers()).collect()
    }
}

#[derive(Default)]
pub(super) struct Rule {
    pub(super) steps: Vec<Step>,
    pub(super) comment: Option<String>,
}

impl Rule {
    /// Whether no packet for this port can get through its comparisons. Most rules of a chain are for another port, and
    /// this takes a fraction of the time of [`Table::branches`].
    pub(super) fn excludes_port(&self, port: u16) -> bool {
        let mut steps = self.steps.iter();
        let comparisons = steps.by_ref().map_while(|step| match step {
            Step::Match { lookup, is_negated } => Some((lookup, *is_negated)),
            Step::Act(_) | Step::Map { .. } => None,
        });
        let mut positive = comparisons.filter(|(_, is_negated)| !is_negated);
        positive.any(|(lookup, _)| lookup.excludes_port(port))
    }
}

pub(super) enum Step {
    /// Goes on with the packets that have one of the values, or none of them.
    Match {
        lookup: Lookup,
        is_negated: bool,
    },
    Act(Action),
    /// Takes the action that a map has for the packet.
    Map {
        lookup: Lookup,
        /// Where the elements are unknown. Of a target the elements replace a part.
        otherwise: Action,
    },
}

impl Step {
    /// Compares one field with one value.
    pub(super) fn compare(field: Field, is_negated: bool, value: Value) -> Self {
        let lookup = Lookup {
            fields: vec![field],
            set: Set::of(vec![value]),
        };
        Self::Match { lookup, is_negated }
    }

    pub(super) fn require(subject: Subject, words: impl Into<String>) -> Self {
        let field = Field::Other(subject, words.into());
        Self::compare(field, false, Value::Text(String::new()))
    }
}

/// Fields of a packet, compared together with the elements of a set or the keys of a map.
pub(super) struct Lookup {
    pub(super) fields: Vec<Field>,
    pub(super) set: Set,
}

impl Lookup {
    fn excludes_port(&self, port: u16) -> bool {
        let Set::Inline(elements) = &self.set else {
            return false;
        };
        let is_other = |(field, value): (&Field, &Value)| {
            *field == Field::Port && value.has(port.into(), "") == Some(false)
        };
        elements.iter().all(|element| {
            element.key.len() == self.fields.len()
                && self.fields.iter().zip(&element.key).any(is_other)
        })
    }
}

pub(super) enum Set {
    Inline(Vec<Element>),
    Named(String),
}

impl Set {
    pub(super) fn of(key: Vec<Value>) -> Self {
        Self::Inline(vec![Element {
            key,
            ..Element::default()
        }])
    }
}

/// An element of a set or map.
#[derive(Default)]
pub(super) struct Element {
    /// A value for each field; none matches every packet.
    pub(super) key: Vec<Value>,
    /// The action of a map for it. [`Action::Send`] has only the parts of the target that the map stores.
    pub(super) action: Option<Action>,
    pub(super) comment: Option<String>,
}

#[derive(Clone)]
pub(super) enum Action {
    Jump(String),
    Goto(String),
    Return,
    /// Ends the evaluation of the table: the packet is accepted, dropped or taken.
    End,
    /// Sends the packet elsewhere.
    Send {
        /// Several share the packets.
        targets: Vec<Target>,
        /// Whether the packet passes the rules after this one as well (`tproxy` of nftables).
        goes_on: bool,
    },
    /// May send it elsewhere; described in words of the tool.
    Opaque(String),
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// `None`: this machine.
    pub(super) address: Option<Part<IpAddr>>,
    /// `None`: the same.
    pub(super) port: Option<Part<u16>>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Part<T> {
    One(T),
    /// A range, a network, or an unparsed text, as the tool prints it.
    Several(String),
}

impl Target {
    /// This target, with missing parts from another one.
    pub(super) fn over(&self, other: &Self) -> Self {
        Self {
            address: self.address.clone().or_else(|| other.address.clone()),
            port: self.port.clone().or_else(|| other.port.clone()),
        }
    }
}

impl<T: Copy> Part<T> {
    pub(super) fn one(&self) -> Option<T> {
        match self {
            Self::One(one) => Some(*one),
            Self::Several(_) => None,
        }
    }
}
