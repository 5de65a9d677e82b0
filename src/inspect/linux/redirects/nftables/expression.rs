//! Expressions of nftables: fields and values. Pure.
//!
//! Values are numbers, names, prefixes, ranges, and sets of these (`libnftables-json(5)`); with `-n` numbers
//! replace names, but not in every version.

use serde_json::Value as Json;

use crate::inspect::linux::redirects::condition::Subject;
use crate::inspect::linux::redirects::field::{Field, Value};
use crate::inspect::linux::redirects::rule::{
    Action, Address, Data, Element, Lookup, Set, Step, Target, TargetPort,
};

/// Parses the field and values of a lookup. Adds the kernel's steps before it: the rule ends for packets without the
/// field.
pub(super) fn lookup(key: &Json, set: &Json, steps: &mut Vec<Step>) -> Lookup {
    let fields = match parts(key, "concat") {
        Some(parts) => parts.iter().map(|part| field(part, steps)).collect(),
        None => vec![field(key, steps)],
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

/// The action of a verdict; `None` if it is not a verdict, or the packet continues.
pub(super) fn verdict(json: &Json) -> Option<Action> {
    let (kind, inner) = json.as_object()?.iter().next()?;
    let target = || Some(inner.get("target")?.as_str()?.to_owned());
    match kind.as_str() {
        "accept" | "drop" | "reject" | "snat" | "masquerade" => Some(Action::End),
        "return" => Some(Action::Return),
        "jump" => target().map(Action::Jump),
        "goto" => target().map(Action::Goto),
        _ => None,
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

/// The values for several fields, or the one.
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
fn field(expression: &Json, steps: &mut Vec<Step>) -> Field {
    let mut known = || {
        let (kind, inner) = expression.as_object()?.iter().next()?;
        let word = |name: &str| inner.get(name).and_then(Json::as_str);
        match kind.as_str() {
            "payload" => payload(word("protocol")?, word("field")?, steps),
            "meta" => Some(meta(word("key")?)),
            "ct" => Some(conntrack(word("key")?, word("dir"))),
            "fib" => fib(inner),
            "numgen" | "jhash" | "symhash" => Some(Field::Share),
            "socket" => {
                let key = word("key").unwrap_or("state");
                let words = format!("belong to a socket whose {key} is ");
                Some(Field::Other(Subject::Phrase, words))
            }
            "&" => masked(inner, steps),
            _ => None,
        }
    };
    known().unwrap_or_else(|| unknown(&expression.to_string()))
}

fn unknown(what: &str) -> Field {
    Field::Other(Subject::Unknown, format!("{what} "))
}

/// `meta mark & 0xff`, `tcp flags & (syn | ack)`.
fn masked(parts: &Json, steps: &mut Vec<Step>) -> Option<Field> {
    let [left, mask] = parts.as_array()?.as_slice() else {
        return None;
    };
    match field(left, steps) {
        Field::Other(Subject::Mark, _) => {
            let words = format!("(masked with {mask}) ");
            Some(Field::Other(Subject::Mark, words))
        }
        // Unlike plain flags it may never match the first packet of a connection, which a nat chain sees.
        Field::TcpFlags => Some(Field::Other(Subject::Unknown, "tcp flags ".to_owned())),
        _ => None,
    }
}

fn payload(protocol: &str, name: &str, steps: &mut Vec<Step>) -> Option<Field> {
    let requirement = match protocol {
        "th" => None,
        "ip" => Some((Field::Version, Value::Number(2))),
        "ip6" => Some((Field::Version, Value::Number(10))),
        "tcp" | "udp" | "udplite" | "sctp" | "dccp" | "icmp" | "icmpv6" | "arp" | "vlan"
        | "esp" | "ah" | "comp" => Some((Field::Protocol, Value::Text(protocol.to_owned()))),
        _ => return None,
    };
    steps.extend(requirement.map(|(field, value)| Step::compare(field, false, value)));
    Some(match (protocol, name) {
        ("tcp" | "udp" | "th", "dport") => Field::Port,
        ("tcp" | "udp" | "th", "sport") => Field::simple(Subject::SourcePort),
        ("ip" | "ip6", "saddr") => Field::Source,
        ("ip" | "ip6", "daddr") => Field::Destination,
        ("ip", "protocol") | ("ip6", "nexthdr") => Field::Protocol,
        ("tcp", "flags") => Field::TcpFlags,
        _ => unknown(&format!("{protocol} {name}")),
    })
}

fn meta(name: &str) -> Field {
    match name {
        "l4proto" => Field::Protocol,
        "nfproto" => Field::Version,
        "protocol" => Field::EtherType,
        "iif" | "iifname" => Field::InInterface,
        "oif" | "oifname" => Field::OutInterface,
        "skuid" => Field::Sender(Subject::User),
        "skgid" => Field::Sender(Subject::Group),
        "mark" => Field::simple(Subject::Mark),
        "random" => Field::Share,
        "pkttype" => Field::Other(Subject::Phrase, "are of the link's packet type ".into()),
        name => unknown(&format!("meta {name}")),
    }
}

/// The original tuple of a connection is from its first packet.
fn conntrack(name: &str, direction: Option<&str>) -> Field {
    match (name, direction) {
        ("proto-dst", Some("original")) => Field::Port,
        ("proto-src", Some("original")) => Field::simple(Subject::SourcePort),
        ("ip saddr" | "ip6 saddr", Some("original")) => Field::Source,
        ("ip daddr" | "ip6 daddr", Some("original")) => Field::Destination,
        ("state", _) => Field::State,
        ("mark", _) => Field::Other(Subject::Mark, "of the connection ".into()),
        ("status", _) => Field::Other(
            Subject::Phrase,
            "belong to a connection with status ".into(),
        ),
        _ => unknown(&format!("ct {name}")),
    }
}

fn fib(inner: &Json) -> Option<Field> {
    let flags = inner.get("flags")?.as_array()?;
    let is_type = inner.get("result").and_then(Json::as_str) == Some("type");
    let has = |name: &str| flags.iter().any(|flag| flag.as_str() == Some(name));
    (is_type && has("daddr")).then_some(Field::DestinationType)
}
