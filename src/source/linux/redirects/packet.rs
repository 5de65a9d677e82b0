//! The packets that are traced, and their fields: compares a field with a value. Pure.
//!
//! Comparisons of port, protocol, IP version and hook are evaluated here; others become a [`Condition`].

use std::net::IpAddr;

use ipnet::IpNet;

use super::condition::{Condition, Subject};
use crate::model::{Family, Protocol};

/// A chain that the kernel calls.
pub(super) struct BaseChain {
    pub(super) name: String,
    /// Whether it is for packets that programs here send (hook output), not for those that arrive (prerouting).
    pub(super) is_output: bool,
    /// Whether it changes addresses (type nat). Such a chain sees only the first packet of a connection,
    /// and none that comes back in by the loopback interface: the address of those was decided at output.
    pub(super) is_nat: bool,
    pub(super) families: &'static [Family],
}

/// The known properties of the traced packets.
pub(super) struct Packet<'a> {
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    pub(super) family: Family,
    pub(super) base: &'a BaseChain,
    /// Every address of this machine, if they could be read.
    pub(super) own: Option<&'a [IpNet]>,
}

/// How many ports a range has at most whose ports are taken one by one.
const MOST_OF_RANGE: u64 = 64;

/// The conditions for a comparison to hold: none if it does, `None` if it can't.
pub(super) type Outcome = Option<Vec<Condition>>;

fn certain(holds: bool) -> Outcome {
    holds.then(Vec::new)
}

#[expect(clippy::unnecessary_wraps, reason = "as every comparison")]
fn on(subject: Subject, value: impl Into<String>) -> Outcome {
    Some(vec![Condition::new(subject, value)])
}

#[derive(PartialEq, Eq)]
pub(super) enum Field {
    Port,
    /// Or else the source port.
    EitherPort,
    Protocol,
    Version,
    EtherType,
    Source,
    Destination,
    /// `local`, `broadcast`, … (`RTN_LOCAL` of `rtnetlink(7)`).
    SourceType,
    DestinationType,
    InInterface,
    OutInterface,
    /// The user or group that sends it.
    Sender(Subject),
    State,
    TcpFlags,
    /// Chosen at random, in turn or by a hash.
    Share,
    /// Anything else: a condition with this subject and these words before the value.
    Other(Subject, String),
}

pub(super) enum Value {
    Number(u64),
    Range(u64, u64),
    Net(IpNet),
    /// A name, or what is only repeated.
    Text(String),
    List(Vec<Value>),
    /// An expression of the tool.
    Other(String),
}

impl Value {
    /// A network, or the address that is one.
    pub(super) fn net(text: &str) -> Option<Self> {
        let host = text.parse::<IpAddr>().map(IpNet::from);
        let net = host.or_else(|_| text.parse::<IpNet>()).ok()?;
        Some(Self::Net(net.trunc()))
    }

    /// Whether a number is this one, in this range or has this name; `None` if this is no number.
    pub(super) fn has(&self, number: u64, name: &str) -> Option<bool> {
        match self {
            Self::Number(one) => Some(*one == number),
            Self::Range(first, last) => Some((*first..=*last).contains(&number)),
            Self::Text(text) => Some(text == name),
            Self::List(all) => {
                let mut each = all.iter().map(|one| one.has(number, name));
                each.try_fold(false, |any, one| Some(any | one?))
            }
            Self::Net(_) | Self::Other(_) => None,
        }
    }

    /// The single ports among the values, and those of short ranges.
    pub(super) fn numbers(&self) -> Vec<u16> {
        match self {
            Self::Number(one) => u16::try_from(*one).into_iter().collect(),
            Self::Range(first, last) if last.saturating_sub(*first) < MOST_OF_RANGE => (*first
                ..=*last)
                .filter_map(|one| u16::try_from(one).ok())
                .collect(),
            Self::List(all) => all.iter().flat_map(Self::numbers).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a state, or one of several, is that of a new connection: bit 3 (`NF_CT_STATE_BIT`).
    fn is_new(&self) -> bool {
        match self {
            Self::Number(bits) => bits & 8 != 0,
            Self::Text(name) => name.eq_ignore_ascii_case("new"),
            Self::List(all) => all.iter().any(Self::is_new),
            _ => false,
        }
    }

    /// As the tool prints it, a network of one address without its length.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Range(first, u64::MAX) => format!("{first} or more"),
            Self::Range(first, last) => format!("{first}-{last}"),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
            Self::Net(net) => net.to_string(),
            Self::Text(text) | Self::Other(text) => text.clone(),
            Self::List(all) => {
                let texts: Vec<_> = all.iter().map(Self::text).collect();
                texts.join(", ")
            }
        }
    }
}

