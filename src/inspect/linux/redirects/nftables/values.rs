//! Values on the right of a match and in sets: numbers, names, prefixes, ranges and lists of these. Pure.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::super::iptables::matches::network_text;

/// Whether a number is this one, in this range or has this name; `None` if `right` is neither.
pub(super) fn number(value: u64, names: &[&str], right: &Value) -> Option<bool> {
    match right {
        Value::Number(one) => Some(one.as_u64()? == value),
        Value::String(name) => Some(names.contains(&name.as_str())),
        Value::Array(several) => several
            .iter()
            .map(|one| number(value, names, one))
            .try_fold(false, |any, one| Some(any | one?)),
        _ => {
            let (first, last) = range(right)?;
            Some((first.as_u64()?..=last.as_u64()?).contains(&value))
        }
    }
}

/// Whether a state, or one of several, is that of a new connection: bit 3 (`NF_CT_STATE_BIT`), and all
/// that a nat chain sees.
pub(super) fn is_new(right: &Value) -> bool {
    match right {
        Value::Number(bits) => bits.as_u64().is_some_and(|bits| bits & 8 != 0),
        Value::String(name) => name == "new",
        Value::Array(several) => several.iter().any(is_new),
        _ => false,
    }
}

/// The ends of a range.
pub(super) fn range(value: &Value) -> Option<(&Value, &Value)> {
    match value.get("range")?.as_array()?.as_slice() {
        [first, last] => Some((first, last)),
        _ => None,
    }
}

/// A prefix or an address as a network.
pub(super) fn network(value: &Value) -> Option<IpNet> {
    if let Some(prefix) = value.get("prefix") {
        let address: IpAddr = prefix.get("addr")?.as_str()?.parse().ok()?;
        let length = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
        return Some(IpNet::new(address, length).ok()?.trunc());
    }
    let address: IpAddr = value.as_str()?.parse().ok()?;
    Some(IpNet::from(address))
}

/// A value in the words of the tool.
pub(super) fn text(value: &Value) -> String {
    if let Some((first, last)) = range(value) {
        return format!("{}-{}", text(first), text(last));
    }
    if let Some(net) = network(value) {
        return network_text(&net);
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(object) => match object.iter().next() {
            Some((name, Value::Array(parts))) if name == "set" || name == "concat" => {
                let separator = if name == "set" { ", " } else { " . " };
                parts.iter().map(text).collect::<Vec<_>>().join(separator)
            }
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}
