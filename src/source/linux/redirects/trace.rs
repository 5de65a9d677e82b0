//! Traces a packet through the chains of a table and collects every rule that can send it elsewhere, with all
//! conditions for the packet to get there. Pure.
//!
//! The order is the kernel's: a rule that takes every packet ends the chain, one that takes some leaves its negation
//! as a condition on the rules after it. Jumps come back, gotos return to where the last jump was. Chains that call
//! themselves (which the kernel refuses) and tables too large to trace end in a gap.

use std::collections::HashMap;
use std::rc::Rc;

use super::condition::{Condition, Subject, combine};
use super::evaluate::Branch;
use super::packet::Packet;
use super::rule::{Action, Table, Target};
use crate::model::{Family, RedirectedPackets};

/// The most jumps to trace a packet through; the kernel allows 16 in nftables.
const MOST_JUMPS: usize = 64;

const MOST_RULES: usize = 100_000;

/// The most exceptions of a chain to remember: without an exception, a redirect is reported for too many packets rather
/// than too few.
const MOST_TAKEN: usize = 32;

const MOST_EXCEPTIONS: usize = 6;

/// A rule that sends packets elsewhere.
pub(super) struct Sent {
    pub(super) targets: Vec<Target>,
    pub(super) conditions: Vec<Condition>,
    pub(super) packets: RedirectedPackets,
    /// `None`: both.
    pub(super) family: Option<Family>,
    pub(super) table: String,
    pub(super) chain: String,
    pub(super) comment: Option<String>,
}

/// Traces a packet from its base chain. Also returns rules that may send it elsewhere, too, and could not be traced.
pub(super) fn trace(table: &Table, packet: &Packet<'_>) -> (Vec<Sent>, Vec<String>) {
    let mut tracer = Tracer {
        table,
        packet,
        found: Vec::new(),
        unknown: Vec::new(),
        rules_left: MOST_RULES,
        way: Vec::new(),
        chains: HashMap::new(),
    };
    tracer.chain(&packet.base.name, Vec::new(), None);
    (tracer.found, tracer.unknown)
}

struct Tracer<'a> {
    table: &'a Table,
    packet: &'a Packet<'a>,
    found: Vec<Sent>,
    unknown: Vec<String>,
    rules_left: usize,
    /// The chains that the packet is in.
    way: Vec<String>,
    /// Chains that were evaluated: many rules may lead to the same one.
    chains: HashMap<String, Option<Rc<[Branch]>>>,
}

/// The conditions of each part of the packets that never comes back from a chain. A part without conditions is all of
/// them.
type Taken = Vec<Vec<Condition>>;

impl Tracer<'_> {
    /// Traces packets with the conditions `given` through a chain; `comment` is the last one on the way.
    fn chain(&mut self, name: &str, mut given: Vec<Condition>, comment: Option<&String>) -> Taken {
        let mut taken = Taken::new();
        if self.way.len() >= MOST_JUMPS || self.way.iter().any(|one| one == name) {
            self.give_up(&format!("chain {name} leads back to itself"));
            return taken;
        }
        let (table, packet) = (self.table, self.packet);
        let chain = self.chains.entry(name.to_owned());
        let branches = chain.or_insert_with(|| {
            let of_rule = |rule| table.branches(rule, packet);
            let rules = table.chains.get(name)?.iter();
            let rules = rules.filter(|rule| !rule.excludes_port(packet.port));
            Some(rules.flat_map(of_rule).collect())
        });
        let Some(branches) = branches.clone() else {
            self.give_up(&format!("there is no chain {name}"));
            return taken;
        };
        self.way.push(name.to_owned());
        for branch in branches.iter() {
            if self.rules_left == 0 {
                self.give_up("there are too many rules");
                break;
            }
            self.rules_left -= 1;
            let required = branch.conditions.iter().cloned();
            let Some(met) = combine(given.iter().cloned().chain(required)) else {
                continue;
            };
            let is_new =
                |one: &&Condition| !given.contains(one) && !one.is_certain(self.packet.protocol);
            let besides: Vec<_> = met.iter().filter(is_new).cloned().collect();
            let (leaves, ended) = self.branch(branch, name, met, comment);
            let parts = if ended.iter().any(Vec::is_empty) {
                vec![besides.clone()]
            } else {
                let within = |part: Vec<_>| [besides.as_slice(), &part].concat();
                ended.into_iter().map(within).collect()
            };
            if parts.iter().any(Vec::is_empty) {
                taken = parts;
                break;
            }
            if leaves && !besides.is_empty() {
                except(&mut given, besides.clone());
            } else {
                for part in &parts {
                    except(&mut given, part.clone());
                }
            }
            taken.extend(parts);
            taken.truncate(MOST_TAKEN);
            if leaves && besides.is_empty() {
                break;
            }
        }
        self.way.pop();
        taken
    }

    /// Follows a rule for matching packets: returns whether they leave this chain, and which of them never come back.
    fn branch(
        &mut self,
        branch: &Branch,
        chain: &str,
        mut met: Vec<Condition>,
        comment: Option<&String>,
    ) -> (bool, Taken) {
        let comment = branch.comment.as_ref().or(comment);
        let all = || vec![Vec::new()];
        match &branch.action {
            Action::Return => (true, Taken::new()),
            Action::End => (true, all()),
            Action::Jump(to) => {
                let taken = self.chain(to, met, comment);
                (taken.iter().any(Vec::is_empty), taken)
            }
            Action::Goto(to) => (true, self.chain(to, met, comment)),
            Action::Send { targets, goes_on } => {
                // Packets sent to this machine pass prerouting when they come back in.
                let not_by_loopback = Condition::new(Subject::InInterface, "lo").negated();
                let packets = match self.packet.base {
                    base if base.is_output => RedirectedPackets::Local,
                    base if base.is_nat || met.contains(&not_by_loopback) => {
                        RedirectedPackets::Incoming
                    }
                    _ => RedirectedPackets::All,
                };
                met.sort();
                met.dedup();
                self.found.push(Sent {
                    targets: targets.clone(),
                    conditions: met,
                    packets,
                    family: Some(self.packet.family),
                    table: self.table.place.clone(),
                    chain: chain.to_owned(),
                    comment: comment.cloned(),
                });
                (false, if *goes_on { Taken::new() } else { all() })
            }
            Action::Opaque(what) => {
                self.give_up(&format!("chain {chain}: {what}"));
                (false, Taken::new())
            }
        }
    }

    fn give_up(&mut self, why: &str) {
        self.unknown.push(format!("{}: {why}", self.table.place));
    }
}

/// Adds that the packets do not meet all of `taken`.
fn except(given: &mut Vec<Condition>, taken: Vec<Condition>) {
    let is_random = taken.iter().any(Condition::is_share);
    let exceptions = |given: &[Condition]| given.iter().filter(|one| one.is_negated).count();
    if is_random || taken.is_empty() || exceptions(given) > MOST_EXCEPTIONS {
        return;
    }
    let condition = if exceptions(given) == MOST_EXCEPTIONS {
        Condition::new(Subject::Phrase, "are taken by no earlier rule")
    } else {
        Condition::none_of(taken)
    };
    if !given.contains(&condition) {
        given.push(condition);
    }
}
