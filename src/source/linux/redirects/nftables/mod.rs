//! The tables that `nft -j list ruleset` prints (`libnftables-json(5)`). Pure.

mod expression;
mod statement;

use serde_json::Value as Json;

use super::packet::BaseChain;
use super::rule::{Action, Rule, Set, Step, Table};
use crate::model::Family;

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
            } else if let (Some(family), Some(name)) = (word(value, "family"), word(value, "table"))
                && let Some(table) = tables.iter_mut().rfind(|table| table.is(family, name))
            {
                table.add(kind, value);
            }
        }
    }
    Some(tables)
}

fn word<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn list<'a>(value: &'a Json, name: &str) -> Option<&'a [Json]> {
    Some(value.get(name)?.as_array()?)
}

impl NftTable {
    fn new(value: &Json) -> Option<Self> {
        let (family, name) = (word(value, "family")?, word(value, "name")?);
        // One or a list; nft 1.0.6 prints the last letter of `dormant` alone.
        let flags = list(value, "flags").into_iter().flatten();
        let flags = flags.filter_map(Json::as_str);
        let mut flags = flags.chain(word(value, "flags"));
        Some(Self {
            table: Table {
                place: format!("nftables {family} {name}"),
                ..Table::default()
            },
            family: family.to_owned(),
            name: name.to_owned(),
            is_dormant: flags.any(|flag| matches!(flag, "dormant" | "t")),
            has_foreign: false,
        })
    }

    fn add(&mut self, kind: &str, value: &Json) {
        match (kind, word(value, "name"), word(value, "chain")) {
            ("chain", Some(name), _) => {
                self.table.chains.entry(name.to_owned()).or_default();
                let is_output = match word(value, "hook") {
                    Some("prerouting" | "ingress") if !self.is_dormant => false,
                    Some("output") if !self.is_dormant => true,
                    _ => return,
                };
                self.table.bases.push(BaseChain {
                    name: name.to_owned(),
                    is_output,
                    is_nat: word(value, "type") == Some("nat"),
                    families: match self.family.as_str() {
                        "ip" => &[Family::Ipv4],
                        "ip6" => &[Family::Ipv6],
                        _ => &[Family::Ipv4, Family::Ipv6],
                    },
                });
            }
            ("rule", _, Some(chain)) => {
                let mut steps = Vec::new();
                for expression in list(value, "expr").into_iter().flatten() {
                    self.has_foreign |= expression.get("xt").is_some();
                    statement::parse(expression, &mut steps);
                }
                let chain = self.table.chains.entry(chain.to_owned());
                chain.or_default().push(Rule {
                    steps,
                    comment: word(value, "comment").map(str::to_owned),
                });
            }
            ("set" | "map", Some(name), _) => {
                let elements =
                    list(value, "elem").map(|all| all.iter().map(expression::element).collect());
                self.table.sets.insert(name.to_owned(), elements);
            }
            _ => {}
        }
    }

    /// Whether this is its family and name, `ip nat`.
    pub(super) fn is(&self, family: &str, name: &str) -> bool {
        self.family == family && self.name == name
    }

    /// The arguments of `nft` that name it, if its name can be an argument: `nft` parses them.
    pub(super) fn arguments(&self) -> Option<[&str; 2]> {
        let name = self.name.as_str();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/\\_.-".contains(letter);
        let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
        let is_plain = begins_well && name.chars().all(is_plain);
        is_plain.then_some([self.family.as_str(), name])
    }

    /// Whether rules that may send a packet elsewhere depend on sets whose elements were not printed.
    pub(super) fn lacks_elements(&self) -> bool {
        let rules = self.table.chains.values().flatten();
        let steps: Vec<&Step> = rules.flat_map(|rule| &rule.steps).collect();
        let may_send = |step: &&Step| match step {
            Step::Act(action) => matches!(action, Action::Send { .. } | Action::Opaque(_)),
            Step::Map { otherwise, .. } => matches!(otherwise, Action::Send { .. }),
            Step::Match { .. } => false,
        };
        let is_unknown = |step: &&Step| match step {
            Step::Match { lookup, .. } | Step::Map { lookup, .. } => match &lookup.set {
                Set::Named(name) => matches!(self.table.sets.get(name), Some(None)),
                Set::Inline(_) => false,
            },
            Step::Act(_) => false,
        };
        !self.table.bases.is_empty() && steps.iter().any(may_send) && steps.iter().any(is_unknown)
    }

    /// Takes the elements of its sets from another listing of it.
    pub(super) fn add_elements(&mut self, listed: Vec<Self>) {
        let is_same = |one: &Self| one.is(&self.family, &self.name);
        let same = listed.into_iter().filter(is_same);
        let sets = same.flat_map(|other| other.table.sets);
        let known: Vec<_> = sets.filter(|(_, elements)| elements.is_some()).collect();
        self.table.sets.extend(known);
    }
}
