//! Containers of podman: the monitor and the control group show their user, the storage's list has their names.

use std::path::PathBuf;

use super::publishers::{self, Publisher};
use super::{Containers, SocketAt, init_ignores_term, netns, of_engine, state};
use crate::model::{Behind, Engine, Pid, Text};
use crate::source::linux::background::cgroups::{self, Group};
use crate::source::linux::background::facts::{self, Facts, serving};
use crate::source::linux::scan;
use crate::source::users::Users;

impl Containers {
    /// podman without root: its forwarder is in the container's network namespace, its listener in ours. The monitor
    /// belongs to the same user.
    pub(super) fn of_rootless_podman(
        &mut self,
        own: &Facts,
        uid: u32,
        at: &SocketAt,
        users: &mut Users,
    ) -> Option<Behind> {
        let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
        let pids = forwarded_network(own.pid).and_then(|network| namespaces.get(&network).cloned());
        let pids = pids.unwrap_or_default();
        let of_user = |facts: &&Facts| facts.acts_for() == Some(uid);
        let monitors = self.processes().iter().filter(of_user).filter_map(monitor);
        let monitors: Vec<Monitor<'_>> = monitors.collect();
        // The container's processes descend from its monitor.
        let lines = pids.iter().flat_map(|&pid| facts::line_of(pid));
        let ancestors: Vec<Pid> = lines.map(|one| one.pid).collect();
        let found = monitors
            .iter()
            .find(|one| ancestors.contains(&one.facts.pid));
        let found = match (found, monitors.as_slice()) {
            (Some(found), _) => found,
            (None, [only]) if pids.is_empty() => only,
            (None, _) => return None,
        };
        let serves =
            netns::owner_of_port(&pids, (at.protocol, at.port)).filter(|&pid| pid != own.pid);
        let name = found.name.as_deref();
        Some(of_monitor(found.facts, &found.id, name, serves, users))
    }
}

/// The monitor of a container.
struct Monitor<'a> {
    facts: &'a Facts,
    id: String,
    name: Option<String>,
}

fn monitor(facts: &Facts) -> Option<Monitor<'_>> {
    match publishers::publisher(facts)? {
        Publisher::Conmon { id, name } => Some(Monitor { facts, id, name }),
        _ => None,
    }
}

/// The container of a monitor, whose arguments have its id and name, and the process that serves in it.
pub(super) fn of_monitor(
    monitor: &Facts,
    id: &str,
    name: Option<&str>,
    serves: Option<Pid>,
    users: &mut Users,
) -> Behind {
    let uid = monitor.acts_for().unwrap_or(0);
    let children = facts::children_of(monitor.pid);
    Behind {
        process: serves.and_then(serving),
        ignores_term: init_ignores_term(children.into_iter()),
        ..container(Some(monitor.pid), uid, id, name, users)
    }
}

/// The container of a group that the first of `line` is in. Its user is the user of its monitor, an ancestor: the
/// container's processes may run as any user.
pub(super) fn of_group(group: &Group, line: &[Facts], users: &mut Users) -> Behind {
    let found = line
        .iter()
        .filter_map(monitor)
        .find(|one| one.id == group.id);
    let own = line.first();
    let by_group = own.and_then(|own| cgroups::container_user(&own.cgroup));
    let by_monitor = || found.as_ref()?.facts.acts_for();
    let uid = by_group.or_else(by_monitor).or_else(|| own?.acts_for());
    let name = found.as_ref().and_then(|found| found.name.as_deref());
    let home_of = found.as_ref().map(|found| found.facts.pid);
    container(home_of, uid.unwrap_or(0), &group.id, name, users)
}

/// `home_of` is the process whose environment has the home that the engine's files are below.
fn container(
    home_of: Option<Pid>,
    uid: u32,
    id: &str,
    name: Option<&str>,
    users: &mut Users,
) -> Behind {
    let home = home_of.filter(|_| uid != 0);
    let home = home
        .and_then(|pid| facts::variable_of(pid, "HOME"))
        .map(PathBuf::from);
    let stored = state::podman_files(id, uid, home.as_deref()).unwrap_or_default();
    let short = Text::new(state::short(id));
    let name_or_id = || stored.name.unwrap_or_else(|| short.clone());
    Behind {
        pod: name.and_then(pod_of).map(Text::new),
        name: Some(name.map_or_else(name_or_id, Text::new)),
        id: Some(short.clone()),
        image: stored.image,
        ..of_engine(Engine::Podman, uid, users)
    }
}

/// The pod whose namespaces a container keeps: such a container is called `POD-infra`, after the first
/// twelve digits of the pod's id.
fn pod_of(name: &str) -> Option<&str> {
    let id = name.strip_suffix("-infra")?;
    let is_id = id.len() == state::SHORT_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
}

/// The network namespace that a forwarder without root leads into: that of its first thread or of its
/// child. Go chooses the thread of `rootlessport` that enters it: in 1 of 27 starts of podman 4.3 it was
/// not the first one; its child was in the container's namespace in all.
fn forwarded_network(forwarder: Pid) -> Option<u64> {
    let own = scan::network_of("self").ok();
    let children = facts::children_of(forwarder);
    let pids = std::iter::once(forwarder).chain(children);
    let mut networks = pids.filter_map(|pid| scan::network_of(&pid.to_string()).ok());
    networks.find(|network| Some(*network) != own)
}
