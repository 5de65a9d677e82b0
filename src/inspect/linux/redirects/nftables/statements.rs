//! What the statements of a rule of nftables do (`nft(8)`, "STATEMENTS"). Pure.

use std::net::IpAddr;

use serde_json::Value;

use super::super::conditions::{Condition, Subject};
use super::super::rules::{Action, Address, Case, Rule, Target, TargetPort, Version};
use super::NftTable;
use super::matches::{Ways, lookup, matches};
use super::values::{range, text};

/// More ways through a rule than this are not followed one by one.
const MOST_WAYS: usize = 64;

/// Statements that leave a packet where it was going.
const HARMLESS: &[&str] = &[
    "counter",
    "log",
    "notrack",
    "ct helper",
    "ct timeout",
    "ct expectation",
    "secmark",
    "set",
    "map",
    "dup",
    "flow",
    "comment",
    "meter",
    "synproxy",
    "continue",
    "last",
];

/// Targets of `iptables` that do so.
const HARMLESS_TARGETS: &[&str] = &[
    "LOG",
    "MARK",
    "CONNMARK",
    "NFLOG",
    "CT",
    "TCPMSS",
    "MASQUERADE",
    "SNAT",
    "TRACE",
    "SET",
];

/// The ways in which a packet can go on in a rule: one entry for each.
pub(super) fn rules_of(table: &NftTable, rule: &Value, case: &Case<'_>) -> Vec<Rule> {
    let comment = rule.get("comment").and_then(Value::as_str);
    let expressions = rule.get("expr").and_then(Value::as_array);
    let mut builder = Builder {
        table,
        case,
        comment,
        ways: vec![Vec::new()],
        rules: Vec::new(),
    };
    for expression in expressions.into_iter().flatten() {
        let object = expression
            .as_object()
            .and_then(|object| object.iter().next());
        match object {
            Some((kind, inner)) => builder.statement(kind, inner),
            None => builder.require(&[vec![Condition::new(Subject::Unknown, text(expression))]]),
        }
        if builder.ways.is_empty() {
            break;
        }
    }
    builder.rules
}

struct Builder<'a> {
    table: &'a NftTable,
    case: &'a Case<'a>,
    comment: Option<&'a str>,
    /// How a packet gets to the next statement.
    ways: Ways,
    rules: Vec<Rule>,
}

