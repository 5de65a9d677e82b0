//! The tables that `iptables-save` prints, as lines of the `iptables` command (`iptables-extensions(8)`), one rule
//! each. Pure.

mod options;
mod words;

use std::collections::HashMap;

use self::options::Options;
use self::words::words;
use super::packet::{Hook, Version};
use super::rule::{Action, Address, BaseChain, Rule, Step, Table, Target, TargetPort};

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
pub(super) fn parse(text: &str, tool: &str, table: &str, version: Version) -> Option<Table> {
    let mut lines = text.lines().skip_while(|line| *line != format!("*{table}"));
    lines.next()?;
    let mut chains: HashMap<String, Vec<Rule>> = HashMap::new();
    for line in lines.take_while(|line| *line != "COMMIT") {
        if let Some(chain) = line.strip_prefix(':') {
            let name = chain.split(' ').next().unwrap_or_default();
            chains.entry(name.to_owned()).or_default();
        } else if line.starts_with("-A ") || line.starts_with('[') {
            let mut words = words(line).into_iter();
            let chain = words.by_ref().skip_while(|word| word != "-A").nth(1)?;
            let words: Vec<String> = words.collect();
            let rule = rule(&words, |name| chains.contains_key(name));
            chains.entry(chain).or_default().push(rule);
        }
    }
    let hooks = [("PREROUTING", Hook::Prerouting), ("OUTPUT", Hook::Output)];
    let bases = hooks
        .into_iter()
        .filter(|(name, _)| chains.contains_key(*name));
    let base = |(name, hook): (&str, Hook)| BaseChain {
        name: name.to_owned(),
        hook,
        is_nat: table == "nat",
        versions: match version {
            Version::V4 => &[Version::V4],
            Version::V6 => &[Version::V6],
        },
    };
    Some(Table {
        place: format!("{tool} {table}"),
        bases: bases.map(base).collect(),
        chains,
        ..Table::default()
    })
}

fn rule(words: &[String], is_chain: impl Fn(&str) -> bool) -> Rule {
    let Options {
        mut steps,
        comment,
        target,
    } = options::parse(words);
    let action = match target {
        [jump, to, options @ ..] if jump == "-j" => action(to, options, is_chain),
        [goto, to, ..] if goto == "-g" => Some(Action::Goto(to.clone())),
        _ => None,
    };
    steps.extend(action.map(Step::Act));
    Rule { steps, comment }
}

/// The action of a target; `None` if the packet continues unchanged.
fn action(name: &str, options: &[String], is_chain: impl Fn(&str) -> bool) -> Option<Action> {
    let after = |option: &str| {
        let at = options.iter().position(|one| one == option)?;
        options.get(at + 1).map(String::as_str)
    };
    let several = |words: &str| Some(Address::Several(words.to_owned()));
    let (address, port) = match name {
        "RETURN" => return Some(Action::Return),
        _ if is_final(name) => return Some(Action::End),
        _ if is_harmless(name) => return None,
        _ if is_chain(name) => return Some(Action::Jump(name.to_owned())),
        "REDIRECT" => (None, after("--to-ports").map(port)),
        "DNAT" => match after("--to-destination") {
            Some(destination) => split(destination),
            None => (several("another address"), None),
        },
        "NETMAP" => (several(after("--to").unwrap_or("another network")), None),
        "TPROXY" => {
            let host = after("--on-ip").filter(|host| !matches!(*host, "0.0.0.0" | "::"));
            (host.map(address), after("--on-port").map(port))
        }
        _ => {
            let what = format!("the target {name} was not understood");
            return Some(Action::Opaque(what));
        }
    };
    let port = port.unwrap_or(TargetPort::Same);
    Some(Action::Send {
        targets: vec![Target { address, port }],
        goes_on: false,
    })
}

/// `8080` or `8080-8090`.
fn port(text: &str) -> TargetPort {
    match text.parse() {
        Ok(0) => TargetPort::Same,
        Ok(one) => TargetPort::One(one),
        Err(_) => TargetPort::Several(text.to_owned()),
    }
}

fn address(text: &str) -> Address {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let one = bare.parse().map(Address::One);
    one.unwrap_or_else(|_| Address::Several(text.to_owned()))
}

/// `10.0.0.1:80`, `10.0.0.1-10.0.0.9:80-90`, `:80`, `[fd00::1]:80`, `fd00::1`.
fn split(destination: &str) -> (Option<Address>, Option<TargetPort>) {
    let is_v6_alone = destination.matches(':').count() > 1 && !destination.contains(']');
    let (host, to_port) = match destination.rsplit_once(':') {
        Some((host, to_port)) if !is_v6_alone && !to_port.ends_with(']') => (host, Some(to_port)),
        _ => (destination, None),
    };
    ((!host.is_empty()).then(|| address(host)), to_port.map(port))
}
