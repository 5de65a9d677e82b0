//! What a packet has where a rule looks: known, or to be said as a condition. Pure.
//!
//! A key is an expression on the left of a match, of a map or a verdict map. Values on the right are
//! numbers, names, prefixes, ranges, and sets of these (`libnftables-json(5)`); with `-n` numbers
//! stand for names, but not in every version.

use serde_json::Value;

use super::super::conditions::{Condition, Outcome, Subject};
use super::super::iptables::matches::{
    destination, in_interface, network_text, not, out_interface, owner,
};
use super::super::rules::{Case, Version};
use super::values::{is_new, network, number, text};
use crate::model::Protocol;

/// Where a rule looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Something that has exactly this value for the packet.
    Number {
        value: u64,
        names: &'static [&'static str],
    },
    /// The state of its connection, which is new.
    State,
    InInterface,
    OutInterface,
    Source,
    Destination,
    DestinationType,
    User,
    Group,
    /// Chosen by lot, in turn or by a hash.
    Share,
    /// Another property, said with this subject and these words before the value.
    Other(Subject, String),
    /// A field of the other version of IP or another protocol: the packet has none.
    Missing,
    Unknown(String),
}

/// What an expression looks at.
pub(super) fn key(expression: &Value, case: &Case<'_>) -> Key {
    let object = expression.as_object();
    let Some((kind, inner)) = object.and_then(|object| object.iter().next()) else {
        return Key::Unknown(expression.to_string());
    };
    let word = |name: &str| inner.get(name).and_then(Value::as_str);
    match kind.as_str() {
        "payload" => payload(word("protocol"), word("field"), case),
        "meta" => meta(word("key"), case),
        "ct" => conntrack(word("key"), word("dir"), case),
        "fib" => fib(inner),
        "numgen" | "jhash" | "symhash" => Key::Share,
        "socket" => Key::Other(
            Subject::Phrase,
            format!(
                "belong to a socket whose {} is ",
                word("key").unwrap_or("state")
            ),
        ),
        "&" => Key::masked(inner, case),
        _ => Key::Unknown(expression.to_string()),
    }
    .or_unknown(expression)
}

impl Key {
    fn or_unknown(self, expression: &Value) -> Self {
        match self {
            Self::Unknown(what) if what.is_empty() => Self::Unknown(expression.to_string()),
            key => key,
        }
    }

    /// `meta mark & 0xff`, `tcp flags & (syn | ack)`.
    fn masked(parts: &Value, case: &Case<'_>) -> Self {
        let Some([left, mask]) = parts.as_array().map(Vec::as_slice) else {
            return Self::Unknown(String::new());
        };
        match key(left, case) {
            Self::Other(Subject::Mark, _) => {
                Self::Other(Subject::Mark, format!("(masked with {mask}) "))
            }
            Self::Other(Subject::Unknown, flags) if flags == FLAGS && case.is_nat => Self::Share,
            _ => Self::Unknown(String::new()),
        }
    }
}

/// What the key of `tcp flags` is called.
const FLAGS: &str = "tcp flags ";

fn payload(protocol: Option<&str>, field: Option<&str>, case: &Case<'_>) -> Key {
    let is = |of: Protocol| case.protocol == of;
    let (Some(protocol), Some(field)) = (protocol, field) else {
        return Key::Unknown(String::new());
    };
    let is_there = match protocol {
        "tcp" => is(Protocol::Tcp),
        "udp" => is(Protocol::Udp),
        "th" => true,
        "ip" => case.version == Version::V4,
        "ip6" => case.version == Version::V6,
        "udplite" | "sctp" | "dccp" | "icmp" | "icmpv6" | "arp" | "vlan" | "esp" | "ah"
        | "comp" => false,
        _ => return Key::Unknown(String::new()),
    };
    match (protocol, field) {
        _ if !is_there => Key::Missing,
        ("tcp" | "udp" | "th", "dport") => port(case),
        ("tcp" | "udp" | "th", "sport") => Key::Other(Subject::SourcePort, String::new()),
        ("ip" | "ip6", "saddr") => Key::Source,
        ("ip" | "ip6", "daddr") => Key::Destination,
        ("ip", "protocol") | ("ip6", "nexthdr") => transport(case),
        ("tcp", "flags") => Key::Other(Subject::Unknown, FLAGS.to_owned()),
        _ => Key::Unknown(format!("{protocol} {field}")),
    }
}

fn port(case: &Case<'_>) -> Key {
    Key::Number {
        value: case.port.into(),
        names: &[],
    }
}

fn transport(case: &Case<'_>) -> Key {
    let (value, names): (_, &[_]) = match case.protocol {
        Protocol::Tcp => (6, &["tcp"]),
        _ => (17, &["udp"]),
    };
    Key::Number { value, names }
}

/// `nfproto`: `NFPROTO_IPV4` is 2, `NFPROTO_IPV6` 10; `protocol`: the number of Ethernet.
fn meta(name: Option<&str>, case: &Case<'_>) -> Key {
    let number = |value, names| Key::Number { value, names };
    let is_v4 = case.version == Version::V4;
    match name.unwrap_or_default() {
        "l4proto" => transport(case),
        "nfproto" if is_v4 => number(2, &["ipv4"]),
        "nfproto" => number(10, &["ipv6"]),
        "protocol" if is_v4 => number(0x0800, &["ip"]),
        "protocol" => number(0x86dd, &["ip6"]),
        "iif" | "iifname" => Key::InInterface,
        "oif" | "oifname" => Key::OutInterface,
        "skuid" => Key::User,
        "skgid" => Key::Group,
        "mark" => Key::Other(Subject::Mark, String::new()),
        "random" => Key::Share,
        "pkttype" => Key::Other(Subject::Phrase, "are of the link's packet type ".into()),
        name => Key::Unknown(format!("meta {name}")),
    }
}

