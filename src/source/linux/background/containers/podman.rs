//! Containers of podman's: their monitor and their control group tell whose they are, the storage's list
//! what they are called.

use std::path::PathBuf;

use super::publishers::{self, Publisher};
use super::{
    At, Behind, Containers, Engine, Environment, Facts, Group, Pid, Text, Users, engines, facts,
    init_ignores_term, inside, of_engine_of, scan, serving, whose,
};

impl Containers {
    /// podman without root: its forwarder is in the container's network namespace, its listener in ours. The
    /// monitor is one of the same user.
    pub(super) fn of_rootless(
        &mut self,
        own: &Facts,
        uid: u32,
        at: &At,
        users: &mut Users,
    ) -> Option<Behind> {
        let namespaces = self.namespaces.get_or_insert_with(netns::namespaces);
        let pids = forwarded_network(own.pid)
            .and_then(|network| namespaces.get(&network).cloned())
            .unwrap_or_default();
        let of_user = |facts: &&Facts| whose::of_process(facts) == Some(uid);
        let monitors = self.processes().iter().filter(of_user).filter_map(monitor);
        let monitors: Vec<Monitor<'_>> = monitors.collect();
        // The container's processes descend from its monitor.
        let ancestors: Vec<Pid> = pids
            .iter()
            .flat_map(|&pid| facts::line_of(pid).into_iter().map(|one| one.pid))
            .collect();
        let found = monitors
            .iter()
            .find(|one| ancestors.contains(&one.facts.pid));
        let found = match (found, monitors.as_slice()) {
            (Some(found), _) => found,
            (None, [only]) if pids.is_empty() => only,
            (None, _) => return None,
        };
        let mut behind = described(found.facts, uid, &found.id, found.name.as_deref(), users);
        let inodes = pids
            .first()
            .map(|&pid| netns::listeners(pid, at.protocol, at.port));
        let owner = inodes.and_then(|inodes| netns::owner_among(&pids, &inodes));
        behind.process = owner.filter(|&pid| pid != own.pid).and_then(serving);
        behind.ignores_term = init_ignores_term(facts::children_of(found.facts.pid).into_iter());
        Some(behind)
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

/// The container of a group that the first of `line` is in. Its user is that of its monitor, an ancestor: the
/// container's own processes may be any user's.
pub(super) fn of_group(group: &Group, line: &[Facts], users: &mut Users) -> Behind {
    let mut monitors = line.iter().filter_map(monitor);
    let found = monitors.find(|one| one.id == group.id);
    let own = line.first();
    let by_group = own.and_then(|own| whose::of_group(&own.cgroup));
    let by_monitor = || whose::of_process(found.as_ref()?.facts);
    let by_process = || whose::of_process(own?);
    let uid = by_group.or_else(by_monitor).or_else(by_process);
    let name = found.as_ref().and_then(|found| found.name.as_deref());
    let home_of = found.as_ref().map(|found| found.facts.pid);
    with_home(home_of, uid.unwrap_or(0), &group.id, name, users)
}

/// A container as its monitor's arguments name it.
pub(super) fn described(
    monitor: &Facts,
    uid: u32,
    id: &str,
    name: Option<&str>,
    users: &mut Users,
) -> Behind {
    with_home(Some(monitor.pid), uid, id, name, users)
}

/// `home_of` is the process whose environment has the home that the engine's files are below.
fn with_home(
    home_of: Option<Pid>,
    uid: u32,
    id: &str,
    name: Option<&str>,
    users: &mut Users,
) -> Behind {
    let home = home_of.filter(|_| uid != 0);
    let home = home.and_then(|pid| Environment::of(pid)?.get("HOME"));
    let home = home.map(PathBuf::from);
    let stored = engines::of_podman(id, uid, home.as_deref());
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
        ..of_engine_of(Engine::Podman, uid, users)
    }
}

/// The pod whose namespaces a container holds open: such a container is called `POD-infra`, after the first
/// twelve digits of the pod's id.
fn pod_of(name: &str) -> Option<&str> {
    let id = name.strip_suffix("-infra")?;
    let is_id = id.len() == engines::SHORT_ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(id)
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
