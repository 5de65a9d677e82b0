//! Describes the rules that were found. Those that change nothing are dropped; those that are the same for both
//! versions of IP, for both hooks or for several targets are one redirect. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::condition::{Condition, Subject};
use super::packet::{Hook, Packet, Version};
use super::rule::{Address, Table, Target, TargetPort};
use super::trace::{Sent, trace};
use crate::model::{Protocol, Redirect, RedirectTarget, RedirectedPackets, Text, counted};

/// The most targets of one redirect to name.
const MOST_NAMED: usize = 4;

/// The most redirects of one port to keep.
const MOST_REDIRECTS: usize = 64;

/// A redirect before it is described.
struct Draft {
    sent: Sent,
    packets: RedirectedPackets,
    /// `None`: both.
    version: Option<Version>,
}

/// Traces a port's packets through every table and describes each redirect once. Also returns rules that could not be
/// traced. `own` are the addresses of this machine, if readable.
pub(super) fn redirects(
    tables: &[&Table],
    protocol: Protocol,
    port: u16,
    own: Option<&[IpNet]>,
) -> (Vec<Redirect>, Vec<String>) {
    let (mut drafts, mut unknown) = (Vec::new(), Vec::new());
    for table in tables {
        for base in &table.bases {
            for &version in base.versions {
                let packet = Packet {
                    protocol,
                    port,
                    version,
                    hook: base.hook,
                    is_nat: base.is_nat,
                    own,
                };
                let traced = trace(table, &base.name, &packet);
                let found = traced.found.into_iter();
                drafts.extend(found.filter_map(|sent| draft(sent, &packet)));
                for what in traced.unknown {
                    if !unknown.contains(&what) {
                        unknown.push(what);
                    }
                }
            }
        }
    }
    let mut drafts = without_shares(drafts);
    // Versions of IP first, then hooks.
    for _ in 0..2 {
        drafts = merged(drafts, |one, other| {
            let has_version = one.version == other.version;
            let has_packets = one.packets == other.packets;
            let is_merged = (has_version || has_packets) && is_same(&one.sent, &other.sent);
            if is_merged && !has_version {
                one.version = None;
            }
            if is_merged && !has_packets {
                one.packets = RedirectedPackets::All;
            }
            is_merged
        });
    }
    let more = drafts.len().saturating_sub(MOST_REDIRECTS);
    if more > 0 {
        let verb = if more == 1 { "is" } else { "are" };
        let rules = counted(more, "more rule", "more rules");
        unknown.push(format!("there {verb} {rules}"));
    }
    drafts.truncate(MOST_REDIRECTS);
    let redirect = |draft| redirect(draft, protocol, port);
    (drafts.into_iter().map(redirect).collect(), unknown)
}

/// A rule that sends packets elsewhere; `None` if they stay where they are.
fn draft(mut sent: Sent, packet: &Packet<'_>) -> Option<Draft> {
    let is_here = |target: &Target| {
        let has_address = match &target.address {
            None => true,
            Some(Address::One(address)) => packet.is_own(*address),
            Some(Address::Several(_)) => false,
        };
        let ports = [TargetPort::Same, TargetPort::One(packet.port)];
        has_address && ports.contains(&target.port)
    };
    if sent.targets.iter().all(is_here) {
        return None;
    }
    let not_by_loopback = Condition::new(Subject::InInterface, "lo").negated();
    let packets = match packet.hook {
        Hook::Output => RedirectedPackets::Local,
        // Packets sent to this machine pass prerouting when they come back in.
        Hook::Prerouting if !packet.is_nat && !sent.conditions.contains(&not_by_loopback) => {
            RedirectedPackets::All
        }
        Hook::Prerouting => RedirectedPackets::Incoming,
    };
    sent.conditions.sort();
    sent.conditions.dedup();
    Some(Draft {
        sent,
        packets,
        version: Some(packet.version),
    })
}

