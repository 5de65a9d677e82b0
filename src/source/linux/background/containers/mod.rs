//! Which container a process publishes for, or is in, and what serves there.
//!
//! From the publisher's arguments to the namespace of the container, to what listens there, to its control
//! group, to the engine's own files: no engine needs to answer. Where files may not be read (for an
//! ordinary user), the id is what remains of the name.

mod engines;
pub(in super::super) mod inside;
pub(super) mod publishers;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

use rustix::process::geteuid;

use self::engines::{Container, Docker};
use self::publishers::Publisher;
use super::cgroups::{self, Group};
use super::facts::{self, Environment, Facts};
use super::standing::ends_by_term;
use super::{scan, serving};
use crate::model::{Behind, BehindKind, Engine, KeeperKind, Pid, Protocol, Restarts, Text};
use crate::source::users::Users;

/// What was read of engines and namespaces, each when it was first needed.
#[derive(Default)]
pub(super) struct Containers {
    docker: Option<Docker>,
    namespaces: Option<HashMap<u64, Vec<Pid>>>,
}

impl Containers {
    /// The container that a publisher publishes the port for.
    pub(super) fn of_publisher(
        &mut self,
        line: &[Facts],
        publisher: &Publisher,
        (protocol, port): (Protocol, u16),
        users: &mut Users,
    ) -> Option<Behind> {
        let own = line.first()?;
        match publisher {
            Publisher::DockerProxy {
                address,
                port: inside,
            } => {
                self.know_docker(line);
                Some(self.of_docker_port((protocol, port), Some((*address, *inside))))
            }
            Publisher::Dockerd => {
                self.know_docker(line);
                Some(self.of_docker_port((protocol, port), None))
            }
            Publisher::Conmon { id, name } => {
                let mut behind = podman(own, id, name.as_deref(), users);
                let children = facts::children_of(own.pid);
                behind.process = children.first().copied().and_then(serving);
                behind.ignores_term = init_ignores_term(children.into_iter());
                Some(behind)
            }
            Publisher::Rootlessport | Publisher::UserNetwork => {
                self.of_rootless(own, (protocol, port), users)
            }
            Publisher::Rootlesskit => Some(Behind {
                user: other_user(own, users),
                is_reachable: super::may_signal(own),
                ..of_engine(Engine::Docker)
            }),
            Publisher::Forkproxy {
                is_incus,
                instance,
                device,
            } => Some(Behind {
                name: Some(Text::new(instance)),
                service: Some(Text::new(device)),
                ..of_engine(if *is_incus {
                    Engine::Incus
                } else {
                    Engine::Lxd
                })
            }),
        }
    }

    /// The container that a process is in, whose host's network it shares.
    pub(super) fn of_process(
        &mut self,
        own: &Facts,
        environment: Option<&Environment>,
        users: &mut Users,
    ) -> Option<Behind> {
        let group = cgroups::container(&own.cgroup)?;
        let mut behind = self.of_group(&group, own, users);
        if group.engine == Engine::Kubernetes {
            // The pod's name is its host name.
            behind.name = environment
                .and_then(|env| env.get("HOSTNAME"))
                .map(|name| Text::new(&name));
        }
        behind.process = serving(own.pid);
        let line = facts::line_of(own.pid);
        behind.ignores_term = init_ignores_term(line.iter().map(|facts| facts.pid));
        Some(behind)
    }

    /// The container that publishes a port of which the owner can't be seen: the engine says it, or the
    /// arguments of its proxy.
    pub(super) fn of_port(&mut self, (protocol, port): (Protocol, u16)) -> Option<Behind> {
        let proxy = all_processes()
            .into_iter()
            .find(|facts| publishers::is_proxy_of(facts, protocol, port));
        if let Some(proxy) = proxy {
            let publisher = publishers::publisher(&proxy)?;
            let Publisher::DockerProxy {
                address,
                port: inside,
            } = publisher
            else {
                return None;
            };
            self.know_docker(std::slice::from_ref(&proxy));
            return Some(self.of_docker_port((protocol, port), Some((address, inside))));
        }
        self.know_docker(&[]);
        let is_published = self
            .docker
            .as_ref()
            .is_some_and(|docker| docker.by_port(protocol, port).is_some());
        is_published.then(|| self.of_docker_port((protocol, port), None))
    }

