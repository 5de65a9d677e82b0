//! What is behind the processes that have a port: containers, tunnels, units and supervisors, read from
//! `/proc`, control groups, the engines' files and `systemctl show`.
//!
//! It is read for a bind test and before a process is ended, never for the live table. No right is needed
//! for what `/proc` shows to everyone; what takes one and is missing stays `None`.

mod cgroups;
pub(super) mod containers;
pub(super) mod facts;
mod forwards;
mod keepers;
mod login;
mod signals;
mod end_risk;
mod units;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use rustix::process::{geteuid, getuid};

use self::containers::{At, Containers, publishers};
use self::facts::{Environment, Facts};
use self::keepers::look;
use self::login::OwnLogin;
use self::units::Units;
use super::netlink::{DumpRequest, SockDiag};
use super::{rights, scan};
use crate::model::{
    AlsoEnds, AlsoEndsKind, Background, Behind, BehindKind, Holder, SupervisorKind, Supervisor, Lineage,
    Manager, Owner, Pid, Process, Protocol, Redirect, Restarts, Serving, Socket, State, Text, Unit,
};
use crate::source::lineage;
use crate::source::netstat::Part;
use crate::source::process::Processes;

/// Of no more owners than this all of it is read: the others of a large family are as their parent is.
const MAX_OWNERS: usize = 32;

/// Reads what is behind owners, one port after the other. What it learned of namespaces and engines is kept
/// for the ports of one test.
pub(in crate::source) struct BackgroundReader<'a> {
    processes: &'a mut Processes,
    port: (Protocol, u16),
    /// The address of the socket that is looked at.
    local: IpAddr,
    lineage: Lineage,
    own_login: OwnLogin,
    containers: Containers,
    units: Units,
    /// Whether programs of this machine look up names through the port.
    is_resolver: bool,
    /// What waits for peers here, by inode.
    waiting: Option<HashMap<u32, (Protocol, u16)>>,
}

impl<'a> BackgroundReader<'a> {
    pub(in crate::source) fn new(processes: &'a mut Processes, port: (Protocol, u16)) -> Self {
        Self {
            processes,
            port,
            local: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            lineage: lineage(),
            own_login: OwnLogin::read(),
            containers: Containers::default(),
            units: Units::default(),
            is_resolver: false,
            waiting: None,
        }
    }

    /// Adds to each holder what is behind its owners, and to one without a known owner what is behind its
    /// port as far as that can be told.
    pub(in crate::source) fn add_to(&mut self, holders: Vec<&mut Holder>) {
        let mut known: Vec<(Owner, Vec<Background>)> = Vec::new();
        for holder in holders {
            let owner = &holder.socket.owner;
            let before = known
                .iter()
                .find(|(one, _)| one == owner)
                .map(|(_, found)| found.clone());
            holder.backgrounds = before.unwrap_or_else(|| {
                let found = self.of_socket(&holder.socket);
                known.push((owner.clone(), found.clone()));
                found
            });
            let users = &mut self.processes.users;
            self.units.add_activation(holder, users);
            if holder.activation.is_some() {
                continue;
            }
            if !matches!(holder.socket.owner, Owner::Known(_)) && waits(&holder.socket) {
                self.local = holder.socket.local.address;
                holder.behind = self.containers.of_port(&self.at());
                let uid = holder.socket.uid.filter(|&uid| uid == geteuid().as_raw());
                if let (None, Owner::Hidden, Some(uid)) =
                    (&holder.behind, &holder.socket.owner, uid)
                {
                    holder.behind = login::hidden_session(uid, self.port.1);
                }
                holder.hidden_unit = self
                    .units
                    .of_hidden(&holder.socket, &mut self.processes.users);
            }
        }
    }

    /// The containers that these redirects send packets to.
    pub(in crate::source) fn targets(&mut self, redirects: &[Redirect]) -> Vec<Behind> {
        let mut found: Vec<Behind> = Vec::new();
        for redirect in redirects {
            let Some(address) = redirect.to.address else {
                continue;
            };
            if found.iter().any(|known| known.address == Some(address)) {
                continue;
            }
            let port = (self.port.0, redirect.to.port.unwrap_or(self.port.1));
            let users = &mut self.processes.users;
            found.extend(self.containers.of_address(address, port, users));
        }
        found
    }

