//! Reads the background of processes that have a port: containers, tunnels, units and supervisors, from `/proc`,
//! control groups, the engines' files and `systemctl show`.
//!
//! All of it is read for a bind test and before ending a process. The live table reads only containers and the destinations
//! of published ports, and keeps them. Most of it is readable by everyone; data that requires missing privileges stays `None`.

pub(crate) mod containers;
mod end_risk;
pub(crate) mod facts;
mod forwards;
mod kept_for;
mod login;
pub(crate) mod members;
mod programs;
mod reaction;
mod supervisors;
mod units;

use std::collections::HashMap;

use rustix::process::{geteuid, getuid};

use self::containers::Containers;
use self::containers::publishers::Publisher;
pub(crate) use self::containers::{
    ContainerNames, Destination, destination, destinations_of_hidden,
};
use self::end_risk::Circumstances;
use self::facts::Facts;
pub(crate) use self::facts::serving;
use self::units::Units;
use super::rights;
use crate::model::{
    AlsoEnds, AlsoEndsKind, Background, Behind, BehindKind, Elsewhere, EndRisk, Engine, Holder,
    Lineage, Manager, Owner, Pid, Process, Protocol, Redirect, Restarts, Socket, State, Supervisor,
    SupervisorKind, Text, Unit,
};
use crate::source::lineage;
use crate::source::proc_stat::proc_stat;
use crate::source::process::Processes;

/// The most owners to read in full; the others of a large family are like their parent.
const MAX_OWNERS: usize = 32;

/// These processes, the one that started first before the others.
pub(crate) fn by_age(pids: impl Iterator<Item = Pid>) -> Vec<Pid> {
    let started = pids.filter_map(|pid| Some((proc_stat(pid)?.started_at_tick, pid)));
    let mut started: Vec<_> = started.collect();
    started.sort_unstable();
    started.into_iter().map(|(_, pid)| pid).collect()
}

/// Reads the background of owners, port by port. Data on namespaces and engines is kept for the ports of one test.
pub(crate) struct BackgroundReader<'a> {
    lineage: Lineage,
    /// The connection of the login that this program runs in.
    own_connection: Option<String>,
    containers: Containers<'a>,
    units: Units,
    /// Whether programs on this machine resolve names through the port.
    is_resolver: bool,
    /// The ports of unconnected sockets in our network namespace, by inode.
    waiting: Option<HashMap<u32, (Protocol, u16)>>,
}

impl<'a> BackgroundReader<'a> {
    pub(crate) fn new(processes: &'a mut Processes, port: (Protocol, u16)) -> Self {
        Self {
            lineage: lineage(),
            own_connection: login::own_connection(),
            containers: Containers::new(port, &mut processes.users),
            units: Units::default(),
            is_resolver: false,
            waiting: None,
        }
    }

    /// Adds to each holder the background of its owners, or, if it has no known owner, of its port as far as possible.
    pub(crate) fn add_to(&mut self, holders: Vec<&mut Holder>) {
        let mut known: Vec<(Owner, Vec<Background>)> = Vec::new();
        for holder in holders {
            let owner = &holder.socket.owner;
            let at = known.iter().position(|(one, _)| one == owner);
            let at = at.unwrap_or_else(|| {
                known.push((owner.clone(), self.of_socket(&holder.socket)));
                known.len() - 1
            });
            holder.backgrounds.clone_from(&known[at].1);
            self.units.add_activation(holder, self.containers.users);
            let socket = &holder.socket;
            let waits = matches!(socket.state, State::Listen | State::Unconn | State::Bound);
            let is_known = matches!(socket.owner, Owner::Known(_));
            if holder.activation.is_none() && !is_known && waits {
                self.containers.at.address = socket.local.address;
                let own = socket.uid.filter(|&uid| uid == geteuid().as_raw());
                let own = own.filter(|_| socket.owner == Owner::Hidden);
                let container = self.containers.of_port();
                let session = || login::hidden_session(own?, self.containers.at.port.1);
                holder.behind = container.or_else(session);
                holder.hidden_unit = self.units.of_hidden(&holder.socket);
            }
        }
    }

    /// The containers that these redirects send packets to.
    pub(crate) fn targets(&mut self, redirects: &[Redirect]) -> Vec<Behind> {
        let mut found: Vec<Behind> = Vec::new();
        for to in redirects.iter().map(|redirect| &redirect.to) {
            let is_known = found.iter().any(|known| known.address == to.address);
            let Some(address) = to.address.filter(|_| !is_known) else {
                continue;
            };
            let (protocol, port) = self.containers.at.port;
            let port = (protocol, to.port.unwrap_or(port));
            found.extend(self.containers.of_address(address, port));
        }
        found
    }

    /// Names the containers of sockets in other network namespaces, and the ports that these are published on.
    pub(crate) fn name_containers(&mut self, elsewhere: &mut [Elsewhere]) {
        for one in elsewhere.iter_mut().filter(|one| one.container.is_some()) {
            let pid = one.owner.as_ref().map_or(one.member, |owner| owner.pid);
            let port = (self.containers.at.port.0, one.local.port);
            if let Some((container, ports)) = self.containers.with_ports(pid, port) {
                one.container = container.name.or(one.container.take());
                one.published_on = ports;
            }
        }
    }

    /// The background of each owner of a socket, by pid.
    pub(crate) fn of_socket(&mut self, socket: &Socket) -> Vec<Background> {
        self.containers.at.address = socket.local.address;
        let is_resolver = || login::resolves_names_by(socket.local.address);
        self.is_resolver = self.containers.at.port.1 == 53 && (self.is_resolver || is_resolver());
        let owners = socket.owner.present();
        let pids: Vec<Pid> = owners.iter().map(|process| process.pid).collect();
        let read = owners.iter().take(MAX_OWNERS);
        read.map(|process| self.of(process, &pids)).collect()
    }

