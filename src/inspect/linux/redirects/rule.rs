//! The rules of every packet filter of Linux in one form: tables of chains of rules, each a list of steps. Pure.
//!
//! `nftables`, `iptables` and `ipvs` parse what the tools and the kernel print into these types; rules are evaluated in
//! one place, `evaluate`.

use std::collections::HashMap;
use std::net::IpAddr;

use super::condition::Condition;
use super::field::{Field, Value};
use super::packet::{Hook, Version};

/// A chain that the kernel calls.
pub(super) struct BaseChain {
    pub(super) name: String,
    pub(super) hook: Hook,
    pub(super) is_nat: bool,
    pub(super) versions: &'static [Version],
}

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

#[derive(Default)]
pub(super) struct Rule {
    pub(super) steps: Vec<Step>,
    pub(super) comment: Option<String>,
}

/// The steps of a rule, in order.
pub(super) enum Step {
    /// Goes on with the packets that have one of the values, or none of them.
    Match {
        lookup: Lookup,
        is_negated: bool,
    },
    Require(Condition),
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
            set: Set::Inline(vec![vec![value].into()]),
        };
        Self::Match { lookup, is_negated }
    }
}

/// Fields of a packet, compared together with the elements of a set or the keys of a map.
pub(super) struct Lookup {
    pub(super) fields: Vec<Field>,
    pub(super) set: Set,
}

pub(super) enum Set {
    Inline(Vec<Element>),
    Named(String),
}

/// An element of a set or map.
pub(super) struct Element {
    /// A value for each field; none matches every packet.
    pub(super) key: Vec<Value>,
    /// The action of a map for it.
    pub(super) data: Option<Data>,
    pub(super) comment: Option<String>,
}

impl From<Vec<Value>> for Element {
    fn from(key: Vec<Value>) -> Self {
        Self {
            key,
            data: None,
            comment: None,
        }
    }
}

pub(super) enum Data {
    Verdict(Action),
    /// An address, a port, or both.
    Target(Target),
}

#[derive(Clone, Debug, PartialEq, Eq)]
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Target {
    /// `None`: this machine.
    pub(super) address: Option<Address>,
    pub(super) port: TargetPort,
}

impl Target {
    /// This target, with missing parts from another one.
    pub(super) fn over(&self, other: &Self) -> Self {
        let this = self.clone();
        Self {
            address: this.address.or_else(|| other.address.clone()),
            port: match this.port {
                TargetPort::Same => other.port.clone(),
                port => port,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Address {
    One(IpAddr),
    /// A range, a network, or an unparsed text, as the tool prints it.
    Several(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum TargetPort {
    Same,
    One(u16),
    /// As the tool prints them.
    Several(String),
}
