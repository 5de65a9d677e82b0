//! The containers that run, each with a process in it: by the control groups of all processes, and by podman's monitors
//! where a container has no group.

use super::Containers;
use super::engines::Monitor;
use crate::model::{Behind, Container, Pid, Protocol};
use crate::source::linux::background::facts::{self, Facts};
use crate::source::linux::placement::{self, Group};
use crate::source::users::Users;

/// Every container that runs, with its first process.
pub(crate) fn running() -> Vec<(Container, Pid)> {
    let mut users = Users::default();
    let mut containers = Containers::new((Protocol::Tcp, 0), &mut users);
    let mut groups: Vec<(Group, Pid)> = Vec::new();
    let mut monitors: Vec<Facts> = Vec::new();
    for facts in containers.processes() {
        if Monitor::of(facts).is_some() {
            monitors.push(facts.clone());
        } else if let Some(group) = placement::container(&facts.cgroup)
            && groups.iter().all(|(known, _)| *known != group)
        {
            groups.push((group, facts.pid));
        }
    }
    let mut found: Vec<(Container, Pid)> = Vec::new();
    for (group, pid) in groups {
        let behind = containers.of_group(&group, &facts::line_of(pid));
        found.extend(container(behind).map(|one| (one, pid)));
    }
    for monitor in &monitors {
        found.extend(containers.of_lone_monitor(monitor, &found));
    }
    found
}

/// The container that a process is in, with that process.
pub(crate) fn of_pid(pid: Pid) -> Option<(Container, Pid)> {
    let line = facts::line_of(pid);
    let group = placement::container(&line.first()?.cgroup)?;
    let mut users = Users::default();
    let mut containers = Containers::new((Protocol::Tcp, 0), &mut users);
    Some((container(containers.of_group(&group, &line))?, pid))
}

impl Containers<'_> {
    /// The container of a monitor that is not among those found by control groups, with the monitor's child in it.
    fn of_lone_monitor(
        &mut self,
        facts: &Facts,
        found: &[(Container, Pid)],
    ) -> Option<(Container, Pid)> {
        let pid = facts::children_of(facts.pid).first().copied()?;
        let found_container = container(self.of_monitor(&Monitor::of(facts)?, None))?;
        let is_new = found.iter().all(|(one, _)| one.id != found_container.id);
        is_new.then_some((found_container, pid))
    }
}

fn container(behind: Behind) -> Option<Container> {
    Some(Container {
        engine: behind.engine,
        name: behind.name.or_else(|| behind.id.clone())?,
        id: behind.id,
        image: behind.image,
        project: behind.project,
        service: behind.service,
        pod: behind.pod,
    })
}
