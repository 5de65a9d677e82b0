//! What is behind the processes that have a port: the container, tunnel or unit that they serve, what
//! starts them again, what else ends with them, and how they react to a signal.
//!
//! Values only. `source` reads them, `bind::fix` turns them into fixes. What could not be read is `None`.

use std::net::IpAddr;

use serde::Serialize;

use super::{Pid, Protocol, Text};

/// What is known of one owner of a port beyond its process record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Background {
    /// The owner.
    pub pid: Pid,
    /// What it serves: where the traffic of its port really goes.
    pub behind: Option<Behind>,
    /// What starts it again when it ends.
    pub kept_by: Option<Supervisor>,
    /// The systemd unit whose control group it is in.
    pub unit: Option<Unit>,
    /// What ending it would cost besides its own work.
    pub end_risk: EndRisk,
    /// How it reacts to signals.
    pub reaction: Reaction,
    /// Whether the reader may send it a signal without becoming root.
    pub may_signal: bool,
    /// What else ends with the process, as far as it is known: its other ports, and the login that it
    /// carries.
    pub also_ends: Vec<AlsoEnds>,
}

impl Background {
    /// A process of which nothing but the pid is known.
    pub const fn new(pid: Pid) -> Self {
        Self {
            pid,
            behind: None,
            kept_by: None,
            unit: None,
            end_risk: EndRisk::Ordinary,
            reaction: Reaction::ORDINARY,
            may_signal: true,
            also_ends: Vec::new(),
        }
    }
}

/// What a process that has a port serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// What it is.
    pub kind: BehindKind,
    /// What people call it: the container's name, `ann@web-01` of a tunnel, a unit.
    pub name: Option<Text>,
    /// The engine, of a container.
    pub engine: Option<Engine>,
    /// The container's id, 12 digits.
    pub id: Option<Text>,
    /// The container's image.
    pub image: Option<Text>,
    /// The project and service of `docker compose`.
    pub project: Option<Text>,
    /// The service within that project.
    pub service: Option<Text>,
    /// Where the traffic goes.
    pub address: Option<IpAddr>,
    /// The port there.
    pub port: Option<u16>,
    /// The program that listens there, with its pid as seen from here.
    pub process: Option<Serving>,
    /// The container that serves, where it is another than the one that publishes the port.
    pub server: Option<Text>,
    /// Whose rootless engine it is; `None` for root's.
    pub user: Option<Text>,
    /// Whether the reader may use the engine without becoming root; of a tunnel, whether it is nothing else.
    pub is_reachable: bool,
    /// Whether the container's first process does not react to SIGTERM.
    pub ignores_term: bool,
    /// The other ports that the container publishes on this host.
    pub ports: Vec<(Protocol, u16)>,
    /// The pod that publishes the port, by the beginning of its id.
    pub pod: Option<Text>,
    /// For a tunnel: what closes it alone, such as `-KR 8080` behind the escape `~C`, or a command of ssh.
    pub escape: Option<Text>,
}

impl Behind {
    /// Something of this kind of which nothing more is known.
    pub const fn new(kind: BehindKind) -> Self {
        Self {
            kind,
            name: None,
            engine: None,
            id: None,
            image: None,
            project: None,
            service: None,
            address: None,
            port: None,
            process: None,
            server: None,
            user: None,
            is_reachable: true,
            ignores_term: false,
            ports: Vec::new(),
            pod: None,
            escape: None,
        }
    }
}

/// What can be behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BehindKind {
    /// A container that publishes the port, or shares the host's network.
    Container,
    /// `ssh -L`, `-R` or `-D`.
    SshForward,
    /// The server side of an ssh session.
    SshSession,
    /// Another forwarder: socat, kubectl, an editor's remote server.
    PortForward,
    /// A socket unit of systemd.
    SocketUnit,
    /// `systemd-socket-proxyd`.
    SystemdProxy,
}

/// What runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the engines' own names")]
pub enum Engine {
    Docker,
    Podman,
    Nerdctl,
    Kubernetes,
    Lxc,
    Lxd,
    Incus,
    Nspawn,
}

/// A program that serves behind a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Its pid as seen from here.
    pub pid: Pid,
    /// Its name.
    pub name: Text,
}

/// What starts a process again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    /// What it is.
    pub kind: SupervisorKind,
    /// What its own stop command calls the process: an app, a program, a service directory, a unit.
    pub name: Option<Text>,
    /// What that command takes instead of the name, where it has another word for it: the id of an app of pm2.
    pub id: Option<Text>,
    /// The process that does it.
    pub pid: Option<Pid>,
    /// That process's name.
    pub process: Option<Text>,
    /// Whether it starts the process again.
    pub restarts: Restarts,
    /// What its stop command needs besides: a config file, the address of a server, or a home folder.
    pub place: Option<Text>,
    /// The user that its process runs as; `None` where it has no process, or several users.
    pub uid: Option<u32>,
    /// The user that its stop command is run as, where that is neither root nor the reader.
    pub user: Option<Text>,
    /// Whether the reader may use it without becoming root.
    pub is_reachable: bool,
}

impl Supervisor {
    /// Whether it is ended together with the process: it has no command of its own that keeps the process down,
    /// and is there for nothing else. A script that can't be read is no reason to end the shell that runs it.
    pub fn is_ended_too(&self) -> bool {
        use SupervisorKind as K;
        let is_guess = self.kind == K::ShellLoop && self.restarts == Restarts::Unknown;
        let has_no_command = matches!(
            self.kind,
            K::ShellLoop | K::UnknownParent | K::Nodemon | K::Watch
        );
        has_no_command && !is_guess && self.restarts != Restarts::No && self.pid.is_some()
    }

