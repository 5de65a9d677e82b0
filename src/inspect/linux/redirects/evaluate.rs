//! What a rule does with the packets of a port: every way through it, with its conditions. Pure.

use super::condition::{Condition, Subject};
use super::field::{Outcome, Value};
use super::rule::{
    Action, Address, Data, Element, Lookup, Match, Operand, Operator, Packet, Rule, Set, Step,
    Table, Target, TargetPort,
};

/// More ways through a rule than this are not traced one by one.
const MOST_WAYS: usize = 64;

/// More ways to match than this are not listed.
const MOST_LISTED: usize = 16;

/// A way through a rule to one of its actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) conditions: Vec<Condition>,
    pub(super) action: Action,
    pub(super) comment: Option<String>,
}

/// The ways in which something can hold: all conditions of one of them. No way: it can't; an empty way: it does.
type Ways = Vec<Vec<Condition>>;

impl Table {
    /// What a chain does with a packet; `None` if there is no such chain.
    pub(super) fn branches(&self, chain: &str, packet: &Packet<'_>) -> Option<Vec<Branch>> {
        let of_rule = |rule: &Rule| {
            let mut builder = Builder {
                table: self,
                packet,
                rule_comment: rule.comment.as_deref(),
                ways: vec![Vec::new()],
                branches: Vec::new(),
            };
            for step in &rule.steps {
                builder.step(step);
                if builder.ways.is_empty() {
                    break;
                }
            }
            builder.branches
        };
        Some(self.chains.get(chain)?.iter().flat_map(of_rule).collect())
    }

    /// The elements that a lookup searches; `None` where the tool did not print them.
    fn elements<'a>(&'a self, set: &'a Set) -> Option<&'a [Element]> {
        match set {
            Set::Inline(elements) => Some(elements),
            Set::Named(name) => self.sets.get(name)?.as_deref(),
        }
    }

    /// The elements that a packet may match, with the conditions of each.
    fn look_up<'a>(
        &'a self,
        lookup: &'a Lookup,
        packet: &Packet<'_>,
    ) -> Option<Vec<(Vec<Condition>, &'a Element)>> {
        let elements = self.elements(&lookup.set)?.iter();
        let matching = |element| Some((conditions(lookup, element, packet)?, element));
        Some(elements.filter_map(matching).collect())
    }

    fn ways(&self, Match { lookup, operator }: &Match, packet: &Packet<'_>) -> Ways {
        match operator {
            Operator::Equal => self.ways_to_equal(lookup, packet),
            Operator::NotEqual => self.ways_to_differ(lookup, packet),
            Operator::Other(operator) => {
                let value = self.elements(&lookup.set).and_then(|all| all.first());
                let value = value.and_then(|element| element.key.first());
                match (lookup.fields.first(), value) {
                    (Some(field), Some(value)) => one_way(field.compares(operator, value, packet)),
                    _ => vec![vec![Condition::new(Subject::Unknown, operator.as_str())]],
                }
            }
        }
    }

    fn ways_to_equal(&self, lookup: &Lookup, packet: &Packet<'_>) -> Ways {
        let Some(found) = self.look_up(lookup, packet) else {
            let phrase = format!("are in the set {}", lookup.set.name());
            return vec![vec![Condition::new(Subject::Unknown, phrase)]];
        };
        let ways: Ways = found
            .into_iter()
            .map(|(conditions, _)| conditions)
            .collect();
        if ways.iter().any(Vec::is_empty) {
            return vec![Vec::new()];
        }
        let ways = joined(ways);
        if ways.len() > MOST_LISTED {
            let many = format!("one of {} values", ways.len());
            return vec![vec![Condition::new(Subject::Unknown, many)]];
        }
        ways
    }

    fn ways_to_differ(&self, lookup: &Lookup, packet: &Packet<'_>) -> Ways {
        if let ([field], Some([element])) = (&lookup.fields[..], self.elements(&lookup.set))
            && let [value] = &element.key[..]
        {
            return one_way(field.negate(field.equals(value, packet), packet));
        }
        if lookup.fields.iter().any(|field| !field.is_of(packet)) {
            return Vec::new();
        }
        let mut conditions = Vec::new();
        for way in self.ways_to_equal(lookup, packet) {
            if way.is_empty() {
                return Vec::new();
            }
            conditions.push(Condition::none_of(way));
        }
        vec![conditions]
    }
}

