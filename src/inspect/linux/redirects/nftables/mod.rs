//! The tables that `nft -j list ruleset` prints (`libnftables-json(5)`). Pure.

mod expression;
mod statement;

use serde_json::Value as Json;

use self::expression::element;
use super::packet::{Hook, Version};
use super::rule::{Action, BaseChain, Rule, Set, Step, Table};

/// One table of nftables.
pub(super) struct NftTable {
    family: String,
    name: String,
    pub(super) table: Table,
    /// Whether the kernel skips it (`flags dormant`).
    is_dormant: bool,
    /// Whether some of its rules can only be printed by the tools of `iptables`.
    pub(super) has_foreign: bool,
}

/// Parses a ruleset; `None` if it is not a ruleset.
pub(super) fn parse(json: &[u8]) -> Option<Vec<NftTable>> {
    let ruleset: Json = serde_json::from_slice(json).ok()?;
    let mut tables: Vec<NftTable> = Vec::new();
    for item in ruleset.get("nftables")?.as_array()? {
        for (kind, value) in item.as_object()? {
            if kind == "table" {
                tables.push(NftTable::new(value)?);
                continue;
            }
            let table = word(value, "family").zip(word(value, "table"));
            let table = table.and_then(|(family, name)| {
                let mut all = tables.iter_mut().rev();
                all.find(|table| table.is(family, name))
            });
            if let Some(table) = table {
                table.add(kind, value);
            }
        }
    }
    Some(tables)
}

/// Whether flags, one or a list, have `dormant`; nft 1.0.6 prints its last letter alone.
fn is_dormant(flags: &Json) -> bool {
    let several = flags.as_array().into_iter().flatten();
    let mut all = several.filter_map(Json::as_str).chain(flags.as_str());
    all.any(|flag| matches!(flag, "dormant" | "t"))
}

fn word<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

impl NftTable {
    fn new(value: &Json) -> Option<Self> {
        let (family, name) = (word(value, "family")?, word(value, "name")?);
        Some(Self {
            table: Table {
                place: format!("nftables {family} {name}"),
                ..Table::default()
            },
            family: family.to_owned(),
            name: name.to_owned(),
            is_dormant: value.get("flags").is_some_and(is_dormant),
            has_foreign: false,
        })
    }

    fn add(&mut self, kind: &str, value: &Json) {
        match kind {
            "chain" => self.add_chain(value),
            "rule" => {
                let Some(chain) = word(value, "chain") else {
                    return;
                };
                let expressions = value.get("expr").and_then(Json::as_array);
                let mut steps = Vec::new();
                for expression in expressions.into_iter().flatten() {
                    self.has_foreign |= expression.get("xt").is_some();
                    statement::parse(expression, &mut steps);
                }
                let chain = self.table.chains.entry(chain.to_owned());
                chain.or_default().push(Rule {
                    steps,
                    comment: word(value, "comment").map(str::to_owned),
                });
            }
            "set" | "map" => {
                if let Some(name) = word(value, "name") {
                    let elements = value.get("elem").and_then(Json::as_array);
                    let elements = elements.map(|all| all.iter().map(element).collect());
                    self.table.sets.insert(name.to_owned(), elements);
                }
            }
            _ => {}
        }
    }

    fn add_chain(&mut self, value: &Json) {
        let Some(name) = word(value, "name") else {
            return;
        };
        self.table.chains.entry(name.to_owned()).or_default();
        let hook = match word(value, "hook") {
            Some("prerouting" | "ingress") if !self.is_dormant => Hook::Prerouting,
            Some("output") if !self.is_dormant => Hook::Output,
            _ => return,
        };
        self.table.bases.push(BaseChain {
            name: name.to_owned(),
            hook,
            is_nat: word(value, "type") == Some("nat"),
            versions: match self.family.as_str() {
                "ip" => &[Version::V4],
                "ip6" => &[Version::V6],
                _ => &[Version::V4, Version::V6],
            },
        });
    }

    /// Whether this is its family and name, `ip nat`.
    pub(super) fn is(&self, family: &str, name: &str) -> bool {
        self.family == family && self.name == name
    }

    /// The arguments of `nft` that name it, if its name can be an argument: `nft` parses them.
    pub(super) fn arguments(&self) -> Option<[&str; 2]> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/\\_.-".contains(letter);
        let begins_well = self
            .name
            .starts_with(|first: char| first.is_ascii_alphabetic());
        let is_plain = begins_well && self.name.chars().all(is_plain);
        is_plain.then_some([&self.family, &self.name])
    }

    /// Whether rules that may send a packet elsewhere depend on sets whose elements were not printed.
    pub(super) fn lacks_elements(&self) -> bool {
        let rules = self.table.chains.values().flatten();
        let steps: Vec<&Step> = rules.flat_map(|rule| &rule.steps).collect();
        let may_send = |step: &&Step| {
            matches!(
                step,
                Step::Act(Action::Send { .. } | Action::Opaque(_))
                    | Step::Map {
                        otherwise: Action::Send { .. },
                        ..
                    }
            )
        };
        let is_unknown = |set: &Set| match set {
            Set::Named(name) => matches!(self.table.sets.get(name), Some(None)),
            Set::Inline(_) => false,
        };
        let mut sets = steps.iter().filter_map(|step| match step {
            Step::Match { lookup, .. } | Step::Map { lookup, .. } => Some(&lookup.set),
            _ => None,
        });
        !self.table.bases.is_empty() && steps.iter().any(may_send) && sets.any(is_unknown)
    }

    /// Takes the elements of its sets from another listing of it.
    pub(super) fn add_elements(&mut self, listed: Vec<Self>) {
        for other in listed {
            if other.is(&self.family, &self.name) {
                let sets = other.table.sets.into_iter();
                let known = sets.filter(|(_, elements)| elements.is_some());
                self.table.sets.extend(known);
            }
        }
    }
}
