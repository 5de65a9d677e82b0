//! Describes the rules that were found. Those that change nothing are dropped; those that are the same for both
//! versions of IP, for both hooks or for several targets are one redirect. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::condition::{Condition, Subject};
use super::packet::Packet;
use super::rule::{Part, Table, Target};
use super::trace::{Sent, trace};
use crate::model::{Family, Protocol, Redirect, RedirectTarget, RedirectedPackets, Text, counted};

const MOST_NAMED: usize = 4;

const MOST_REDIRECTS: usize = 64;

/// How the names of the engines' bridges begin. Their rules leave out what comes in by them.
const BRIDGES: [&str; 8] = [
    "docker", "br-", "cni", "podman", "lxcbr", "lxdbr", "incusbr", "virbr",
];

/// Traces a port's packets through every table and describes each redirect once. Also returns rules that could not be
/// traced. `own` are the addresses of this machine, if readable.
pub(super) fn redirects(
    tables: &[&Table],
    protocol: Protocol,
    port: u16,
    own: Option<&[IpNet]>,
) -> (Vec<Redirect>, Vec<String>) {
    let (mut all, mut unknown) = (Vec::new(), Vec::new());
    let stays = |target: &Target| {
        let is_own = |address| own.is_some_and(|own| own.iter().any(|net| net.contains(address)));
        let has_address = match &target.address {
            None => true,
            Some(Part::One(address)) => is_own(address),
            Some(Part::Several(_)) => false,
        };
        has_address && (target.port.is_none() || target.port == Some(Part::One(port)))
    };
    for table in tables {
        for base in &table.bases {
            for &family in base.families {
                let packet = Packet {
                    protocol,
                    port,
                    family,
                    base,
                    own,
                };
                let (found, missed) = trace(table, &packet);
                let goes = |sent: &Sent| !sent.targets.iter().all(stays);
                all.extend(found.into_iter().filter(goes));
                for what in missed {
                    if !unknown.contains(&what) {
                        unknown.push(what);
                    }
                }
            }
        }
    }
    let mut all = without_shares(all);
    // Versions of IP first, then hooks.
    for _ in 0..2 {
        all = merged(all, |one, other| {
            let has_family = one.family == other.family;
            let has_packets = one.packets == other.packets;
            let is_merged = (has_family || has_packets)
                && one.table == other.table
                && one.targets == other.targets
                && one.comment == other.comment
                && one.conditions == other.conditions;
            if is_merged && !has_family {
                one.family = None;
            }
            if is_merged && !has_packets {
                one.packets = RedirectedPackets::All;
            }
            is_merged
        });
    }
    let more = all.len().saturating_sub(MOST_REDIRECTS);
    if more > 0 {
        let verb = if more == 1 { "is" } else { "are" };
        let rules = counted(more, "more rule", "more rules");
        unknown.push(format!("there {verb} {rules}"));
    }
    all.truncate(MOST_REDIRECTS);
    let redirect = |sent| redirect(sent, protocol, port);
    (all.into_iter().map(redirect).collect(), unknown)
}

/// Merges each rule into the first one that takes it.
fn merged(all: Vec<Sent>, takes: impl Fn(&mut Sent, &Sent) -> bool) -> Vec<Sent> {
    let mut kept: Vec<Sent> = Vec::new();
    for sent in all {
        if !kept.iter_mut().any(|one| takes(one, &sent)) {
            kept.push(sent);
        }
    }
    kept
}

/// Merges the targets that share packets at random. The last one mostly has no share: it gets the rest.
fn without_shares(all: Vec<Sent>) -> Vec<Sent> {
    let without = |sent: &Sent| -> Vec<Condition> {
        let conditions = sent.conditions.iter();
        conditions.filter(|one| !one.is_share()).cloned().collect()
    };
    merged(all, |one, other| {
        let conditions = without(one);
        let is_shared = conditions.len() < one.conditions.len() || one.targets.len() > 1;
        let is_partner = is_shared
            && one.table == other.table
            && one.packets == other.packets
            && one.family == other.family
            && conditions == without(other);
        if is_partner {
            one.conditions = conditions;
            for target in &other.targets {
                if !one.targets.contains(target) {
                    one.targets.push(target.clone());
                }
            }
        }
        is_partner
    })
}

