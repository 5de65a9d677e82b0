//! Rules of the packet filter that send a port's packets elsewhere before the server that binds it can get them.
//!
//! `nft` prints its rules as JSON, the `iptables` tools theirs as text, the kernel those of IPVS. All are parsed into
//! tables of one kind (`rule`). A packet for the port is traced through them (`trace`) to find where it goes and on
//! which conditions (`describe`). No rule is changed. Listing a table of legacy `iptables` would make the kernel load
//! it, so only those that exist are listed; running nft may load `nf_tables` where that is a module. BPF programs that
//! choose sockets are found through `/proc`.

mod addresses;
mod condition;
mod describe;
mod evaluate;
mod field;
mod iptables;
mod ipvs;
mod nftables;
mod packet;
mod rule;
pub(super) mod sk_lookup;
#[cfg(test)]
mod tests;
mod trace;

use std::fs;
use std::io::ErrorKind;

use ipnet::IpNet;
use rustix::thread::CapabilitySet;

use self::nftables::NftTable;
use self::packet::Version;
use self::rule::Table;
use super::limits::has_capability;
use crate::model::{Gap, GapCode, Protocol, Redirect};
use crate::source::linux::problems;
use crate::source::linux::tools::{Printed, ToolCommand, run_all};

/// The rules, kept for the next port: running the tools takes longer than tracing a packet.
#[derive(Default)]
pub(super) struct PacketFilter {
    rules: Option<Rules>,
}

impl PacketFilter {
    /// Whether the rules are cached for an earlier port, or can't be read.
    pub(super) fn is_known(&self) -> bool {
        self.rules.is_some() || !may_read()
    }

    /// Every redirect of the port in this network namespace, and the gaps.
    pub(super) fn redirects(&mut self, protocol: Protocol, port: u16) -> (Vec<Redirect>, Vec<Gap>) {
        if !may_read() {
            let message = "packet redirects can only be read by root";
            return (Vec::new(), vec![Gap::new(GapCode::Redirects, message)]);
        }
        let rules = self.rules.get_or_insert_with(Rules::read);
        rules.redirects(protocol, port)
    }
}

fn may_read() -> bool {
    has_capability(CapabilitySet::NET_ADMIN) == Some(true)
}

/// A table to be saved by a tool of `iptables`.
#[derive(Clone, Copy)]
struct Wanted {
    save: &'static str,
    /// The name of its rules.
    name: &'static str,
    version: Version,
    table: &'static str,
}

/// The tables of `iptables` that can send packets elsewhere.
const TABLES: [&str; 2] = ["nat", "mangle"];

/// The tables that a tool can save.
fn tables(save: &'static str, name: &'static str, version: Version) -> [Wanted; 2] {
    TABLES.map(|table| Wanted {
        save,
        name,
        version,
        table,
    })
}

impl Wanted {
    fn command(&self) -> ToolCommand {
        (self.save, vec!["-t".to_owned(), self.table.to_owned()])
    }

    /// Whether nftables has this table too.
    fn is_of(&self, table: &NftTable) -> bool {
        let family = match self.version {
            Version::V4 => "ip",
            Version::V6 => "ip6",
        };
        table.is(family, self.table)
    }
}

/// Every rule that was read, and the gaps.
#[derive(Default)]
struct Rules {
    nftables: Vec<NftTable>,
    /// Those of `iptables` and IPVS.
    others: Vec<Table>,
    own: Option<Vec<IpNet>>,
    gaps: Vec<String>,
}

impl Rules {
    fn read() -> Self {
        let mut rules = Self {
            own: addresses::read(),
            ..Self::default()
        };
        let legacy = rules.legacy_tables();
        let mut commands = vec![nft(&["-njt", "list", "ruleset"])];
        commands.extend(legacy.iter().map(Wanted::command));
        let mut printed = run_all(&commands).into_iter();
        let has_nft = rules.add_nftables(printed.next().unwrap_or(Ok(None)));
        for (wanted, printed) in legacy.iter().zip(printed) {
            rules.add_saved(wanted, printed);
        }
        rules.read_more(has_nft);
        let services = rules.read_if_exists("IPVS", "/proc/net/ip_vs");
        rules
            .others
            .extend(services.map(|listed| ipvs::parse(&listed)));
        rules
    }

    /// Adds the output of `nft`; returns whether its rules are known. If not, those of `iptables` are read anyway.
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