    /// What is behind each owner of a socket, by pid.
    pub(in crate::source) fn of_socket(&mut self, socket: &Socket) -> Vec<Background> {
        self.local = socket.local.address;
        let is_resolver = || login::resolves_names_by(socket.local.address);
        self.is_resolver = self.port.1 == 53 && (self.is_resolver || is_resolver());
        let owners = socket.owner.present();
        let pids: Vec<Pid> = owners.iter().map(|process| process.pid).collect();
        let read = owners.iter().take(MAX_OWNERS);
        read.map(|process| self.of(process, &pids)).collect()
    }

    fn at(&self) -> At {
        At {
            protocol: self.port.0,
            port: self.port.1,
            address: self.local,
        }
    }

    fn of(&mut self, process: &Process, owners: &[Pid]) -> Background {
        let line = facts::line_of(process.pid);
        let Some(own) = line.first().cloned().map(signals::settled) else {
            return Background::new(process.pid);
        };
        let environment = Environment::of(process.pid);
        let publisher = self.containers.publisher(&own);
        let behind = self.behind(&line, publisher.as_ref(), environment.as_ref());
        let supervisor = self.supervisor(&line, owners, environment.as_ref());
        let client = self.containers.client_of(behind.as_ref());
        let users = &mut self.processes.users;
        let unit = match client {
            // `docker run` in a unit: the container is started again with its client.
            Some(client) => self
                .units
                .of(&facts::line_of(client), &[client], None, None, users),
            None => self
                .units
                .of(&line, owners, behind.as_ref(), supervisor.as_ref(), users),
        };
        let is_own_login = self.own_login.is(&own);
        let children = facts::children_of(own.pid);
        let end_risk = end_risk::end_risk(&end_risk::Known {
            facts: &own,
            publisher: publisher.as_ref(),
            guard: self.lineage.guard(process),
            has_login: !children.is_empty(),
            is_own_login,
            resolves_names: self.is_resolver,
        });
        let mut also_ends = self.other_ports(own.pid);
        also_ends.extend(login::of(&own, end_risk));
        also_ends.extend(other_apps(supervisor.as_ref(), &line));
        Background {
            pid: own.pid,
            kept_by: kept_by(
                supervisor,
                unit.as_ref(),
                behind.as_ref(),
                self.containers.restarts(behind.as_ref()),
            ),
            behind,
            unit,
            end_risk,
            reaction: end_risk::reaction(&own, || signals::takes_blocked(own.pid)),
            may_signal: may_signal(&own),
            also_ends,
        }
    }

    fn behind(
        &mut self,
        line: &[Facts],
        publisher: Option<&publishers::Publisher>,
        environment: Option<&Environment>,
    ) -> Option<Behind> {
        let own = line.first()?;
        let at = self.at();
        let users = &mut self.processes.users;
        let container = match publisher {
            Some(publisher) => self.containers.of_publisher(own, publisher, &at, users),
            None => self.containers.of_process(line, environment, users),
        };
        let session = || {
            let forwards::Sshd::Session { user, terminal } = forwards::sshd(own)? else {
                return None;
            };
            let name =
                terminal.map_or_else(|| user.clone(), |terminal| format!("{user} on {terminal}"));
            Some(Behind {
                name: Some(Text::new(&name)),
                escape: Some(Text::new(&format!("-KR {}", self.port.1))),
                ..Behind::new(BehindKind::SshSession)
            })
        };
        let proxy = || {
            (facts::executable_of(own.pid).as_deref() == Some("systemd-socket-proxyd")
                || own.program() == "systemd-socket-proxyd")
                .then(|| Behind {
                    name: own.argv.last().map(|target| Text::new(target)),
                    ..Behind::new(BehindKind::SystemdProxy)
                })
        };
        let forward = || forwards::forward(own, self.port.1);
        container.or_else(session).or_else(proxy).or_else(forward)
    }

    fn supervisor(
        &mut self,
        line: &[Facts],
        owners: &[Pid],
        environment: Option<&Environment>,
    ) -> Option<Supervisor> {
        let port = self.port.1;
        let look = look::System { environment, port };
        let mut kept_by = keepers::supervisor(line, owners, &look)?;
        let runs_us = |pid: Pid| self.lineage.has(pid);
        if kept_by.pid.is_some_and(runs_us) {
            // This program was started by it as well: it is not ended for a port.
            return None;
        }
        let daemon = kept_by.pid.and_then(Facts::of);
        kept_by.is_reachable = daemon.as_ref().is_none_or(may_signal);
        let uid = daemon
            .as_ref()
            .and_then(Facts::uid)
            .filter(|&uid| uid != geteuid().as_raw());
        if let Some(uid) = uid {
            kept_by.user = self.processes.users.late_name(uid);
            if kept_by.user.is_none() {
                // A command for nobody in particular would be run as root.
                (kept_by.name, kept_by.place) = (None, None);
            }
        }
        Some(kept_by)
    }

