//! What root's Docker publishes, and what serves there.

use std::net::IpAddr;
use std::path::PathBuf;

use super::docker::{self, Docker};
use super::{
    At, Behind, Containers, Engine, Facts, Text, cgroups, describe, engines, group_of,
    init_ignores_term, inside, name_by_id, of_engine, publishers, serving, whose,
};

impl Containers {
    /// Root's engine of Docker.
    pub(super) fn docker(&mut self) -> &Docker {
        if self.docker.is_none() {
            let is_dockerd = |facts: &&Facts| {
                facts.program() == "dockerd"
                    && whose::is_root(facts)
                    && cgroups::container(&facts.cgroup).is_none()
            };
            let dockerd = self.processes().iter().find(is_dockerd);
            let roots = dockerd.map(docker_roots).unwrap_or_default();
            self.docker = Some(Docker::read(&roots, dockerd.is_some()));
        }
        self.docker.get_or_insert_default()
    }

    /// The container that publishes a port of this host by root's Docker, and what serves where its traffic
    /// goes.
    pub(super) fn of_docker_port(&mut self, at: &At, to: Option<(IpAddr, u16)>) -> Behind {
        let mut behind = of_engine(Engine::Docker);
        let mut serving_group = None;
        if let Some((address, inside)) = to {
            (behind.address, behind.port) = (Some(address), Some(inside));
            let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
            if let Some(pids) = netns::with_address(namespaces, address, (at.protocol, inside)) {
                let inodes = netns::listeners(pids[0], at.protocol, inside);
                let owner = netns::owner_among(pids, &inodes);
                behind.process = owner.and_then(serving);
                behind.ignores_term = init_ignores_term(pids.iter().copied());
                serving_group = group_of(owner, pids).map(|(group, _)| group);
            }
        }
        let serving_id = serving_group.map(|group| group.id);
        let docker = self.docker();
        let publisher = docker.by_port(at, serving_id.as_deref());
        match (publisher, &serving_id) {
            (Some(publisher), _) => describe(&mut behind, publisher),
            (None, Some(id)) => name_by_id(&mut behind, id),
            (None, None) => {}
        }
        // Another container may share the publisher's namespace and serve in its place.
        if let (Some(publisher), Some(id)) = (publisher, &serving_id)
            && publisher.id != *id
        {
            let server = docker.by_id(id).and_then(|server| server.name.clone());
            behind.server = Some(server.unwrap_or_else(|| Text::new(engines::short(id))));
        }
        behind.is_reachable = docker.is_reachable;
        behind.ports.retain(|one| *one != (at.protocol, at.port));
        behind
    }
}

/// Where a dockerd has its files: as its arguments say, and as it sees that, which may have mounts of its own.
fn docker_roots(dockerd: &Facts) -> Vec<PathBuf> {
    let named = publishers::data_root(dockerd).map(PathBuf::from);
    let root = named.clone().unwrap_or_else(|| docker::DOCKER_ROOT.into());
    let below = root.strip_prefix("/").map(PathBuf::from).unwrap_or(root);
    let inside = PathBuf::from(format!("/proc/{}/root", dockerd.pid)).join(below);
    named.into_iter().chain([inside]).collect()
}
