//! Rules of the packet filter that take a port's packets away from the server that binds it.
//!
//! The kernel keeps them in two places, and the tools that belong to them print both: `nft` its own
//! rules as JSON, the `iptables` family theirs as text. Both become tables of one kind (`rules`), through
//! which a packet for the port is followed (`walk`) to say where it goes and on which conditions
//! (`collect`). No rule is changed. Asking for a table of legacy `iptables` would make the kernel load
//! it, so only those that are there are asked for; asking nft may load `nf_tables` where that is a
//! module. IPVS and BPF programs that choose sockets are looked at in `/proc`.

mod addresses;
mod collect;
mod conditions;
mod iptables;
mod ipvs;
mod nftables;
mod route;
mod rules;
mod sk_lookup;
mod walk;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ipnet::IpNet;
use rustix::thread::CapabilitySet;

use self::collect::{Asked, Collected, collect, say};
use self::iptables::Saved;
use self::nftables::NftTable;
use self::rules::{Table, Version};
use super::super::problems;
use super::super::tools::{Printed, ToolCommand, run_all};
use super::limits::has_capability;
use crate::model::{Gap, GapCode, Protocol, Redirect};

/// The rules, kept for the next port: running the tools takes longer than following a packet.
#[derive(Default)]
pub(super) struct PacketFilter {
    rules: Option<Rules>,
}

/// Every rule that was read, and what could not be.
#[derive(Default)]
struct Rules {
    nftables: Vec<NftTable>,
    iptables: Vec<Saved>,
    ipvs: Option<String>,
    own: Option<Vec<IpNet>>,
    gaps: Vec<String>,
}

impl PacketFilter {
    /// Whether no tool need be run: its rules are known since an earlier port, or can't be read.
    pub(super) fn is_known(&self) -> bool {
        self.rules.is_some() || !may_read()
    }

    /// Every redirect of the port in this network namespace, and what is not known of them.
    pub(super) fn redirects(&mut self, protocol: Protocol, port: u16) -> (Vec<Redirect>, Vec<Gap>) {
        if !may_read() {
            let message = "packet redirects can only be read by root";
            return (Vec::new(), vec![Gap::new(GapCode::Redirects, message)]);
        }
        self.rules
            .get_or_insert_with(Rules::read)
            .redirects(protocol, port)
    }
}

fn may_read() -> bool {
    has_capability(CapabilitySet::NET_ADMIN) == Some(true)
}

/// The two tools of legacy `iptables`: name, the tables that the kernel has, what its rules are called.
const LEGACY: [Tool; 2] = [
    Tool {
        save: "iptables-legacy-save",
        name: "iptables-legacy",
        version: Version::V4,
    },
    Tool {
        save: "ip6tables-legacy-save",
        name: "ip6tables-legacy",
        version: Version::V6,
    },
];

/// The same for rules that are kept in nftables.
const NFT: [Tool; 2] = [
    Tool {
        save: "iptables-nft-save",
        name: "iptables",
        version: Version::V4,
    },
    Tool {
        save: "ip6tables-nft-save",
        name: "ip6tables",
        version: Version::V6,
    },
];

/// The tables of `iptables` that can send packets elsewhere.
const TABLES: [&str; 2] = ["nat", "mangle"];

#[derive(Clone, Copy)]
struct Tool {
    save: &'static str,
    name: &'static str,
    version: Version,
}

/// What a BPF program that chooses sockets leaves unknown, if a process has one. It takes a look at
/// descriptors of other processes, 2 µs for each, so it is asked where a bind succeeded and only traffic is in
/// question.
pub(super) fn programs() -> Vec<Gap> {
    let gap = sk_lookup::holder().map(|holder| {
        let message =
            format!("packet redirects of a BPF program (sk_lookup) of {holder} can't be read");
        Gap::new(GapCode::Redirects, &message)
    });
    gap.into_iter().collect()
}

