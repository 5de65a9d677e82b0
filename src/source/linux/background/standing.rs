//! What ending a process would cost besides its own work, and how it reacts to signals. Pure but for the
//! few files that it is handed.

use super::containers::publishers::Publisher;
use super::facts::Facts;
use super::forwards::{self, Sshd};
use crate::model::{Guard, Quick, Reaction, EndRisk, Term};

/// The bit of SIGTERM in the sets of `/proc/PID/status`.
const TERM: u64 = 1 << 14;

/// What a machine has its network by.
const NETWORK: [&str; 9] = [
    "NetworkManager",
    "systemd-networkd",
    "systemd-network",
    "dhclient",
    "dhcpcd",
    "connmand",
    "iwd",
    "wpa_supplicant",
    "tailscaled",
];

/// What looks up names for a whole machine and is there for nothing else.
const RESOLVERS: [&str; 2] = ["systemd-resolved", "systemd-resolve"];

/// What a system can't do without.
const SYSTEM: [&str; 7] = [
    "dbus-daemon",
    "dbus-broker",
    "systemd-logind",
    "systemd-journald",
    "systemd-journal",
    "polkitd",
    "rpcbind",
];

/// Programs that listen for what they start: without them none of their services answers.
const MANAGERS: [&str; 4] = ["systemd", "inetd", "xinetd", "launchd"];

/// Supervisors, which run other things as well.
const SUPERVISORS: [&str; 6] = [
    "supervisord",
    "runsvdir",
    "s6-svscan",
    "svscan",
    "monit",
    "circusd",
];

/// What is known of a process that decides about its end_risk.
pub(super) struct Known<'a> {
    pub(super) facts: &'a Facts,
    pub(super) publisher: Option<&'a Publisher>,
    /// Its place among the ancestors of this program.
    pub(super) guard: Option<Guard>,
    /// Whether it carries a login: a shell or a command runs below it.
    pub(super) has_login: bool,
    /// Whether that is the login of the reader.
    pub(super) is_own_login: bool,
    /// Whether this machine's programs look up names through the port.
    pub(super) resolves_names: bool,
}

/// What ending it would cost.
pub(super) fn end_risk(known: &Known<'_>) -> EndRisk {
    let facts = known.facts;
    let sshd = forwards::sshd(facts);
    match known.publisher {
        Some(Publisher::Conmon { .. }) => return EndRisk::ContainerMonitor,
        Some(Publisher::Dockerd | Publisher::Rootlesskit) => return EndRisk::Engine,
        Some(_) => return EndRisk::ContainerProxy,
        None => {}
    }
    match (&sshd, known.guard) {
        (Some(Sshd::Listener), _) => EndRisk::SshServer,
        (Some(Sshd::Session { .. }), _) if known.is_own_login => EndRisk::OwnLogin,
        (Some(Sshd::Session { .. }), Some(_)) => EndRisk::OwnLogin,
        (Some(Sshd::Session { .. }), None) if known.has_login => EndRisk::Login,
        (None, Some(Guard::Parent | Guard::Ancestor | Guard::Own)) if facts.pid != 1 => {
            EndRisk::Ancestor
        }
        _ if known.resolves_names => EndRisk::Resolver,
        _ => match by_name(facts) {
            EndRisk::Ordinary if is_init(facts) => EndRisk::ContainerInit,
            end_risk => end_risk,
        },
    }
}

/// What ending a process would cost as far as its name says: it is asked of the main process of a unit and of
/// the parent of an owner too.
pub(super) fn by_name(facts: &Facts) -> EndRisk {
    const ENGINES: [&str; 8] = [
        "dockerd",
        "containerd",
        "podman",
        "crio",
        "kubelet",
        "k3s",
        "lxd",
        "incusd",
    ];
    let (program, comm) = (facts.program(), facts.comm.as_str());
    let is_one_of = |names: &[&str]| names.contains(&program) || names.contains(&comm);
    let runs_supervisor = facts
        .script()
        .is_some_and(|script| SUPERVISORS.contains(&script));
    match () {
        () if facts.pid == 1 || is_one_of(&MANAGERS) => EndRisk::Manager,
        () if facts.title().starts_with("PM2 v") || is_one_of(&SUPERVISORS) || runs_supervisor => {
            EndRisk::Supervisor
        }
        () if forwards::sshd(facts) == Some(Sshd::Listener) => EndRisk::SshServer,
        () if is_one_of(&ENGINES) => EndRisk::Engine,
        () if is_one_of(&RESOLVERS) => EndRisk::Resolver,
        () if is_one_of(&NETWORK) => EndRisk::Network,
        () if is_one_of(&SYSTEM) => EndRisk::SystemService,
        () => EndRisk::Ordinary,
    }
}

