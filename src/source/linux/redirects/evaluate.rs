//! Evaluates a rule for the packets of a port: every path through it, with its conditions. Pure.

use super::condition::{Condition, Subject};
use super::packet::{Field, Outcome, Packet, Value};
use super::rule::{Action, Element, Lookup, Rule, Set, Step, Table, Target};

/// The most paths through a rule to trace separately.
const MOST_WAYS: usize = 64;

/// The most ways to match to list.
const MOST_LISTED: usize = 16;

/// A way through a rule to one of its actions.
pub(super) struct Branch {
    pub(super) conditions: Vec<Condition>,
    pub(super) action: Action,
    pub(super) comment: Option<String>,
}

/// The ways in which something can hold: all conditions of one of them. No way: it can't; an empty way: it does.
type Ways = Vec<Vec<Condition>>;

fn unknown(what: String) -> Ways {
    vec![vec![Condition::new(Subject::Unknown, what)]]
}

impl Table {
    pub(super) fn branches(&self, rule: &Rule, packet: &Packet<'_>) -> Vec<Branch> {
        let mut branches = Vec::new();
        // How a packet gets to the next step.
        let mut ways: Ways = vec![Vec::new()];
        for step in &rule.steps {
            let actions = match step {
                Step::Match { lookup, is_negated } => {
                    let required = if *is_negated {
                        self.ways_to_differ(lookup, packet)
                    } else {
                        self.ways_to_equal(lookup, packet)
                    };
                    let both = |way: &Vec<_>| {
                        let with = |more: &Vec<_>| [way.as_slice(), more].concat();
                        required.iter().map(with).collect::<Ways>()
                    };
                    ways = ways.iter().flat_map(both).collect();
                    if ways.len() > MOST_WAYS {
                        ways = unknown(format!("one of {} combinations", ways.len()));
                    }
                    if ways.is_empty() {
                        break;
                    }
                    continue;
                }
                Step::Act(action) => vec![(Vec::new(), action.clone(), None)],
                Step::Map { lookup, otherwise } => match self.matching(lookup, packet) {
                    None => vec![(Vec::new(), otherwise.clone(), None)],
                    Some(found) => {
                        let found = found.into_iter().filter_map(|(conditions, element)| {
                            let action = element.action(otherwise)?;
                            Some((conditions, action, element.comment.as_ref()))
                        });
                        found.collect()
                    }
                },
            };
            for (also, action, comment) in &actions {
                branches.extend(ways.iter().map(|way| Branch {
                    conditions: [way.as_slice(), also].concat(),
                    action: action.clone(),
                    comment: comment.or(rule.comment.as_ref()).cloned(),
                }));
            }
        }
        branches
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
        let matches = |element: &Element| -> Outcome {
            if !element.key.is_empty() && element.key.len() != lookup.fields.len() {
                let texts: Vec<_> = element.key.iter().map(Value::text).collect();
                return Some(vec![Condition::new(Subject::Unknown, texts.join(" . "))]);
            }
            let pairs = lookup.fields.iter().zip(&element.key);
            let each = pairs.map(|(field, value)| packet.has(field, value));
            Some(each.collect::<Option<Ways>>()?.concat())
        };
        let elements = self.elements(&lookup.set)?.iter();
        let found = elements.filter_map(|element| Some((matches(element)?, element)));
        Some(found.collect())
    }

    fn ways_to_equal(&self, lookup: &Lookup, packet: &Packet<'_>) -> Ways {
        let Some(found) = self.matching(lookup, packet) else {
            return unknown(match &lookup.set {
                Set::Named(name) => format!("are in the set {name}"),
                Set::Inline(_) => String::new(),
            });
        };
        let ways: Ways = found.into_iter().map(|(way, _)| way).collect();
        if ways.iter().any(Vec::is_empty) {
            return vec![Vec::new()];
        }
        let ways = joined(ways);
        if ways.len() > MOST_LISTED {
            return unknown(format!("one of {} values", ways.len()));
        }
        ways
    }

    fn ways_to_differ(&self, lookup: &Lookup, packet: &Packet<'_>) -> Ways {
        if let ([field], Some([element])) = (&lookup.fields[..], self.elements(&lookup.set))
            && let [value] = &element.key[..]
        {
            return match packet.has(field, value) {
                None => vec![Vec::new()],
                // Both parts of a random choice exist.
                Some(all) if *field == Field::Share => vec![all],
                // A packet that is not for an address of this machine is broadcast or multicast, which TCP doesn't
                // have.
                Some(all) if all.iter().all(|one| one.is_certain(packet.protocol)) => Vec::new(),
                Some(all) => vec![vec![Condition::none_of(all)]],
            };
        }
        let ways = self.ways_to_equal(lookup, packet);
        if ways.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        vec![ways.into_iter().map(Condition::none_of).collect()]
    }
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

impl Element {
    fn action(&self, otherwise: &Action) -> Option<Action> {
        match (self.action.as_ref()?, otherwise) {
            (Action::Send { targets: parts, .. }, Action::Send { targets, goes_on }) => {
                let over = |whole| parts.iter().map(move |part: &Target| part.over(whole));
                Some(Action::Send {
                    targets: targets.iter().flat_map(over).collect(),
                    goes_on: *goes_on,
                })
            }
            (Action::Send { .. }, _) => None,
            (verdict, _) => Some(verdict.clone()),
        }
    }
}
