//! The tables that `iptables-save` prints, as lines of the `iptables` command (`iptables-extensions(8)`), one rule
//! each. Pure.

mod options;

use std::collections::HashMap;
use std::net::IpAddr;

use super::packet::BaseChain;
use super::rule::{Action, Part, Rule, Step, Table, Target};
use crate::model::Family;

/// Targets that change, count or mark a packet without redirecting it.
const HARMLESS: &str = "AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DSCP ECN HL HMARK IDLETIMER LED LOG MARK \
     NFLOG NOTRACK RATEEST SECMARK SET TCPMSS TCPOPTSTRIP TEE TOS TRACE TTL ULOG";

/// Targets that end the evaluation of the table.
const FINAL: &str = "ACCEPT DROP REJECT MASQUERADE SNAT SYNPROXY TARPIT";

/// Whether a packet goes on to the next rule after this target.
pub(super) fn is_harmless(target: &str) -> bool {
    HARMLESS.split(' ').any(|name| name == target)
}

/// Whether a target ends the evaluation of the table, without another destination.
pub(super) fn is_final(target: &str) -> bool {
    FINAL.split(' ').any(|name| name == target)
}

/// Parses a tool's saved `table`; `None` if that table is not in it.
pub(super) fn parse(text: &str, tool: &str, table: &str, family: Family) -> Option<Table> {
    let mut lines = text.lines().skip_while(|line| *line != format!("*{table}"));
    lines.next()?;
    let mut chains: HashMap<String, Vec<Rule>> = HashMap::new();
    for line in lines.take_while(|line| *line != "COMMIT") {
        if let Some(chain) = line.strip_prefix(':') {
            let name = chain.split(' ').next().unwrap_or_default();
            chains.entry(name.to_owned()).or_default();
        } else if line.starts_with("-A ") || line.starts_with('[') {
            let mut words = options::words(line).into_iter();
            let chain = words.by_ref().skip_while(|word| word != "-A").nth(1)?;
            let words: Vec<String> = words.collect();
            let (mut rule, target) = options::parse(&words);
            let action = match target {
                [jump, to, options @ ..] if jump == "-j" => {
                    action(to, options, |name| chains.contains_key(name))
                }
                [goto, to, ..] if goto == "-g" => Some(Action::Goto(to.clone())),
                _ => None,
            };
            rule.steps.extend(action.map(Step::Act));
            chains.entry(chain).or_default().push(rule);
        }
    }
    let base = |(name, is_output): (&str, bool)| BaseChain {
        name: name.to_owned(),
        is_output,
        is_nat: table == "nat",
        families: match family {
            Family::Ipv4 => &[Family::Ipv4],
            Family::Ipv6 => &[Family::Ipv6],
        },
    };
    let bases = [("PREROUTING", false), ("OUTPUT", true)].into_iter();
    let bases = bases.filter(|(name, _)| chains.contains_key(*name));
    Some(Table {
        place: format!("{tool} {table}"),
        bases: bases.map(base).collect(),
        chains,
        ..Table::default()
    })
}

/// The action of a target; `None` if the packet continues unchanged.
fn action(name: &str, options: &[String], is_chain: impl Fn(&str) -> bool) -> Option<Action> {
    let after = |option: &str| {
        let at = options.iter().position(|one| one == option)?;
        options.get(at + 1).map(String::as_str)
    };
    let several = |words: &str| Some(Part::Several(words.to_owned()));
    let (address, port) = match name {
        "RETURN" => return Some(Action::Return),
        _ if is_final(name) => return Some(Action::End),
        _ if is_harmless(name) => return None,
        _ if is_chain(name) => return Some(Action::Jump(name.to_owned())),
        "REDIRECT" => (None, after("--to-ports").and_then(port)),
        "DNAT" => match after("--to-destination") {
            Some(destination) => split(destination),
            None => (several("another address"), None),
        },
        "NETMAP" => (several(after("--to").unwrap_or("another network")), None),
        "TPROXY" => {
            let host = after("--on-ip").filter(|host| !matches!(*host, "0.0.0.0" | "::"));
            (host.map(address), after("--on-port").and_then(port))
        }
        _ => {
            let what = format!("the target {name} was not understood");
            return Some(Action::Opaque(what));
        }
    };
    Some(Action::Send {
        targets: vec![Target { address, port }],
        goes_on: false,
    })
}

/// `8080` or `8080-8090`; `None` if it stays the same.
fn port(text: &str) -> Option<Part<u16>> {
    match text.parse() {
        Ok(0) => None,
        Ok(one) => Some(Part::One(one)),
        Err(_) => Some(Part::Several(text.to_owned())),
    }
}

fn address(text: &str) -> Part<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let one = bare.parse().map(Part::One);
    one.unwrap_or_else(|_| Part::Several(text.to_owned()))
}

/// `10.0.0.1:80`, `10.0.0.1-10.0.0.9:80-90`, `:80`, `[fd00::1]:80`, `fd00::1`.
fn split(destination: &str) -> (Option<Part<IpAddr>>, Option<Part<u16>>) {
    let is_v6_alone = destination.matches(':').count() > 1 && !destination.contains(']');
    let (host, to_port) = match destination.rsplit_once(':') {
        Some((host, to_port)) if !is_v6_alone && !to_port.ends_with(']') => (host, port(to_port)),
        _ => (destination, None),
    };
    ((!host.is_empty()).then(|| address(host)), to_port)
}
