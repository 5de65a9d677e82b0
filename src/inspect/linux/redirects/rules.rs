//! What every packet filter of Linux has in common: tables of chains of rules, each of which has
//! conditions and an action. Pure.
//!
//! A front end (`iptables`, `nftables`) evaluates the conditions of a rule for one [`Case`]: what the
//! port, the protocol, the version of IP and the hook decide is decided, the rest is a [`Condition`].

use std::net::IpAddr;

use ipnet::IpNet;

use super::conditions::Condition;
use crate::model::Protocol;

/// The packet that is followed: all that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) protocol: Protocol,
    /// Its destination port.
    pub(super) port: u16,
    pub(super) version: Version,
    pub(super) hook: Hook,
    /// Whether the chain changes addresses (type nat): it sees the first packet of a connection only,
    /// and none that comes back in by the loopback interface, whose address was settled at output.
    pub(super) is_nat: bool,
    /// Every address of this machine, as far as they can be read.
    pub(super) own: Option<&'a [IpNet]>,
}

impl Case<'_> {
    /// Whether one of this machine's addresses, or one that every machine listens to, is in a network.
    /// A packet for another address would reach no server here anyway.
    pub(super) fn may_be_for(&self, net: &IpNet) -> bool {
        let reaches_many = match net.addr() {
            IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_multicast(),
        };
        let overlaps = |own: &IpNet| own.contains(&net.addr()) || net.contains(&own.addr());
        reaches_many || self.own.is_none_or(|own| own.iter().any(overlaps))
    }

    /// Whether an address is certainly one of this machine's.
    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        self.own
            .is_some_and(|own| own.iter().any(|net| net.contains(&address)))
    }
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V4,
    V6,
}

/// Where in the kernel a base chain is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hook {
    /// By what comes in.
    Prerouting,
    /// By what programs here send.
    Output,
}

/// Where evaluation begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseChain {
    pub(super) name: String,
    pub(super) hook: Hook,
    pub(super) is_nat: bool,
    pub(super) versions: &'static [Version],
}

/// One table, whose chains refer to each other by name.
pub(super) trait Table {
    /// `iptables nat`, `nftables inet fw`.
    fn place(&self) -> String;

    /// The chains in which packets for a port begin, in no particular order.
    fn base_chains(&self) -> Vec<BaseChain>;

    /// The rules of a chain that a packet can meet; `None` if there is no such chain.
    fn rules(&self, chain: &str, case: &Case<'_>) -> Option<Vec<Rule>>;
}

/// A rule, or one of the ways in which one can go on: what it takes and what it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) conditions: Vec<Condition>,
    pub(super) action: Action,
    pub(super) comment: Option<String>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Jump(String),
    Goto(String),
    Return,
    /// Ends the table's evaluation: accepted, dropped, or given away.
    End,
    /// Sends the packet elsewhere.
    Send {
        target: Target,
        /// Whether rules after this one are passed all the same (`tproxy` of nftables).
        goes_on: bool,
    },
    /// Something that may send it elsewhere, in words of the tool.
    Opaque(String),
}

/// Where a packet is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Target {
    /// `None`: this machine.
    pub(super) address: Option<Address>,
    pub(super) port: TargetPort,
}

/// The address of a target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Address {
    One(IpAddr),
    /// A range, a network, or what could not be read, as the tool prints it.
    Several(String),
}

/// The port of a target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum TargetPort {
    Same,
    One(u16),
    /// As the tool prints it.
    Several(String),
}
