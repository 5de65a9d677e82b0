//! Statements of nftables (`nft(8)`, "STATEMENTS"). Pure.

use serde_json::Value as Json;

use super::expression::{lookup, target, value, verdict};
use super::word;
use crate::source::linux::redirects::condition::Subject;
use crate::source::linux::redirects::iptables::{is_final, is_harmless};
use crate::source::linux::redirects::packet::{Field, Value};
use crate::source::linux::redirects::rule::{Action, Lookup, Part, Set, Step};

const HARMLESS: &str = "counter, log, notrack, secmark, set, map, dup, flow, comment, meter, synproxy, continue, \
     last, ct helper, ct timeout, ct expectation";

pub(super) fn parse(expression: &Json, steps: &mut Vec<Step>) {
    let object = expression.as_object();
    let unknown = |words: &str| Step::require(Subject::Unknown, words);
    let Some((kind, inner)) = object.and_then(|object| object.iter().next()) else {
        return steps.push(unknown(&value(expression).text()));
    };
    let opaque = |what: &str| Some(Step::Act(Action::Opaque(what.to_owned())));
    let step = match kind.as_str() {
        "match" => {
            let comparison = comparison(inner, steps);
            Some(comparison.unwrap_or_else(|| unknown(&inner.to_string())))
        }
        "limit" | "quota" | "ct count" => {
            Some(Step::require(Subject::Phrase, "are within a rate limit"))
        }
        "vmap" => map(inner, steps).map(|lookup| {
            let what = format!("the elements of the map {} were not read", inner["data"]);
            let otherwise = Action::Opaque(what.replace('"', ""));
            Step::Map { lookup, otherwise }
        }),
        "dnat" | "redirect" | "tproxy" => {
            let number = match word(inner, "family") {
                Some("ip") => Some(2),
                Some("ip6") => Some(10),
                _ => None,
            };
            // The kernel stops evaluating the rule for packets of the other version.
            let version = |number| Step::compare(Field::Version, false, Value::Number(number));
            steps.extend(number.map(version));
            Some(send(inner, kind == "tproxy", steps))
        }
        "mangle" => rewrite(inner),
        "fwd" => opaque("packets are forwarded to another interface"),
        "queue" => opaque("packets are queued to a program"),
        // A match or target that only the tools of `iptables` can print.
        "xt" => {
            let name = word(inner, "name").unwrap_or("?");
            match word(inner, "type") {
                Some("target") if is_harmless(name) => None,
                Some("target") if is_final(name) => Some(Step::Act(Action::End)),
                Some("match") if name == "comment" => None,
                Some("match") => Some(unknown(&format!("iptables -m {name}"))),
                _ => opaque(&format!("the target {name} of iptables was not understood")),
            }
        }
        _ if HARMLESS.split(", ").any(|one| one == kind) => None,
        _ => {
            let action = verdict(expression).map(Step::Act);
            Some(action.unwrap_or_else(|| unknown(kind)))
        }
    };
    steps.extend(step);
}

fn map(inner: &Json, steps: &mut Vec<Step>) -> Option<Lookup> {
    Some(lookup(inner.get("key")?, inner.get("data")?, steps))
}

fn comparison(inner: &Json, steps: &mut Vec<Step>) -> Option<Step> {
    let operator = word(inner, "op").unwrap_or("==");
    let mut lookup = lookup(inner.get("left")?, inner.get("right")?, steps);
    if !matches!(operator, "==" | "in" | "!=") {
        let number = inner.get("right")?.as_u64()?;
        let range = match operator {
            "<" => Value::Range(0, number.checked_sub(1)?),
            "<=" => Value::Range(0, number),
            ">" => Value::Range(number.checked_add(1)?, u64::MAX),
            ">=" => Value::Range(number, u64::MAX),
            _ => return None,
        };
        lookup.set = Set::of(vec![range]);
    }
    let is_negated = operator == "!=";
    Some(Step::Match { lookup, is_negated })
}

/// Sends packets to a target of which a part may be looked up in a map.
fn send(inner: &Json, goes_on: bool, steps: &mut Vec<Step>) -> Step {
    let (address, port) = (inner.get("addr"), inner.get("port"));
    let parts = address.into_iter().chain(port);
    let (mapped, fixed): (Vec<&Json>, Vec<_>) = parts.partition(|part| part.get("map").is_some());
    let fixed: Vec<Value> = fixed.into_iter().map(value).collect();
    let mut target = target(&fixed);
    // One map is looked up; what a second one gives is open.
    if mapped.len() > 1 {
        target.port = Some(Part::Several("a port of a map".to_owned()));
    }
    let mut maps = mapped.iter();
    let lookup = maps.find_map(|part| map(&part["map"], steps));
    if let Some(Set::Named(name)) = lookup.as_ref().map(|lookup| &lookup.set) {
        if address.is_some_and(|address| address.get("map").is_some()) {
            target.address = Some(Part::Several(format!("an address of the map {name}")));
        } else {
            target.port = Some(Part::Several(format!("@{name}")));
        }
    }
    let otherwise = Action::Send {
        targets: vec![target],
        goes_on,
    };
    match lookup {
        Some(lookup) => Step::Map { lookup, otherwise },
        None => Step::Act(otherwise),
    }
}

/// Writes another destination into the packet, without the state of a connection.
fn rewrite(inner: &Json) -> Option<Step> {
    let field = word(inner.get("key")?.get("payload")?, "field")?;
    if !matches!(field, "dport" | "daddr") {
        return None;
    }
    let target = target(&[value(inner.get("value")?)]);
    let is_understood = (field == "dport") == target.address.is_none();
    Some(Step::Act(if is_understood {
        Action::Send {
            targets: vec![target],
            goes_on: true,
        }
    } else {
        Action::Opaque("packets get another destination".to_owned())
    }))
}
