//! The tables that `iptables-save` prints (`iptables-extensions(8)`), as text of the `iptables` command
//! line, one rule in a line. Pure.

pub(super) mod matches;
mod words;

use std::collections::HashMap;

use self::matches::conditions;
use self::words::words;
use super::conditions::Outcome;
use super::rules::{
    Action, Address, BaseChain, Case, Hook, Rule, Table, Target, TargetPort, Version,
};

/// Targets that change, count or mark a packet and let it go on where it was going.
const HARMLESS: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "NFLOG",
    "NOTRACK",
    "RATEEST",
    "SECMARK",
    "SET",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
];

/// Targets after which the table is done with the packet.
const FINAL: &[&str] = &[
    "ACCEPT",
    "DROP",
    "REJECT",
    "MASQUERADE",
    "SNAT",
    "SYNPROXY",
    "TARPIT",
];

/// One table as it was saved.
pub(super) struct Saved {
    /// `iptables nat`.
    place: String,
    version: Version,
    is_nat: bool,
    /// The words after `-A CHAIN` of each rule.
    chains: HashMap<String, Vec<Vec<String>>>,
}

impl Saved {
    /// Reads what a tool saved of `table`; `None` if that table is not in it.
    pub(super) fn parse(text: &str, tool: &str, table: &str, version: Version) -> Option<Self> {
        let mut lines = text.lines().skip_while(|line| *line != format!("*{table}"));
        lines.next()?;
        let mut chains: HashMap<String, Vec<Vec<String>>> = HashMap::new();
        for line in lines.take_while(|line| *line != "COMMIT") {
            if let Some(chain) = line.strip_prefix(':') {
                let name = chain.split(' ').next().unwrap_or_default();
                chains.entry(name.to_owned()).or_default();
            } else if line.starts_with("-A ") || line.starts_with('[') {
                let mut words = words(line).into_iter();
                let chain = words.by_ref().skip_while(|word| word != "-A").nth(1)?;
                chains.entry(chain).or_default().push(words.collect());
            }
        }
        Some(Self {
            place: format!("{tool} {table}"),
            version,
            is_nat: table == "nat",
            chains,
        })
    }

    /// A rule as a packet of this case meets it; `None` if it can't.
    fn rule(&self, words: &[String], case: &Case<'_>) -> Option<Rule> {
        let parts = conditions(words, case);
        let mut conditions = Vec::new();
        for outcome in parts.outcomes {
            match outcome {
                Outcome::Holds => {}
                Outcome::Fails => return None,
                Outcome::If(condition) => conditions.push(condition),
            }
        }
        let action = match parts.target.split_first() {
            Some((jump, [to, options @ ..])) if jump == "-j" => self.action(to, options)?,
            Some((goto, [to, ..])) if goto == "-g" => Action::Goto(to.clone()),
            _ => return None,
        };
        Some(Rule {
            conditions,
            action,
            comment: parts.comment,
        })
    }

    /// What a target does; `None` if the packet goes on as it was.
    fn action(&self, name: &str, options: &[String]) -> Option<Action> {
        let after = |option: &str| {
            let at = options.iter().position(|one| one == option)?;
            options.get(at + 1).map(String::as_str)
        };
        let send = |target| {
            Some(Action::Send {
                target,
                goes_on: false,
            })
        };
        match name {
            "RETURN" => Some(Action::Return),
            _ if FINAL.contains(&name) => Some(Action::End),
            _ if HARMLESS.contains(&name) => None,
            _ if self.chains.contains_key(name) => Some(Action::Jump(name.to_owned())),
            "REDIRECT" => send(Target {
                address: None,
                port: after("--to-ports").map_or(TargetPort::Same, port),
            }),
            "DNAT" => send(after("--to-destination").map_or_else(elsewhere, destination)),
            "NETMAP" => send(Target {
                address: Some(Address::Several(
                    after("--to").unwrap_or("another network").into(),
                )),
                port: TargetPort::Same,
            }),
            "TPROXY" => send(tproxy(after("--on-ip"), after("--on-port"))),
            _ => Some(Action::Opaque(format!(
                "the target {name} was not understood"
            ))),
        }
    }
}

impl Table for Saved {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn base_chains(&self) -> Vec<BaseChain> {
        let versions: &[Version] = match self.version {
            Version::V4 => &[Version::V4],
            Version::V6 => &[Version::V6],
        };
        let chains = [("PREROUTING", Hook::Prerouting), ("OUTPUT", Hook::Output)];
        let there = chains
            .into_iter()
            .filter(|(name, _)| self.chains.contains_key(*name));
        let base = |(name, hook): (&str, Hook)| BaseChain {
            name: name.to_owned(),
            hook,
            is_nat: self.is_nat,
            versions,
        };
        there.map(base).collect()
    }

    fn rules(&self, chain: &str, case: &Case<'_>) -> Option<Vec<Rule>> {
        let rules = self.chains.get(chain)?;
        Some(
            rules
                .iter()
                .filter_map(|rule| self.rule(rule, case))
                .collect(),
        )
    }
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

fn elsewhere() -> Target {
    Target {
        address: Some(Address::Several("another address".into())),
        port: TargetPort::Same,
    }
}

/// `10.0.0.1:80`, `10.0.0.1-10.0.0.9:80-90`, `:80`, `[fd00::1]:80`, `fd00::1`.
fn destination(text: &str) -> Target {
    let is_v6_alone = text.matches(':').count() > 1 && !text.contains(']');
    let (host, to_port) = match text.rsplit_once(':') {
        Some((host, to_port)) if !is_v6_alone && !to_port.ends_with(']') => (host, port(to_port)),
        _ => (text, TargetPort::Same),
    };
    Target {
        address: (!host.is_empty()).then(|| address(host)),
        port: to_port,
    }
}

fn tproxy(on_ip: Option<&str>, on_port: Option<&str>) -> Target {
    let host = on_ip.filter(|host| !matches!(*host, "0.0.0.0" | "::"));
    Target {
        address: host.map(address),
        port: on_port.map_or(TargetPort::Same, port),
    }
}
