//! Compares a field of the packet with a value. Pure.
//!
//! Comparisons of port, protocol, IP version and hook are evaluated here; others become a [`Condition`].

use ipnet::IpNet;

use super::condition::{Condition, Subject};
use super::packet::{Hook, Packet, Version};
use crate::model::Protocol;

/// The conditions for a comparison to hold: none if it does, `None` if it can't.
pub(super) type Outcome = Option<Vec<Condition>>;

fn certain(holds: bool) -> Outcome {
    holds.then(Vec::new)
}

#[expect(clippy::unnecessary_wraps, reason = "as every comparison")]
fn on(subject: Subject, value: impl Into<String>) -> Outcome {
    Some(vec![Condition::new(subject, value)])
}

/// A field of the packet or of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The state of the connection.
    State,
    TcpFlags,
    /// Chosen at random, in turn or by a hash.
    Share,
    /// Anything else: a condition with this subject and these words before the value.
    Other(Subject, String),
}

/// A value in a rule or a set.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let host = text.parse::<std::net::IpAddr>().map(IpNet::from);
        let net = host.or_else(|_| text.parse::<IpNet>()).ok()?;
        Some(Self::Net(net.trunc()))
    }

    /// Whether a number is this one, in this range or has this name; `None` if this is no number.
    fn has(&self, number: u64, name: &str) -> Option<bool> {
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
    /// A phrase with only the value.
    pub(super) const fn simple(subject: Subject) -> Self {
        Self::Other(subject, String::new())
    }

    /// The number that every packet has there, and its name.
    fn number(&self, packet: &Packet<'_>) -> Option<(u64, &'static str)> {
        let is_v4 = packet.version == Version::V4;
        Some(match self {
            Self::Port => (packet.port.into(), ""),
            Self::Protocol if packet.protocol == Protocol::Tcp => (6, "tcp"),
            Self::Protocol => (17, "udp"),
            // `NFPROTO_IPV4`, `NFPROTO_IPV6`.
            Self::Version if is_v4 => (2, "ipv4"),
            Self::Version => (10, "ipv6"),
            Self::EtherType if is_v4 => (0x0800, "ip"),
            Self::EtherType => (0x86dd, "ip6"),
            _ => return None,
        })
    }

    /// Whether the packet has this value.
    pub(super) fn equals(&self, value: &Value, packet: &Packet<'_>) -> Outcome {
        if let Some((number, name)) = self.number(packet) {
            let unknown = || on(Subject::Unknown, value.text());
            return value.has(number, name).map_or_else(unknown, certain);
        }
        let is_output = packet.hook == Hook::Output;
        match self {
            Self::EitherPort if value.has(packet.port.into(), "") == Some(true) => certain(true),
            Self::EitherPort => on(Subject::SourcePort, value.text()),
            Self::Source => match value {
                Value::Net(net) if net.prefix_len() == 0 => certain(true),
                _ => on(Subject::Source, value.text()),
            },
            Self::Destination => destination(value, packet),
            Self::SourceType if is_output => certain(true),
            Self::SourceType => on(Subject::Phrase, "come from an address of this machine"),
            Self::DestinationType => destination_type(&value.text()),
            // A packet sent by this machine has no input interface, which compares as an empty name.
            Self::InInterface if is_output => certain(false),
            Self::InInterface if packet.is_nat && value.text() == "lo" => certain(false),
            Self::InInterface => on(Subject::InInterface, value.text()),
            // A program's packets to this machine's own addresses leave by the loopback interface, whichever
            // interface has the address.
            Self::OutInterface => {
                let is_loopback = matches!(value.text().as_str(), "lo" | "lo+" | "l+" | "lo*");
                certain(is_output && is_loopback)
            }
            Self::Sender(_) if !is_output => certain(false),
            Self::Sender(subject) => on(*subject, value.text()),
            // A nat chain sees the first packet of a connection.
            Self::State if packet.is_nat => certain(value.is_new()),
            Self::TcpFlags if packet.is_nat => certain(true),
            Self::State => {
                let phrase = format!("belong to a connection in state {}", value.text());
                on(Subject::Phrase, phrase)
            }
            Self::TcpFlags => on(Subject::Unknown, format!("tcp flags {}", value.text())),
            Self::Share => on(Subject::Share, ""),
            Self::Other(subject, words) => on(*subject, format!("{words}{}", value.text())),
            Self::Port | Self::Protocol | Self::Version | Self::EtherType => {
                unreachable!("`number` knows these")
            }
        }
    }

    /// The opposite of what [`Self::equals`] returned.
    pub(super) fn negate(&self, outcome: Outcome, packet: &Packet<'_>) -> Outcome {
        match outcome {
            None => certain(true),
            // Both parts of a random choice exist.
            outcome if *self == Self::Share => outcome,
            // A packet that is not for an address of this machine is broadcast or multicast, which TCP doesn't have.
            Some(all) if all.iter().all(|one| one.is_certain(packet)) => None,
            Some(all) => Some(vec![Condition::none_of(all)]),
        }
    }
}

/// A packet for a server here has one of this machine's addresses.
fn destination(value: &Value, packet: &Packet<'_>) -> Outcome {
    if let Value::Net(net) = value {
        let is_v6 = matches!(net, IpNet::V6(_));
        if is_v6 != (packet.version == Version::V6) || !packet.may_be_for(net) {
            return certain(false);
        }
        if net.prefix_len() == 0 {
            return certain(true);
        }
    }
    on(Subject::Destination, value.text())
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