impl Builder<'_> {
    fn statement(&mut self, kind: &str, inner: &Value) {
        match kind {
            "match" => {
                let ways = matches(self.table, inner, self.case);
                self.require(&ways);
            }
            "limit" | "quota" | "ct count" => {
                let phrase = Condition::new(Subject::Phrase, "are within a rate limit");
                self.require(&[vec![phrase]]);
            }
            "vmap" => self.verdict_map(inner),
            "dnat" | "redirect" | "tproxy" => self.send(kind, inner),
            "mangle" => self.rewrite(inner),
            "fwd" => self.act(&Action::Opaque(
                "packets are forwarded to another interface".into(),
            )),
            "queue" => self.act(&Action::Opaque("packets are queued to a program".into())),
            "xt" => self.foreign(inner),
            _ if HARMLESS.contains(&kind) => {}
            _ => match verdict(kind, inner) {
                Some(action) => self.act(&action),
                None => self.require(&[vec![Condition::new(Subject::Unknown, kind)]]),
            },
        }
    }

    /// Asks for one of these ways too.
    fn require(&mut self, also: &[Vec<Condition>]) {
        let both = |way: &Vec<Condition>| {
            let with = |more: &Vec<Condition>| [way.as_slice(), more].concat();
            also.iter().map(with).collect::<Vec<_>>()
        };
        let ways: Ways = self.ways.iter().flat_map(both).collect();
        self.ways = if ways.len() > MOST_WAYS {
            let many = format!("one of {} combinations", ways.len());
            vec![vec![Condition::new(Subject::Unknown, many)]]
        } else {
            ways
        };
    }

    /// Does something to the packets that got here.
    fn act(&mut self, action: &Action) {
        self.act_if(&[], action, None);
    }

    fn act_if(&mut self, also: &[Condition], action: &Action, comment: Option<&str>) {
        for way in &self.ways {
            self.rules.push(Rule {
                conditions: [way.as_slice(), also].concat(),
                action: action.clone(),
                comment: comment.or(self.comment).map(str::to_owned),
            });
        }
    }

    fn verdict_map(&mut self, inner: &Value) {
        let parts = inner.get("key").zip(inner.get("data"));
        let found = parts.and_then(|(key, data)| lookup(self.table, key, data, self.case));
        let Some(elements) = found else {
            let what = format!(
                "the elements of the map {} were not read",
                text(&inner["data"])
            );
            return self.act(&Action::Opaque(what));
        };
        for element in elements {
            let verdict = element.value.and_then(Value::as_object);
            let verdict = verdict.and_then(|verdict| verdict.iter().next());
            if let Some(action) = verdict.and_then(|(kind, inner)| self::verdict(kind, inner)) {
                self.act_if(&element.conditions, &action, element.comment);
            }
        }
    }

    /// `tproxy` lets the packet go on through the rules, the others end its way.
    fn send(&mut self, kind: &str, inner: &Value) {
        let family = inner.get("family").and_then(Value::as_str);
        let version = match family {
            Some("ip") => Some(Version::V4),
            Some("ip6") => Some(Version::V6),
            _ => None,
        };
        if version.is_some_and(|version| version != self.case.version) {
            // The kernel breaks off such a rule.
            self.ways.clear();
            return;
        }
        let goes_on = kind == "tproxy";
        for (conditions, address, port) in self.targets(inner.get("addr"), inner.get("port")) {
            let target = Target { address, port };
            self.act_if(&conditions, &Action::Send { target, goes_on }, None);
        }
    }

    /// What an address and a port come to, each of which may be looked up in a map; one map may have
    /// both.
    fn targets(
        &self,
        address: Option<&Value>,
        port: Option<&Value>,
    ) -> Vec<(Vec<Condition>, Option<Address>, TargetPort)> {
        let mut targets = Vec::new();
        for (conditions, address) in self.values(address) {
            let parts = address.and_then(|address| address.get("concat")?.as_array());
            if let Some([address, port]) = parts.map(Vec::as_slice) {
                targets.push((conditions, Some(address_of(address)), port_of(Some(port))));
                continue;
            }
            for (also, port) in self.values(port) {
                let conditions = [conditions.as_slice(), &also].concat();
                targets.push((conditions, address.map(address_of), port_of(port)));
            }
        }
        targets
    }

    /// The values that an expression can have, with what must hold for each.
    fn values<'v>(
        &'v self,
        expression: Option<&'v Value>,
    ) -> Vec<(Vec<Condition>, Option<&'v Value>)> {
        let map = expression.and_then(|expression| expression.get("map"));
        let parts = map.and_then(|map| map.get("key").zip(map.get("data")));
        let Some((key, data)) = parts else {
            return vec![(Vec::new(), expression)];
        };
        match lookup(self.table, key, data, self.case) {
            Some(elements) => elements
                .into_iter()
                .map(|element| (element.conditions, element.value))
                .collect(),
            None => vec![(Vec::new(), Some(data))],
        }
    }

    /// A rule that writes another destination into the packet, without a connection's state.
    fn rewrite(&mut self, inner: &Value) {
        let payload = inner.get("key").and_then(|key| key.get("payload"));
        let field = payload.and_then(|payload| payload.get("field")?.as_str());
        let value = inner.get("value");
        let target = match field {
            Some("dport") => Target {
                address: None,
                port: port_of(value),
            },
            Some("daddr") => Target {
                address: value.map(address_of),
                port: TargetPort::Same,
            },
            _ => return,
        };
        let goes_on = true;
        self.act(&Action::Send { target, goes_on });
    }

    /// A match or target that only the tools of `iptables` can spell.
    fn foreign(&mut self, inner: &Value) {
        let word = |name: &str| inner.get(name).and_then(Value::as_str).unwrap_or("?");
        let name = word("name");
        match word("type") {
            "target" if HARMLESS_TARGETS.contains(&name) => {}
            "match" if name == "comment" => {}
            "match" => self.require(&[vec![Condition::new(
                Subject::Unknown,
                format!("iptables -m {name}"),
            )]]),
            _ => self.act(&Action::Opaque(format!(
                "the target {name} of iptables was not understood"
            ))),
        }
    }
}

/// What a verdict does; `None` if it is none, or the packet goes on.
fn verdict(kind: &str, inner: &Value) -> Option<Action> {
    let target = || Some(inner.get("target")?.as_str()?.to_owned());
    match kind {
        "accept" | "drop" | "reject" | "snat" | "masquerade" => Some(Action::End),
        "return" => Some(Action::Return),
        "jump" => target().map(Action::Jump),
        "goto" => target().map(Action::Goto),
        _ => None,
    }
}

fn address_of(value: &Value) -> Address {
    let one = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    match (one, value.as_str()) {
        (Some(one), _) => Address::One(one),
        (None, Some(name)) => Address::Several(format!(
            "an address of the map {}",
            name.trim_start_matches('@')
        )),
        (None, None) if range(value).is_some() || value.get("prefix").is_some() => {
            Address::Several(text(value))
        }
        (None, None) => Address::Several("another address".into()),
    }
}

fn port_of(value: Option<&Value>) -> TargetPort {
    let Some(value) = value else {
        return TargetPort::Same;
    };
    match value.as_u64().map(u16::try_from) {
        Some(Ok(0)) => TargetPort::Same,
        Some(Ok(one)) => TargetPort::One(one),
        _ => TargetPort::Several(text(value)),
    }
}
