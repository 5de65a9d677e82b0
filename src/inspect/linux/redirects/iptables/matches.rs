//! What the matches of an `iptables` rule come to for a packet. Pure.
//!
//! A rule is `[!] option value …` in the order of its matches, then `-j` or `-g`. Options that are not
//! known become a condition that was not understood, with their words.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::conditions::{Condition, Outcome, Subject};
use super::super::rules::{Case, Hook, Version};
use crate::model::Protocol;

/// A rule taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) comment: Option<String>,
    /// From `-j` or `-g` on.
    pub(super) target: Vec<String>,
}

/// Takes the words of a rule apart.
pub(super) fn conditions(words: &[String], case: &Case<'_>) -> Parts {
    let mut parts = Parts::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "-j" || word == "-g" {
            parts.target = rest.to_vec();
            break;
        }
        let is_negated = word == "!";
        let option = if is_negated {
            after.first()
        } else {
            Some(word)
        };
        let Some(option) = option else { break };
        let values = if is_negated { &after[1..] } else { after };
        let count = match option.as_str() {
            "--comment" => values.len().min(1),
            _ => values.iter().take_while(|one| !is_option(one)).count(),
        };
        let (values, next) = values.split_at(count);
        rest = next;
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        match (option.as_str(), values.as_slice()) {
            ("-m", _) => {}
            ("--comment", &[comment]) => parts.comment = Some(comment.to_owned()),
            (option, values) => {
                let outcome = test(option, values, case);
                parts.outcomes.push(not(outcome, is_negated, case));
            }
        }
    }
    parts
}

/// The opposite of an outcome, if it is asked for. What is for no address of this machine is for many
/// machines, which TCP knows nothing of.
pub(in super::super) fn not(outcome: Outcome, is_negated: bool, case: &Case<'_>) -> Outcome {
    let own = Outcome::If(Condition::new(Subject::OwnAddress, ""));
    if is_negated && outcome == own && case.protocol == Protocol::Tcp {
        return Outcome::Fails;
    }
    outcome.negated(is_negated)
}

/// Whether a word begins the next option. No value of a match begins with two dashes or is one of
/// the short ones; a quoted comment is one word and is taken with its option.
fn is_option(word: &str) -> bool {
    word == "!"
        || word.starts_with("--")
        || matches!(
            word,
            "-m" | "-j" | "-g" | "-p" | "-s" | "-d" | "-i" | "-o" | "-f"
        )
}

/// What an option comes to, not negated.
fn test(option: &str, values: &[&str], case: &Case<'_>) -> Outcome {
    let value = values.first().copied().unwrap_or_default();
    let on = |subject, value: &str| Outcome::If(Condition::new(subject, value));
    let phrase = |phrase: &str| on(Subject::Phrase, phrase);
    match option {
        "-p" => Outcome::certain(is_protocol(value, case)),
        "--dport"
        | "--dports"
        | "--destination-port"
        | "--destination-ports"
        | "--ctorigdstport" => {
            ports(value, case.port).map_or_else(|| unknown(option, values), Outcome::certain)
        }
        "--ports" => match ports(value, case.port) {
            Some(true) => Outcome::Holds,
            _ => on(Subject::SourcePort, value),
        },
        "--sport" | "--sports" | "--source-port" | "--source-ports" | "--ctorigsrcport" => {
            on(Subject::SourcePort, value)
        }
        "-s" => network(value).map_or_else(|| unknown(option, values), |net| source(&net)),
        "-d" | "--ctorigdst" => {
            network(value).map_or_else(|| unknown(option, values), |net| destination(&net, case))
        }
        "--src-range" => on(Subject::Source, value),
        "--dst-range" => on(Subject::Destination, value),
        "-i" => in_interface(value, case),
        "-o" => out_interface(value, case),
        "--dst-type" => address_type(value),
        "--src-type" if value == "LOCAL" => match case.hook {
            Hook::Output => Outcome::Holds,
            Hook::Prerouting => phrase("come from an address of this machine"),
        },
        "--limit-iface-in" | "--limit-iface-out" => Outcome::Holds,
        "--uid-owner" => owner(Subject::User, value, case),
        "--gid-owner" => owner(Subject::Group, value, case),
        "--mark" => on(Subject::Mark, value),
        "--ctstate" | "--state" if case.is_nat => {
            Outcome::certain(value.split(',').any(|one| one == "NEW"))
        }
        "--ctstate" | "--state" => phrase(&format!("belong to a connection in state {value}")),
        // The first packet of a connection.
        "--tcp-flags" | "--syn" | "--tcp-option" if case.is_nat => Outcome::Holds,
        "--mode" | "--probability" | "--every" | "--packet" => on(Subject::Share, ""),
        "--limit" | "--limit-burst" | "--hashlimit-upto" | "--hashlimit-above"
        | "--hashlimit-burst" | "--hashlimit-mode" | "--hashlimit-name" => {
            phrase("are within a rate limit")
        }
        "--timestart" | "--timestop" | "--datestart" | "--datestop" | "--weekdays"
        | "--monthdays" | "--kerneltz" => phrase("come at certain times"),
        "--transparent" => phrase("belong to a transparent socket"),
        "--match-set" => phrase(&format!("are in the ipset {}", values.join(" "))),
        "--pkt-type" => packet_type(value),
        "--mac-source" => phrase(&format!("come from the link address {value}")),
        _ => unknown(option, values),
    }
}

