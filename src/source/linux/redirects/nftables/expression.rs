//! Expressions of nftables: fields and values. Pure.
//!
//! Values are numbers, names, prefixes, ranges, and sets of these (`libnftables-json(5)`); with `-n` numbers
//! replace names, but not in every version.

use serde_json::Value as Json;

use super::{list, word};
use crate::source::linux::redirects::condition::Subject;
use crate::source::linux::redirects::packet::{Field, Value};
use crate::source::linux::redirects::rule::{Action, Element, Lookup, Part, Set, Step, Target};

/// Parses the field and values of a lookup. Adds the kernel's steps before it: the rule ends for packets without the
/// field.
pub(super) fn lookup(key: &Json, set: &Json, steps: &mut Vec<Step>) -> Lookup {
    let fields = match list(key, "concat") {
        Some(parts) => parts.iter().map(|part| field(part, steps)).collect(),
        None => vec![field(key, steps)],
    };
    let set = match (list(set, "set"), set.as_str()) {
        (Some(elements), _) => Set::Inline(elements.iter().map(element).collect()),
        (None, Some(name)) if name.starts_with('@') => Set::Named(name[1..].to_owned()),
        _ => Set::of(values(set)),
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
    let comment = inner.and_then(|inner| word(inner, "comment"));
    let action = |data| {
        verdict(data).unwrap_or_else(|| Action::Send {
            targets: vec![target(&values(data))],
            goes_on: false,
        })
    };
    Element {
        key: match key.as_str() {
            Some("*") => Vec::new(),
            _ => values(key),
        },
        action: data.map(action),
        comment: comment.map(str::to_owned),
    }
}

/// The action of a verdict; `None` if it is not a verdict, or the packet continues.
pub(super) fn verdict(json: &Json) -> Option<Action> {
    let (kind, inner) = json.as_object()?.iter().next()?;
    let target = || word(inner, "target").map(str::to_owned);
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
    let (mut address, mut port) = (None, None);
    for part in parts {
        match part {
            Value::Number(0) => {}
            Value::Number(_) | Value::Range(..) => {
                let one = part.text().parse().map(Part::One);
                port = Some(one.unwrap_or_else(|_| Part::Several(part.text())));
            }
            Value::Net(net) if net.prefix_len() == net.max_prefix_len() => {
                address = Some(Part::One(net.addr()));
            }
            Value::Other(_) => address = Some(Part::Several("another address".into())),
            _ => address = Some(Part::Several(part.text())),
        }
    }
    Target { address, port }
}

/// The values for several fields, or the one.
fn values(json: &Json) -> Vec<Value> {
    match list(json, "concat") {
        Some(parts) => parts.iter().map(value).collect(),
        None => vec![value(json)],
    }
}

pub(super) fn value(json: &Json) -> Value {
    let net = |prefix: &Json| {
        let (address, length) = (word(prefix, "addr")?, prefix.get("len")?.as_u64()?);
        Value::net(&format!("{address}/{length}"))
    };
    if let Some(net) = json.get("prefix").and_then(net) {
        return net;
    }
    if let Some([first, last]) = list(json, "range") {
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

fn field(expression: &Json, steps: &mut Vec<Step>) -> Field {
    let mut known = || {
        let (kind, inner) = expression.as_object()?.iter().next()?;
        let word = |name: &str| word(inner, name);
        match kind.as_str() {
            "payload" => payload(word("protocol")?, word("field")?, steps),
            "meta" => Some(named(&format!("meta {}", word("key")?))),
            "ct" => {
                let key = word("key")?;
                // The original tuple of a connection is from its first packet.
                let original = word("dir").filter(|direction| *direction == "original");
                let of_packet = original.and_then(|_| Field::named(key));
                Some(of_packet.unwrap_or_else(|| named(&format!("ct {key}"))))
            }
            "fib" => {
                let has_address = list(inner, "flags")?.contains(&"daddr".into());
                (has_address && word("result") == Some("type")).then_some(Field::DestinationType)
            }
            "numgen" | "jhash" | "symhash" => Some(Field::Share),
            "socket" => {
                let key = word("key").unwrap_or("state");
                let words = format!("belong to a socket whose {key} is ");
                Some(Field::Other(Subject::Phrase, words))
            }
            // `meta mark & 0xff`, `tcp flags & (syn | ack)`.
            "&" => match inner.as_array()?.as_slice() {
                [left, mask] => match field(left, steps) {
                    Field::Other(Subject::Mark, _) => {
                        let words = format!("(masked with {mask}) ");
                        Some(Field::Other(Subject::Mark, words))
                    }
                    // Unlike plain flags it may never match the first packet of a connection, which a nat chain sees.
                    Field::TcpFlags => Some(unknown("tcp flags")),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    };
    known().unwrap_or_else(|| unknown(&expression.to_string()))
}

fn named(name: &str) -> Field {
    Field::named(name).unwrap_or_else(|| unknown(name))
}

fn unknown(what: &str) -> Field {
    Field::Other(Subject::Unknown, format!("{what} "))
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
        ("tcp" | "udp", "dport" | "sport") => named(&format!("th {name}")),
        _ => named(&format!("{protocol} {name}")),
    })
}