    /// A supervisor that starts the process again.
    pub const fn new(kind: SupervisorKind) -> Self {
        Self {
            kind,
            name: None,
            id: None,
            pid: None,
            process: None,
            restarts: Restarts::Yes,
            place: None,
            uid: None,
            user: None,
            is_reachable: true,
        }
    }
}

/// What can start a process again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is called by its own name")]
pub enum SupervisorKind {
    Systemd,
    Docker,
    Podman,
    Kubelet,
    Pm2,
    Supervisord,
    Runit,
    Daemontools,
    S6,
    Nodemon,
    /// `node --watch` and other runners that wait for a file to change.
    Watch,
    Forever,
    /// foreman, honcho, hivemind: all apps end with one of them.
    Foreman,
    Overmind,
    /// A loop in a shell.
    ShellLoop,
    /// A parent of another kind that is older than the process and waits for it.
    UnknownParent,
}

/// Whether a process comes back after it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restarts {
    /// At once, or within seconds.
    Yes,
    /// When a file changes.
    OnChange,
    /// It stays down.
    No,
    /// It can't be known.
    Unknown,
}

/// A systemd unit, as `systemctl show` prints its properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name, `nginx.service`.
    pub name: Text,
    /// Whose manager runs it.
    pub manager: Manager,
    /// Whether the owner is the unit's main process or descends from it, and the unit is no launcher of
    /// other things: what the unit is there for. `None` if systemd could not be asked.
    pub is_server: Option<bool>,
    /// `MainPID=`, while it runs.
    pub main_pid: Option<Pid>,
    /// `Restart=`: `no`, `always`, `on-failure`, …
    pub restart: Option<Text>,
    /// `KillMode=`: with `process` and `none` other processes than the main one stay.
    pub kill_mode: Option<Text>,
    /// `TriggeredBy=`: units that start it again.
    pub triggered_by: Vec<Text>,
}

impl Unit {
    /// Whether it starts a process again that ends by SIGTERM, which is a clean end (`Restart=` of
    /// `systemd.service(5)`).
    pub fn restarts(&self) -> Restarts {
        match self.restart.as_deref() {
            Some("always" | "on-success") => Restarts::Yes,
            _ if !self.triggered_by.is_empty() => Restarts::Yes,
            Some("no" | "") => Restarts::No,
            _ => Restarts::Unknown,
        }
    }
}

/// Which manager runs a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Pid 1.
    System,
    /// The reader's own (`systemctl --user`).
    Own,
    /// That of another user (`systemctl --user -M ann@`).
    OfUser(Text),
}

/// What ending a process would cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRisk {
    /// Its own work.
    Ordinary,
    /// A proxy of a container engine: the container goes on without it.
    ContainerProxy,
    /// The monitor of a container (`conmon`): without it the engine can't stop the container.
    ContainerMonitor,
    /// The init process of a container.
    ContainerInit,
    /// A container engine: every container depends on it.
    Engine,
    /// A manager of services or a whole session: `systemd --user`, pid 1, inetd.
    Manager,
    /// A supervisor that runs other programs as well.
    Supervisor,
    /// A login session of somebody.
    Login,
    /// The login session that this program runs in.
    OwnLogin,
    /// This program descends from it.
    Ancestor,
    /// The name resolver that this machine uses.
    Resolver,
    /// The ssh server: no new login without it.
    SshServer,
    /// What gives this machine its network.
    Network,
    /// Another service that the system needs: the message bus, logins, the journal.
    SystemService,
}

/// How a process reacts to signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Whether it runs at all.
    pub run: Run,
    /// What SIGTERM does to it.
    pub term: Term,
    /// The signal that this kind of server ends at once with, where SIGTERM waits for clients or does
    /// something else.
    pub quick: Option<Quick>,
}

impl Reaction {
    /// It runs and ends by SIGTERM.
    pub const ORDINARY: Self = Self {
        run: Run::Running,
        term: Term::Ends,
        quick: None,
    };
}

/// Whether a process runs (`proc_pid_stat(5)`, field 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It runs or waits for something.
    Running,
    /// It was stopped by a signal, as `Ctrl-Z` does: it handles no signal until it is continued.
    Stopped,
    /// A debugger has stopped it.
    Traced,
    /// It waits for I/O and reacts to no signal, not even SIGKILL, until that ends.
    Uninterruptible,
}

/// What SIGTERM does to a process (`SigIgn`, `SigCgt` and `SigBlk` of `proc_pid_status(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// It has a handler, which may tidy up, end its workers, or take its time.
    Handled,
    /// The default: it ends at once.
    Ends,
    /// It is ignored.
    Ignored,
    /// It is blocked in every thread and nothing waits for it.
    Blocked,
    /// The kernel drops it: the process is the init of a pid namespace and has no handler.
    Dropped,
}

/// A server's own quick way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quick {
    /// The signal, without `SIG`.
    pub signal: &'static str,
    /// What SIGTERM does instead, to be said after "SIGTERM".
    pub instead_of: &'static str,
}

/// Something that ends with a fix besides the port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct AlsoEnds {
    /// What it is.
    pub kind: AlsoEndsKind,
    /// `9202/tcp`, `cron (812)`, `ann on pts/3`, `web.service`.
    pub name: Text,
}

/// What can end with a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum AlsoEndsKind {
    Port,
    Process,
    Login,
    Service,
    Container,
}

impl AlsoEnds {
    /// Something of this kind and name.
    pub fn new(kind: AlsoEndsKind, name: &str) -> Self {
        let name = Text::new(name);
        Self { kind, name }
    }
}
