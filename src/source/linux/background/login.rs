//! The login that this program runs in, and what a process of the ssh server carries.

use std::fs;
use std::net::IpAddr;

use super::super::scan;
use super::facts::{self, Environment, Facts};
use super::forwards::{self, Sshd};
use crate::model::{AlsoEnds, AlsoEndsKind, Behind, BehindKind, Pid, EndRisk, Text};

/// The variable that sshd sets for what runs in a session (`ssh(1)`): both ends of its connection.
const CONNECTION: &str = "SSH_CONNECTION";

/// How this program's own login is known again.
pub(super) struct OwnLogin {
    connection: Option<String>,
}

impl OwnLogin {
    /// From this program's environment, or that of its nearest ancestor that has it: sudo takes it away.
    pub(super) fn read() -> Self {
        let of_ancestor = || {
            let line = facts::line_of(std::process::id());
            let mut ancestors = line.iter().skip(1);
            ancestors.find_map(|one| Environment::of(one.pid)?.get(CONNECTION))
        };
        Self {
            connection: std::env::var(CONNECTION).ok().or_else(of_ancestor),
        }
    }

    /// Whether a process of the ssh server serves the connection that this program was started through. A
    /// terminal multiplexer is no descendant of it, but what runs below sshd has the same variable.
    pub(super) fn is(&self, facts: &Facts) -> bool {
        let (Some(own), Some(Sshd::Session { .. })) = (&self.connection, forwards::sshd(facts))
        else {
            return false;
        };
        let children = facts::children_of(facts.pid);
        let mut connections = children
            .into_iter()
            .filter_map(|pid| Environment::of(pid)?.get(CONNECTION));
        connections.any(|connection| connection == *own)
    }
}

/// The ssh session that has a hidden socket of the reader's own user, where it can be nothing else: sshd keeps even
/// its user from looking (`PR_SET_DUMPABLE` of `prctl(2)`), and no other process of the user does.
pub(super) fn hidden_session(uid: u32, port: u16) -> Option<Behind> {
    let proc = scan::open_proc().ok()?;
    let pids = scan::pids(&proc).ok()?;
    let is_hidden = |pid: &Pid| fs::read_dir(format!("/proc/{pid}/fd")).is_err();
    let of_user = pids
        .into_iter()
        .filter_map(Facts::of)
        .filter(|facts| facts.uid() == Some(uid));
    let hidden: Vec<Facts> = of_user.filter(|facts| is_hidden(&facts.pid)).collect();
    let sessions = hidden.iter().map(|facts| match forwards::sshd(facts) {
        Some(Sshd::Session { user, terminal }) => Some((user, terminal)),
        _ => None,
    });
    let sessions: Vec<(String, Option<String>)> = sessions.collect::<Option<_>>()?;
    let (user, terminal) = sessions.first()?;
    let place = terminal.as_ref().filter(|_| sessions.len() == 1);
    let place = place.map_or_else(String::new, |terminal| format!(" on {terminal}"));
    Some(Behind {
        name: Some(Text::new(&format!("{user}{place}"))),
        escape: Some(Text::new(&format!("-KR {port}"))),
        ..Behind::new(BehindKind::SshSession)
    })
}

/// The login that ends with a process, if it carries one.
pub(super) fn of(facts: &Facts, end_risk: EndRisk) -> Option<AlsoEnds> {
    if !matches!(end_risk, EndRisk::Login | EndRisk::OwnLogin) {
        return None;
    }
    let Some(Sshd::Session { user, terminal }) = forwards::sshd(facts) else {
        return None;
    };
    let place = terminal.map_or_else(String::new, |terminal| format!(" on {terminal}"));
    Some(AlsoEnds::new(
        AlsoEndsKind::Login,
        &format!("{user}{place}"),
    ))
}

/// Whether programs of this machine look up names through a socket with this address on port 53.
pub(super) fn resolves_names_by(local: IpAddr) -> bool {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"));
    let mut addresses = servers.filter_map(|server| server.trim().parse::<IpAddr>().ok());
    addresses.any(|address| address == local || address.is_loopback() && local.is_unspecified())
}