    /// Reads data missing from `nft -t`: rules that only `iptables` can print, and elements of sets.
    fn read_more(&mut self, has_nft: bool) {
        let is_foreign = |wanted: &Wanted| {
            let mut tables = self.nftables.iter();
            !has_nft || tables.any(|one| one.has_foreign && wanted.is_of(one))
        };
        let v4 = tables("iptables-nft-save", "iptables", Version::V4);
        let v6 = tables("ip6tables-nft-save", "ip6tables", Version::V6);
        let foreign: Vec<Wanted> = v4.into_iter().chain(v6).filter(is_foreign).collect();
        let list = |(at, table): (usize, &NftTable)| {
            let [family, name] = table.arguments().filter(|_| table.lacks_elements())?;
            Some((at, nft(&["-nj", "list", "table", family, name])))
        };
        let all = self.nftables.iter().enumerate();
        let lists: Vec<(usize, ToolCommand)> = all.filter_map(list).collect();
        let mut commands: Vec<_> = lists.iter().map(|(_, command)| command.clone()).collect();
        commands.extend(foreign.iter().map(Wanted::command));
        let mut printed = run_all(&commands).into_iter();
        for ((at, _), listed) in lists.into_iter().zip(printed.by_ref()) {
            if let Ok(Some(json)) = listed {
                self.nftables[at].add_elements(nftables::parse(&json).unwrap_or_default());
            }
        }
        for (wanted, printed) in foreign.iter().zip(printed) {
            let is_missing = !has_nft && matches!(printed, Ok(None));
            // A table that nft has changed can't be printed by `iptables`: then what nft printed counts.
            if !is_missing && self.add_saved(wanted, printed) {
                self.nftables.retain(|one| !wanted.is_of(one));
            }
        }
    }

    /// Adds the output of a save tool; returns whether it contained the table.
    fn add_saved(&mut self, wanted: &Wanted, printed: Printed) -> bool {
        let (name, save) = (wanted.name, wanted.save);
        let why = match printed {
            Ok(Some(text)) => {
                let text = String::from_utf8_lossy(&text);
                let parsed = iptables::parse(&text, name, wanted.table, wanted.version);
                let is_there = parsed.is_some();
                self.others.extend(parsed);
                return is_there;
            }
            Ok(None) => "it is not installed".to_owned(),
            Err(why) => why,
        };
        self.gap(&format!("of {name} can't be read with {save}: {why}"));
        false
    }

    /// The tables of legacy `iptables` that the kernel has. In a user namespace their list may exist and not be
    /// readable.
    fn legacy_tables(&mut self) -> Vec<Wanted> {
        let v4 = tables("iptables-legacy-save", "iptables-legacy", Version::V4);
        let v6 = tables("ip6tables-legacy-save", "ip6tables-legacy", Version::V6);
        let lists = [
            ("/proc/net/ip_tables_names", v4),
            ("/proc/net/ip6_tables_names", v6),
        ];
        let mut found = Vec::new();
        for (list, wanted) in lists {
            let name = wanted[0].name;
            let names = self.read_if_exists(name, list).unwrap_or_default();
            let is_there = |one: &Wanted| names.lines().any(|name| name == one.table);
            found.extend(wanted.into_iter().filter(is_there));
        }
        found
    }

    /// A file that exists where the kernel has rules of this kind.
    fn read_if_exists(&mut self, name: &str, file: &str) -> Option<String> {
        match fs::read_to_string(file) {
            Ok(text) => return Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let why = problems::errno_name(&error);
                self.gap(&format!("of {name} can't be read: {file}: {why}"));
            }
        }
        None
    }

    fn gap(&mut self, what: &str) {
        self.gaps.push(format!("packet redirects {what}"));
    }

    /// The redirects of a port among these rules.
    fn redirects(&self, protocol: Protocol, port: u16) -> (Vec<Redirect>, Vec<Gap>) {
        let nftables = self.nftables.iter().map(|one| &one.table);
        let tables: Vec<&Table> = nftables.chain(&self.others).collect();
        let own = self.own.as_deref();
        let (mut redirects, unknown) = describe::redirects(&tables, protocol, port, own);
        for redirect in &mut redirects {
            redirect.to.is_unreachable = redirect.to.address.is_some_and(addresses::is_unreachable);
        }
        let unknown = unknown
            .iter()
            .map(|what| format!("packet redirects may be missing: {what}"));
        let gaps = self.gaps.iter().cloned().chain(unknown);
        let gaps = gaps.map(|gap| Gap::new(GapCode::Redirects, &gap)).collect();
        (redirects, gaps)
    }
}

fn nft(arguments: &[&str]) -> ToolCommand {
    ("nft", arguments.iter().map(|&one| one.to_owned()).collect())
}