/// The original tuple of a connection is what its first packet has.
fn conntrack(name: Option<&str>, direction: Option<&str>, case: &Case<'_>) -> Key {
    let name = name.unwrap_or_default();
    match (name, direction) {
        ("proto-dst", Some("original")) => port(case),
        ("proto-src", Some("original")) => Key::Other(Subject::SourcePort, String::new()),
        ("ip saddr" | "ip6 saddr", Some("original")) => Key::Source,
        ("ip daddr" | "ip6 daddr", Some("original")) => Key::Destination,
        ("state", _) if case.is_nat => Key::State,
        ("mark", _) => Key::Other(Subject::Mark, "of the connection ".into()),
        ("state" | "status", _) => Key::Other(
            Subject::Phrase,
            format!("belong to a connection with {name} "),
        ),
        _ => Key::Unknown(format!("ct {name}")),
    }
}

fn fib(inner: &Value) -> Key {
    let flags = inner.get("flags").and_then(Value::as_array);
    let mut flags = flags.into_iter().flatten().filter_map(Value::as_str);
    let is_type = inner.get("result").and_then(Value::as_str) == Some("type");
    if is_type && flags.any(|flag| flag == "daddr") {
        return Key::DestinationType;
    }
    Key::Unknown(String::new())
}

impl Key {
    /// Whether what the packet has there is one value, `right`, of a match, a set or a map.
    pub(super) fn is(&self, right: &Value, case: &Case<'_>) -> Outcome {
        let if_so = |subject, value: String| Outcome::If(Condition::new(subject, value));
        match self {
            Self::Missing => Outcome::Fails,
            Self::Number { value, names } => number(*value, names, right).map_or_else(
                || if_so(Subject::Unknown, right.to_string()),
                Outcome::certain,
            ),
            Self::State => Outcome::certain(is_new(right)),
            Self::Share => if_so(Subject::Share, String::new()),
            Self::Unknown(what) => if_so(Subject::Unknown, format!("{what} {}", text(right))),
            Self::Other(subject, what) => if_so(*subject, format!("{what}{}", text(right))),
            Self::InInterface => in_interface(&text(right), case),
            Self::OutInterface => out_interface(&text(right), case),
            Self::User => owner(Subject::User, &text(right), case),
            Self::Group => owner(Subject::Group, &text(right), case),
            Self::DestinationType => destination_type(right),
            Self::Source => match network(right) {
                Some(net) if net.prefix_len() == 0 => Outcome::Holds,
                Some(net) => if_so(Subject::Source, network_text(&net)),
                None => if_so(Subject::Source, text(right)),
            },
            Self::Destination => match network(right) {
                Some(net) => destination(&net, case),
                None => if_so(Subject::Destination, text(right)),
            },
        }
    }

    /// Whether it is greater or smaller than a number, where that is known.
    pub(super) fn compares(&self, operator: &str, right: &Value) -> Outcome {
        let known = match (self, right.as_u64()) {
            (Self::Number { value, .. }, Some(right)) => match operator {
                "<" => Some(*value < right),
                "<=" => Some(*value <= right),
                ">" => Some(*value > right),
                ">=" => Some(*value >= right),
                _ => None,
            },
            (Self::Missing, _) => Some(false),
            (Self::Share, _) => return Outcome::If(Condition::new(Subject::Share, "")),
            _ => None,
        };
        let unknown = || {
            Outcome::If(Condition::new(
                Subject::Unknown,
                format!("{self:?} {operator} {}", text(right)),
            ))
        };
        known.map_or_else(unknown, Outcome::certain)
    }

    /// The negation of what [`Self::is`] said; a packet without the field meets neither.
    pub(super) fn is_not(&self, outcome: Outcome, case: &Case<'_>) -> Outcome {
        match self {
            Self::Missing => Outcome::Fails,
            // Both halves of a lot exist.
            Self::Share => outcome,
            _ => not(outcome, true, case),
        }
    }
}

/// `RTN_LOCAL` is 2, `RTN_BROADCAST` 3, `RTN_MULTICAST` 5.
fn destination_type(right: &Value) -> Outcome {
    let own = || Outcome::If(Condition::new(Subject::OwnAddress, ""));
    match (right.as_u64(), right.as_str()) {
        (Some(2), _) | (_, Some("local")) => own(),
        (Some(3), _) | (_, Some("broadcast")) => {
            Outcome::If(Condition::new(Subject::Phrase, "are broadcast"))
        }
        (Some(5), _) | (_, Some("multicast")) => {
            Outcome::If(Condition::new(Subject::Phrase, "are multicast"))
        }
        (Some(_), _) | (_, Some(_)) => Outcome::Fails,
        _ => Outcome::If(Condition::new(
            Subject::Unknown,
            format!("fib daddr type {right}"),
        )),
    }
}