impl Set {
    fn name(&self) -> &str {
        match self {
            Self::Inline(_) => "",
            Self::Named(name) => name,
        }
    }
}

/// What must hold for an element to match; `None` if it can't.
fn conditions(lookup: &Lookup, element: &Element, packet: &Packet<'_>) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    if !element.key.is_empty() && element.key.len() != lookup.fields.len() {
        let texts: Vec<_> = element.key.iter().map(Value::text).collect();
        return Some(vec![Condition::new(Subject::Unknown, texts.join(" . "))]);
    }
    for (field, value) in lookup.fields.iter().zip(&element.key) {
        match field.equals(value, packet) {
            Outcome::Holds => {}
            Outcome::Fails => return None,
            Outcome::If(condition) => conditions.push(condition),
        }
    }
    Some(conditions)
}

fn one_way(outcome: Outcome) -> Ways {
    match outcome {
        Outcome::Holds => vec![Vec::new()],
        Outcome::Fails => Vec::new(),
        Outcome::If(condition) => vec![vec![condition]],
    }
}

/// Joins conditions that differ in their value only: `come from 10.0.0.1 or 10.0.0.2`.
fn joined(ways: Ways) -> Ways {
    let simple = |way: &Vec<Condition>| match way.as_slice() {
        [
            Condition::Simple {
                subject,
                value,
                is_negated: false,
            },
        ] if *subject != Subject::Phrase => Some((*subject, value.clone())),
        _ => None,
    };
    let all: Option<Vec<_>> = ways.iter().map(simple).collect();
    let Some([(subject, _), _, ..]) = all.as_deref() else {
        return ways;
    };
    let all = all.iter().flatten();
    if all.clone().any(|(other, _)| other != subject) {
        return ways;
    }
    let mut values: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
    let more = values.len().saturating_sub(MOST_LISTED);
    values.truncate(MOST_LISTED);
    values.dedup();
    let mut list = values.join(" or ");
    if more > 0 {
        list = format!("{list} or one of {more} more");
    }
    vec![vec![Condition::new(*subject, list)]]
}

struct Builder<'a> {
    table: &'a Table,
    packet: &'a Packet<'a>,
    rule_comment: Option<&'a str>,
    /// How a packet gets to the next step.
    ways: Ways,
    branches: Vec<Branch>,
}