    fn of(&mut self, process: &Process, owners: &[Pid]) -> Background {
        let line = facts::line_of(process.pid);
        let Some(own) = line.first().cloned().map(reaction::confirmed) else {
            return Background::new(process.pid);
        };
        let publisher = self.containers.publisher(&own);
        let behind = self.behind(&line, publisher);
        let supervisor = self.supervisor(&line, owners);
        let container = behind.as_ref();
        let client = container.and_then(|one| self.containers.client_of(one));
        let restarts = container.and_then(|one| self.containers.restarts(one));
        let users = &mut *self.containers.users;
        let unit = if let Some(client) = client {
            // `docker run` in a unit: the container is started again with its client.
            let line = facts::line_of(client);
            self.units.of(&line, &[client], None, None, users)
        } else {
            let supervisor = supervisor.as_ref();
            self.units.of(&line, owners, container, supervisor, users)
        };
        let children = facts::children_of(own.pid);
        let known = Circumstances {
            publisher,
            guard: self.lineage.guard(process),
            has_children: !children.is_empty(),
            is_own_login: login::is_own(self.own_connection.as_deref(), &own, &children),
            resolves_names: self.is_resolver,
        };
        let end_risk = end_risk::end_risk(&own, &known);
        let waiting = self.waiting.get_or_insert_with(end_risk::waiting_ports);
        let mut also_ends = end_risk::other_ports(own.pid, self.containers.at.port, waiting);
        let is_login = matches!(end_risk, EndRisk::Login | EndRisk::OwnLogin);
        let login = login::session(&own).filter(|_| is_login);
        also_ends.extend(login.map(|name| AlsoEnds::new(AlsoEndsKind::Login, &name)));
        also_ends.extend(end_risk::other_apps(supervisor.as_ref(), &line));
        let keeps_for = kept_for::keeps_for(&own, &children, owners, |pid| {
            end_risk::other_ports(pid, self.containers.at.port, waiting)
        });
        also_ends.extend(keeps_for.iter().flat_map(kept_for::also_ends));
        Background {
            pid: own.pid,
            started_by: supervisors::interpreter(&line, owners),
            kept_by: kept_by(supervisor, unit.as_ref(), behind.as_ref(), restarts),
            behind,
            unit,
            end_risk,
            reaction: reaction::reaction(&own),
            may_signal: may_signal(&own),
            also_ends,
            keeps_for: keeps_for.map(Box::new),
        }
    }

    fn behind(&mut self, line: &[Facts], publisher: Option<Publisher<'_>>) -> Option<Behind> {
        let (own, port) = (line.first()?, self.containers.at.port.1);
        let container = match publisher {
            Some(publisher) => self.containers.of_publisher(own, publisher),
            None => self.containers.of_process(line),
        };
        // An ssh session has the ports that `ssh -R` forwards.
        let session = || Some(login::behind_session(&login::session(own)?, port));
        let forward = || systemd_proxy(own).or_else(|| forwards::forward(own, port));
        container.or_else(session).or_else(forward)
    }

    /// The supervisor of a process, unless it also started this program: then it must not be ended.
    fn supervisor(&mut self, line: &[Facts], owners: &[Pid]) -> Option<Supervisor> {
        let lookup = supervisors::System {
            pid: line.first()?.pid,
            port: self.containers.at.port.1,
        };
        let mut found = supervisors::supervisor(line, owners, &lookup)?;
        if found.pid.is_some_and(|pid| self.lineage.has(pid)) {
            return None;
        }
        let daemon = found.pid.and_then(Facts::of);
        found.is_reachable = daemon.as_ref().is_none_or(may_signal);
        let uid = daemon.as_ref().and_then(Facts::uid);
        if let Some(uid) = uid.filter(|&uid| uid != geteuid().as_raw()) {
            found.user = self.containers.users.late_name(uid);
            if found.user.is_none() {
                // A command without a user would be run as root.
                (found.name, found.place) = (None, None);
            }
        }
        Some(found)
    }
}

fn systemd_proxy(facts: &Facts) -> Option<Behind> {
    const NAME: &str = "systemd-socket-proxyd";
    if facts.program() != NAME && facts::executable_name(facts.pid)? != NAME {
        return None;
    }
    Some(Behind {
        name: facts.argv.last().map(|target| Text::new(target)),
        ..Behind::new(BehindKind::SystemdProxy)
    })
}

/// Whether this program may send a signal to a process now (`kill(2)`).
fn may_signal(facts: &Facts) -> bool {
    let mut decisive = facts.uids.iter().step_by(2);
    if let Some(uid) = rights::sudo_uid() {
        // A user of `sudo` is not root when typing the command.
        return decisive.any(|one| *one == uid);
    }
    let own = [geteuid().as_raw(), getuid().as_raw()];
    geteuid().is_root() || decisive.any(|uid| own.contains(uid))
}

/// The supervisor of the process: its unit, the engine of its container, or another one.
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
    let Some(container) = behind.filter(|behind| behind.kind == BehindKind::Container) else {
        return supervisor;
    };
    let kind = match container.engine? {
        Engine::Docker => SupervisorKind::Docker,
        Engine::Podman => SupervisorKind::Podman,
        Engine::Kubernetes => SupervisorKind::Kubelet,
        _ => return None,
    };
    Some(Supervisor {
        name: container.name.clone(),
        restarts: restarts.unwrap_or(Restarts::Unknown),
        is_reachable: container.is_reachable,
        ..Supervisor::new(kind)
    })
}
