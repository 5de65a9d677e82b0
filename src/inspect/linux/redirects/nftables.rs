//! The tables that `nft -j list ruleset` prints (`libnftables-json(5)`). Pure.

mod keys;
mod matches;
mod statements;
mod values;

use std::collections::HashMap;

use serde_json::Value;

use self::statements::rules_of;
use super::rules::{BaseChain, Case, Hook, Rule, Table, Version};

/// One table of nftables.
pub(super) struct NftTable {
    family: String,
    name: String,
    bases: Vec<BaseChain>,
    /// Each rule of each chain.
    chains: HashMap<String, Vec<Value>>,
    /// Whether the kernel was asked not to pass it (`flags dormant`).
    is_dormant: bool,
    /// The elements of named sets and maps; `None` where they were not printed.
    sets: HashMap<String, Option<Value>>,
    /// Whether some of its rules can only be spelled by the tools of `iptables`.
    pub(super) has_foreign: bool,
}

/// Reads a ruleset; `None` if it is none.
pub(super) fn parse(json: &[u8]) -> Option<Vec<NftTable>> {
    let ruleset: Value = serde_json::from_slice(json).ok()?;
    let Some(Value::Array(items)) = ruleset.get("nftables").cloned() else {
        return None;
    };
    drop(ruleset);
    let mut tables: Vec<NftTable> = Vec::new();
    for item in items {
        let Value::Object(item) = item else {
            return None;
        };
        for (kind, value) in item {
            if kind == "table" {
                tables.push(NftTable::new(&value)?);
            } else if let Some(table) = table_of(&mut tables, &kind, &value) {
                table.add(&kind, value);
            }
        }
    }
    Some(tables)
}

/// The table that an object is in.
fn table_of<'a>(tables: &'a mut [NftTable], kind: &str, value: &Value) -> Option<&'a mut NftTable> {
    if kind == "metainfo" {
        return None;
    }
    let (family, name) = (word(value, "family")?, word(value, "table")?);
    let is_it = |table: &&mut NftTable| table.family == family && table.name == name;
    tables.iter_mut().rev().find(is_it)
}

/// Whether flags, one or a list, have `dormant`; nft 1.0.6 prints its last letter alone.
fn is_dormant(flags: &Value) -> bool {
    let is_it = |flag: &str| matches!(flag, "dormant" | "t");
    let several = flags.as_array().into_iter().flatten();
    let mut all = several.filter_map(Value::as_str).chain(flags.as_str());
    all.any(is_it)
}

fn word<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

impl NftTable {
    fn new(value: &Value) -> Option<Self> {
        Some(Self {
            family: word(value, "family")?.to_owned(),
            name: word(value, "name")?.to_owned(),
            bases: Vec::new(),
            chains: HashMap::new(),
            sets: HashMap::new(),
            has_foreign: false,
            is_dormant: value.get("flags").is_some_and(is_dormant),
        })
    }

    fn add(&mut self, kind: &str, value: Value) {
        match kind {
            "chain" => self.add_chain(&value),
            "rule" => {
                let Some(chain) = word(&value, "chain").map(str::to_owned) else {
                    return;
                };
                let expressions = value.get("expr").and_then(Value::as_array);
                let is_foreign = |one: &Value| one.get("xt").is_some();
                self.has_foreign |= expressions.is_some_and(|all| all.iter().any(is_foreign));
                self.chains.entry(chain).or_default().push(value);
            }
            "set" | "map" => {
                if let Some(name) = word(&value, "name").map(str::to_owned) {
                    self.sets.insert(name, value.get("elem").cloned());
                }
            }
            _ => {}
        }
    }

    fn add_chain(&mut self, value: &Value) {
        let Some(name) = word(value, "name") else {
            return;
        };
        self.chains.entry(name.to_owned()).or_default();
        let hook = match word(value, "hook") {
            Some("prerouting" | "ingress") => Hook::Prerouting,
            Some("output") => Hook::Output,
            _ => return,
        };
        self.bases.push(BaseChain {
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

    /// The family and name, `ip nat`.
    pub(super) fn is(&self, family: &str, name: &str) -> bool {
        self.family == family && self.name == name
    }

    /// The arguments of `nft` that name it, if a name can be given to `nft` at all: it parses them.
    pub(super) fn arguments(&self) -> Option<[&str; 2]> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/\\_.-".contains(letter);
        let begins_well = self
            .name
            .starts_with(|first: char| first.is_ascii_alphabetic());
        let is_plain = begins_well && self.name.chars().all(is_plain);
        is_plain.then_some([&self.family, &self.name])
    }

    /// Whether rules that a packet may meet refer to sets whose elements were not printed.
    pub(super) fn lacks_elements(&self) -> bool {
        let has_hook = !self.bases.is_empty();
        let lacking = || self.sets.iter().filter(|(_, elements)| elements.is_none());
        let is_used = |name: &str| {
            let reference = format!("\"@{name}\"");
            let mut rules = self.chains.values().flatten();
            rules.any(|rule| rule.to_string().contains(&reference))
        };
        has_hook && self.sends() && lacking().any(|(name, _)| is_used(name))
    }

    /// Whether any rule of it could send a packet elsewhere.
    fn sends(&self) -> bool {
        let senders = ["dnat", "redirect", "tproxy", "mangle", "fwd", "dup"];
        let mut rules = self.chains.values().flatten();
        rules.any(|rule| {
            let expressions = rule.get("expr").and_then(Value::as_array);
            let mut all = expressions.into_iter().flatten();
            all.any(|one| senders.iter().any(|sender| one.get(sender).is_some()))
        })
    }

    /// Takes the elements of its sets from another listing of it.
    pub(super) fn fill(&mut self, listed: Vec<Self>) {
        for table in listed {
            if table.family == self.family && table.name == self.name {
                self.sets.extend(
                    table
                        .sets
                        .into_iter()
                        .filter(|(_, elements)| elements.is_some()),
                );
            }
        }
    }
}

impl Table for NftTable {
    fn place(&self) -> String {
        format!("nftables {} {}", self.family, self.name)
    }

    fn base_chains(&self) -> Vec<BaseChain> {
        if self.is_dormant {
            return Vec::new();
        }
        self.bases.clone()
    }

    fn rules(&self, chain: &str, case: &Case<'_>) -> Option<Vec<Rule>> {
        let rules = self.chains.get(chain)?;
        Some(
            rules
                .iter()
                .flat_map(|rule| rules_of(self, rule, case))
                .collect(),
        )
    }
}
