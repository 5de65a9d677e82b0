//! Expressions of nftables: what is compared, with which values. Pure.
//!
//! Values are numbers, names, prefixes, ranges, and sets of these (`libnftables-json(5)`); with `-n` numbers
//! replace names, but not in every version.

use serde_json::Value as Json;

use super::statement::verdict;
use crate::inspect::linux::redirects::condition::Subject;
use crate::inspect::linux::redirects::field::{Field, Kind, Of, Value};
use crate::inspect::linux::redirects::rule::{
    Address, Data, Element, Lookup, Set, Target, TargetPort, Version,
};
use crate::model::Protocol;

/// What is looked up, and where.
pub(super) fn lookup(key: &Json, set: &Json) -> Lookup {
    let fields = match parts(key, "concat") {
        Some(parts) => parts.iter().map(field).collect(),
        None => vec![field(key)],
    };
    let set = match (parts(set, "set"), set.as_str()) {
        (Some(elements), _) => Set::Inline(elements.iter().map(element).collect()),
        (None, Some(name)) if name.starts_with('@') => Set::Named(name[1..].to_owned()),
        _ => Set::Inline(vec![values(set).into()]),
    };
    Lookup { fields, set }
}

/// An element of a set, or of a map: a pair of a key and what the map has for it. The key may be wrapped in what
/// else is known about it (`{"elem": {"val": …, "comment": …}}`).
pub(super) fn element(one: &Json) -> Element {
    let (wrapped, data) = match one.as_array().map(Vec::as_slice) {
        Some([wrapped, data]) => (wrapped, Some(data)),
        _ => (one, None),
    };
    let inner = wrapped.get("elem");
    let key = inner.and_then(|inner| inner.get("val")).unwrap_or(wrapped);
    let comment = inner.and_then(|inner| inner.get("comment")?.as_str());
    Element {
        key: if key.as_str() == Some("*") {
            Vec::new()
        } else {
            values(key)
        },
        data: data.map(|data| match verdict(data) {
            Some(action) => Data::Verdict(action),
            None => Data::Target(target(&values(data))),
        }),
        comment: comment.map(str::to_owned),
    }
}

/// An address and a port, of which there may be one.
pub(super) fn target(parts: &[Value]) -> Target {
    let (mut address, mut port) = (None, TargetPort::Same);
    for part in parts {
        match part {
            Value::Number(0) => {}
            Value::Number(_) | Value::Range(..) => {
                let one = part.text().parse().map(TargetPort::One);
                port = one.unwrap_or_else(|_| TargetPort::Several(part.text()));
            }
            Value::Net(net) if net.prefix_len() == net.max_prefix_len() => {
                address = Some(Address::One(net.addr()));
            }
            Value::Other(_) => address = Some(Address::Several("another address".into())),
            _ => address = Some(Address::Several(part.text())),
        }
    }
    Target { address, port }
}

/// The list in an object with this one name.
fn parts<'a>(value: &'a Json, name: &str) -> Option<&'a [Json]> {
    Some(value.get(name)?.as_array()?)
}

/// The parts of a value that stands for several fields.
fn values(json: &Json) -> Vec<Value> {
    match parts(json, "concat") {
        Some(parts) => parts.iter().map(value).collect(),
        None => vec![value(json)],
    }
}

pub(super) fn value(json: &Json) -> Value {
    let net = |prefix: &Json| {
        let (address, length) = (prefix.get("addr")?.as_str()?, prefix.get("len")?.as_u64()?);
        Value::net(&format!("{address}/{length}"))
    };
    if let Some(net) = json.get("prefix").and_then(net) {
        return net;
    }
    if let Some([first, last]) = parts(json, "range") {
        return match (first.as_u64(), last.as_u64()) {
            (Some(first), Some(last)) => Value::Range(first, last),
            _ => Value::Text(format!("{}-{}", value(first).text(), value(last).text())),
        };
    }
    match json {
        Json::String(text) => match text.parse::<std::net::IpAddr>() {
            Ok(address) => Value::Net(address.into()),
            Err(_) => Value::Text(text.clone()),
        },
        Json::Array(all) => Value::List(all.iter().map(value).collect()),
        other => match other.as_u64() {
            Some(number) => Value::Number(number),
            None => Value::Other(other.to_string()),
        },
    }
}

