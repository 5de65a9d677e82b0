//! The containers that run, each with a process in it: by the control groups of all processes, and by podman's monitors
//! where a container has no group.

use super::Containers;
use super::group_user::group_user;
use super::monitor::Monitor;
use super::names::described;
use crate::model::{Container, Pid};
use crate::source::linux::background::facts::{self, Facts};
use crate::source::linux::placement::{self, Group};
use crate::source::users::Users;

/// Every container that runs, with its first process.
pub(crate) fn running() -> Vec<(Container, Pid)> {
    let mut users = Users::default();
    let mut containers = Containers::for_names(&mut users);
    // A user may call a group like that of root's container.
    let mut groups: Vec<(Group, Option<u32>, Pid)> = Vec::new();
    let mut monitors: Vec<Facts> = Vec::new();
    for facts in containers.processes() {
        if Monitor::of(facts).is_some() {
            monitors.push(facts.clone());
        } else if let Some(group) = placement::container(&facts.cgroup) {
            let user = group_user(&facts.cgroup);
            let is_it = |(known, of, _): &(Group, _, _)| (known, *of) == (&group, user);
            if !groups.iter().any(is_it) {
                groups.push((group, user, facts.pid));
            }
        }
    }
    let mut found: Vec<(Container, Pid)> = Vec::new();
    for (group, _, pid) in groups {
        let behind = containers.of_group(&group, &facts::line_of(pid));
        found.extend(described(&behind).map(|one| (one, pid)));
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
    let mut containers = Containers::for_names(&mut users);
    Some((described(&containers.of_group(&group, &line))?, pid))
}

impl Containers<'_> {
    /// The container of a monitor that is not among those found by control groups, with the monitor's child in it.
    fn of_lone_monitor(
        &mut self,
        facts: &Facts,
        found: &[(Container, Pid)],
    ) -> Option<(Container, Pid)> {
        let pid = facts::children_of(facts.pid).first().copied()?;
        let container = described(&self.of_monitor(&Monitor::of(facts)?, None))?;
        let is_it =
            |(one, _): &(Container, Pid)| (&one.id, &one.name) == (&container.id, &container.name);
        (!found.iter().any(is_it)).then_some((container, pid))
    }
}
