//! Which container a process publishes for, or is in, and what serves there.
//!
//! From the publisher's arguments to the network namespace of the container, to the listener there, to its control
//! group, to the engine's state: no engine needs to answer. Where files may not be read (for an
//! ordinary user), the id takes the place of the name.

pub(crate) mod netns;
mod podman;
mod ports;
pub(super) mod publishers;
mod state;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

use rustix::process::geteuid;

pub(super) use self::ports::SocketAt;
use self::publishers::Publisher;
use self::state::{Container, Docker};
use super::cgroups::{self, Group};
use super::facts::{self, Environment, Facts, serving};
use super::reaction::ends_by_term;
use crate::model::{Behind, BehindKind, Engine, Pid, Protocol, Restarts, SupervisorKind, Text};
use crate::source::users::Users;

/// Processes, engines and namespaces, each read when it is first needed.
#[derive(Default)]
pub(super) struct Containers {
    docker: Option<Docker>,
    namespaces: Option<HashMap<u64, Vec<Pid>>>,
    processes: Option<Vec<Facts>>,
    /// The container that this program is in.
    own: OnceCell<Option<Group>>,
}

impl Containers {
    /// What a process publishes for. A process inside a container belongs to none of this machine's engines,
    /// whatever its name.
    pub(super) fn publisher(&self, facts: &Facts) -> Option<Publisher> {
        let publisher = publishers::publisher(facts)?;
        let is_monitor = matches!(publisher, Publisher::Conmon { .. });
        let group = cgroups::container(&facts.cgroup).filter(|_| !is_monitor);
        let is_ours = group.is_none_or(|group| self.own() == Some(&group));
        is_ours.then_some(publisher)
    }

    /// The container that a publisher publishes the port for.
    pub(super) fn of_publisher(
        &mut self,
        own: &Facts,
        publisher: &Publisher,
        at: &SocketAt,
        users: &mut Users,
    ) -> Option<Behind> {
        let uid = own.acts_for()?;
        let behind = match publisher {
            Publisher::DockerProxy { address, port } if uid == 0 => {
                self.of_docker_port(at, Some((*address, *port)), users)
            }
            Publisher::Dockerd if uid == 0 => self.of_docker_port(at, None, users),
            // Root's Docker knows nothing of a user's.
            Publisher::DockerProxy { .. } | Publisher::Dockerd | Publisher::Rootlesskit => {
                of_engine(Engine::Docker, uid, users)
            }
            Publisher::Conmon { id, name } => {
                let serves = facts::children_of(own.pid).first().copied();
                podman::of_monitor(own, id, name.as_deref(), serves, users)
            }
            Publisher::Rootlessport | Publisher::UserNetwork => {
                self.of_rootless_podman(own, uid, at, users)?
            }
            Publisher::Forkproxy {
                engine,
                instance,
                device,
            } => Behind {
                name: Some(Text::new(instance)),
                service: Some(Text::new(device)),
                ..of_engine(*engine, uid, users)
            },
        };
        self.unless_own(behind)
    }

    /// The container that a process, the first of `line`, is in, whose host's network it shares. Not the one that
    /// this program is in as well: to stop that would end this program.
    pub(super) fn of_process(
        &mut self,
        line: &[Facts],
        environment: Option<&Environment>,
        users: &mut Users,
    ) -> Option<Behind> {
        let own = line.first()?;
        let group = cgroups::container(&own.cgroup)?;
        if self.own() == Some(&group) {
            return None;
        }
        let mut behind = self.of_group(&group, line, users);
        if group.engine == Engine::Kubernetes {
            // The pod's name is its host name.
            let name = environment.and_then(|variables| variables.get("HOSTNAME"));
            behind.name = name.map(|name| Text::new(&name));
        }
        behind.process = serving(own.pid);
        behind.ignores_term = init_ignores_term(line.iter().map(|facts| facts.pid));
        Some(behind)
    }

    /// The container of root's Docker that publishes a port whose owner can't be seen, by the arguments of its
    /// proxy, or by the engine's state.
    pub(super) fn of_port(&mut self, at: &SocketAt, users: &mut Users) -> Option<Behind> {
        let proxies = self.processes().iter();
        let proxies = proxies.filter_map(|facts| Some((publishers::proxy_fit(facts, at)?, facts)));
        let best = proxies.max_by_key(|&(fit, _)| fit);
        let to = match best.map(|(_, facts)| facts.clone()) {
            Some(proxy) => match self.publisher(&proxy)? {
                Publisher::DockerProxy { address, port } => Some((address, port)),
                _ => return None,
            },
            None => {
                self.docker().by_port(at, None)?;
                None
            }
        };
        let behind = self.of_docker_port(at, to, users);
        self.unless_own(behind)
    }

