//! Follows one packet through the chains of a table and collects every rule that can send it
//! elsewhere, with all that must hold for the packet to get there. Pure.
//!
//! The kernel's own order is followed: a rule that takes every packet ends the chain, one that takes
//! some leaves its negation as a condition on what comes after. Jumps come back, gotos return to
//! where the last jump was. Chains that call themselves (which the kernel refuses) and tables too
//! large to follow end in a gap.

use std::collections::HashMap;
use std::rc::Rc;

use super::conditions::{Condition, Subject, together};
use super::rules::{Action, Case, Rule, Table, Target};

/// No packet is followed through more jumps than this; the kernel allows 16 in nftables.
const MOST_JUMPS: usize = 64;

/// No more rules than this are met on the way of one packet.
const MOST_RULES: usize = 100_000;

/// No more ways out of a chain than this are remembered: without one, a redirect is said of too many
/// packets rather than too few.
const MOST_TAKEN: usize = 32;

/// More exceptions than this are not said one by one.
const MOST_EXCEPTIONS: usize = 6;

/// A rule that sends the packet elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) target: Target,
    pub(super) conditions: Vec<Condition>,
    pub(super) chain: String,
    pub(super) comment: Option<String>,
}

/// What came of the way through a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) found: Vec<Found>,
    /// What may send the packet elsewhere as well, and could not be followed.
    pub(super) unknown: Vec<String>,
}

/// Follows the packet from a base chain.
pub(super) fn follow(table: &dyn Table, chain: &str, case: &Case<'_>) -> Followed {
    let mut walk = Walk {
        table,
        case,
        followed: Followed::default(),
        rules_left: MOST_RULES,
        way: Vec::new(),
        chains: HashMap::new(),
    };
    walk.chain(chain, Vec::new(), None);
    walk.followed
}

struct Walk<'a> {
    table: &'a dyn Table,
    case: &'a Case<'a>,
    followed: Followed,
    rules_left: usize,
    /// The chains that the packet is in.
    way: Vec<String>,
    /// Chains that were evaluated: many rules may lead to the same one.
    chains: HashMap<String, Option<Rc<[Rule]>>>,
}

/// What leaves a chain for good rather than at its end.
#[derive(Default)]
struct Taken {
    /// Whether nothing comes back from it.
    all: bool,
    /// What each rule took that ended the evaluation, by what it asked for besides.
    some: Vec<Vec<Condition>>,
}

impl Taken {
    /// What each part asks for, beside what led to it.
    fn parts(self, besides: &[Condition]) -> Vec<Vec<Condition>> {
        let some = if self.all {
            vec![Vec::new()]
        } else {
            self.some
        };
        let within = |part: Vec<Condition>| besides.iter().cloned().chain(part).collect();
        some.into_iter().map(within).collect()
    }
}

impl Walk<'_> {
    /// Follows what meets `given` through a chain; `comment` is the last one on the way.
    fn chain(&mut self, name: &str, mut given: Vec<Condition>, comment: Option<&String>) -> Taken {
        let mut taken = Taken::default();
        if self.way.len() >= MOST_JUMPS || self.way.iter().any(|one| one == name) {
            self.give_up(&format!("chain {name} leads back to itself"));
            return taken;
        }
        let (table, case) = (self.table, self.case);
        let chain = self.chains.entry(name.to_owned());
        let rules = chain.or_insert_with(|| table.rules(name, case).map(Rc::from));
        let Some(rules) = rules.clone() else {
            self.give_up(&format!("there is no chain {name}"));
            return taken;
        };
        self.way.push(name.to_owned());
        for rule in rules.iter() {
            if self.rules_left == 0 {
                self.give_up("there are too many rules");
                break;
            }
            self.rules_left -= 1;
            let asked = rule.conditions.iter().cloned();
            let Some(met) = together(given.iter().cloned().chain(asked)) else {
                continue;
            };
            let is_new = |one: &&Condition| !given.contains(one) && !one.is_certain(self.case);
            let besides: Vec<_> = met.iter().filter(is_new).cloned().collect();
            let (leaves, ended) = self.rule(rule, name, met, comment);
            if besides.is_empty() && ended.all {
                taken.all = true;
                break;
            }
            let parts = ended.parts(&besides);
            if leaves && !besides.is_empty() {
                except(&mut given, besides.clone());
            } else {
                for part in &parts {
                    except(&mut given, part.clone());
                }
            }
            taken.some.extend(parts);
            taken.some.truncate(MOST_TAKEN);
            if leaves && besides.is_empty() {
                break;
            }
        }
        self.way.pop();
        taken
    }

    /// What a rule does with the packets that meet it: whether they leave this chain, and which of them
    /// the rule takes for good.
    fn rule(
        &mut self,
        rule: &Rule,
        chain: &str,
        met: Vec<Condition>,
        comment: Option<&String>,
    ) -> (bool, Taken) {
        let comment = rule.comment.as_ref().or(comment);
        let all = || Taken {
            all: true,
            some: Vec::new(),
        };
        match &rule.action {
            Action::Return => (true, Taken::default()),
            Action::End => (true, all()),
            Action::Jump(to) => {
                let taken = self.chain(to, met, comment);
                (taken.all, taken)
            }
            Action::Goto(to) => (true, self.chain(to, met, comment)),
            Action::Send { target, goes_on } => {
                self.followed.found.push(Found {
                    target: target.clone(),
                    conditions: met,
                    chain: chain.to_owned(),
                    comment: comment.cloned(),
                });
                (false, if *goes_on { Taken::default() } else { all() })
            }
            Action::Opaque(what) => {
                self.give_up(&format!("chain {chain}: {what}"));
                (false, Taken::default())
            }
        }
    }

    fn give_up(&mut self, why: &str) {
        let unknown = &mut self.followed.unknown;
        if !unknown.iter().any(|one| one == why) {
            unknown.push(why.to_owned());
        }
    }
}

/// Adds that the packets are not those that meet all of `taken`.
fn except(given: &mut Vec<Condition>, taken: Vec<Condition>) {
    let is_by_lot = taken.iter().any(Condition::is_share);
    let exceptions = |given: &[Condition]| given.iter().filter(|one| is_exception(one)).count();
    if is_by_lot || taken.is_empty() || exceptions(given) > MOST_EXCEPTIONS {
        return;
    }
    let condition = if exceptions(given) == MOST_EXCEPTIONS {
        Condition::new(Subject::Phrase, "are taken by no earlier rule")
    } else {
        match <[Condition; 1]>::try_from(taken) {
            Ok([only]) => only.negated(),
            Err(several) => Condition::NotAll(several),
        }
    };
    if !given.contains(&condition) {
        given.push(condition);
    }
}

/// Whether a condition may be there because an earlier rule took other packets.
const fn is_exception(condition: &Condition) -> bool {
    match condition {
        Condition::Simple { is_negated, .. } => *is_negated,
        Condition::NotAll(_) => true,
    }
}
