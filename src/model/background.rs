//! The background of the processes that have a port: their container, tunnel or unit, their supervisor, what else ends
//! with them, and how they react to a signal.
//!
//! Values only: `source` reads them, `bind::fix` derives fixes. Unreadable values are `None`.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{Pid, Process, Protocol, Signal, Text};

/// Facts about an owner of a port besides its process record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Background {
    /// The owner.
    pub pid: Pid,
    /// What it serves, if that is not its own program.
    pub behind: Option<Behind>,
    /// What restarts it.
    pub kept_by: Option<Supervisor>,
    /// A program of an interpreter that started it and still runs, with its pid. Whether it restarts it is unknown.
    pub started_by: Option<Text>,
    /// The systemd unit whose control group it is in.
    pub unit: Option<Unit>,
    /// What else is lost if it ends.
    pub end_risk: EndRisk,
    /// How it reacts to signals.
    pub reaction: Reaction,
    /// Whether the user may send it a signal without root.
    pub may_signal: bool,
    /// What else ends with it: its other ports, a login session, other apps.
    pub also_ends: Vec<AlsoEnds>,
    /// The program that it runs and keeps the port for: of `sockeye run --port-env` and `sockeye free --hold`.
    pub keeps_for: Option<Box<KeptFor>>,
}

/// A program for which its parent keeps a port until it ends or binds the port itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFor {
    /// The program.
    pub process: Arc<Process>,
    /// How it ends.
    pub background: Background,
}

impl Background {
    /// A process of which only the pid is known.
    pub const fn new(pid: Pid) -> Self {
        Self {
            pid,
            behind: None,
            kept_by: None,
            started_by: None,
            unit: None,
            end_risk: EndRisk::Ordinary,
            reaction: Reaction::ORDINARY,
            may_signal: true,
            also_ends: Vec::new(),
            keeps_for: None,
        }
    }
}

/// What a process with a port serves, serialized as `check --json` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// What it is.
    pub kind: BehindKind,
    /// The container's name, the destination of a tunnel (`ann@web-01`), a unit.
    pub name: Option<Text>,
    /// A container's engine.
    pub engine: Option<Engine>,
    /// Its id, 12 digits.
    pub id: Option<Text>,
    /// Its image.
    pub image: Option<Text>,
    /// The project of `docker compose`.
    pub project: Option<Text>,
    /// The service in that project.
    pub service: Option<Text>,
    /// The beginning of the id of the pod that publishes the port.
    pub pod: Option<Text>,
    /// Where the traffic goes.
    pub address: Option<IpAddr>,
    /// The port there.
    pub port: Option<u16>,
    /// The program that listens there.
    pub process: Option<Serving>,
    /// The container that serves, if another one publishes the port.
    pub server: Option<Text>,
    /// The user of a rootless engine; `None` for root's engine.
    pub user: Option<Text>,
    /// Whether the user may use the engine without root; for a tunnel, whether it has no other purpose.
    #[serde(skip)]
    pub is_reachable: bool,
    /// Whether the container's first process ignores SIGTERM.
    #[serde(skip)]
    pub ignores_term: bool,
    /// The other ports that the container publishes.
    #[serde(skip)]
    pub ports: Vec<(Protocol, u16)>,
    /// How to close only this tunnel: `-KR 8080` after the escape `~C`, or a command of ssh.
    #[serde(skip)]
    pub escape: Option<Text>,
}

impl Behind {
    /// Something of this kind without other facts.
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
    /// A container that publishes the port or shares the host's network.
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

/// A container engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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

impl Engine {
    /// Its name: `docker`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A program that serves behind a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Serving {
    /// Its pid in our pid namespace.
    pub pid: Pid,
    /// Its name.
    pub name: Text,
}

/// What restarts a process, serialized as `check --json` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Supervisor {
    /// What it is.
    pub kind: SupervisorKind,
    /// The process's name in its stop command: an app, a program, a service directory, a unit.
    pub name: Option<Text>,
    /// An id that the command takes instead of the name: of an app of pm2.
    #[serde(skip)]
    pub id: Option<Text>,
    /// Its own process.
    pub pid: Option<Pid>,
    /// That process's name.
    #[serde(skip)]
    pub process: Option<Text>,
    /// Whether it restarts the process.
    pub restarts: Restarts,
    /// Another argument for its stop command: a config file, a server's address, a home folder.
    #[serde(skip)]
    pub place: Option<Text>,
    /// The user that its process runs as, if it has one process and one user.
    #[serde(skip)]
    pub uid: Option<u32>,
    /// The user for its stop command, if that is neither root nor the current user.
    #[serde(skip)]
    pub user: Option<Text>,
    /// Whether the user may use it without root.
    #[serde(skip)]
    pub is_reachable: bool,
}

