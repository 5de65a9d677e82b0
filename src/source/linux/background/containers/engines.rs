//! Containers of root's Docker, with server and restart policy. Containers of podman: user from conmon and the control
//! group, name from podman's storage.

use std::net::IpAddr;
use std::path::PathBuf;

use rustix::process::geteuid;

use super::group_user::group_user;
use super::monitor::Monitor;
use super::publishers::{self, Publisher};
use super::state::{self, Container, Docker};
use super::{Containers, group_of, init_ignores_term, netns, set_id};
use crate::model::{Behind, Engine, Pid, Restarts, Text};
use crate::source::linux::background::facts::{self, Facts, serving};
use crate::source::linux::placement::{self, Group, short};
use crate::source::linux::scan;

impl Containers<'_> {
    /// The container of root's Docker that publishes the port, if its owner can't be seen: by the arguments of its
    /// proxy, or by the engine's state.
    pub(crate) fn of_port(&mut self) -> Option<Behind> {
        let at = self.at;
        let proxies = self.processes().iter();
        let proxies = proxies.filter_map(|facts| Some((publishers::proxy_fit(facts, &at)?, facts)));
        let best = proxies.max_by_key(|&(fit, _)| fit);
        let proxy = best.map(|(_, facts)| facts.clone());
        let to = match proxy.as_ref().map(|proxy| self.publisher(proxy)) {
            Some(Some(Publisher::DockerProxy { address, port })) => Some((address, port)),
            None if self.docker().by_port(&at, None).is_some() => None,
            _ => return None,
        };
        let behind = self.of_docker_port(to);
        self.unless_own(behind)
    }

    /// The restart policy of a container, from the engine's files.
    pub(crate) fn restarts(&self, behind: &Behind) -> Option<Restarts> {
        let id = behind.id.as_deref().filter(|_| behind.user.is_none())?;
        let mut containers = self.docker.as_ref()?.containers.iter();
        let found = containers.find(|one| short(&one.id) == id)?;
        Some(match found.restart.as_deref()? {
            "no" | "" => Restarts::No,
            _ => Restarts::Yes,
        })
    }

    /// The process that runs a container in the foreground (`docker run`, `docker start -a`): a supervisor that restarts
    /// it restarts the container.
    pub(crate) fn client_of(&mut self, behind: &Behind) -> Option<Pid> {
        if behind.engine != Some(Engine::Docker) || behind.user.is_some() {
            return None;
        }
        let (name, id) = (behind.name.as_deref()?, behind.id.as_deref()?);
        let own = geteuid().as_raw();
        let is_client = |facts: &&Facts| {
            let is_trusted = facts.acts_for().is_some_and(|uid| uid == 0 || uid == own);
            is_trusted && publishers::is_client_of(facts, name, id)
        };
        let client = self.processes().iter().find(is_client)?;
        Some(client.pid)
    }

    pub(super) fn docker(&mut self) -> &Docker {
        if self.docker.is_none() {
            let is_dockerd = |facts: &&Facts| {
                facts.program() == "dockerd"
                    && facts.acts_for() == Some(0)
                    && placement::container(&facts.cgroup).is_none()
            };
            let dockerd = self.processes().iter().find(is_dockerd);
            self.docker = Some(Docker::read(&docker_roots(dockerd), dockerd.is_some()));
        }
        self.docker.get_or_insert_default()
    }

    /// The container of root's Docker that publishes the host port, and the server at `to`, where its traffic goes.
    pub(super) fn of_docker_port(&mut self, to: Option<(IpAddr, u16)>) -> Behind {
        let at = self.at;
        let mut behind = self.of_engine(Engine::Docker, 0);
        let mut serving_id = None;
        if let Some((address, port)) = to {
            (behind.address, behind.port) = (Some(address), Some(port));
            if let Some((pids, owner)) = self.served_at(address, (at.port.0, port)) {
                behind.process = owner.and_then(serving);
                behind.ignores_term = init_ignores_term(pids.iter().copied());
                serving_id = group_of(owner, &pids).map(|(group, _)| group.id);
            }
        }
        let docker = self.docker();
        if let Some(publisher) = docker.by_port(&at, serving_id.as_deref()) {
            describe(&mut behind, publisher);
            // Another container may share the publisher's namespace and serve in its place.
            if let Some(id) = serving_id.filter(|id| publisher.id != *id) {
                let name = docker.by_id(&id).and_then(|server| server.name.clone());
                behind.server = name.or_else(|| Some(Text::new(short(&id))));
            }
        } else if let Some(id) = serving_id {
            set_id(&mut behind, &id);
        }
        behind.is_reachable = docker.is_reachable;
        behind.ports.retain(|one| *one != at.port);
        behind
    }

    /// podman without root: its forwarder is in the container's network namespace, its listener in ours. The monitor
    /// belongs to the same user.
    pub(super) fn of_rootless_podman(&mut self, own: &Facts, uid: u32) -> Option<Behind> {
        let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
        // The namespace that the forwarder leads into is that of its first thread or of its child. Go chooses the
        // thread of `rootlessport` that enters it: in 1 of 27 starts of podman 4.3 it was not the first one; its
        // child was in the container's namespace in all.
        let forwarders = std::iter::once(own.pid).chain(facts::children_of(own.pid));
        let mut networks = forwarders.filter_map(|pid| scan::network_of(&pid.to_string()).ok());
        let our_network = scan::network_of(scan::THIS_THREAD).ok();
        let network = networks.find(|network| Some(*network) != our_network);
        let pids = network.and_then(|network| namespaces.get(&network).cloned());
        let pids = pids.unwrap_or_default();
        let of_user = |facts: &&Facts| facts.acts_for() == Some(uid);
        let processes = self.processes().iter().filter(of_user);
        let monitors: Vec<Monitor<'_>> = processes.filter_map(Monitor::of).collect();
        // The container's processes descend from its monitor.
        let lines = pids.iter().flat_map(|&pid| facts::line_of(pid));
        let ancestors: Vec<Pid> = lines.map(|one| one.pid).collect();
        let is_ancestor = |one: &&Monitor<'_>| ancestors.contains(&one.facts.pid);
        let found = match (monitors.iter().find(is_ancestor), &*monitors) {
            (Some(found), _) => found.facts.clone(),
            (None, [only]) if pids.is_empty() => only.facts.clone(),
            (None, _) => return None,
        };
        let serves = netns::owner_of_port(&pids, self.at.port).filter(|&pid| pid != own.pid);
        Some(self.of_monitor(&Monitor::of(&found)?, serves))
    }

    /// The container of a monitor, and the process that serves in it.
    pub(super) fn of_monitor(&mut self, monitor: &Monitor<'_>, serves: Option<Pid>) -> Behind {
        Behind {
            process: serves.and_then(serving),
            ignores_term: init_ignores_term(facts::children_of(monitor.facts.pid)),
            ..self.of_podman(Some(monitor), monitor.uid, monitor.id)
        }
    }

    /// The container of a group that the first of `line` is in. Its user is the user of its monitor, an ancestor: the
    /// container's processes may run as any user.
    pub(super) fn of_podman_group(&mut self, group: &Group, line: &[Facts]) -> Behind {
        let mut monitors = line.iter().filter_map(Monitor::of);
        let monitor = monitors.find(|one| one.id == group.id);
        let own = line.first();
        let by_group = own.and_then(|own| group_user(&own.cgroup));
        let by_monitor = || Some(monitor.as_ref()?.uid);
        let uid = by_group.or_else(by_monitor).or_else(|| own?.acts_for());
        self.of_podman(monitor.as_ref(), uid.unwrap_or(0), &group.id)
    }

    /// The monitor's environment has the home that the files of a user's engine are below.
    fn of_podman(&mut self, monitor: Option<&Monitor<'_>>, uid: u32, id: &str) -> Behind {
        let home = monitor.filter(|_| uid != 0);
        let home = home.and_then(|one| facts::variable_of(one.facts.pid, "HOME"));
        let stored = state::podman_files(id, uid, home.map(PathBuf::from).as_deref());
        let stored = stored.unwrap_or_default();
        let short_id = Text::new(short(id));
        let name = monitor.and_then(|monitor| monitor.name);
        // A container that keeps the namespaces of a pod is called `POD-infra`, after the first digits of its id.
        let is_pod = |pod: &&str| {
            pod.len() == placement::SHORT_ID && pod.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let pod = name.and_then(|name| name.strip_suffix("-infra"));
        let name = name.map(Text::new).or(stored.name);
        Behind {
            pod: pod.filter(is_pod).map(Text::new),
            name: name.or_else(|| Some(short_id.clone())),
            id: Some(short_id),
            image: stored.image,
            // The monitor has the sockets of the ports that podman publishes.
            ports: monitor
                .filter(|_| self.lists_ports)
                .map_or_else(Vec::new, |one| netns::ports_of(one.facts.pid)),
            ..self.of_engine(Engine::Podman, uid)
        }
    }
}

/// Possible folders of dockerd's files: from its arguments, the same in dockerd's own mount namespace, and the default.
pub(super) fn docker_roots(dockerd: Option<&Facts>) -> Vec<PathBuf> {
    let named = dockerd.and_then(|dockerd| dockerd.option(&["--data-root", "-g"]));
    let seen = dockerd.map(|dockerd| {
        let root = named.unwrap_or(state::DOCKER_ROOT).trim_start_matches('/');
        format!("/proc/{}/root/{root}", dockerd.pid)
    });
    let named = named.map(str::to_owned).into_iter();
    let roots = named.chain(seen).chain([state::DOCKER_ROOT.to_owned()]);
    roots.map(PathBuf::from).collect()
}

pub(super) fn describe(behind: &mut Behind, container: &Container) {
    behind.id = Some(Text::new(short(&container.id)));
    behind.name = container.name.clone().or_else(|| behind.id.clone());
    behind.image.clone_from(&container.image);
    behind.project.clone_from(&container.project);
    behind.service.clone_from(&container.service);
    behind.ports = container.port_numbers();
}
