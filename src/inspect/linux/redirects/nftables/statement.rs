//! Statements of nftables (`nft(8)`, "STATEMENTS"). Pure.

use serde_json::Value as Json;

use super::expression::{lookup, target, value, verdict};
use crate::inspect::linux::redirects::condition::{Condition, Subject};
use crate::inspect::linux::redirects::field::{Field, Value};
use crate::inspect::linux::redirects::iptables::{is_final, is_harmless};
use crate::inspect::linux::redirects::rule::{Action, Address, Lookup, Set, Step, TargetPort};

/// Statements that don't redirect a packet.
const HARMLESS: &str = "counter, log, notrack, secmark, set, map, dup, flow, comment, meter, synproxy, continue, \
     last, ct helper, ct timeout, ct expectation";

/// Adds the steps of a statement.
pub(super) fn parse(expression: &Json, steps: &mut Vec<Step>) {
    let object = expression.as_object();
    let Some((kind, inner)) = object.and_then(|object| object.iter().next()) else {
        return steps.push(require(Subject::Unknown, &value(expression).text()));
    };
    let opaque = |what: &str| Some(Step::Act(Action::Opaque(what.to_owned())));
    let step = match kind.as_str() {
        "match" => Some(
            comparison(inner, steps)
                .unwrap_or_else(|| require(Subject::Unknown, &inner.to_string())),
        ),
        "limit" | "quota" | "ct count" => Some(require(Subject::Phrase, "are within a rate limit")),
        "vmap" => map(inner, steps).map(|lookup| {
            let what = format!("the elements of the map {} were not read", inner["data"]);
            let otherwise = Action::Opaque(what.replace('"', ""));
            Step::Map { lookup, otherwise }
        }),
        "dnat" | "redirect" | "tproxy" => {
            let number = match inner.get("family").and_then(Json::as_str) {
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
        "xt" => foreign(inner),
        _ if HARMLESS.split(", ").any(|one| one == kind) => None,
        _ => {
            let action = verdict(expression).map(Step::Act);
            Some(action.unwrap_or_else(|| require(Subject::Unknown, kind)))
        }
    };
    steps.extend(step);
}

fn require(subject: Subject, words: &str) -> Step {
    Step::Require(Condition::new(subject, words))
}

fn map(inner: &Json, steps: &mut Vec<Step>) -> Option<Lookup> {
    Some(lookup(inner.get("key")?, inner.get("data")?, steps))
}

fn comparison(inner: &Json, steps: &mut Vec<Step>) -> Option<Step> {
    let operator = inner.get("op").and_then(Json::as_str).unwrap_or("==");
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
        lookup.set = Set::Inline(vec![vec![range].into()]);
    }
    let is_negated = operator == "!=";
    Some(Step::Match { lookup, is_negated })
}

/// Sends packets to a target of which a part may be looked up in a map.
fn send(inner: &Json, goes_on: bool, steps: &mut Vec<Step>) -> Step {
    let (address, port) = (inner.get("addr"), inner.get("port"));
    let map_of = |part: &Json| map(part.get("map")?, steps);
    let parts = || address.into_iter().chain(port);
    let fixed = parts().filter(|part| part.get("map").is_none()).map(value);
    let mut target = target(&fixed.collect::<Vec<_>>());
    let lookup = parts().find_map(map_of);
    // One map is looked up; what a second one gives is open.
    if parts().filter(|part| part.get("map").is_some()).count() > 1 {
        target.port = TargetPort::Several("a port of a map".to_owned());
    }
    if let Some(Set::Named(name)) = lookup.as_ref().map(|lookup| &lookup.set) {
        if address.is_some_and(|address| address.get("map").is_some()) {
            target.address = Some(Address::Several(format!("an address of the map {name}")));
        } else {
            target.port = TargetPort::Several(format!("@{name}"));
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
    let field = inner.get("key")?.get("payload")?.get("field")?.as_str()?;
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

/// A match or target that only the tools of `iptables` can print.
fn foreign(inner: &Json) -> Option<Step> {
    let word = |name: &str| inner.get(name).and_then(Json::as_str).unwrap_or("?");
    let name = word("name");
    match word("type") {
        "target" if is_harmless(name) => None,
        "target" if is_final(name) => Some(Step::Act(Action::End)),
        "match" if name == "comment" => None,
        "match" => Some(require(Subject::Unknown, &format!("iptables -m {name}"))),
        _ => {
            let what = format!("the target {name} of iptables was not understood");
            Some(Step::Act(Action::Opaque(what)))
        }
    }
}