impl Field {
    /// The field that has this name: an option of `iptables`, or the words of `nft`.
    pub(super) fn named(name: &str) -> Option<Self> {
        let other = |subject, words: &str| Self::Other(subject, words.to_owned());
        Some(match name {
            "--dport"
            | "--dports"
            | "--destination-port"
            | "--destination-ports"
            | "--ctorigdstport"
            | "th dport"
            | "proto-dst" => Self::Port,
            "--ports" => Self::EitherPort,
            "--sport" | "--sports" | "--source-port" | "--source-ports" | "--ctorigsrcport"
            | "th sport" | "proto-src" => other(Subject::SourcePort, ""),
            "-p" | "ip protocol" | "ip6 nexthdr" | "meta l4proto" => Self::Protocol,
            "meta nfproto" => Self::Version,
            "meta protocol" => Self::EtherType,
            "-s" | "--src-range" | "ip saddr" | "ip6 saddr" => Self::Source,
            "-d" | "--ctorigdst" | "--dst-range" | "ip daddr" | "ip6 daddr" => Self::Destination,
            "--src-type" => Self::SourceType,
            "--dst-type" => Self::DestinationType,
            "-i" | "meta iif" | "meta iifname" => Self::InInterface,
            "-o" | "meta oif" | "meta oifname" => Self::OutInterface,
            "--uid-owner" | "meta skuid" => Self::Sender(Subject::User),
            "--gid-owner" | "meta skgid" => Self::Sender(Subject::Group),
            "--mark" | "meta mark" => other(Subject::Mark, ""),
            "ct mark" => other(Subject::Mark, "of the connection "),
            "--ctstate" | "--state" | "ct state" => Self::State,
            "ct status" => other(Subject::Phrase, "belong to a connection with status "),
            "--tcp-flags" | "--syn" | "--tcp-option" | "tcp flags" => Self::TcpFlags,
            "--mode" | "--probability" | "--every" | "--packet" | "meta random" => Self::Share,
            "meta pkttype" => other(Subject::Phrase, "are of the link's packet type "),
            _ => return None,
        })
    }
}

impl Packet<'_> {
    pub(super) fn has(&self, field: &Field, value: &Value) -> Outcome {
        let number = |number: u64, name: &str| {
            let unknown = || on(Subject::Unknown, value.text());
            value.has(number, name).map_or_else(unknown, certain)
        };
        let (is_v4, is_tcp) = (self.family == Family::Ipv4, self.protocol == Protocol::Tcp);
        let BaseChain {
            is_output, is_nat, ..
        } = *self.base;
        match field {
            Field::Port => number(self.port.into(), ""),
            Field::Protocol if is_tcp => number(6, "tcp"),
            Field::Protocol => number(17, "udp"),
            // `NFPROTO_IPV4`, `NFPROTO_IPV6`.
            Field::Version if is_v4 => number(2, "ipv4"),
            Field::Version => number(10, "ipv6"),
            Field::EtherType if is_v4 => number(0x0800, "ip"),
            Field::EtherType => number(0x86dd, "ip6"),
            Field::EitherPort if value.has(self.port.into(), "") == Some(true) => certain(true),
            Field::EitherPort => on(Subject::SourcePort, value.text()),
            Field::Source => match value {
                Value::Net(net) if net.prefix_len() == 0 => certain(true),
                _ => on(Subject::Source, value.text()),
            },
            Field::Destination => self.is_for(value),
            Field::SourceType if is_output => certain(true),
            Field::SourceType => on(Subject::Phrase, "come from an address of this machine"),
            Field::DestinationType => destination_type(&value.text()),
            // A packet sent by this machine has no input interface, which compares as an empty name.
            Field::InInterface if is_output || is_nat && value.text() == "lo" => certain(false),
            Field::InInterface => on(Subject::InInterface, value.text()),
            // A program's packets to this machine's own addresses leave by the loopback interface, whichever
            // interface has the address.
            Field::OutInterface => {
                let is_loopback = matches!(value.text().as_str(), "lo" | "lo+" | "l+" | "lo*");
                certain(is_output && is_loopback)
            }
            Field::Sender(_) if !is_output => certain(false),
            Field::Sender(subject) => on(*subject, value.text()),
            // A nat chain sees the first packet of a connection.
            Field::State if is_nat => certain(value.is_new()),
            Field::TcpFlags if is_nat => certain(true),
            Field::State => {
                let phrase = format!("belong to a connection in state {}", value.text());
                on(Subject::Phrase, phrase)
            }
            Field::TcpFlags => on(Subject::Unknown, format!("tcp flags {}", value.text())),
            Field::Share => on(Subject::Share, ""),
            Field::Other(subject, words) => on(*subject, format!("{words}{}", value.text())),
        }
    }

    /// A packet for a server here is for one of this machine's addresses, or one that many machines listen to.
    fn is_for(&self, value: &Value) -> Outcome {
        if let Value::Net(net) = value {
            let (is_v4, reaches_many) = match net.addr() {
                IpAddr::V4(address) => (true, address.is_multicast() || address.is_broadcast()),
                IpAddr::V6(address) => (false, address.is_multicast()),
            };
            let overlaps = |own: &IpNet| own.contains(&net.addr()) || net.contains(&own.addr());
            let is_ours = self.own.is_none_or(|own| own.iter().any(overlaps));
            if is_v4 != (self.family == Family::Ipv4) || !(reaches_many || is_ours) {
                return certain(false);
            }
            if net.prefix_len() == 0 {
                return certain(true);
            }
        }
        on(Subject::Destination, value.text())
    }
}

/// The destination of a packet for a server here is an address of this machine, or one of many machines.
fn destination_type(types: &str) -> Outcome {
    // `RTN_LOCAL` and so on: nft prints numbers.
    let name = |one: &str| match one {
        "2" => "local".to_owned(),
        "3" => "broadcast".to_owned(),
        "4" => "anycast".to_owned(),
        "5" => "multicast".to_owned(),
        name => name.to_lowercase(),
    };
    let names: Vec<_> = types.split(", ").map(name).collect();
    let has = |kind: &str| names.iter().any(|one| one == kind);
    let reaches_many = has("broadcast") || has("multicast") || has("anycast");
    match (has("local"), reaches_many) {
        (true, true) => certain(true),
        (true, false) => on(Subject::OwnAddress, ""),
        (false, true) => {
            let phrase = format!("are for a {} address", names.join(" or "));
            on(Subject::Phrase, phrase)
        }
        (false, false) => certain(false),
    }
}
