//! From the rules that were found to what is said of them: what changes nothing is left out, and what
//! is the same for both versions of IP, for both hooks or for several targets is one redirect. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::conditions::{Condition, Subject};
use super::rules::{Address, Case, Hook, Table, Target, TargetPort, Version};
use super::walk::{Found, follow};
use crate::model::{Protocol, Redirect, RedirectTarget, RedirectedPackets, Text, counted};

/// No more targets of one redirect are named than this.
const MOST_NAMED: usize = 4;

/// No more redirects of one port are kept than this.
const MOST_REDIRECTS: usize = 64;

/// The port that redirects are looked for, and what decides about them besides the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) protocol: Protocol,
    pub(super) port: u16,
    /// Every address of this machine, where they could be read.
    pub(super) own: Option<&'a [IpNet]>,
}

/// What the tables come to for a port.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Collected {
    pub(super) redirects: Vec<Redirect>,
    /// What may redirect it and could not be followed.
    pub(super) unknown: Vec<String>,
}

/// A redirect before it is put into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) place: String,
    pub(super) chain: String,
    pub(super) targets: Vec<Target>,
    pub(super) conditions: Vec<Condition>,
    pub(super) packets: RedirectedPackets,
    /// `None`: both.
    pub(super) version: Option<Version>,
    pub(super) comment: Option<String>,
}

/// Follows the port's packets through every table.
pub(super) fn collect(tables: &[&dyn Table], asked: &Asked<'_>) -> Collected {
    let mut drafts = Vec::new();
    let mut unknown = Vec::new();
    for table in tables {
        for base in table.base_chains() {
            for &version in base.versions {
                let case = Case {
                    protocol: asked.protocol,
                    port: asked.port,
                    version,
                    hook: base.hook,
                    is_nat: base.is_nat,
                    own: asked.own,
                };
                let followed = follow(*table, &base.name, &case);
                let place = table.place();
                let draft = |found| draft(found, &place, &case);
                drafts.extend(followed.found.into_iter().filter_map(draft));
                for what in followed.unknown {
                    let what = format!("{place}: {what}");
                    if !unknown.contains(&what) {
                        unknown.push(what);
                    }
                }
            }
        }
    }
    say(drafts, unknown, asked)
}

/// Puts drafts into words, each once.
pub(super) fn say(drafts: Vec<Draft>, mut unknown: Vec<String>, asked: &Asked<'_>) -> Collected {
    let drafts = by_lot(drafts);
    let drafts = merged(drafts, |one, other| {
        let is_pair = one.version.zip(other.version).is_some_and(|(a, b)| a != b);
        if is_pair && is_same(one, other, |a, b| a.packets == b.packets) {
            one.version = None;
            return true;
        }
        false
    });
    let drafts = merged(drafts, |one, other| {
        let is_same = is_same(one, other, |a, b| a.version == b.version);
        if is_same && one.packets != other.packets {
            one.packets = RedirectedPackets::All;
        }
        is_same
    });
    let mut redirects: Vec<_> = drafts.iter().map(|draft| redirect(draft, asked)).collect();
    if redirects.len() > MOST_REDIRECTS {
        let more = redirects.len() - MOST_REDIRECTS;
        let verb = if more == 1 { "is" } else { "are" };
        let rules = counted(more, "more rule", "more rules");
        unknown.push(format!("there {verb} {rules}"));
        redirects.truncate(MOST_REDIRECTS);
    }
    Collected { redirects, unknown }
}

/// A rule that was found, unless the packet stays where it is.
fn draft(found: Found, place: &str, case: &Case<'_>) -> Option<Draft> {
    let is_same_port = match found.target.port {
        TargetPort::Same => true,
        TargetPort::One(port) => port == case.port,
        TargetPort::Several(_) => false,
    };
    let is_here = match &found.target.address {
        None => true,
        Some(Address::One(address)) => case.is_own(*address),
        Some(Address::Several(_)) => false,
    };
    if is_same_port && is_here {
        return None;
    }
    let not_by_loopback = Condition::new(Subject::InInterface, "lo").negated();
    let packets = match case.hook {
        Hook::Output => RedirectedPackets::Local,
        // What is sent here passes prerouting when it comes back in.
        Hook::Prerouting if !case.is_nat && !found.conditions.contains(&not_by_loopback) => {
            RedirectedPackets::All
        }
        Hook::Prerouting => RedirectedPackets::Incoming,
    };
    Some(Draft {
        place: place.to_owned(),
        chain: found.chain,
        targets: vec![found.target],
        conditions: found.conditions,
        packets,
        version: Some(case.version),
        comment: found.comment,
    })
}

/// Whether two say the same of other packets; `also` compares what is not merged.
fn is_same(one: &Draft, other: &Draft, also: impl Fn(&Draft, &Draft) -> bool) -> bool {
    let parts = |draft: &Draft| {
        let mut conditions = draft.conditions.clone();
        conditions.sort();
        conditions.dedup();
        conditions
    };
    one.place == other.place
        && one.targets == other.targets
        && one.comment == other.comment
        && parts(one) == parts(other)
        && also(one, other)
}