impl Builder<'_> {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Match(one) => self.require(&self.table.ways(one, self.packet)),
            Step::Require(condition) => self.require(&[vec![condition.clone()]]),
            Step::Act(action) => self.act(&[], action, None),
            Step::VerdictMap(map) => self.verdict_map(map),
            Step::Send { version, .. }
                if version.is_some_and(|version| version != self.packet.version) =>
            {
                self.ways.clear();
            }
            Step::Send {
                address,
                port,
                goes_on,
                ..
            } => {
                for (conditions, target) in self.targets(address.as_ref(), port) {
                    let goes_on = *goes_on;
                    self.act(&conditions, &Action::Send { target, goes_on }, None);
                }
            }
        }
    }

    /// Requires one of these ways too.
    fn require(&mut self, also: &[Vec<Condition>]) {
        let both = |way: &Vec<Condition>| {
            let with = |more: &Vec<Condition>| [way.as_slice(), more].concat();
            also.iter().map(with).collect::<Vec<_>>()
        };
        self.ways = self.ways.iter().flat_map(both).collect();
        if self.ways.len() > MOST_WAYS {
            let many = format!("one of {} combinations", self.ways.len());
            self.ways = vec![vec![Condition::new(Subject::Unknown, many)]];
        }
    }

    fn act(&mut self, also: &[Condition], action: &Action, comment: Option<&str>) {
        for way in &self.ways {
            self.branches.push(Branch {
                conditions: [way.as_slice(), also].concat(),
                action: action.clone(),
                comment: comment.or(self.rule_comment).map(str::to_owned),
            });
        }
    }

    fn verdict_map(&mut self, map: &Lookup) {
        let table = self.table;
        let Some(found) = table.look_up(map, self.packet) else {
            let what = format!("the elements of the map @{} were not read", map.set.name());
            return self.act(&[], &Action::Opaque(what), None);
        };
        for (conditions, element) in found {
            if let Some(Data::Verdict(action)) = &element.data {
                self.act(&conditions, action, element.comment.as_deref());
            }
        }
    }

    /// Every target that an address and a port can come to; one map may have both.
    fn targets(
        &self,
        address: Option<&Operand<Address>>,
        port: &Operand<TargetPort>,
    ) -> Vec<(Vec<Condition>, Target)> {
        let mut addresses = Vec::new();
        match address {
            None => addresses.push((Vec::new(), None, None)),
            Some(Operand::Is(address)) => {
                addresses.push((Vec::new(), Some(address.clone()), None));
            }
            Some(Operand::Map(map)) => {
                let found = self.values(map);
                addresses.extend(found.into_iter().map(|(conditions, values)| {
                    let port = values.get(1).map(TargetPort::from);
                    (conditions, values.first().map(Address::from), port)
                }));
            }
        }
        let ports = match port {
            Operand::Is(port) => vec![(Vec::new(), port.clone())],
            Operand::Map(map) => {
                let found = self.values(map).into_iter();
                let port =
                    |values: Vec<Value>| values.first().map_or(TargetPort::Same, TargetPort::from);
                found.map(|(also, values)| (also, port(values))).collect()
            }
        };
        let mut targets = Vec::new();
        for (conditions, address, port) in addresses {
            if let Some(port) = port {
                targets.push((conditions, Target { address, port }));
                continue;
            }
            targets.extend(ports.iter().map(|(also, port)| {
                let target = Target {
                    address: address.clone(),
                    port: port.clone(),
                };
                ([conditions.as_slice(), also].concat(), target)
            }));
        }
        targets
    }

    /// What a map has for the packet; its name where the elements are unknown.
    fn values(&self, map: &Lookup) -> Vec<(Vec<Condition>, Vec<Value>)> {
        let Some(found) = self.table.look_up(map, self.packet) else {
            let name = Value::Text(format!("@{}", map.set.name()));
            return vec![(Vec::new(), vec![name])];
        };
        let values = |element: &Element| match &element.data {
            Some(Data::Values(values)) => values.clone(),
            _ => Vec::new(),
        };
        found
            .into_iter()
            .map(|(conditions, element)| (conditions, values(element)))
            .collect()
    }
}

impl From<&Value> for Address {
    fn from(value: &Value) -> Self {
        match value {
            Value::Net(net) if net.prefix_len() == net.max_prefix_len() => Self::One(net.addr()),
            Value::Text(name) if name.starts_with('@') => {
                Self::Several(format!("an address of the map {}", &name[1..]))
            }
            Value::Net(_) | Value::Text(_) => Self::Several(value.text()),
            _ => Self::Several("another address".into()),
        }
    }
}

impl From<&Value> for TargetPort {
    fn from(value: &Value) -> Self {
        let number = match value {
            Value::Number(number) => u16::try_from(*number).ok(),
            _ => None,
        };
        match number {
            Some(0) => Self::Same,
            Some(one) => Self::One(one),
            None => Self::Several(value.text()),
        }
    }
}
