//! Which container a process publishes for, or is in, and the server in it.
//!
//! From the publisher's arguments to the network namespace of the container, to the listener there, to its control
//! group, to the engine's state: no engine needs to answer. Where files may not be read (for an
//! ordinary user), the id takes the place of the name.

mod destination;
mod engines;
mod group_user;
mod monitor;
mod names;
pub(crate) mod netns;
mod ports;
pub(super) mod publishers;
mod running;
mod state;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use rustix::process::geteuid;

pub(crate) use self::destination::{Destination, destination, destinations_of_hidden};
use self::engines::describe;
use self::group_user::group_user;
use self::monitor::Monitor;
pub(crate) use self::names::{ContainerNames, described};
use self::ports::SocketAt;
use self::publishers::Publisher;
pub(crate) use self::running::{of_pid, running};
use self::state::Docker;
use super::facts::{self, Facts, serving};
use super::reaction::ends_by_term;
use crate::model::{Behind, BehindKind, Engine, Pid, Protocol, Text};
pub(crate) use crate::source::linux::placement::SHORT_ID;
use crate::source::linux::placement::{self, Group, short};
use crate::source::users::Users;

/// Processes, engines and namespaces, each read when it is first needed.
pub(super) struct Containers<'a> {
    /// The socket whose container is searched.
    pub(super) at: SocketAt,
    pub(super) users: &'a mut Users,
    docker: Option<Docker>,
    namespaces: Option<HashMap<u64, Vec<Pid>>>,
    processes: Option<Vec<Facts>>,
    /// The container that this program is in.
    own: Option<Group>,
    /// Whether the ports that a container publishes are wanted.
    lists_ports: bool,
}

impl<'a> Containers<'a> {
    pub(super) fn new(port: (Protocol, u16), users: &'a mut Users) -> Self {
        let address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self {
            at: SocketAt { port, address },
            users,
            docker: None,
            namespaces: None,
            processes: None,
            own: own_group(),
            lists_ports: true,
        }
    }

    /// For what containers are called, whatever ports they publish.
    pub(super) fn for_names(users: &'a mut Users) -> Self {
        Self {
            lists_ports: false,
            ..Self::new((Protocol::Tcp, 0), users)
        }
    }

