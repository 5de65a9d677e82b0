//! Which container a process publishes for, or is in, and what serves there.
//!
//! From the publisher's arguments to the namespace of the container, to what listens there, to its control
//! group, to the engine's own files: no engine needs to answer. Where files may not be read (for an
//! ordinary user), the id is what remains of the name.

mod clients;
mod docker;
mod engines;
pub(in super::super) mod inside;
mod podman;
mod ports;
pub(super) mod publishers;
mod root_docker;
mod whose;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;

use rustix::process::geteuid;

use self::docker::Docker;
use self::engines::Container;
pub(super) use self::ports::At;
use self::publishers::Publisher;
use super::cgroups::{self, Group};
use super::facts::{self, Environment, Facts};
use super::end_risk::ends_by_term;
use super::{scan, serving};
use crate::model::{Behind, BehindKind, Engine, SupervisorKind, Pid, Protocol, Restarts, Text};
use crate::source::users::Users;

/// What was read of processes, engines and namespaces, each when it was first needed.
#[derive(Default)]
pub(super) struct Containers {
    docker: Option<Docker>,
    namespaces: Option<HashMap<u64, Vec<Pid>>>,
    processes: Option<Vec<Facts>>,
    /// The container that this program is in, if its control group says so.
    own: OnceCell<Option<Group>>,
}

impl Containers {
    /// What a process publishes for. A program inside a container is none of this machine's engines, whatever
    /// it is called.
    pub(super) fn publisher(&self, facts: &Facts) -> Option<Publisher> {
        let publisher = publishers::publisher(facts)?;
        let is_monitor = matches!(publisher, Publisher::Conmon { .. });
        let group = cgroups::container(&facts.cgroup).filter(|_| !is_monitor);
        let is_ours = group.is_none_or(|group| self.is_own(&group));
        is_ours.then_some(publisher)
    }

    /// The container that a publisher publishes the port for.
    pub(super) fn of_publisher(
        &mut self,
        own: &Facts,
        publisher: &Publisher,
        at: &At,
        users: &mut Users,
    ) -> Option<Behind> {
        let uid = whose::of_process(own)?;
        let is_docker_s = matches!(
            publisher,
            Publisher::DockerProxy { .. } | Publisher::Dockerd | Publisher::Rootlesskit
        );
        let behind = match publisher {
            // What root's engine says is of no use for a user's.
            _ if is_docker_s && uid != 0 => of_engine_of(Engine::Docker, uid, users),
            Publisher::DockerProxy { address, port } => {
                self.of_docker_port(at, Some((*address, *port)))
            }
            Publisher::Dockerd => self.of_docker_port(at, None),
            Publisher::Rootlesskit => of_engine(Engine::Docker),
            Publisher::Conmon { id, name } => {
                let mut behind = podman::described(own, uid, id, name.as_deref(), users);
                let children = facts::children_of(own.pid);
                behind.process = children.first().copied().and_then(serving);
                behind.ignores_term = init_ignores_term(children.into_iter());
                behind
            }
            Publisher::Rootlessport | Publisher::UserNetwork => {
                self.of_rootless(own, uid, at, users)?
            }
            Publisher::Forkproxy {
                is_incus,
                instance,
                device,
            } => Behind {
                name: Some(Text::new(instance)),
                service: Some(Text::new(device)),
                ..of_engine(if *is_incus {
                    Engine::Incus
                } else {
                    Engine::Lxd
                })
            },
        };
        self.unless_own(behind)
    }

    /// The container that a process is in, whose host's network it shares. `line` is the process and its
    /// ancestors. The container that this program is in as well is none: to stop it would end this program.
    pub(super) fn of_process(
        &mut self,
        line: &[Facts],
        environment: Option<&Environment>,
        users: &mut Users,
    ) -> Option<Behind> {
        let own = line.first()?;
        let group = cgroups::container(&own.cgroup)?;
        if self.is_own(&group) {
            return None;
        }
        let mut behind = self.of_group(&group, line, users);
        if group.engine == Engine::Kubernetes {
            // The pod's name is its host name.
            behind.name = environment
                .and_then(|env| env.get("HOSTNAME"))
                .map(|name| Text::new(&name));
        }
        behind.process = serving(own.pid);
        behind.ignores_term = init_ignores_term(line.iter().map(|facts| facts.pid));
        Some(behind)
    }

