//! Rules of the packet filter that take a port's traffic away from whoever binds it.
//!
//! The kernel keeps them in two places, and the tools that belong to them print both: `nft` its own
//! rules as JSON, the `iptables` family theirs as text. They are run by their full paths, without an
//! environment, and only with the right that they need; no rule is changed. Asking for a table of
//! `iptables` would make the kernel load it, so only those that are there are asked for; asking nft may
//! load `nf_tables` where that is a module.

mod iptables;
mod nftables;

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::thread::CapabilitySet;

use super::limits::has_capability;
use crate::model::{Gap, GapCode, Protocol, Redirect};

/// Where the tools are.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin"];

/// What is said of rules that are not followed.
const PARTIAL: &str = "there are rules of nftables with sets, maps or jumps that were not followed";

/// No more than this is read of what a tool prints.
const MOST_BYTES: u64 = 16 << 20;

/// How long a tool may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the tools printed, kept for the next port that is asked about: running them takes longer than
/// reading what they say.
#[derive(Default)]
pub(super) struct PacketFilter {
    printed: HashMap<&'static str, Printed>,
}

/// What one tool printed: nothing, where it is not installed.
type Printed = Result<Option<Vec<u8>>, String>;

impl PacketFilter {
    /// Every redirect of the port in this network namespace.
    pub(super) fn redirects(
        &mut self,
        protocol: Protocol,
        port: u16,
    ) -> (Vec<Redirect>, Option<Gap>) {
        look(self, protocol, port)
    }

    /// What a tool prints, run with always the same arguments.
    fn run(&mut self, tool: &'static str, arguments: &[&str]) -> &Printed {
        let printed = self.printed.entry(tool);
        printed.or_insert_with(|| run(tool, arguments))
    }
}

fn look(filter: &mut PacketFilter, protocol: Protocol, port: u16) -> (Vec<Redirect>, Option<Gap>) {
    let gap = |message: &str| Some(Gap::new(GapCode::Redirects, message));
    if has_capability(CapabilitySet::NET_ADMIN) != Some(true) {
        return (Vec::new(), gap("packet redirects can only be read by root"));
    }
    let mut found = Vec::new();
    let mut trouble = None;
    let mut has_foreign_rules = false;
    match filter.run("nft", &["-njt", "list", "ruleset"]) {
        Ok(Some(json)) => match nftables::redirects(json, port) {
            Some(rules) => {
                has_foreign_rules = rules.has_foreign;
                if rules.is_partial {
                    trouble = gap(PARTIAL);
                }
                found.extend(rules.redirects);
            }
            None => trouble = gap("packet redirects can't be read: nft printed something unknown"),
        },
        Ok(None) => {
            trouble = gap("packet redirects of nftables can't be read: nft is not installed");
        }
        Err(why) => trouble = gap(&format!("packet redirects can't be read: {why}")),
    }
    let tools = [
        (
            "iptables-legacy-save",
            "ip_tables_names",
            "iptables (legacy)",
        ),
        (
            "ip6tables-legacy-save",
            "ip6_tables_names",
            "ip6tables (legacy)",
        ),
    ];
    for (tool, names, place) in tools {
        let names = std::fs::read_to_string(format!("/proc/net/{names}")).unwrap_or_default();
        if names.lines().any(|name| name == "nat") {
            trouble = trouble.or(saved(filter, (tool, place), port, &mut found));
        }
    }
    if has_foreign_rules {
        for (tool, place) in [
            ("iptables-nft-save", "iptables"),
            ("ip6tables-nft-save", "ip6tables"),
        ] {
            trouble = trouble.or(saved(filter, (tool, place), port, &mut found));
        }
    }
    let is_for_it = |redirect: &Redirect| redirect.protocol.is_none_or(|one| one == protocol);
    found.retain(is_for_it);
    found.dedup();
    (found, trouble)
}

/// The redirects among the rules that a tool of the `iptables` family saves.
fn saved(
    filter: &mut PacketFilter,
    (tool, place): (&'static str, &str),
    port: u16,
    found: &mut Vec<Redirect>,
) -> Option<Gap> {
    let why = match filter.run(tool, &["-t", "nat"]) {
        Ok(Some(text)) => {
            let text = String::from_utf8_lossy(text);
            found.extend(iptables::redirects(&text, place, port));
            return iptables::is_partial(&text, port).then(|| {
                let message =
                    format!("a rule of {place} on the port leads to a chain that was not followed");
                Gap::new(GapCode::Redirects, &message)
            });
        }
        Ok(None) => "it is not installed".to_owned(),
        Err(why) => why.clone(),
    };
    let message = format!("packet redirects of {place} can't be read with {tool}: {why}");
    Some(Gap::new(GapCode::Redirects, &message))
}

/// What a tool prints; `None` where there is no such tool.
fn run(tool: &str, arguments: &[&str]) -> Printed {
    let paths = FOLDERS.iter().map(|folder| Path::new(folder).join(tool));
    let Some(path) = paths.into_iter().find(|path| path.exists()) else {
        return Ok(None);
    };
    output_of(tool, Command::new(path).args(arguments).env_clear()).map(Some)
}

/// What a command prints, if it succeeds in time. It has ended and is reaped when this returns.
fn output_of(tool: &str, command: &mut Command) -> Result<Vec<u8>, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{tool}: {error}"))?;
    let output = child.stdout.take();
    let pid = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let reading = std::thread::Builder::new().spawn(move || {
        let mut text = Vec::new();
        let read = output.map(|output| output.take(MOST_BYTES).read_to_end(&mut text));
        // Whoever has the child reaps it: until then it has its pid.
        let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), end), Err(Errno::INTR)) {}
        let _ = sender.send(read.map(|read| read.map(|_| text)));
    });
    let answer = match reading {
        Ok(_) => receiver
            .recv_timeout(PATIENCE)
            .map_err(|_| format!("{tool} did not answer within 2 s")),
        Err(error) => Err(format!("no thread can be started: {error}")),
    };
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("{tool}: {error}"))?;
    match answer? {
        Some(Ok(text)) if status.success() => Ok(text),
        _ => Err(format!("{tool} failed ({status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Vec<u8>, String> {
        output_of("sh", Command::new("/bin/sh").args(["-c", script]))
    }

    #[test]
    fn what_a_tool_prints_counts_if_it_succeeds() {
        assert_eq!(shell("echo rules"), Ok(b"rules\n".to_vec()));
        let failed = shell("echo half; exit 3").unwrap_err();
        assert_eq!(failed, "sh failed (exit status: 3)");
    }

    #[test]
    fn a_tool_that_does_not_answer_is_ended_and_reaped() {
        let here = format!("sockeye-silent-tool-{}", std::process::id());
        let file = std::env::temp_dir().join(here);
        // One that keeps its output open, and one that closes it and stays.
        for silence in ["exec sleep 600", "exec sleep 600 >&-"] {
            let failed = shell(&format!("echo $$ >'{}'; {silence}", file.display())).unwrap_err();
            assert_eq!(failed, "sh did not answer within 2 s");
            let pid = std::fs::read_to_string(&file).unwrap();
            std::fs::remove_file(&file).unwrap();
            let process = Path::new("/proc").join(pid.trim());
            assert!(!process.exists(), "not even a zombie is left: {silence}");
        }
    }
}
