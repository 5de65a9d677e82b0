//! What else is lost if a process ends: by its kind, its other ports, and dependent apps.

use std::collections::HashMap;

use super::containers::publishers::Publisher;
use super::facts::{self, Facts, serving};
use super::login::{Sshd, sshd};
use super::programs;
use crate::model::{
    AlsoEnds, AlsoEndsKind, EndRisk, Guard, Pid, Protocol, Supervisor, SupervisorKind,
};
use crate::source::linux::netlink::{DumpRequest, InetRow, SockDiag};
use crate::source::linux::scan;
use crate::source::netstat::Part;

/// Facts about a process that affect the risk of ending it.
pub(super) struct Circumstances<'a> {
    pub(super) publisher: Option<Publisher<'a>>,
    /// Its position among the ancestors of this program.
    pub(super) guard: Option<Guard>,
    /// Whether it has children: a shell or a command of a login.
    pub(super) has_children: bool,
    /// Whether the user's own login goes through it.
    pub(super) is_own_login: bool,
    /// Whether programs on this machine resolve names through the port.
    pub(super) resolves_names: bool,
}

pub(super) fn end_risk(facts: &Facts, known: &Circumstances<'_>) -> EndRisk {
    match known.publisher {
        Some(Publisher::Conmon { .. }) => return EndRisk::ContainerMonitor,
        Some(Publisher::Dockerd | Publisher::Rootlesskit) => return EndRisk::Engine,
        Some(_) => return EndRisk::ContainerProxy,
        None => {}
    }
    match (sshd(facts), known.guard) {
        (Some(Sshd::Listener), _) => EndRisk::SshServer,
        (Some(Sshd::Session(_)), guard) if known.is_own_login || guard.is_some() => {
            EndRisk::OwnLogin
        }
        (Some(Sshd::Session(_)), _) if known.has_children => EndRisk::Login,
        (None, Some(Guard::Parent | Guard::Ancestor | Guard::Own)) if facts.pid != 1 => {
            EndRisk::Ancestor
        }
        _ if known.resolves_names => EndRisk::Resolver,
        _ => match by_name(facts) {
            EndRisk::Ordinary if facts.is_init() => EndRisk::ContainerInit,
            risk => risk,
        },
    }
}

/// The risk by the process's name alone; also used for the main process of a unit and the parent of an owner.
pub(super) fn by_name(facts: &Facts) -> EndRisk {
    let is = |list| facts.is_one_of(list);
    match () {
        () if facts.pid == 1 || is(programs::MANAGERS) => EndRisk::Manager,
        () if facts.title().starts_with("PM2 v") => EndRisk::Supervisor,
        () if facts.runs_one_of(programs::SUPERVISORS) => EndRisk::Supervisor,
        () if sshd(facts) == Some(Sshd::Listener) => EndRisk::SshServer,
        () if is(programs::ENGINES) => EndRisk::Engine,
        () if is(programs::RESOLVERS) => EndRisk::Resolver,
        () if is(programs::NETWORK) => EndRisk::Network,
        () if is(programs::SYSTEM) => EndRisk::SystemService,
        () => EndRisk::Ordinary,
    }
}

/// The ports of unconnected sockets in our network namespace, by inode.
pub(super) fn waiting_ports() -> HashMap<u32, (Protocol, u16)> {
    let (mut diag, mut rows) = (SockDiag::default(), Vec::new());
    for part in Part::of(Protocol::Tcp).chain(Part::of(Protocol::Udp)) {
        let _ = diag.dump(DumpRequest::Waiting(part), &mut rows);
    }
    let waiting = rows.iter().filter(|row| row.remote.is_none());
    let port = |row: &InetRow| Some((row.inode?, (row.protocol, row.local.port)));
    waiting.filter_map(port).collect()
}

/// The other ports of a process.
pub(super) fn other_ports(
    pid: Pid,
    own: (Protocol, u16),
    waiting: &HashMap<u32, (Protocol, u16)>,
) -> Vec<AlsoEnds> {
    let mut ports = Vec::new();
    if let Ok(proc) = scan::open_proc() {
        let _ = scan::visit_sockets(&proc, &format!("{pid}/fd"), |_, inode| {
            ports.extend(waiting.get(&inode).filter(|port| **port != own));
        });
    }
    ports.sort_unstable();
    ports.dedup();
    let named = |(protocol, port): (Protocol, u16)| {
        AlsoEnds::new(AlsoEndsKind::Port, &format!("{port}/{}", protocol.as_str()))
    };
    ports.into_iter().map(named).collect()
}

/// The other apps of foreman and similar tools, which all end when one ends.
pub(super) fn other_apps(supervisor: Option<&Supervisor>, line: &[Facts]) -> Vec<AlsoEnds> {
    let foreman = supervisor.filter(|one| one.kind == SupervisorKind::Foreman);
    let children = foreman.and_then(|one| one.pid).map(facts::children_of);
    let others = children.into_iter().flatten();
    let others = others.filter(|pid| line.iter().all(|own| own.pid != *pid));
    let app = |pid| {
        let app = serving(pid)?;
        let name = format!("{} ({})", app.name, app.pid);
        Some(AlsoEnds::new(AlsoEndsKind::Process, &name))
    };
    others.filter_map(app).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(facts: &Facts, has_children: bool, guard: Option<Guard>) -> EndRisk {
        let known = Circumstances {
            publisher: None,
            guard,
            has_children,
            is_own_login: false,
            resolves_names: facts.comm.starts_with("systemd-resolve"),
        };
        end_risk(facts, &known)
    }

    #[test]
    fn a_program_that_others_need_is_no_ordinary_process() {
        for (command, expected) in [
            ("nginx -g x", EndRisk::Ordinary),
            (
                "/usr/bin/python3 /usr/bin/supervisord -n",
                EndRisk::Supervisor,
            ),
            ("/lib/systemd/systemd --user", EndRisk::Manager),
            ("/usr/sbin/inetd", EndRisk::Manager),
            ("/usr/sbin/sshd -D", EndRisk::SshServer),
            ("/lib/systemd/systemd-resolved", EndRisk::Resolver),
            ("/usr/sbin/NetworkManager --no-daemon", EndRisk::Network),
            ("/usr/bin/dbus-daemon --system", EndRisk::SystemService),
        ] {
            let facts = Facts::of_command(command);
            assert_eq!(risk(&facts, false, None), expected, "{command}");
        }
        let editor = Facts::of_command("node server-main.js");
        assert_eq!(
            risk(&editor, false, Some(Guard::Ancestor)),
            EndRisk::Ancestor
        );
        let mut session = Facts::of_command("x");
        session.argv = vec!["sshd: ann@pts/3".into()];
        assert_eq!(risk(&session, true, None), EndRisk::Login);
        assert_eq!(
            risk(&session, true, Some(Guard::Ancestor)),
            EndRisk::OwnLogin
        );
        assert_eq!(risk(&session, false, None), EndRisk::Ordinary);
    }

    #[test]
    fn the_name_of_a_main_process_or_parent_says_what_others_need() {
        for (command, expected) in [
            ("/usr/sbin/NetworkManager --no-daemon", EndRisk::Network),
            ("/usr/bin/dbus-daemon --session", EndRisk::SystemService),
            ("/lib/systemd/systemd-resolved", EndRisk::Resolver),
            ("/usr/bin/dockerd -H fd://", EndRisk::Engine),
            ("/usr/bin/python3 /srv/app.py", EndRisk::Ordinary),
        ] {
            assert_eq!(by_name(&Facts::of_command(command)), expected, "{command}");
        }
    }
}
