//! Statements of nftables (`nft(8)`, "STATEMENTS"). Pure.

use serde_json::Value as Json;

use super::expression::{lookup, value};
use crate::inspect::linux::redirects::condition::{Condition, Subject};
use crate::inspect::linux::redirects::field::Value;
use crate::inspect::linux::redirects::iptables::is_harmless;
use crate::inspect::linux::redirects::rule::{
    Action, Address, Lookup, Match, Operand, Operator, Set, Step, Target, TargetPort, Version,
};

/// Statements that leave a packet where it was going.
const HARMLESS: &str =
    "counter log notrack secmark set map dup flow comment meter synproxy continue last";

/// Parses the statements of one rule.
#[derive(Default)]
pub(super) struct Parser {
    pub(super) steps: Vec<Step>,
    /// Named sets that it refers to.
    pub(super) used_sets: Vec<String>,
    /// Whether a part of it can only be printed by the tools of `iptables`.
    pub(super) has_foreign: bool,
}

impl Parser {
    pub(super) fn statement(&mut self, expression: &Json) {
        let object = expression.as_object();
        let Some((kind, inner)) = object.and_then(|object| object.iter().next()) else {
            return self.require(Subject::Unknown, &value(expression).text());
        };
        match kind.as_str() {
            "match" => self.match_statement(inner),
            "limit" | "quota" | "ct count" => {
                self.require(Subject::Phrase, "are within a rate limit");
            }
            "vmap" => {
                if let Some(map) = self.map(inner) {
                    self.steps.push(Step::VerdictMap(map));
                }
            }
            "dnat" | "redirect" | "tproxy" => self.send(kind, inner),
            "mangle" => self.rewrite(inner),
            "fwd" => self.opaque("packets are forwarded to another interface"),
            "queue" => self.opaque("packets are queued to a program"),
            "xt" => self.foreign(inner),
            _ if HARMLESS.split(' ').any(|one| one == kind) => {}
            "ct helper" | "ct timeout" | "ct expectation" => {}
            _ => match verdict(expression) {
                Some(action) => self.steps.push(Step::Act(action)),
                None => self.require(Subject::Unknown, kind),
            },
        }
    }

    fn require(&mut self, subject: Subject, words: &str) {
        let condition = Condition::new(subject, words);
        self.steps.push(Step::Require(condition));
    }

    fn opaque(&mut self, what: &str) {
        self.steps.push(Step::Act(Action::Opaque(what.to_owned())));
    }

    fn lookup(&mut self, key: &Json, set: &Json) -> Lookup {
        let lookup = lookup(key, set);
        if let Set::Named(name) = &lookup.set {
            self.used_sets.push(name.clone());
        }
        lookup
    }

    fn map(&mut self, inner: &Json) -> Option<Lookup> {
        Some(self.lookup(inner.get("key")?, inner.get("data")?))
    }

    fn match_statement(&mut self, inner: &Json) {
        let Some((left, right)) = inner.get("left").zip(inner.get("right")) else {
            return self.require(Subject::Unknown, &inner.to_string());
        };
        let operator = match inner.get("op").and_then(Json::as_str) {
            None | Some("==" | "in") => Operator::Equal,
            Some("!=") => Operator::NotEqual,
            Some(other) => Operator::Other(other.to_owned()),
        };
        let lookup = self.lookup(left, right);
        self.steps.push(Step::Match(Match { lookup, operator }));
    }

    fn operand<T: for<'a> From<&'a Value>>(&mut self, json: &Json) -> Operand<T> {
        match json.get("map").and_then(|map| self.map(map)) {
            Some(map) => Operand::Map(map),
            None => Operand::Is(T::from(&value(json))),
        }
    }

    fn send(&mut self, kind: &str, inner: &Json) {
        let step = Step::Send {
            version: match inner.get("family").and_then(Json::as_str) {
                Some("ip") => Some(Version::V4),
                Some("ip6") => Some(Version::V6),
                _ => None,
            },
            address: inner
                .get("addr")
                .map(|address| self.operand::<Address>(address)),
            port: match inner.get("port") {
                Some(port) => self.operand(port),
                None => Operand::Is(TargetPort::Same),
            },
            // The others end the packet's way through the rules.
            goes_on: kind == "tproxy",
        };
        self.steps.push(step);
    }

    /// Writes another destination into the packet, without the state of a connection.
    fn rewrite(&mut self, inner: &Json) {
        let field = inner
            .get("key")
            .and_then(|key| key.get("payload")?.get("field")?.as_str());
        let value = inner.get("value").map(value);
        let target = match (field, value) {
            (Some("dport"), Some(port)) => Target {
                address: None,
                port: TargetPort::from(&port),
            },
            (Some("daddr"), Some(address)) => Target {
                address: Some(Address::from(&address)),
                port: TargetPort::Same,
            },
            _ => return,
        };
        let goes_on = true;
        self.steps.push(Step::Act(Action::Send { target, goes_on }));
    }

    /// A match or target that only the tools of `iptables` can print.
    fn foreign(&mut self, inner: &Json) {
        self.has_foreign = true;
        let word = |name: &str| inner.get(name).and_then(Json::as_str).unwrap_or("?");
        let name = word("name");
        match word("type") {
            "target" if is_harmless(name) => {}
            "match" if name == "comment" => {}
            "match" => self.require(Subject::Unknown, &format!("iptables -m {name}")),
            _ => self.opaque(&format!("the target {name} of iptables was not understood")),
        }
    }
}

/// What a verdict does; `None` if it is none, or the packet goes on.
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