    /// The container that has an address, by a process of its namespace.
    pub(super) fn of_address(
        &mut self,
        address: IpAddr,
        port: (Protocol, u16),
        users: &mut Users,
    ) -> Option<Behind> {
        let (pids, owner) = self.served_at(address, port)?;
        let (group, member) = group_of(owner, &pids)?;
        let behind = Behind {
            address: Some(address),
            port: Some(port.1),
            process: owner.and_then(serving),
            ..self.of_group(&group, &facts::line_of(member), users)
        };
        self.unless_own(behind)
    }

    /// The restart policy of a container, if the engine's files say it.
    pub(super) fn restarts(&self, behind: Option<&Behind>) -> Option<Restarts> {
        let id = behind
            .filter(|behind| behind.user.is_none())?
            .id
            .as_deref()?;
        let mut containers = self.docker.as_ref()?.containers.iter();
        let found = containers.find(|one| state::short(&one.id) == id)?;
        Some(match found.restart.as_deref()? {
            "no" | "" => Restarts::No,
            _ => Restarts::Yes,
        })
    }

    /// The process that runs a container in the foreground (`docker run`, `docker start -a`): what starts that
    /// again starts the container again.
    pub(super) fn client_of(&mut self, behind: Option<&Behind>) -> Option<Pid> {
        let is_root_s = |one: &&Behind| one.engine == Some(Engine::Docker) && one.user.is_none();
        let behind = behind.filter(is_root_s)?;
        let (name, id) = (behind.name.as_deref()?, behind.id.as_deref()?);
        let own = geteuid().as_raw();
        let is_client = |facts: &&Facts| {
            let is_trusted = facts.acts_for().is_some_and(|uid| uid == 0 || uid == own);
            is_trusted && publishers::is_client_of(facts, name, id)
        };
        let client = self.processes().iter().find(is_client)?;
        Some(client.pid)
    }

    fn processes(&mut self) -> &[Facts] {
        self.processes
            .get_or_insert_with(|| facts::all_processes().collect())
    }

    /// The container that this program is in.
    fn own(&self) -> Option<&Group> {
        let read = || cgroups::container(&Facts::of(std::process::id())?.cgroup);
        self.own.get_or_init(read).as_ref()
    }

    /// Drops the container that this program is in.
    fn unless_own(&self, behind: Behind) -> Option<Behind> {
        let own = self.own().map(|own| state::short(&own.id));
        let is_own = own.is_some() && own == behind.id.as_deref();
        (!is_own).then_some(behind)
    }

    /// The processes of the namespace that has this address, and the one of them that has the port.
    fn served_at(
        &mut self,
        address: IpAddr,
        port: (Protocol, u16),
    ) -> Option<(Vec<Pid>, Option<Pid>)> {
        let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
        let pids = netns::with_address(namespaces, address, port)?.to_vec();
        let inodes = netns::listeners(pids[0], port.0, port.1);
        let owner = netns::owner_among(&pids, &inodes);
        Some((pids, owner))
    }

    /// The container of a group that a process, the first of `line`, is in.
    fn of_group(&mut self, group: &Group, line: &[Facts], users: &mut Users) -> Behind {
        if group.engine == Engine::Podman {
            return podman::of_group(group, line, users);
        }
        let uid = line
            .first()
            .and_then(|own| cgroups::container_user(&own.cgroup));
        let mut behind = of_engine(group.engine, uid.unwrap_or(0), users);
        set_id(&mut behind, &group.id);
        match group.engine {
            _ if uid.is_some() => {}
            Engine::Docker => {
                let docker = self.docker();
                behind.is_reachable = docker.is_reachable;
                if let Some(found) = docker.by_id(&group.id) {
                    describe(&mut behind, found);
                }
            }
            Engine::Lxc => behind.engine = Some(lxc_kind(line)),
            _ => {}
        }
        behind
    }

    /// Root's Docker.
    fn docker(&mut self) -> &Docker {
        if self.docker.is_none() {
            let is_dockerd = |facts: &&Facts| {
                facts.program() == "dockerd"
                    && facts.acts_for() == Some(0)
                    && cgroups::container(&facts.cgroup).is_none()
            };
            let dockerd = self.processes().iter().find(is_dockerd);
            self.docker = Some(Docker::read(&docker_roots(dockerd), dockerd.is_some()));
        }
        self.docker.get_or_insert_default()
    }

