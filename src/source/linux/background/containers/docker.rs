//! Root's Docker: the publisher of a host port, the container that serves it, and the restart policy.

use std::net::IpAddr;
use std::path::PathBuf;

use rustix::process::geteuid;

use super::publishers::{self, Publisher};
use super::state::{self, Container, Docker};
use super::{Containers, SocketAt, group_of, init_ignores_term, of_engine, set_id};
use crate::model::{Behind, Engine, Pid, Restarts, Text};
use crate::source::linux::background::cgroups;
use crate::source::linux::background::facts::{Facts, serving};
use crate::source::users::Users;

impl Containers {
    /// The container of root's Docker that publishes a port whose owner can't be seen, by the arguments of its
    /// proxy, or by the engine's state.
    pub(in crate::source::linux::background) fn of_port(
        &mut self,
        at: &SocketAt,
        users: &mut Users,
    ) -> Option<Behind> {
        let proxies = self.processes().iter();
        let proxies = proxies.filter_map(|facts| Some((publishers::proxy_fit(facts, at)?, facts)));
        let best = proxies.max_by_key(|&(fit, _)| fit);
        let proxy = best.map(|(_, facts)| facts.clone());
        let to = match proxy.map(|proxy| self.publisher(&proxy)) {
            Some(Some(Publisher::DockerProxy { address, port })) => Some((address, port)),
            None if self.docker().by_port(at, None).is_some() => None,
            _ => return None,
        };
        let behind = self.of_docker_port(at, to, users);
        self.unless_own(behind)
    }

    /// The restart policy of a container, from the engine's files.
    pub(in crate::source::linux::background) fn restarts(
        &self,
        behind: Option<&Behind>,
    ) -> Option<Restarts> {
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

    /// The process that runs a container in the foreground (`docker run`, `docker start -a`): a supervisor that
    /// restarts it restarts the container.
    pub(in crate::source::linux::background) fn client_of(
        &mut self,
        behind: Option<&Behind>,
    ) -> Option<Pid> {
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

    /// Root's Docker.
    pub(super) fn docker(&mut self) -> &Docker {
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

    /// The container of root's Docker that publishes a host port, and the server at `to`, the destination of its
    /// traffic.
    pub(super) fn of_docker_port(
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

/// Possible folders of dockerd's files: from its arguments, the same in dockerd's own mount namespace, and the default.
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

pub(super) fn describe(behind: &mut Behind, container: &Container) {
    behind.id = Some(Text::new(state::short(&container.id)));
    behind.name = container.name.clone().or_else(|| behind.id.clone());
    behind.image.clone_from(&container.image);
    behind.project.clone_from(&container.project);
    behind.service.clone_from(&container.service);
    behind.ports = container.port_numbers();
}