/// Whether it is the first process of a pid namespace other than ours.
fn is_init(facts: &Facts) -> bool {
    facts.namespace_pids.len() > 1 && facts.namespace_pids.last() == Some(&1)
}

/// How it reacts to signals. `takes_blocked` says whether it waits for blocked signals (`signalfd(2)`,
/// `sigwaitinfo(2)`) or a thread has them unblocked.
pub(super) fn reaction(facts: &Facts, takes_blocked: impl FnOnce() -> bool) -> Reaction {
    let is_in = |set: u64| set & TERM != 0;
    let term = if is_in(facts.blocked) && !takes_blocked() {
        Term::Blocked
    } else if is_in(facts.caught) || is_in(facts.blocked) {
        Term::Handled
    } else if is_in(facts.ignored) {
        Term::Ignored
    } else if is_init(facts) || facts.namespace_pids == [1] {
        Term::Dropped
    } else {
        Term::Ends
    };
    Reaction {
        run: facts.run(),
        term,
        quick: quick(facts),
    }
}

/// Whether SIGTERM ends a process, as far as its signal sets say.
pub(super) fn ends_by_term(facts: &Facts) -> bool {
    matches!(reaction(facts, || true).term, Term::Ends | Term::Handled)
}

/// Servers that SIGTERM does not end at once, and the signal that does.
fn quick(facts: &Facts) -> Option<Quick> {
    let says = |word: &str| facts.argv.iter().any(|argument| argument == word);
    match facts.program() {
        "postgres" | "postmaster" => Some(Quick {
            signal: "INT",
            instead_of: "waits until every client has disconnected",
        }),
        "squid" => Some(Quick {
            signal: "INT",
            instead_of: "waits half a minute for clients",
        }),
        "uwsgi" | "uwsgi-core" if !says("--die-on-term") => Some(Quick {
            signal: "INT",
            instead_of: "makes uWSGI start its workers again",
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(command: &str) -> Facts {
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        Facts {
            pid: 812,
            comm: argv[0].rsplit('/').next().unwrap().to_owned(),
            argv,
            namespace_pids: vec![812],
            ..Facts::default()
        }
    }

    fn of(facts: &Facts, has_login: bool, guard: Option<Guard>) -> EndRisk {
        end_risk(&Known {
            facts,
            publisher: None,
            guard,
            has_login,
            is_own_login: false,
            resolves_names: facts.comm.starts_with("systemd-resolve"),
        })
    }

    #[test]
    fn what_others_need_is_no_ordinary_process() {
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
            assert_eq!(of(&facts(command), false, None), expected, "{command}");
        }
        let editor = facts("node server-main.js");
        assert_eq!(
            of(&editor, false, Some(Guard::Ancestor)),
            EndRisk::Ancestor
        );
        let mut session = facts("x");
        session.argv = vec!["sshd: ann@pts/3".into()];
        assert_eq!(of(&session, true, None), EndRisk::Login);
        assert_eq!(
            of(&session, true, Some(Guard::Ancestor)),
            EndRisk::OwnLogin
        );
        assert_eq!(of(&session, false, None), EndRisk::Ordinary);
    }

    #[test]
    fn the_signal_sets_say_what_term_does() {
        let term = |ignored, caught, blocked, pids: &[u32], takes| {
            let facts = Facts {
                ignored,
                caught,
                blocked,
                namespace_pids: pids.to_vec(),
                ..facts("nginx")
            };
            reaction(&facts, || takes).term
        };
        assert_eq!(term(0, 0, 0, &[812], false), Term::Ends);
        assert_eq!(term(0, TERM, 0, &[812, 1], false), Term::Handled);
        assert_eq!(term(TERM, 0, 0, &[812], false), Term::Ignored);
        assert_eq!(term(0, 0, TERM, &[812], false), Term::Blocked);
        assert_eq!(term(0, 0, TERM, &[812], true), Term::Handled);
        assert_eq!(term(0, 0, 0, &[812, 1], false), Term::Dropped);
    }

    #[test]
    fn a_server_that_term_does_not_end_has_its_own_signal() {
        let signal = |command| {
            reaction(&facts(command), || true)
                .quick
                .map(|quick| quick.signal)
        };
        assert_eq!(
            signal("/usr/lib/postgresql/15/bin/postgres -D /x"),
            Some("INT")
        );
        assert_eq!(signal("uwsgi --http :8080"), Some("INT"));
        assert_eq!(signal("uwsgi --die-on-term"), None);
        assert_eq!(signal("nginx"), None);
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
            assert_eq!(by_name(&facts(command)), expected, "{command}");
        }
    }
}