    /// The container that publishes a port of this host by root's Docker, and what serves at `to`, where its
    /// traffic goes.
    fn of_docker_port(
        &mut self,
        at: &SocketAt,
        to: Option<(IpAddr, u16)>,
        users: &mut Users,
    ) -> Behind {
        let mut behind = of_engine(Engine::Docker, 0, users);
        let mut serving_id = None;
        if let Some((address, port)) = to {
            (behind.address, behind.port) = (Some(address), Some(port));
            if let Some((pids, owner)) = self.served_at(address, (at.protocol, port)) {
                behind.process = owner.and_then(serving);
                behind.ignores_term = init_ignores_term(pids.iter().copied());
                serving_id = group_of(owner, &pids).map(|(group, _)| group.id);
            }
        }
        let docker = self.docker();
        let publisher = docker.by_port(at, serving_id.as_deref());
        match (publisher, &serving_id) {
            (Some(publisher), id) => {
                describe(&mut behind, publisher);
                // Another container may share the publisher's namespace and serve in its place.
                if let Some(id) = id.as_ref().filter(|id| publisher.id != **id) {
                    let name = docker.by_id(id).and_then(|server| server.name.clone());
                    behind.server = name.or_else(|| Some(Text::new(state::short(id))));
                }
            }
            (None, Some(id)) => set_id(&mut behind, id),
            (None, None) => {}
        }
        behind.is_reachable = docker.is_reachable;
        behind.ports.retain(|one| *one != (at.protocol, at.port));
        behind
    }
}

/// Where dockerd has its files: the folder of its arguments, the same as dockerd sees it, which may have mounts of
/// its own, and the default.
fn docker_roots(dockerd: Option<&Facts>) -> Vec<PathBuf> {
    let named = dockerd.and_then(publishers::data_root);
    let seen = dockerd.map(|dockerd| {
        let root = named.unwrap_or(state::DOCKER_ROOT).trim_start_matches('/');
        format!("/proc/{}/root/{root}", dockerd.pid)
    });
    let roots = [
        named.map(str::to_owned),
        seen,
        Some(state::DOCKER_ROOT.to_owned()),
    ];
    roots.into_iter().flatten().map(PathBuf::from).collect()
}

/// LXC's monitor, an ancestor of all in the container, names the folder of LXD's or Incus' containers.
fn lxc_kind(line: &[Facts]) -> Engine {
    let mut titles = line.iter().map(Facts::title);
    let monitor = titles.find(|title| title.starts_with("[lxc monitor] "));
    match monitor.unwrap_or_default() {
        title if title.contains("/incus/") => Engine::Incus,
        title if title.contains("/lxd/") => Engine::Lxd,
        _ => Engine::Lxc,
    }
}

/// What restarts the containers of an engine.
pub(super) const fn supervisor_of(engine: Option<Engine>) -> Option<SupervisorKind> {
    match engine {
        Some(Engine::Docker) => Some(SupervisorKind::Docker),
        Some(Engine::Podman) => Some(SupervisorKind::Podman),
        Some(Engine::Kubernetes) => Some(SupervisorKind::Kubelet),
        _ => None,
    }
}

/// A container of root's engine (uid 0) or another user's. The user is named unless it is root or the reader; one
/// without a known name is `uid 70001`, which no command can name.
fn of_engine(engine: Engine, uid: u32, users: &mut Users) -> Behind {
    let own = geteuid();
    let is_own = own.as_raw() == uid;
    let user = (uid != 0 && !is_own).then(|| {
        let name = users.name(uid);
        name.unwrap_or_else(|| Text::new(&format!("uid {uid}")))
    });
    Behind {
        engine: Some(engine),
        user,
        is_reachable: own.is_root() || is_own,
        ..Behind::new(BehindKind::Container)
    }
}

/// Sets the id, or name, that the control group of a container has.
fn set_id(behind: &mut Behind, id: &str) {
    use Engine as E;
    let name = Some(Text::new(state::short(id)));
    let is_name = matches!(behind.engine, Some(E::Lxc | E::Lxd | E::Incus | E::Nspawn));
    if id.len() > state::SHORT_ID && !is_name {
        behind.id.clone_from(&name);
    }
    behind.name = name;
}

fn describe(behind: &mut Behind, container: &Container) {
    behind.id = Some(Text::new(state::short(&container.id)));
    behind.name = container.name.clone().or_else(|| behind.id.clone());
    behind.image.clone_from(&container.image);
    behind.project.clone_from(&container.project);
    behind.service.clone_from(&container.service);
    behind.ports = container.port_numbers();
}

/// The container of the process that serves, with that process; where it may not be seen, of all in the namespace
/// if they are in the same one.
fn group_of(owner: Option<Pid>, pids: &[Pid]) -> Option<(Group, Pid)> {
    let of = |&pid: &Pid| Some((cgroups::container(&Facts::of(pid)?.cgroup)?, pid));
    if let Some(owner) = owner {
        return of(&owner);
    }
    let mut groups: Vec<(Group, Pid)> = pids.iter().filter_map(of).collect();
    groups.dedup_by(|one, other| one.0 == other.0);
    let only = groups.pop()?;
    groups.is_empty().then_some(only)
}

/// Whether one of these is the first process of a container and does not end by SIGTERM: an engine waits
/// ten seconds for it before it sends SIGKILL.
fn init_ignores_term(pids: impl Iterator<Item = Pid>) -> bool {
    let mut facts = pids.filter_map(Facts::of);
    facts.any(|facts| facts.is_init() && !ends_by_term(&facts))
}

#[cfg(test)]
mod tests;