    /// The restart policy of a container, if the engine's files say it.
    pub(super) fn restarts(&self, behind: Option<&Behind>) -> Option<Restarts> {
        let id = behind?.id.as_deref()?;
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
    pub(super) fn client_of(behind: Option<&Behind>) -> Option<Pid> {
        let behind = behind.filter(|behind| behind.engine == Some(Engine::Docker))?;
        let names = [behind.name.as_deref()?, behind.id.as_deref()?];
        let is_name = |word: &str| {
            names
                .iter()
                .any(|name| word == *name || word.strip_prefix("--name=") == Some(name))
        };
        let is_client = |facts: &Facts| {
            let words = &facts.argv;
            let runs = words
                .iter()
                .any(|word| matches!(word.as_str(), "run" | "start"));
            facts.program() == "docker" && runs && words.iter().any(|word| is_name(word))
        };
        all_processes()
            .iter()
            .find(|facts| is_client(facts))
            .map(|facts| facts.pid)
    }

    /// The container that has an address, by a process of its namespace.
    pub(super) fn of_address(&mut self, address: IpAddr, port: (Protocol, u16)) -> Option<Behind> {
        let namespaces = self.namespaces.get_or_insert_with(inside::namespaces);
        let pids = inside::with_address(namespaces, address, port)?.to_vec();
        let inodes = inside::listeners(pids[0], port.0, port.1);
        let owner = inside::owner_among(&pids, &inodes);
        let group = group_of(owner, &pids)?;
        self.know_docker(&[]);
        let docker = self.docker.as_ref();
        let mut behind = of_engine(group.engine);
        let of_docker = docker.and_then(|docker| docker.by_id(&group.id)).cloned();
        let of_podman = || {
            (group.engine == Engine::Podman)
                .then(|| engines::of_podman(&group.id, None))
                .flatten()
        };
        if let Some(container) = of_docker.or_else(of_podman) {
            describe(&mut behind, &container);
        } else {
            behind.id = Some(Text::new(engines::short(&group.id)));
            behind.name.clone_from(&behind.id);
        }
        (behind.address, behind.port) = (Some(address), Some(port.1));
        behind.process = owner.and_then(serving);
        Some(behind)
    }

    fn know_docker(&mut self, line: &[Facts]) {
        self.docker.get_or_insert_with(|| {
            let dockerd = line.iter().find(|facts| facts.program() == "dockerd");
            let root = dockerd.and_then(publishers::data_root).map(PathBuf::from);
            // dockerd may have mounts of its own.
            let inside = dockerd.map(|dockerd| {
                let root = root
                    .clone()
                    .unwrap_or_else(|| PathBuf::from("/var/lib/docker"));
                let below = root.strip_prefix("/").map(PathBuf::from).unwrap_or(root);
                PathBuf::from(format!("/proc/{}/root", dockerd.pid)).join(below)
            });
            let roots: Vec<PathBuf> = root.into_iter().chain(inside).collect();
            Docker::read(&roots)
        });
    }

    /// The container that publishes a port of this host by Docker, and what serves where its traffic goes.
    fn of_docker_port(&mut self, port: (Protocol, u16), to: Option<(IpAddr, u16)>) -> Behind {
        let mut behind = of_engine(Engine::Docker);
        let mut serving_group = None;
        if let Some((address, inside)) = to {
            (behind.address, behind.port) = (Some(address), Some(inside));
            let namespaces = self.namespaces.get_or_insert_with(inside::namespaces);
            if let Some(pids) = inside::with_address(namespaces, address, (port.0, inside)) {
                let inodes = inside::listeners(pids[0], port.0, inside);
                let owner = inside::owner_among(pids, &inodes);
                behind.process = owner.and_then(serving);
                behind.ignores_term = init_ignores_term(pids.iter().copied());
                serving_group = group_of(owner, pids);
            }
        }
        let docker = self.docker.as_ref();
        let publisher = docker.and_then(|docker| docker.by_port(port.0, port.1));
        let serving_id = serving_group.map(|group| group.id);
        match (publisher, &serving_id) {
            (Some(publisher), _) => describe(&mut behind, publisher),
            (None, Some(id)) => {
                behind.id = Some(Text::new(engines::short(id)));
                behind.name.clone_from(&behind.id);
            }
            (None, None) => {}
        }
        // Another container may share the publisher's namespace and serve in its place.
        if let (Some(publisher), Some(id)) = (publisher, &serving_id)
            && publisher.id != *id
        {
            let server = docker.and_then(|docker| docker.by_id(id));
            let name = server.and_then(|server| server.name.clone());
            behind.server = Some(name.unwrap_or_else(|| Text::new(engines::short(id))));
        }
        behind.is_reachable = docker.is_some_and(|docker| docker.is_reachable);
        behind.ports.retain(|one| *one != port);
        behind
    }

    /// podman without root: its forwarder is in the container's network namespace, its listener in ours.
    fn of_rootless(
        &mut self,
        own: &Facts,
        (protocol, port): (Protocol, u16),
        users: &mut Users,
    ) -> Option<Behind> {
        let namespaces = self.namespaces.get_or_insert_with(inside::namespaces);
        let pids = forwarded_network(own.pid)
            .and_then(|network| namespaces.get(&network).cloned())
            .unwrap_or_default();
        let uid = own.uid();
        let containers = all_processes()
            .into_iter()
            .filter(|facts| facts.uid() == uid);
        let monitors: Vec<(Facts, Publisher)> = containers
            .filter_map(|facts| {
                let publisher = publishers::publisher(&facts)?;
                Some((facts, publisher))
            })
            .filter(|(_, publisher)| matches!(publisher, Publisher::Conmon { .. }))
            .collect();
        // The container's processes descend from its monitor.
        let monitor = monitors.iter().find(|(monitor, _)| {
            pids.iter()
                .any(|&pid| facts::line_of(pid).iter().any(|one| one.pid == monitor.pid))
        });
        let (monitor, publisher) = match (monitor, monitors.as_slice()) {
            (Some(found), _) => found,
            (None, [only]) if pids.is_empty() => only,
            (None, _) => return None,
        };
        let Publisher::Conmon { id, name } = publisher else {
            return None;
        };
        let mut behind = podman(monitor, id, name.as_deref(), users);
        let inodes = pids
            .first()
            .map(|&pid| inside::listeners(pid, protocol, port));
        let owner = inodes.and_then(|inodes| inside::owner_among(&pids, &inodes));
        behind.process = owner.filter(|&pid| pid != own.pid).and_then(serving);
        behind.ignores_term = init_ignores_term(facts::children_of(monitor.pid).into_iter());
        Some(behind)
    }

    fn of_group(&mut self, group: &Group, own: &Facts, users: &mut Users) -> Behind {
        let mut behind = of_engine(group.engine);
        match group.engine {
            Engine::Docker => {
                self.know_docker(&[]);
                let docker = self.docker.as_ref();
                if let Some(found) = docker.and_then(|docker| docker.by_id(&group.id)) {
                    describe(&mut behind, found);
                }
                behind.is_reachable = docker.is_some_and(|docker| docker.is_reachable);
            }
            Engine::Podman => return podman(own, &group.id, None, users),
            Engine::Lxc => {
                behind.engine = Some(lxc_kind(own));
                behind.name = Some(Text::new(&group.id));
            }
            Engine::Nspawn => behind.name = Some(Text::new(&group.id)),
            _ => {}
        }
        if behind.id.is_none() && group.id.len() > engines::SHORT_ID {
            behind.id = Some(Text::new(engines::short(&group.id)));
        }
        if behind.name.is_none() {
            behind.name.clone_from(&behind.id);
        }
        if !matches!(group.engine, Engine::Docker) {
            behind.is_reachable = geteuid().is_root();
        }
        behind
    }
}

/// LXC's monitor, an ancestor of all in the container, names the folder of LXD's or Incus' containers.
fn lxc_kind(own: &Facts) -> Engine {
    let line = facts::line_of(own.pid);
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
pub(super) const fn keeper_of(engine: Option<Engine>) -> Option<KeeperKind> {
    match engine {
        Some(Engine::Docker) => Some(KeeperKind::Docker),
        Some(Engine::Podman) => Some(KeeperKind::Podman),
        Some(Engine::Kubernetes) => Some(KeeperKind::Kubelet),
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

fn describe(behind: &mut Behind, container: &Container) {
    behind.id = Some(Text::new(engines::short(&container.id)));
    behind.name = container.name.clone().or_else(|| behind.id.clone());
    behind.image.clone_from(&container.image);
    behind.project.clone_from(&container.project);
    behind.service.clone_from(&container.service);
    behind.ports.clone_from(&container.ports);
}

/// A container of podman's, as its monitor's arguments or its control group name it.
fn podman(own: &Facts, id: &str, name: Option<&str>, users: &mut Users) -> Behind {
    let user = other_user(own, users);
    // podman keeps root's elsewhere.
    let home = own
        .uid()
        .filter(|&uid| uid != 0)
        .and_then(|_| Environment::of(own.pid)?.get("HOME"));
    let home = home.map(PathBuf::from);
    let stored = engines::of_podman(id, home.as_deref());
    let short = Text::new(engines::short(id));
    let stored_name = stored.as_ref().and_then(|stored| stored.name.clone());
    Behind {
        pod: name.and_then(pod_of).map(Text::new),
        name: name
            .map(Text::new)
            .or(stored_name)
            .or_else(|| Some(short.clone())),
        id: Some(short),
        image: stored.and_then(|stored| stored.image),
        is_reachable: super::may_signal(own),
        user,
        ..of_engine(Engine::Podman)
    }
}

/// The pod whose namespaces a container holds open: such a container is called `POD-infra`, after the first
/// twelve digits of the pod's id.
fn pod_of(name: &str) -> Option<&str> {
    let id = name.strip_suffix("-infra")?;
    let is_id = id.len() == engines::SHORT_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

/// Whose engine it is, if it is neither root's nor the reader's.
fn other_user(own: &Facts, users: &mut Users) -> Option<Text> {
    let uid = own
        .uid()
        .filter(|&uid| uid != 0 && uid != geteuid().as_raw())?;
    users.name(uid)
}

/// The container of the process that serves; where that may not be seen, of all in the namespace if they
/// are in the same one.
fn group_of(owner: Option<Pid>, pids: &[Pid]) -> Option<Group> {
    let of = |pid: Pid| cgroups::container(&Facts::of(pid)?.cgroup);
    if let Some(owner) = owner {
        return of(owner);
    }
    let mut groups: Vec<Group> = pids.iter().filter_map(|&pid| of(pid)).collect();
    groups.dedup();
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

/// The network namespace that a forwarder without root leads into: that of its first thread or of its
/// child. Go chooses the thread of `rootlessport` that enters it: in 1 of 27 starts of podman 4.3 it was
/// not the first one; its child was in the container's namespace in all.
fn forwarded_network(forwarder: Pid) -> Option<u64> {
    let own = scan::network_of("self").ok();
    std::iter::once(forwarder)
        .chain(facts::children_of(forwarder))
        .filter_map(|pid| scan::network_of(&pid.to_string()).ok())
        .find(|network| Some(*network) != own)
}

fn all_processes() -> Vec<Facts> {
    let proc = scan::open_proc();
    let pids = proc.and_then(|proc| scan::pids(&proc)).unwrap_or_default();
    pids.into_iter().filter_map(Facts::of).collect()
}