/// Whether two rules do the same.
fn is_same(one: &Sent, other: &Sent) -> bool {
    one.table == other.table
        && one.targets == other.targets
        && one.comment == other.comment
        && one.conditions == other.conditions
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

/// Merges the targets that share packets at random. The last one mostly has no share: it gets the rest.
fn without_shares(drafts: Vec<Draft>) -> Vec<Draft> {
    let without = |draft: &Draft| {
        let conditions = draft.sent.conditions.iter();
        let others = conditions.filter(|one| !one.is_share());
        others.cloned().collect::<Vec<_>>()
    };
    merged(drafts, |one, other| {
        let conditions = without(one);
        let is_shared = conditions.len() < one.sent.conditions.len() || one.sent.targets.len() > 1;
        let is_partner = is_shared
            && one.sent.table == other.sent.table
            && one.packets == other.packets
            && one.version == other.version
            && conditions == without(other);
        if is_partner {
            one.sent.conditions = conditions;
            for target in &other.sent.targets {
                if !one.sent.targets.contains(target) {
                    one.sent.targets.push(target.clone());
                }
            }
        }
        is_partner
    })
}

fn redirect(draft: Draft, protocol: Protocol, port: u16) -> Redirect {
    let Sent {
        targets,
        mut conditions,
        table,
        chain,
        comment,
    } = draft.sent;
    let has_address = targets.iter().any(|target| target.address.is_some());
    if let Some(version) = draft.version.filter(|_| !has_address) {
        let name = match version {
            Version::V4 => "IPv4",
            Version::V6 => "IPv6",
        };
        conditions.push(Condition::new(Subject::Version, name));
        conditions.sort();
    }
    let (unknown, known): (Vec<_>, Vec<_>) = conditions.iter().partition(|one| one.is_unknown());
    let mut phrases: Vec<_> = known.iter().map(|one| one.phrase()).collect();
    if let [_, _, ..] = unknown.as_slice() {
        let words: Vec<_> = unknown.iter().map(|one| one.value.as_str()).collect();
        let words = words.join(", ");
        phrases.push(format!("meet conditions that were not understood: {words}"));
    } else {
        phrases.extend(unknown.iter().map(|one| one.phrase()));
    }
    let comment = comment.as_deref().map(str::trim);
    Redirect {
        protocol,
        packets: draft.packets,
        conditions: phrases.iter().map(|phrase| Text::new(phrase)).collect(),
        to: target(&targets, port),
        place: Text::new(format!("{table} {chain}").trim_end()),
        comment: comment.filter(|one| !one.is_empty()).map(Text::new),
    }
}

fn target(targets: &[Target], port: u16) -> RedirectTarget {
    let only = targets.first().filter(|_| targets.len() == 1);
    RedirectTarget {
        address: only.and_then(|only| match only.address {
            Some(Address::One(address)) => Some(address),
            _ => None,
        }),
        port: only.and_then(|only| match only.port {
            TargetPort::One(port) => Some(port),
            _ => None,
        }),
        text: Text::new(&targets_text(targets, port)),
        is_unreachable: false,
    }
}

fn targets_text(targets: &[Target], port: u16) -> String {
    let some = targets.iter().take(MOST_NAMED);
    let texts: Vec<_> = some.map(|target| target_text(target, port)).collect();
    match (texts.as_slice(), targets.len()) {
        ([only], 1) => only.clone(),
        ([others @ .., last], count) if count <= MOST_NAMED => {
            format!("one of {} and {last}", others.join(", "))
        }
        (some, count) => format!("one of {} and {} more", some.join(", "), count - some.len()),
    }
}

fn target_text(target: &Target, same: u16) -> String {
    let ports = match &target.port {
        TargetPort::Same => same.to_string(),
        TargetPort::One(port) => port.to_string(),
        TargetPort::Several(ports) => ports.clone(),
    };
    match (&target.address, &target.port) {
        (None, TargetPort::Several(_)) => format!("ports {ports}"),
        (None, _) => format!("port {ports}"),
        (Some(Address::One(IpAddr::V6(address))), _) => format!("[{address}]:{ports}"),
        (Some(Address::One(address)), _) => format!("{address}:{ports}"),
        (Some(Address::Several(addresses)), TargetPort::Same) => addresses.clone(),
        (Some(Address::Several(addresses)), _) => format!("{addresses}, port {ports}"),
    }
}