    /// The container that publishes a port of which the owner can't be seen: the engine says it, or the
    /// arguments of its proxy.
    pub(super) fn of_port(&mut self, at: &At) -> Option<Behind> {
        let proxies = self.processes().iter().filter_map(|facts| {
            let fit = publishers::is_proxy_of(facts, at)?;
            Some((fit, facts))
        });
        let best = proxies.max_by_key(|&(fit, _)| fit);
        let proxy = best.map(|(_, facts)| facts.clone());
        if let Some(proxy) = proxy {
            let Publisher::DockerProxy { address, port } = self.publisher(&proxy)? else {
                return None;
            };
            let behind = self.of_docker_port(at, Some((address, port)));
            return self.unless_own(behind);
        }
        let is_published = self.docker().by_port(at, None).is_some();
        let behind = is_published.then(|| self.of_docker_port(at, None))?;
        self.unless_own(behind)
    }

    /// The restart policy of a container, if the engine's files say it.
    pub(super) fn restarts(&self, behind: Option<&Behind>) -> Option<Restarts> {
        let id = behind
            .filter(|behind| behind.user.is_none())?
            .id
            .as_deref()?;
        let docker = self.docker.as_ref()?;
        let found = docker
            .containers
            .iter()
            .find(|one| engines::short(&one.id) == id)?;
        Some(match found.restart.as_deref()? {
            "no" | "" => Restarts::No,
            _ => Restarts::Yes,
        })
    }

    /// The process that runs a container in the foreground (`docker run`, `docker start -a`): what starts that
    /// again starts the container again.
    pub(super) fn client_of(&mut self, behind: Option<&Behind>) -> Option<Pid> {
        let is_meant =
            |behind: &&Behind| behind.engine == Some(Engine::Docker) && behind.user.is_none();
        let behind = behind.filter(is_meant)?;
        let (name, id) = (behind.name.as_deref()?, behind.id.as_deref()?);
        let is_client = |facts: &&Facts| {
            let uid = whose::of_process(facts);
            let is_trusted = uid.is_some_and(|uid| uid == 0 || uid == geteuid().as_raw());
            is_trusted && clients::runs(facts, name, id)
        };
        let client = self.processes().iter().find(is_client)?;
        Some(client.pid)
    }

    /// The container that has an address, by a process of its namespace.
    pub(super) fn of_address(
        &mut self,
        address: IpAddr,
        port: (Protocol, u16),
        users: &mut Users,
    ) -> Option<Behind> {
        let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
        let pids = netns::with_address(namespaces, address, port)?.to_vec();
        let inodes = netns::listeners(pids[0], port.0, port.1);
        let owner = netns::owner_among(&pids, &inodes);
        let (group, member) = group_of(owner, &pids)?;
        let mut behind = self.of_group(&group, &facts::line_of(member), users);
        (behind.address, behind.port) = (Some(address), Some(port.1));
        behind.process = owner.and_then(serving);
        self.unless_own(behind)
    }

    /// All processes, as they were when this was first asked.
    fn processes(&mut self) -> &[Facts] {
        self.processes.get_or_insert_with(|| {
            let proc = scan::open_proc();
            let pids = proc.and_then(|proc| scan::pids(&proc)).unwrap_or_default();
            pids.into_iter().filter_map(Facts::of).collect()
        })
    }

    /// The container that this program is in.
    fn own(&self) -> Option<&Group> {
        let read = || cgroups::container(&Facts::of(std::process::id())?.cgroup);
        self.own.get_or_init(read).as_ref()
    }

    fn is_own(&self, group: &Group) -> bool {
        self.own() == Some(group)
    }

    /// What is behind a port, unless it is the container that this program is in.
    fn unless_own(&self, behind: Behind) -> Option<Behind> {
        let id = behind.id.as_deref();
        let is_own = |own: &Group| Some(engines::short(&own.id)) == id;
        let is_other = !self.own().is_some_and(is_own);
        is_other.then_some(behind)
    }