fn unknown(option: &str, values: &[&str]) -> Outcome {
    let words = format!("{option} {}", values.join(" "));
    Outcome::If(Condition::new(Subject::Unknown, words.trim()))
}

/// Names as the tool prints them, and numbers.
fn is_protocol(name: &str, case: &Case<'_>) -> bool {
    match case.protocol {
        _ if matches!(name, "all" | "0") => true,
        Protocol::Tcp => matches!(name, "tcp" | "6"),
        _ => matches!(name, "udp" | "17"),
    }
}

/// Whether `80`, `53,5000:5010` holds the port; `None` if it is neither.
fn ports(ranges: &str, port: u16) -> Option<bool> {
    let mut holds = false;
    for range in ranges.split(',') {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let first: u16 = if first.is_empty() {
            0
        } else {
            first.parse().ok()?
        };
        let last: u16 = if last.is_empty() {
            u16::MAX
        } else {
            last.parse().ok()?
        };
        holds |= (first..=last).contains(&port);
    }
    Some(holds)
}

fn network(text: &str) -> Option<IpNet> {
    let host = text.parse::<IpAddr>().map(IpNet::from);
    let net = host.or_else(|_| text.parse::<IpNet>()).ok()?;
    Some(net.trunc())
}

/// A network without the length that every single address has.
pub(in super::super) fn network_text(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

fn source(net: &IpNet) -> Outcome {
    if net.prefix_len() == 0 {
        return Outcome::Holds;
    }
    Outcome::If(Condition::new(Subject::Source, network_text(net)))
}

/// A packet for a server here has one of this machine's addresses.
pub(in super::super) fn destination(net: &IpNet, case: &Case<'_>) -> Outcome {
    let is_v6 = matches!(net, IpNet::V6(_));
    if is_v6 != (case.version == Version::V6) || !case.may_be_for(net) {
        return Outcome::Fails;
    }
    if net.prefix_len() == 0 {
        return Outcome::Holds;
    }
    Outcome::If(Condition::new(Subject::Destination, network_text(net)))
}

/// What is sent here has come in by no interface, which counts as one without a name.
pub(in super::super) fn in_interface(name: &str, case: &Case<'_>) -> Outcome {
    match case.hook {
        Hook::Output => Outcome::Fails,
        Hook::Prerouting if case.is_nat && name == "lo" => Outcome::Fails,
        Hook::Prerouting => Outcome::If(Condition::new(Subject::InInterface, name)),
    }
}

/// What a program here sends to this machine's own addresses goes by the loopback interface,
/// whichever interface has the address.
pub(in super::super) fn out_interface(name: &str, case: &Case<'_>) -> Outcome {
    match case.hook {
        Hook::Prerouting => Outcome::Fails,
        Hook::Output => Outcome::certain(matches!(name, "lo" | "lo+" | "l+" | "lo*")),
    }
}

pub(in super::super) fn owner(subject: Subject, value: &str, case: &Case<'_>) -> Outcome {
    match case.hook {
        Hook::Prerouting => Outcome::Fails,
        Hook::Output => Outcome::If(Condition::new(subject, value)),
    }
}

/// `addrtype --dst-type`: what a server here gets is for an address of this machine, or for many.
fn address_type(list: &str) -> Outcome {
    let has = |kind: &str| list.split(',').any(|one| one == kind);
    let reaches_many = has("BROADCAST") || has("MULTICAST") || has("ANYCAST");
    match (has("LOCAL"), reaches_many) {
        (true, true) => Outcome::Holds,
        (true, false) => Outcome::If(Condition::new(Subject::OwnAddress, "")),
        (false, true) => {
            let phrase = format!("are for a {} address", list.to_lowercase());
            Outcome::If(Condition::new(Subject::Phrase, phrase))
        }
        (false, false) => Outcome::Fails,
    }
}

fn packet_type(kind: &str) -> Outcome {
    let phrase = format!("are {kind} on the link");
    Outcome::If(Condition::new(Subject::Phrase, phrase))
}