    /// The other ports that a process listens on: they end with it.
    fn other_ports(&mut self, pid: Pid) -> Vec<AlsoEnds> {
        let waiting = self.waiting.get_or_insert_with(waiting_here);
        let mut ports = Vec::new();
        if let Ok(proc) = scan::open_proc() {
            let _ = scan::visit_sockets(&proc, &format!("{pid}/fd"), |_, inode| {
                ports.extend(waiting.get(&inode).copied());
            });
        }
        ports.sort_unstable();
        ports.dedup();
        let others = ports.into_iter().filter(|port| *port != self.port);
        others.map(port_that_ends).collect()
    }
}

/// The other apps of foreman and its like: all end when one does.
fn other_apps(supervisor: Option<&Supervisor>, line: &[Facts]) -> Vec<AlsoEnds> {
    let Some(foreman) = supervisor
        .filter(|supervisor| supervisor.kind == SupervisorKind::Foreman)
        .and_then(|supervisor| supervisor.pid)
    else {
        return Vec::new();
    };
    let own: Vec<Pid> = line.iter().map(|facts| facts.pid).collect();
    let others = facts::children_of(foreman)
        .into_iter()
        .filter(|pid| !own.contains(pid));
    let others = others.filter_map(serving);
    others
        .map(|other| {
            AlsoEnds::new(
                AlsoEndsKind::Process,
                &format!("{} ({})", other.name, other.pid),
            )
        })
        .collect()
}

/// A port that ends with something.
fn port_that_ends((protocol, port): (Protocol, u16)) -> AlsoEnds {
    AlsoEnds::new(AlsoEndsKind::Port, &format!("{port}/{}", protocol.as_str()))
}

/// What waits for peers in this namespace, by inode.
fn waiting_here() -> HashMap<u32, (Protocol, u16)> {
    let (mut diag, mut details) = (SockDiag::default(), Vec::new());
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        for part in Part::of(protocol) {
            let _ = diag.dump(DumpRequest::Waiting(part), &mut details);
        }
    }
    let waiting = details.iter().filter(|detail| detail.remote.is_none());
    waiting
        .filter_map(|detail| Some((detail.inode?, (detail.protocol, detail.local.port))))
        .collect()
}

fn waits(socket: &Socket) -> bool {
    matches!(socket.state, State::Listen | State::Unconn | State::Bound)
}

/// Whether this program may send a process a signal as it is (`kill(2)`).
fn may_signal(facts: &Facts) -> bool {
    let mut decisive = facts.uids.iter().step_by(2);
    if let Some(uid) = rights::sudo_uid() {
        // Who asked by `sudo` is not root when the command is typed.
        return decisive.any(|one| *one == uid);
    }
    let own = [geteuid().as_raw(), getuid().as_raw()];
    geteuid().is_root() || decisive.any(|uid| own.contains(uid))
}

/// What starts the process again: a supervisor, its unit, or the engine of its container.
fn kept_by(
    supervisor: Option<Supervisor>,
    unit: Option<&Unit>,
    behind: Option<&Behind>,
    restarts: Option<Restarts>,
) -> Option<Supervisor> {
    if let Some(unit) = unit.filter(|unit| unit.is_server == Some(true)) {
        return Some(Supervisor {
            name: Some(unit.name.clone()),
            restarts: unit.restarts(),
            is_reachable: unit.manager == Manager::Own || geteuid().is_root(),
            ..Supervisor::new(SupervisorKind::Systemd)
        });
    }
    let container = behind.filter(|behind| behind.kind == BehindKind::Container);
    match container {
        None => supervisor,
        Some(container) => {
            let kind = containers::keeper_of(container.engine)?;
            Some(Supervisor {
                name: container.name.clone(),
                restarts: restarts.unwrap_or(Restarts::Unknown),
                is_reachable: container.is_reachable,
                ..Supervisor::new(kind)
            })
        }
    }
}

/// A process as what serves.
pub(super) fn serving(pid: Pid) -> Option<Serving> {
    let facts = Facts::of(pid)?;
    Some(Serving {
        pid,
        name: facts.name(),
    })
}