/// A table to be saved by a tool.
type Wanted = (Tool, &'static str);

impl Rules {
    fn read() -> Self {
        let mut rules = Self {
            own: addresses::read(),
            ..Self::default()
        };
        let (legacy, gaps) = legacy_tables();
        rules.gaps = gaps;
        match fs::read_to_string("/proc/net/ip_vs") {
            Ok(listed) => rules.ipvs = Some(listed),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let why = problems::errno_name(&error);
                rules.gap(&format!("of IPVS can't be read: /proc/net/ip_vs: {why}"));
            }
        }
        let mut commands = vec![nft(&["-njt", "list", "ruleset"])];
        commands.extend(legacy.iter().map(save));
        let mut printed = run_all(&commands).into_iter();
        let has_nft = rules.add_nftables(printed.next().unwrap_or(Ok(None)));
        for (wanted, printed) in legacy.iter().zip(printed) {
            rules.add_saved(*wanted, printed);
        }
        rules.read_more(has_nft);
        rules
    }

    /// Takes in what `nft` printed; returns whether its rules are known. If not, those of `iptables` are
    /// looked for all the same.
    fn add_nftables(&mut self, printed: Printed) -> bool {
        let why = match printed.map(|json| json.map(|json| nftables::parse(&json))) {
            Ok(Some(Some(tables))) => {
                self.nftables = tables;
                return true;
            }
            Ok(Some(None)) => "nft printed something unknown".to_owned(),
            Ok(None) => "nft is not installed".to_owned(),
            Err(why) => why,
        };
        self.gap(&format!("of nftables can't be read: {why}"));
        false
    }

    /// What `nft` could not say: rules that only `iptables` can spell, and elements of sets.
    fn read_more(&mut self, has_nft: bool) {
        let is_foreign = |tool: &Tool, table: &str| {
            let family = family(tool.version);
            let mut tables = self.nftables.iter();
            !has_nft || tables.any(|one| one.has_foreign && one.is(family, table))
        };
        let all = NFT
            .iter()
            .flat_map(|tool| TABLES.map(|table| (*tool, table)));
        let foreign: Vec<Wanted> = all
            .filter(|(tool, table)| is_foreign(tool, table))
            .collect();
        let lacking: Vec<usize> = (0..self.nftables.len())
            .filter(|&at| self.nftables[at].lacks_elements())
            .collect();
        let listed = |at: &usize| {
            let [family, name] = self.nftables[*at].arguments()?;
            Some((*at, nft(&["-nj", "list", "table", family, name])))
        };
        let lists: Vec<_> = lacking.iter().filter_map(listed).collect();
        let mut commands: Vec<_> = foreign.iter().map(save).collect();
        commands.extend(lists.iter().map(|(_, command)| command.clone()));
        let mut printed = run_all(&commands).into_iter();
        let indices: Vec<usize> = lists.iter().map(|(at, _)| *at).collect();
        let saved: Vec<Printed> = printed.by_ref().take(foreign.len()).collect();
        for (at, listed) in indices.into_iter().zip(printed) {
            if let Ok(Some(json)) = listed {
                self.nftables[at].fill(nftables::parse(&json).unwrap_or_default());
            }
        }
        for (wanted, printed) in foreign.into_iter().zip(saved) {
            let is_missing = !has_nft && matches!(printed, Ok(None));
            if !is_missing {
                self.add_saved(wanted, printed);
            }
        }
    }

    /// Takes in what a tool saved. Its rules replace what `nft` said of the same table.
    fn add_saved(&mut self, (tool, table): Wanted, printed: Printed) {
        let name = tool.name;
        let why = match printed {
            Ok(Some(text)) => {
                let text = String::from_utf8_lossy(&text);
                if let Some(saved) = Saved::parse(&text, name, table, tool.version) {
                    let family = family(tool.version);
                    if NFT.iter().any(|one| one.save == tool.save) {
                        self.nftables.retain(|one| !one.is(family, table));
                    }
                    self.iptables.push(saved);
                    return;
                }
                // A table that nft has changed can't be spelled by it: what nft said is followed.
                return;
            }
            Ok(None) => "it is not installed".to_owned(),
            Err(why) => why,
        };
        self.gap(&format!(
            "of {name} can't be read with {}: {why}",
            tool.save
        ));
    }

    fn gap(&mut self, what: &str) {
        self.gaps.push(format!("packet redirects {what}"));
    }

    /// The redirects of a port among these rules.
    fn redirects(&self, protocol: Protocol, port: u16) -> (Vec<Redirect>, Vec<Gap>) {
        let asked = Asked {
            protocol,
            port,
            own: self.own.as_deref(),
        };
        let nftables = self.nftables.iter().map(|table| table as &dyn Table);
        let iptables = self.iptables.iter().map(|table| table as &dyn Table);
        let tables: Vec<&dyn Table> = nftables.chain(iptables).collect();
        let Collected {
            mut redirects,
            unknown,
        } = collect(&tables, &asked);
        if let Some(listed) = &self.ipvs {
            redirects.extend(say(ipvs::drafts(listed, &asked), Vec::new(), &asked).redirects);
        }
        for redirect in &mut redirects {
            redirect.to.is_unreachable = redirect.to.address.is_some_and(route::is_missing);
        }
        let unknown = unknown
            .iter()
            .map(|what| format!("packet redirects may be missing: {what}"));
        let gaps = self.gaps.iter().cloned().chain(unknown);
        let gaps = gaps.map(|gap| Gap::new(GapCode::Redirects, &gap)).collect();
        (redirects, gaps)
    }
}

const fn family(version: Version) -> &'static str {
    match version {
        Version::V4 => "ip",
        Version::V6 => "ip6",
    }
}

fn save((tool, table): &Wanted) -> ToolCommand {
    (tool.save, vec!["-t".to_owned(), (*table).to_owned()])
}

fn nft(arguments: &[&str]) -> ToolCommand {
    ("nft", arguments.iter().map(|&one| one.to_owned()).collect())
}

/// The tables of legacy `iptables` that the kernel has, and what could not be found out: in a user
/// namespace the lists may exist and not be readable.
fn legacy_tables() -> (Vec<Wanted>, Vec<String>) {
    let (mut wanted, mut gaps) = (Vec::new(), Vec::new());
    for tool in LEGACY {
        let file = match tool.version {
            Version::V4 => "/proc/net/ip_tables_names",
            Version::V6 => "/proc/net/ip6_tables_names",
        };
        match fs::read_to_string(file) {
            Ok(names) => {
                let has = |table: &&str| names.lines().any(|name| name == *table);
                let tables = TABLES.into_iter().filter(has);
                wanted.extend(tables.map(|table| (tool, table)));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let (name, why) = (tool.name, problems::errno_name(&error));
                gaps.push(format!(
                    "packet redirects of {name} can't be read: {file}: {why}"
                ));
            }
        }
    }
    (wanted, gaps)
}

/// The inode of this network namespace.
fn namespace_inode() -> Option<u64> {
    let namespace = fs::metadata(Path::new("/proc/thread-self/ns/net"));
    namespace.ok().map(|namespace| namespace.ino())
}

#[cfg(test)]
mod tests;