/// Merges each draft into the first one that takes it.
fn merged(drafts: Vec<Draft>, takes: impl Fn(&mut Draft, &Draft) -> bool) -> Vec<Draft> {
    let mut kept: Vec<Draft> = Vec::new();
    for draft in drafts {
        if !kept.iter_mut().any(|one| takes(one, &draft)) {
            kept.push(draft);
        }
    }
    kept
}

/// Joins the targets among which a lot decides. The last of them mostly has no lot of its own: it gets
/// what is left.
fn by_lot(drafts: Vec<Draft>) -> Vec<Draft> {
    let without = |draft: &Draft| {
        let others = draft.conditions.iter().filter(|one| !one.is_share());
        others.cloned().collect::<Vec<_>>()
    };
    let is_by_lot = |draft: &Draft| draft.conditions.iter().any(Condition::is_share);
    let mut kept: Vec<Draft> = Vec::new();
    for draft in drafts {
        let partner = kept.iter_mut().find(|one| {
            (is_by_lot(one) || one.targets.len() > 1)
                && one.place == draft.place
                && one.packets == draft.packets
                && one.version == draft.version
                && without(one) == without(&draft)
        });
        let Some(partner) = partner else {
            kept.push(draft);
            continue;
        };
        partner.conditions = without(partner);
        for target in draft.targets {
            if !partner.targets.contains(&target) {
                partner.targets.push(target);
            }
        }
    }
    kept
}

fn redirect(draft: &Draft, asked: &Asked<'_>) -> Redirect {
    let mut conditions = draft.conditions.clone();
    let has_address = draft.targets.iter().any(|target| target.address.is_some());
    if let Some(version) = draft.version.filter(|_| !has_address) {
        let name = match version {
            Version::V4 => "IPv4",
            Version::V6 => "IPv6",
        };
        conditions.push(Condition::new(Subject::Version, name));
    }
    conditions.sort();
    conditions.dedup();
    let (unknown, known): (Vec<_>, Vec<_>) = conditions.iter().partition(|one| one.is_unknown());
    let mut phrases: Vec<_> = known.iter().map(|one| Text::new(&one.phrase())).collect();
    if let [_, _, ..] = unknown.as_slice() {
        let words: Vec<_> = unknown.iter().map(|one| one.words()).collect();
        let phrase = format!(
            "meet conditions that were not understood: {}",
            words.join(", ")
        );
        phrases.push(Text::new(&phrase));
    } else {
        phrases.extend(unknown.iter().map(|one| Text::new(&one.phrase())));
    }
    let place = format!("{} {}", draft.place, draft.chain);
    let comment = draft.comment.as_deref();
    Redirect {
        protocol: asked.protocol,
        packets: draft.packets,
        conditions: phrases,
        to: target(&draft.targets, asked),
        place: Text::new(place.trim_end()),
        comment: comment
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(Text::new),
    }
}

fn target(targets: &[Target], asked: &Asked<'_>) -> RedirectTarget {
    let only = match targets {
        [only] => Some(only),
        _ => None,
    };
    let address = only.and_then(|only| match only.address {
        Some(Address::One(address)) => Some(address),
        _ => None,
    });
    let port = only.and_then(|only| match only.port {
        TargetPort::One(port) => Some(port),
        _ => None,
    });
    RedirectTarget {
        address,
        port,
        text: Text::new(&targets_text(targets, asked.port)),
        is_unreachable: false,
    }
}

fn targets_text(targets: &[Target], port: u16) -> String {
    let texts: Vec<_> = targets
        .iter()
        .take(MOST_NAMED)
        .map(|target| target_text(target, port))
        .collect();
    match (texts.as_slice(), targets.len()) {
        ([only], 1) => only.clone(),
        ([others @ .., last], count) if count <= MOST_NAMED => {
            format!("one of {} and {last}", others.join(", "))
        }
        (some, count) => format!("one of {} and {} more", some.join(", "), count - some.len()),
    }
}

fn target_text(target: &Target, port: u16) -> String {
    let port_text = match &target.port {
        TargetPort::Same => None,
        TargetPort::One(port) => Some(port.to_string()),
        TargetPort::Several(ports) => Some(ports.clone()),
    };
    let same = port.to_string();
    match (&target.address, port_text) {
        (None, Some(ports)) if matches!(target.port, TargetPort::Several(_)) => {
            format!("ports {ports}")
        }
        (None, port) => format!("port {}", port.unwrap_or(same)),
        (Some(Address::One(IpAddr::V6(address))), port) => {
            format!("[{address}]:{}", port.unwrap_or(same))
        }
        (Some(Address::One(address)), port) => format!("{address}:{}", port.unwrap_or(same)),
        (Some(Address::Several(addresses)), None) => addresses.clone(),
        (Some(Address::Several(addresses)), Some(port)) => format!("{addresses}, port {port}"),
    }
}