impl Supervisor {
    /// Whether it has to be ended together with the process: it has no other purpose, and no command to keep the
    /// process down. A shell is not ended for an unreadable script.
    pub fn is_ended_too(&self) -> bool {
        use SupervisorKind as K;
        let is_guess = self.kind == K::ShellLoop && self.restarts == Restarts::Unknown;
        let has_no_command = matches!(
            self.kind,
            K::ShellLoop | K::UnknownParent | K::Nodemon | K::Watch
        );
        has_no_command && !is_guess && self.restarts != Restarts::No && self.pid.is_some()
    }

    /// A supervisor that restarts the process.
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

/// What can restart a process.
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
    /// foreman, honcho, hivemind: all their apps end with one of them.
    Foreman,
    Overmind,
    /// A loop in a shell.
    ShellLoop,
    /// A parent of another kind that waits for the process.
    UnknownParent,
}

/// Whether a process is restarted when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restarts {
    /// Within seconds.
    Yes,
    /// When a file changes.
    OnChange,
    /// Never.
    No,
    /// Unknown.
    Unknown,
}

/// A systemd unit, as `systemctl show` prints its properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name, `nginx.service`.
    pub name: Text,
    /// The manager that runs it.
    pub manager: Manager,
    /// Whether the unit is there for the owner: that is the main process or descends from it, and the unit does not
    /// just launch programs. `None` if systemd does not answer.
    pub is_server: Option<bool>,
    /// `MainPID=`, while it runs.
    pub main_pid: Option<Pid>,
    /// `Restart=`: `no`, `always`, `on-failure`, …
    pub restart: Option<Text>,
    /// `KillMode=`: with `process` and `none`, processes other than the main one stay.
    pub kill_mode: Option<Text>,
    /// `TriggeredBy=`: units that start it again.
    pub triggered_by: Vec<Text>,
}

impl Unit {
    /// Whether it restarts a process after SIGTERM, which is a clean exit (`Restart=` of `systemd.service(5)`).
    pub fn restarts(&self) -> Restarts {
        match self.restart.as_deref() {
            Some("always" | "on-success") => Restarts::Yes,
            _ if !self.triggered_by.is_empty() => Restarts::Yes,
            Some("no" | "") => Restarts::No,
            _ => Restarts::Unknown,
        }
    }
}

/// A service manager of systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Pid 1.
    System,
    /// The current user's (`systemctl --user`).
    Own,
    /// Another user's (`systemctl --user -M ann@`).
    OfUser(Text),
}

/// What is lost if a process ends, by kind of process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`Guard::as_str` has a sentence for each")]
pub enum EndRisk {
    /// Only its own work.
    Ordinary,
    ContainerProxy,
    ContainerMonitor,
    ContainerInit,
    Engine,
    Manager,
    Supervisor,
    Login,
    OwnLogin,
    Ancestor,
    Resolver,
    SshServer,
    Network,
    SystemService,
}

/// How a process reacts to signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Whether it is running.
    pub run: Run,
    /// What SIGTERM does to it.
    pub term: Term,
    /// The signal that ends this kind of server at once, if SIGTERM does not.
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
    /// Running, or waiting for something.
    Running,
    /// Stopped by a signal, as by `Ctrl-Z`: it handles no signal until it is continued.
    Stopped,
    /// Stopped by a debugger.
    Traced,
    /// Waiting for I/O: it reacts to no signal, not even SIGKILL, until that ends.
    Uninterruptible,
}

/// What SIGTERM does to a process (`SigIgn`, `SigCgt` and `SigBlk` of `proc_pid_status(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// It has a handler.
    Handled,
    /// The default: it ends at once.
    Ends,
    /// It is ignored.
    Ignored,
    /// It is blocked in every thread, and no thread waits for it.
    Blocked,
    /// The kernel drops it: the process is the init of a pid namespace and has no handler.
    Dropped,
}

/// The signal with which a server ends at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quick {
    /// The signal.
    pub signal: Signal,
    /// What SIGTERM does instead, as text after "SIGTERM".
    pub instead_of: &'static str,
}

/// Something else that ends with a fix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct AlsoEnds {
    /// What it is.
    pub kind: AlsoEndsKind,
    /// `9202/tcp`, `cron (812)`, `ann on pts/3`, `web.service`.
    pub name: Text,
}

/// What else can end with a fix.
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
