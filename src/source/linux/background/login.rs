//! Processes of the ssh server, and the logins that depend on them, including ours.

use std::fs;
use std::net::IpAddr;

use super::facts::{self, Facts};
use crate::model::{Behind, BehindKind, Pid, Text};
use crate::source::linux::scan;

/// The variable that sshd sets for programs in a session (`ssh(1)`): both ends of its connection.
const CONNECTION: &str = "SSH_CONNECTION";

/// The role of an ssh server process, from its title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sshd {
    /// It waits for new connections.
    Listener,
    /// It serves the session of a user, on a terminal if it names one: `ann on pts/3`.
    Session(String),
}

/// `sshd: ann@pts/3`, `sshd-session: ann`, `sshd: /usr/sbin/sshd -D [listener] …`
pub(super) fn sshd(facts: &Facts) -> Option<Sshd> {
    let prefixes = ["sshd: ", "sshd-session: "];
    let stripped = |prefix: &&str| facts.title().strip_prefix(*prefix);
    let Some(rest) = prefixes.iter().find_map(stripped) else {
        let is_server = facts.program() == "sshd" && facts.comm == "sshd";
        return is_server.then_some(Sshd::Listener);
    };
    if rest.contains("[listener]") {
        return Some(Sshd::Listener);
    }
    let who = rest.split(' ').next().unwrap_or_default();
    Some(Sshd::Session(match who.split_once('@') {
        Some((user, "" | "notty")) => user.to_owned(),
        Some((user, terminal)) => format!("{user} on {terminal}"),
        None => who.to_owned(),
    }))
}

/// The session that a process of the ssh server serves.
pub(super) fn session(facts: &Facts) -> Option<String> {
    match sshd(facts)? {
        Sshd::Listener => None,
        Sshd::Session(name) => Some(name),
    }
}

pub(super) fn behind_session(name: &str, port: u16) -> Behind {
    Behind {
        name: Some(Text::new(name)),
        escape: Some(Text::new(&format!("-KR {port}"))),
        ..Behind::new(BehindKind::SshSession)
    }
}

/// The connection of the login that this program runs in: from this program's environment, or that of its nearest
/// ancestor that has it, as sudo removes it.
pub(super) fn own_connection() -> Option<String> {
    let of_ancestor = || {
        let line = facts::line_of(std::process::id());
        let mut ancestors = line.iter().skip(1);
        ancestors.find_map(|one| facts::variable_of(one.pid, CONNECTION))
    };
    std::env::var(CONNECTION).ok().or_else(of_ancestor)
}

/// Whether an ssh server process serves the connection through which this program was started. A terminal multiplexer
/// does not descend from it, but the programs below sshd have the same variable.
pub(super) fn is_own(connection: Option<&str>, facts: &Facts, children: &[Pid]) -> bool {
    let is_same = |pid: &Pid| facts::variable_of(*pid, CONNECTION).as_deref() == connection;
    connection.is_some() && session(facts).is_some() && children.iter().any(is_same)
}

/// The ssh session that has a hidden socket of the current user, if there is no other explanation: sshd prevents even
/// its user from reading its descriptors (`PR_SET_DUMPABLE` of `prctl(2)`), and no other process of the user does.
pub(super) fn hidden_session(uid: u32, port: u16) -> Option<Behind> {
    let is_hidden = |facts: &Facts| fs::read_dir(format!("/proc/{}/fd", facts.pid)).is_err();
    let processes = facts::all_pids().filter_map(Facts::of);
    let of_user = processes.filter(|facts| facts.uid() == Some(uid));
    let hidden: Vec<Facts> = of_user.filter(is_hidden).collect();
    let sessions: Option<Vec<String>> = hidden.iter().map(session).collect();
    let name = match sessions?.as_slice() {
        [only] => only.clone(),
        // Only the user is known, not which of the sessions it is.
        [first, ..] => first.split(' ').next()?.to_owned(),
        [] => return None,
    };
    Some(behind_session(&name, port))
}

/// Whether programs on this machine resolve names through a socket with this address on port 53. Not one in another
/// network namespace.
pub(super) fn resolves_names_by(local: IpAddr) -> bool {
    if scan::is_inside_another_network() {
        return false;
    }
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let lines = text.lines().map(str::trim);
    let servers = lines.filter_map(|line| line.strip_prefix("nameserver"));
    let mut addresses = servers.filter_map(|server| server.trim().parse::<IpAddr>().ok());
    addresses.any(|address| address == local || address.is_loopback() && local.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(title: &str) -> Facts {
        Facts {
            argv: vec![title.to_owned()],
            ..Facts::of_command("sshd")
        }
    }

    #[test]
    fn a_process_of_the_ssh_server_says_what_it_is() {
        let session = |user: &str, terminal: Option<&str>| {
            let on = terminal.map_or(String::new(), |terminal| format!(" on {terminal}"));
            Some(Sshd::Session(format!("{user}{on}")))
        };
        assert_eq!(
            sshd(&titled("sshd: ann@pts/3")),
            session("ann", Some("pts/3"))
        );
        assert_eq!(sshd(&titled("sshd: ann")), session("ann", None));
        assert_eq!(sshd(&titled("sshd: ann [priv]")), session("ann", None));
        assert_eq!(
            sshd(&titled("sshd-session: ann@notty")),
            session("ann", None)
        );
        let listener = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups";
        assert_eq!(sshd(&titled(listener)), Some(Sshd::Listener));
        assert_eq!(
            sshd(&Facts::of_command("/usr/sbin/sshd -D")),
            Some(Sshd::Listener)
        );
        assert_eq!(sshd(&Facts::of_command("nginx")), None);
    }
}
