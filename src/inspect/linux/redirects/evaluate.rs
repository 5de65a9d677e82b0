//! Evaluates a rule for the packets of a port: every path through it, with its conditions. Pure.

use super::condition::{Condition, Subject};
use super::field::{Outcome, Value};
use super::packet::Packet;
use super::rule::{Action, Data, Element, Lookup, Rule, Set, Step, Table};

/// The most paths through a rule to trace separately.
const MOST_WAYS: usize = 64;

/// The most ways to match to list.
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
    /// The branches of a chain for a packet; `None` if there is no such chain.
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
    fn matching<'a>(
        &'a self,
        lookup: &'a Lookup,
        packet: &Packet<'_>,
    ) -> Option<Vec<(Vec<Condition>, &'a Element)>> {
        let elements = self.elements(&lookup.set)?.iter();
        let found = |element| Some((matches(lookup, element, packet)?, element));
        Some(elements.filter_map(found).collect())
    }

    fn ways_to_equal(&self, lookup: &Lookup, packet: &Packet<'_>) -> Ways {
        let Some(found) = self.matching(lookup, packet) else {
            let phrase = match &lookup.set {
                Set::Named(name) => format!("are in the set {name}"),
                Set::Inline(_) => String::new(),
            };
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
            let outcome = field.negate(field.equals(value, packet), packet);
            return outcome.into_iter().collect();
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

/// Whether an element matches.
fn matches(lookup: &Lookup, element: &Element, packet: &Packet<'_>) -> Outcome {
    if !element.key.is_empty() && element.key.len() != lookup.fields.len() {
        let texts: Vec<_> = element.key.iter().map(Value::text).collect();
        return Some(vec![Condition::new(Subject::Unknown, texts.join(" . "))]);
    }
    let pairs = lookup.fields.iter().zip(&element.key);
    let each = pairs.map(|(field, value)| field.equals(value, packet));
    Some(each.collect::<Option<Vec<_>>>()?.concat())
}

/// Joins conditions that differ in their value only: `come from 10.0.0.1 or 10.0.0.2`.
fn joined(ways: Ways) -> Ways {
    let simple = |way: &Vec<Condition>| match way.as_slice() {
        [one] if one.subject != Subject::Phrase && !one.is_negated => Some(one.clone()),
        _ => None,
    };
    let all: Vec<_> = ways.iter().filter_map(simple).collect();
    let subject = all.first().map_or(Subject::Unknown, |one| one.subject);
    let is_joinable = all.len() == ways.len() && all.len() > 1;
    if !is_joinable || all.iter().any(|one| one.subject != subject) {
        return ways;
    }
    let mut values: Vec<&str> = all.iter().map(|one| one.value.as_str()).collect();
    let more = values.len().saturating_sub(MOST_LISTED);
    values.truncate(MOST_LISTED);
    values.dedup();
    let mut list = values.join(" or ");
    if more > 0 {
        list = format!("{list} or one of {more} more");
    }
    vec![vec![Condition::new(subject, list)]]
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
            Step::Match { lookup, is_negated } => {
                let ways = if *is_negated {
                    self.table.ways_to_differ(lookup, self.packet)
                } else {
                    self.table.ways_to_equal(lookup, self.packet)
                };
                self.require(&ways);
            }
            Step::Require(condition) => self.require(&[vec![condition.clone()]]),
            Step::Act(action) => self.act(&[], action, None),
            Step::Map { lookup, otherwise } => {
                let table = self.table;
                let Some(found) = table.matching(lookup, self.packet) else {
                    return self.act(&[], otherwise, None);
                };
                for (conditions, element) in found {
                    if let Some(action) = element.action(otherwise) {
                        self.act(&conditions, &action, element.comment.as_deref());
                    }
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
}

impl Element {
    /// The action of this element of a map.
    fn action(&self, otherwise: &Action) -> Option<Action> {
        match (self.data.as_ref()?, otherwise) {
            (Data::Verdict(action), _) => Some(action.clone()),
            (Data::Target(part), Action::Send { targets, goes_on }) => Some(Action::Send {
                targets: targets.iter().map(|whole| part.over(whole)).collect(),
                goes_on: *goes_on,
            }),
            _ => None,
        }
    }
}