/// The field that an expression reads.
fn field(expression: &Json) -> Field {
    let object = expression.as_object();
    let first = object.and_then(|object| object.iter().next());
    let known = first.and_then(|(kind, inner)| {
        let word = |name: &str| inner.get(name).and_then(Json::as_str);
        Some(Field::new(match kind.as_str() {
            "payload" => return payload(word("protocol")?, word("field")?),
            "meta" => meta(word("key")?),
            "ct" => conntrack(word("key")?, word("dir")),
            "fib" => fib(inner)?,
            "numgen" | "jhash" | "symhash" => Kind::Share,
            "socket" => {
                let key = word("key").unwrap_or("state");
                let words = format!("belong to a socket whose {key} is ");
                Kind::Other(Subject::Phrase, words)
            }
            "&" => masked(inner)?,
            _ => return None,
        }))
    });
    known.unwrap_or_else(|| Field::new(unknown(&expression.to_string())))
}

fn unknown(what: &str) -> Kind {
    Kind::Other(Subject::Unknown, format!("{what} "))
}

/// `meta mark & 0xff`, `tcp flags & (syn | ack)`.
fn masked(parts: &Json) -> Option<Kind> {
    let [left, mask] = parts.as_array()?.as_slice() else {
        return None;
    };
    match field(left).kind {
        Kind::Other(Subject::Mark, _) => {
            let words = format!("(masked with {mask}) ");
            Some(Kind::Other(Subject::Mark, words))
        }
        Kind::TcpFlags => Some(Kind::TcpFlags),
        _ => None,
    }
}

fn payload(protocol: &str, name: &str) -> Option<Field> {
    let of = match protocol {
        "tcp" => Of::Protocol(Protocol::Tcp),
        "udp" => Of::Protocol(Protocol::Udp),
        "th" => Of::Every,
        "ip" => Of::Version(Version::V4),
        "ip6" => Of::Version(Version::V6),
        "udplite" | "sctp" | "dccp" | "icmp" | "icmpv6" | "arp" | "vlan" | "esp" | "ah"
        | "comp" => Of::Other,
        _ => return None,
    };
    let kind = match (protocol, name) {
        ("tcp" | "udp" | "th", "dport") => Kind::Port,
        ("tcp" | "udp" | "th", "sport") => Kind::SourcePort,
        ("ip" | "ip6", "saddr") => Kind::Source,
        ("ip" | "ip6", "daddr") => Kind::Destination,
        ("ip", "protocol") | ("ip6", "nexthdr") => Kind::Protocol,
        ("tcp", "flags") => Kind::TcpFlags,
        _ => unknown(&format!("{protocol} {name}")),
    };
    Some(Field { kind, of })
}

fn meta(name: &str) -> Kind {
    match name {
        "l4proto" => Kind::Protocol,
        "nfproto" => Kind::Version,
        "protocol" => Kind::EtherType,
        "iif" | "iifname" => Kind::InInterface,
        "oif" | "oifname" => Kind::OutInterface,
        "skuid" => Kind::User,
        "skgid" => Kind::Group,
        "mark" => Kind::Other(Subject::Mark, String::new()),
        "random" => Kind::Share,
        "pkttype" => Kind::Other(Subject::Phrase, "are of the link's packet type ".into()),
        name => unknown(&format!("meta {name}")),
    }
}

/// The original tuple of a connection is what its first packet has.
fn conntrack(name: &str, direction: Option<&str>) -> Kind {
    match (name, direction) {
        ("proto-dst", Some("original")) => Kind::Port,
        ("proto-src", Some("original")) => Kind::SourcePort,
        ("ip saddr" | "ip6 saddr", Some("original")) => Kind::Source,
        ("ip daddr" | "ip6 daddr", Some("original")) => Kind::Destination,
        ("state", _) => Kind::State,
        ("mark", _) => Kind::Other(Subject::Mark, "of the connection ".into()),
        ("status", _) => Kind::Other(
            Subject::Phrase,
            "belong to a connection with status ".into(),
        ),
        _ => unknown(&format!("ct {name}")),
    }
}

fn fib(inner: &Json) -> Option<Kind> {
    let flags = inner.get("flags")?.as_array()?;
    let is_type = inner.get("result").and_then(Json::as_str) == Some("type");
    let has = |name: &str| flags.iter().any(|flag| flag.as_str() == Some(name));
    (is_type && has("daddr")).then_some(Kind::DestinationType)
}
