//! What the matches of a rule of nftables come to for a packet, and which elements of a set or map it
//! meets. Pure.

use serde_json::Value;

use super::super::conditions::{Condition, Outcome, Subject};
use super::super::rules::Case;
use super::NftTable;
use super::keys::{Key, key};
use super::values::text;

/// The ways in which something can hold: all conditions of one of them. None: it can't; one that is
/// empty: it does.
pub(super) type Ways = Vec<Vec<Condition>>;

/// More ways than this are not said one by one.
const MOST_WAYS: usize = 16;

/// An element of a set or map that a packet may meet.
pub(super) struct Element<'a> {
    pub(super) conditions: Vec<Condition>,
    /// What a map has for it.
    pub(super) value: Option<&'a Value>,
    pub(super) comment: Option<&'a str>,
}

/// How a match can hold.
pub(super) fn matches(table: &NftTable, inner: &Value, case: &Case<'_>) -> Ways {
    let parts = inner.get("left").zip(inner.get("right"));
    let operator = inner.get("op").and_then(Value::as_str).unwrap_or("==");
    let Some((left, right)) = parts else {
        return unknown(inner);
    };
    match operator {
        "==" | "in" => equal(table, left, right, case),
        "!=" => unequal(table, left, right, case),
        _ => ways_of(key(left, case).compares(operator, right)),
    }
}

fn unknown(what: &Value) -> Ways {
    vec![vec![Condition::new(Subject::Unknown, text(what))]]
}

fn ways_of(outcome: Outcome) -> Ways {
    match outcome {
        Outcome::Holds => vec![Vec::new()],
        Outcome::Fails => Vec::new(),
        Outcome::If(condition) => vec![vec![condition]],
    }
}

fn equal(table: &NftTable, left: &Value, right: &Value, case: &Case<'_>) -> Ways {
    let Some(elements) = elements(table, right) else {
        return ways_of(key(left, case).is(right, case));
    };
    let Some(elements) = elements.known else {
        let name = text(right);
        let phrase = format!("are in the set {}", name.trim_start_matches('@'));
        return vec![vec![Condition::new(Subject::Unknown, phrase)]];
    };
    let met = elements.iter().filter_map(|one| element(left, one, case));
    let mut ways: Ways = met.map(|one| one.conditions).collect();
    if ways.iter().any(Vec::is_empty) {
        return vec![Vec::new()];
    }
    ways = joined(ways);
    if ways.len() > MOST_WAYS {
        return unknown(right);
    }
    ways
}

/// Joins conditions that differ in their value only: `come from 10.0.0.1 or 10.0.0.2`.
fn joined(ways: Ways) -> Ways {
    let simple: Option<Vec<_>> = ways
        .iter()
        .map(|way| match way.as_slice() {
            [
                Condition::Simple {
                    subject,
                    value,
                    is_negated: false,
                },
            ] => Some((*subject, value.as_str())),
            _ => None,
        })
        .collect();
    let Some(simple) = simple.filter(|simple| simple.len() > 1) else {
        return ways;
    };
    let subject = simple[0].0;
    if subject == Subject::Phrase || simple.iter().any(|(other, _)| *other != subject) {
        return ways;
    }
    let mut values: Vec<&str> = simple
        .iter()
        .map(|(_, value)| *value)
        .take(MOST_WAYS)
        .collect();
    values.dedup();
    let mut list = values.join(" or ");
    if simple.len() > MOST_WAYS {
        list = format!("{list} or one of {} more", simple.len() - MOST_WAYS);
    }
    vec![vec![Condition::new(subject, list)]]
}

fn unequal(table: &NftTable, left: &Value, right: &Value, case: &Case<'_>) -> Ways {
    if left.get("concat").is_none() {
        let key = key(left, case);
        if key == Key::Missing {
            return Vec::new();
        }
        if elements(table, right).is_none() {
            return ways_of(key.is_not(key.is(right, case), case));
        }
    }
    let mut conditions = Vec::new();
    for way in equal(table, left, right, case) {
        match <[Condition; 1]>::try_from(way) {
            Ok([only]) => conditions.push(only.negated()),
            Err(none) if none.is_empty() => return Vec::new(),
            Err(several) => conditions.push(Condition::NotAll(several)),
        }
    }
    vec![conditions]
}

/// The elements of a set; `known` is `None` where they were not printed.
struct Elements<'a> {
    known: Option<&'a [Value]>,
}

/// What `right` holds, if it is a set: its own one or a reference to a named one.
fn elements<'a>(table: &'a NftTable, right: &'a Value) -> Option<Elements<'a>> {
    let list = |value: &'a Value| value.as_array().map(Vec::as_slice);
    if let Some(set) = right.get("set") {
        return Some(Elements { known: list(set) });
    }
    let name = right.as_str()?.strip_prefix('@')?;
    let set = table.sets.get(name);
    let known = set.and_then(Option::as_ref).and_then(list);
    Some(Elements { known })
}

/// The elements of a map that a packet may meet; `None` where its elements were not printed.
pub(super) fn lookup<'a>(
    table: &'a NftTable,
    left: &Value,
    data: &'a Value,
    case: &Case<'_>,
) -> Option<Vec<Element<'a>>> {
    let known = elements(table, data)?.known?;
    Some(
        known
            .iter()
            .filter_map(|one| element(left, one, case))
            .collect(),
    )
}

/// An element, if the packet may meet it: a value, or a pair of one and what a map has for it; the
/// value may be wrapped in what is known of it besides (`{"elem": {"val": …, "comment": …}}`).
fn element<'a>(left: &Value, one: &'a Value, case: &Case<'_>) -> Option<Element<'a>> {
    let (wrapped, value) = match one.as_array().map(Vec::as_slice) {
        Some([wrapped, value]) => (wrapped, Some(value)),
        _ => (one, None),
    };
    let inner = wrapped.get("elem");
    let right = inner.and_then(|inner| inner.get("val")).unwrap_or(wrapped);
    let comment = inner.and_then(|inner| inner.get("comment")?.as_str());
    let mut conditions = Vec::new();
    for outcome in outcomes(left, right, case) {
        match outcome {
            Outcome::Holds => {}
            Outcome::Fails => return None,
            Outcome::If(condition) => conditions.push(condition),
        }
    }
    Some(Element {
        conditions,
        value,
        comment,
    })
}

/// Part by part, where several keys are looked up together.
fn outcomes(left: &Value, right: &Value, case: &Case<'_>) -> Vec<Outcome> {
    if right.as_str() == Some("*") && left.get("meta").is_none() {
        return Vec::new();
    }
    let list = |value: &Value| value.get("concat").and_then(Value::as_array).cloned();
    match (list(left), list(right)) {
        (Some(keys), Some(values)) if keys.len() == values.len() => {
            let pairs = keys.iter().zip(&values);
            pairs
                .map(|(left, right)| key(left, case).is(right, case))
                .collect()
        }
        _ => vec![key(left, case).is(right, case)],
    }
}