fn redirect(sent: Sent, protocol: Protocol, port: u16) -> Redirect {
    let Sent {
        targets,
        mut conditions,
        ..
    } = sent;
    let destination = destination(&conditions);
    let is_unconditional = sent.packets != RedirectedPackets::Local
        && conditions
            .iter()
            .all(|one| takes_all(one) || destination.is_some() && is_destination(one));
    let has_address = targets.iter().any(|target| target.address.is_some());
    if let Some(family) = sent.family.filter(|_| !has_address) {
        let name = match family {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        };
        conditions.push(Condition::new(Subject::Version, name));
        conditions.sort();
    }
    let is_unknown = |one: &&Condition| one.subject == Subject::Unknown && !one.is_negated;
    let (unknown, known): (Vec<_>, Vec<_>) = conditions.iter().partition(is_unknown);
    let mut phrases: Vec<_> = known.iter().map(|one| one.phrase()).collect();
    if let [_, _, ..] = unknown.as_slice() {
        let words: Vec<_> = unknown.iter().map(|one| one.value.as_str()).collect();
        let words = words.join(", ");
        phrases.push(format!("meet conditions that were not understood: {words}"));
    } else {
        phrases.extend(unknown.iter().map(|one| one.phrase()));
    }
    let only = targets.first().filter(|_| targets.len() == 1);
    let some = targets.iter().take(MOST_NAMED);
    let texts: Vec<_> = some.map(|one| target_text(one, port)).collect();
    let text = match (texts.as_slice(), targets.len()) {
        ([only], 1) => only.clone(),
        ([others @ .., last], count) if count <= MOST_NAMED => {
            format!("one of {} and {last}", others.join(", "))
        }
        (some, count) => format!("one of {} and {} more", some.join(", "), count - some.len()),
    };
    let comment = sent.comment.as_deref().map(str::trim);
    Redirect {
        protocol,
        packets: sent.packets,
        conditions: phrases.iter().map(|phrase| Text::new(phrase)).collect(),
        destination,
        is_unconditional,
        to: RedirectTarget {
            address: only.and_then(|only| only.address.as_ref()?.one()),
            port: only.and_then(|only| only.port.as_ref()?.one()),
            text: Text::new(&text),
            is_unreachable: false,
        },
        place: Text::new(format!("{} {}", sent.table, sent.chain).trim_end()),
        comment: comment.filter(|one| !one.is_empty()).map(Text::new),
    }
}

fn is_destination(condition: &Condition) -> bool {
    condition.subject == Subject::Destination && !condition.is_negated
}

/// The address that packets under these conditions are for, if they are for exactly one.
fn destination(conditions: &[Condition]) -> Option<IpAddr> {
    let mut destinations = conditions.iter().filter(|one| is_destination(one));
    let address = destinations.next()?.value.parse().ok()?;
    destinations.next().is_none().then_some(address)
}

/// Whether a condition leaves out no packets but those of the containers themselves, and those of this machine to itself.
fn takes_all(condition: &Condition) -> bool {
    let Condition { subject, value, .. } = condition;
    match (subject, condition.is_negated) {
        (Subject::OwnAddress, false) => true,
        (Subject::InInterface, true) => {
            value == "lo" || BRIDGES.iter().any(|bridge| value.starts_with(bridge))
        }
        (Subject::Destination, true) => value
            .parse()
            .is_ok_and(|net: IpNet| net.network().is_loopback() && net.broadcast().is_loopback()),
        _ => false,
    }
}

fn target_text(target: &Target, same: u16) -> String {
    let ports = match &target.port {
        None => same.to_string(),
        Some(Part::One(port)) => port.to_string(),
        Some(Part::Several(ports)) => ports.clone(),
    };
    match (&target.address, &target.port) {
        (None, Some(Part::Several(_))) => format!("ports {ports}"),
        (None, _) => format!("port {ports}"),
        (Some(Part::One(IpAddr::V6(address))), _) => format!("[{address}]:{ports}"),
        (Some(Part::One(address)), _) => format!("{address}:{ports}"),
        (Some(Part::Several(addresses)), None) => addresses.clone(),
        (Some(Part::Several(addresses)), _) => format!("{addresses}, port {ports}"),
    }
}