    /// The container of a group that a process, the first of `line`, is in.
    fn of_group(&mut self, group: &Group, line: &[Facts], users: &mut Users) -> Behind {
        if group.engine == Engine::Podman {
            return podman::of_group(group, line, users);
        }
        let uid = line.first().and_then(|own| whose::of_group(&own.cgroup));
        if let Some(uid) = uid {
            let mut behind = of_engine_of(group.engine, uid, users);
            name_by_id(&mut behind, &group.id);
            return behind;
        }
        let mut behind = of_engine(group.engine);
        name_by_id(&mut behind, &group.id);
        match group.engine {
            Engine::Docker => {
                let docker = self.docker();
                if let Some(found) = docker.by_id(&group.id) {
                    describe(&mut behind, found);
                }
                behind.is_reachable = docker.is_reachable;
            }
            Engine::Lxc => behind.engine = Some(lxc_kind(line)),
            _ => {}
        }
        behind
    }
}

/// LXC's monitor, an ancestor of all in the container, names the folder of LXD's or Incus' containers.
fn lxc_kind(line: &[Facts]) -> Engine {
    let monitor = line
        .iter()
        .find(|facts| facts.title().starts_with("[lxc monitor] "));
    let title = monitor.map_or("", Facts::title);
    match () {
        () if title.contains("/incus/") => Engine::Incus,
        () if title.contains("/lxd/") => Engine::Lxd,
        () => Engine::Lxc,
    }
}

/// What keeps the containers of an engine running.
pub(super) const fn keeper_of(engine: Option<Engine>) -> Option<SupervisorKind> {
    match engine {
        Some(Engine::Docker) => Some(SupervisorKind::Docker),
        Some(Engine::Podman) => Some(SupervisorKind::Podman),
        Some(Engine::Kubernetes) => Some(SupervisorKind::Kubelet),
        _ => None,
    }
}

fn of_engine(engine: Engine) -> Behind {
    Behind {
        engine: Some(engine),
        is_reachable: geteuid().is_root(),
        ..Behind::new(BehindKind::Container)
    }
}

/// The same of the engine of a user.
fn of_engine_of(engine: Engine, uid: u32, users: &mut Users) -> Behind {
    Behind {
        user: whose::named(uid, users),
        is_reachable: whose::is_reachable(uid),
        ..of_engine(engine)
    }
}

/// Names a container by the id, or name, that its control group has.
fn name_by_id(behind: &mut Behind, id: &str) {
    let name = Some(Text::new(engines::short(id)));
    if id.len() > engines::SHORT_ID && behind.engine.is_some_and(has_ids) {
        behind.id.clone_from(&name);
    }
    behind.name = name;
}

/// Whether the containers of an engine have ids in place of names.
const fn has_ids(engine: Engine) -> bool {
    !matches!(
        engine,
        Engine::Lxc | Engine::Lxd | Engine::Incus | Engine::Nspawn
    )
}

fn describe(behind: &mut Behind, container: &Container) {
    behind.id = Some(Text::new(engines::short(&container.id)));
    behind.name = container.name.clone().or_else(|| behind.id.clone());
    behind.image.clone_from(&container.image);
    behind.project.clone_from(&container.project);
    behind.service.clone_from(&container.service);
    behind.ports = container.port_numbers();
}

/// The container of the process that serves; where that may not be seen, of all in the namespace if they
/// are in the same one. With a process of it.
fn group_of(owner: Option<Pid>, pids: &[Pid]) -> Option<(Group, Pid)> {
    let of = |pid: Pid| Some((cgroups::container(&Facts::of(pid)?.cgroup)?, pid));
    if let Some(owner) = owner {
        return of(owner);
    }
    let mut groups: Vec<(Group, Pid)> = pids.iter().filter_map(|&pid| of(pid)).collect();
    groups.dedup_by(|one, other| one.0 == other.0);
    match groups.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Whether one of these is the first process of a container and does not end by SIGTERM: an engine waits
/// ten seconds for it before it sends SIGKILL.
fn init_ignores_term(mut pids: impl Iterator<Item = Pid>) -> bool {
    pids.any(|pid| {
        let facts = Facts::of(pid).filter(|facts| facts.namespace_pids.len() > 1);
        let init = facts.filter(|facts| facts.namespace_pids.last() == Some(&1));
        init.is_some_and(|init| !ends_by_term(&init))
    })
}

#[cfg(test)]
mod tests;
