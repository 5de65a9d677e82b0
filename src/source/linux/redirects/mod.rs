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
mod iptables;
mod ipvs;
mod nftables;
mod packet;
#[cfg(test)]
mod published_tests;
mod rule;
pub(crate) mod sk_lookup;
#[cfg(test)]
mod tests;
mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;

use ipnet::IpNet;
use rustix::thread::CapabilitySet;

use self::nftables::NftTable;
use self::rule::Table;
use crate::model::{Family, Gap, GapCode, Protocol, Redirect};
use crate::source::linux::tools::{Printed, ToolCommand, run_all};
use crate::source::linux::{problems, rights};

/// The rules, kept for the next port: running the tools takes longer than tracing a packet.
#[derive(Default)]
pub(crate) struct PacketFilter {
    rules: Option<Rules>,
}

impl PacketFilter {
    /// Whether the rules are cached for an earlier port, or can't be read.
    pub(crate) fn is_known(&self) -> bool {
        self.rules.is_some() || !may_read()
    }

    /// Reads the rules, and returns the single ports that rules about an address elsewhere compare packets with.
    pub(crate) fn ports_sent_elsewhere(&mut self) -> BTreeSet<u16> {
        if !may_read() {
            return BTreeSet::new();
        }
        let rules = self.rules.get_or_insert_with(Rules::read);
        let nftables = rules.nftables.iter().map(|one| &one.table);
        let tables = nftables.chain(&rules.others);
        tables.flat_map(Table::ports_of_senders).collect()
    }

    /// Every redirect of the port in this network namespace, and the gaps.
    pub(crate) fn redirects(&mut self, protocol: Protocol, port: u16) -> (Vec<Redirect>, Vec<Gap>) {
        let gap =
            |message: String| Gap::new(GapCode::Redirects, &format!("packet redirects {message}"));
        if !may_read() {
            return (Vec::new(), vec![gap("can only be read by root".to_owned())]);
        }
        let rules = self.rules.get_or_insert_with(Rules::read);
        let nftables = rules.nftables.iter().map(|one| &one.table);
        let tables: Vec<&Table> = nftables.chain(&rules.others).collect();
        let own = rules.own.as_deref();
        let (mut redirects, unknown) = describe::redirects(&tables, protocol, port, own);
        for redirect in &mut redirects {
            redirect.to.is_unreachable = redirect.to.address.is_some_and(addresses::is_unreachable);
        }
        let unknown = unknown.iter().map(|what| format!("may be missing: {what}"));
        let gaps = rules.gaps.iter().cloned().chain(unknown);
        (redirects, gaps.map(gap).collect())
    }
}

fn may_read() -> bool {
    rights::has_capability(CapabilitySet::NET_ADMIN) == Some(true)
}

/// A table to be saved by a tool of `iptables`.
struct Wanted {
    save: &'static str,
    /// The name of its rules.
    name: &'static str,
    family: Family,
    table: &'static str,
}

/// The tables that can send packets elsewhere.
fn tables(save: &'static str, name: &'static str, family: Family) -> [Wanted; 2] {
    ["nat", "mangle"].map(|table| Wanted {
        save,
        name,
        family,
        table,
    })
}

impl Wanted {
    fn command(&self) -> ToolCommand {
        (self.save, vec!["-t".to_owned(), self.table.to_owned()])
    }

    fn is_of(&self, table: &NftTable) -> bool {
        let family = match self.family {
            Family::Ipv4 => "ip",
            Family::Ipv6 => "ip6",
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
        let listed = printed.next().unwrap_or(Ok(None));
        let listed = listed.and_then(|json| json.ok_or("nft is not installed".to_owned()));
        let unknown = || "nft printed something unknown".to_owned();
        let parsed = listed.and_then(|json| nftables::parse(&json).ok_or_else(unknown));
        // If they are not known, the rules of `iptables` are read anyway.
        let has_nft = parsed.is_ok();
        match parsed {
            Ok(tables) => rules.nftables = tables,
            Err(why) => rules.gaps.push(format!("of nftables can't be read: {why}")),
        }
        for (wanted, printed) in legacy.iter().zip(printed) {
            rules.add_saved(wanted, printed);
        }
        rules.read_more(has_nft);
        let services = rules.read_if_exists("IPVS", "/proc/thread-self/net/ip_vs");
        let services = services.map(|listed| ipvs::parse(&listed));
        rules.others.extend(services);
        rules
    }

    /// Reads data missing from `nft -t`: rules that only `iptables` can print, and elements of sets.
    fn read_more(&mut self, has_nft: bool) {
        let is_foreign = |wanted: &Wanted| {
            let mut tables = self.nftables.iter();
            !has_nft || tables.any(|one| one.has_foreign && wanted.is_of(one))
        };
        let v4 = tables("iptables-nft-save", "iptables", Family::Ipv4);
        let v6 = tables("ip6tables-nft-save", "ip6tables", Family::Ipv6);
        let foreign: Vec<Wanted> = v4.into_iter().chain(v6).filter(is_foreign).collect();
        let list = |(at, table): (usize, &NftTable)| {
            let [family, name] = table.arguments().filter(|_| table.lacks_elements())?;
            Some((at, nft(&["-nj", "list", "table", family, name])))
        };
        let all = self.nftables.iter().enumerate();
        let (lists, mut commands): (Vec<usize>, Vec<ToolCommand>) = all.filter_map(list).unzip();
        commands.extend(foreign.iter().map(Wanted::command));
        let mut printed = run_all(&commands).into_iter();
        for (at, listed) in lists.into_iter().zip(printed.by_ref()) {
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
        match printed.and_then(|text| text.ok_or("it is not installed".to_owned())) {
            Ok(text) => {
                let text = String::from_utf8_lossy(&text);
                let parsed = iptables::parse(&text, name, wanted.table, wanted.family);
                let is_there = parsed.is_some();
                self.others.extend(parsed);
                is_there
            }
            Err(why) => {
                let gap = format!("of {name} can't be read with {save}: {why}");
                self.gaps.push(gap);
                false
            }
        }
    }

    /// The tables of legacy `iptables` that the kernel has. In a user namespace their list may exist and not be
    /// readable.
    fn legacy_tables(&mut self) -> Vec<Wanted> {
        let v4 = tables("iptables-legacy-save", "iptables-legacy", Family::Ipv4);
        let v6 = tables("ip6tables-legacy-save", "ip6tables-legacy", Family::Ipv6);
        let (list4, list6) = (
            "/proc/thread-self/net/ip_tables_names",
            "/proc/thread-self/net/ip6_tables_names",
        );
        let mut found = Vec::new();
        for (list, wanted) in [(list4, v4), (list6, v6)] {
            let name = wanted[0].name;
            let names = self.read_if_exists(name, list).unwrap_or_default();
            let is_there = |one: &Wanted| names.lines().any(|name| name == one.table);
            found.extend(wanted.into_iter().filter(is_there));
        }
        found
    }

    /// A file that exists where the kernel has rules of this kind.
    fn read_if_exists(&mut self, name: &str, file: &str) -> Option<String> {
        let read = fs::read_to_string(file);
        if let Err(error) = &read
            && error.kind() != ErrorKind::NotFound
        {
            let why = problems::errno_name(error);
            let gap = format!("of {name} can't be read: {file}: {why}");
            self.gaps.push(gap);
        }
        read.ok()
    }
}

fn nft(arguments: &[&str]) -> ToolCommand {
    ("nft", arguments.iter().map(|&one| one.to_owned()).collect())
}