    /// The container for which a process publishes a port. A process inside a container never belongs to an engine of
    /// this machine, whatever its name.
    pub(super) fn publisher<'f>(&self, facts: &'f Facts) -> Option<Publisher<'f>> {
        let publisher = publishers::publisher(facts)?;
        let is_ours = if let Publisher::Conmon { .. } = publisher {
            Monitor::of(facts).is_some()
        } else {
            let group = placement::container(&facts.cgroup);
            group.is_none_or(|group| self.own == Some(group))
        };
        is_ours.then_some(publisher)
    }

    /// The container that a publisher publishes the port for.
    pub(super) fn of_publisher(&mut self, own: &Facts, publisher: Publisher<'_>) -> Option<Behind> {
        let uid = own.acts_for()?;
        let behind = match publisher {
            Publisher::DockerProxy { address, port } if uid == 0 => {
                self.of_docker_port(Some((address, port)))
            }
            Publisher::Dockerd if uid == 0 => self.of_docker_port(None),
            // Root's Docker doesn't list a user's containers.
            Publisher::DockerProxy { .. } | Publisher::Dockerd | Publisher::Rootlesskit => {
                self.of_engine(Engine::Docker, uid)
            }
            Publisher::Conmon { .. } => {
                let serves = facts::children_of(own.pid).first().copied();
                let mut behind = self.of_monitor(&Monitor::of(own)?, serves);
                behind.ports.retain(|one| *one != self.at.port);
                behind
            }
            Publisher::RootlessPodman => self.of_rootless_podman(own, uid)?,
            Publisher::Forkproxy {
                engine,
                instance,
                device,
            } => Behind {
                name: Some(Text::new(instance)),
                service: Some(Text::new(device)),
                ..self.of_engine(engine, uid)
            },
        };
        self.unless_own(behind)
    }

    /// The container that a process, the first of `line`, is in, whether it shares the host's network or has one of its
    /// own. Not a container that also runs this program: stopping it would end this program.
    pub(super) fn of_process(&mut self, line: &[Facts]) -> Option<Behind> {
        let own = line.first()?;
        let Some(group) = placement::container(&own.cgroup) else {
            // Without a control group of its own the container is known by its monitor, an ancestor of all in it.
            let monitor = line.iter().skip(1).find_map(Monitor::of)?;
            return Some(self.of_monitor(&monitor, Some(own.pid)));
        };
        if self.own.as_ref() == Some(&group) {
            return None;
        }
        let mut behind = self.of_group(&group, line);
        if group.engine == Engine::Kubernetes {
            // The pod's name is its host name.
            let name = facts::variable_of(own.pid, "HOSTNAME");
            behind.name = name.as_deref().map(Text::new);
        }
        behind.process = serving(own.pid);
        behind.ignores_term = init_ignores_term(line.iter().map(|facts| facts.pid));
        Some(behind)
    }

    /// The container that has an address, by a process of its namespace.
    pub(super) fn of_address(&mut self, address: IpAddr, port: (Protocol, u16)) -> Option<Behind> {
        let (pids, owner) = self.served_at(address, port)?;
        let (group, member) = group_of(owner, &pids)?;
        let behind = Behind {
            address: Some(address),
            port: Some(port.1),
            process: owner.and_then(serving),
            ..self.of_group(&group, &facts::line_of(member))
        };
        self.unless_own(behind)
    }

    /// The container that a process is in, with the ports of the host that it publishes a port of its own on.
    pub(super) fn with_ports(
        &mut self,
        pid: Pid,
        port: (Protocol, u16),
    ) -> Option<(Behind, Option<Vec<u16>>)> {
        let line = facts::line_of(pid);
        let group = placement::container(&line.first()?.cgroup)?;
        let behind = self.of_group(&group, &line);
        let is_docker = behind.engine == Some(Engine::Docker) && behind.user.is_none();
        let known = is_docker.then(|| self.docker().by_id(&group.id)).flatten();
        let ports = known.and_then(|one| one.published_on(port));
        Some((behind, ports))
    }

    fn processes(&mut self) -> &[Facts] {
        let read = || facts::all_pids().filter_map(Facts::of).collect();
        self.processes.get_or_insert_with(read)
    }

    /// Drops the container that this program is in.
    fn unless_own(&self, behind: Behind) -> Option<Behind> {
        let own = self.own.as_ref().map(|own| short(&own.id));
        (own.is_none() || own != behind.id.as_deref()).then_some(behind)
    }

    /// The processes of the namespace that has this address, and the one of them that has the port.
    fn served_at(
        &mut self,
        address: IpAddr,
        port: (Protocol, u16),
    ) -> Option<(Vec<Pid>, Option<Pid>)> {
        let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
        let pids = netns::with_address(namespaces, address, port)?.to_vec();
        let owner = netns::owner_of_port(&pids, port);
        Some((pids, owner))
    }

    /// The container of a group that a process, the first of `line`, is in.
    fn of_group(&mut self, group: &Group, line: &[Facts]) -> Behind {
        if group.engine == Engine::Podman {
            return self.of_podman_group(group, line);
        }
        let own = line.first();
        let uid = own.and_then(|own| group_user(&own.cgroup));
        let mut behind = self.of_engine(group.engine, uid.unwrap_or(0));
        set_id(&mut behind, &group.id);
        match group.engine {
            _ if uid.is_some() => {}
            Engine::Docker => {
                let docker = self.docker();
                behind.is_reachable = docker.is_reachable;
                if let Some(found) = docker.read_by_id(&group.id) {
                    describe(&mut behind, &found);
                }
            }
            // LXC's monitor, an ancestor of all in the container, names the folder of LXD's or Incus' containers.
            Engine::Lxc => {
                let mut titles = line.iter().map(Facts::title);
                let monitor = titles.find(|title| title.starts_with("[lxc monitor] "));
                behind.engine = Some(match monitor.unwrap_or_default() {
                    title if title.contains("/incus/") => Engine::Incus,
                    title if title.contains("/lxd/") => Engine::Lxd,
                    _ => Engine::Lxc,
                });
            }
            _ => {}
        }
        behind
    }

    /// A container of root's engine (uid 0) or another user's. The user is set unless it is root or the current user;
    /// without a known name it is `uid 70001`, which no command can use.
    fn of_engine(&mut self, engine: Engine, uid: u32) -> Behind {
        let own = geteuid();
        let is_own = own.as_raw() == uid;
        let name = |uid| {
            let name = self.users.name(uid);
            name.unwrap_or_else(|| Text::new(&format!("uid {uid}")))
        };
        Behind {
            engine: Some(engine),
            user: Some(uid).filter(|&uid| uid != 0 && !is_own).map(name),
            is_reachable: own.is_root() || is_own,
            ..Behind::new(BehindKind::Container)
        }
    }
}

/// The container that this program is in.
fn own_group() -> Option<Group> {
    placement::container(&facts::cgroup_of("self")?)
}

/// Sets the id, or name, that the control group of a container has.
fn set_id(behind: &mut Behind, id: &str) {
    use Engine as E;
    let name = Some(Text::new(short(id)));
    let is_name = matches!(behind.engine, Some(E::Lxc | E::Lxd | E::Incus | E::Nspawn));
    if id.len() > placement::SHORT_ID && !is_name {
        behind.id.clone_from(&name);
    }
    behind.name = name;
}

/// The container of the serving process, with that process; if that is hidden, of all processes in the namespace if
/// they share one container.
fn group_of(owner: Option<Pid>, pids: &[Pid]) -> Option<(Group, Pid)> {
    let of = |&pid: &Pid| Some((placement::container(&facts::cgroup_of(pid)?)?, pid));
    if let Some(owner) = owner {
        return of(&owner);
    }
    let mut groups: Vec<(Group, Pid)> = pids.iter().filter_map(of).collect();
    groups.dedup_by(|one, other| one.0 == other.0);
    let only = groups.pop()?;
    groups.is_empty().then_some(only)
}

/// Whether one of these is the first process of a container and does not end by SIGTERM: an engine waits ten seconds
/// for it before it sends SIGKILL.
fn init_ignores_term(pids: impl IntoIterator<Item = Pid>) -> bool {
    let mut facts = pids.into_iter().filter_map(Facts::of);
    facts.any(|facts| facts.is_init() && !ends_by_term(&facts))
}

#[cfg(test)]
mod tests;
