//! What people call each namespace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Known;
use super::find::{Number, Reference};
use super::target::netns_name;
use crate::model::{Moment, Namespace, Pid, Socket, Text};
use crate::source::linux::background::{self, ContainerNames};
use crate::source::linux::placement;

/// A name is found again after this time: a container may be renamed, a process replaced.
const RENAME_AFTER: Duration = Duration::from_secs(10);

/// How long a namespace without a container is named anew for each snapshot: a container that starts gets its control group
/// a moment later.
const STARTING: Duration = Duration::from_secs(5);

/// How many processes of a namespace are compared by age, and of how many the container is read.
const MOST_COMPARED: usize = 1000;
const MOST_READ: usize = 4;

#[derive(Default)]
pub(super) struct Names {
    named_at: Option<Moment>,
    pub(super) containers: ContainerNames,
}

impl Names {
    /// Names those that have no name yet, and all of them now and then.
    pub(super) fn update(&mut self, known: &mut BTreeMap<Number, Known>, at: Moment) {
        let is_due = self
            .named_at
            .is_none_or(|then| then.age(at) >= RENAME_AFTER);
        if is_due {
            self.named_at = Some(at);
            self.containers.forget_old(at);
        }
        for one in known.values_mut() {
            let container = one.namespace.container.as_ref();
            let is_starting = container.is_none_or(|container| container.image.is_none())
                && one
                    .found_at
                    .is_some_and(|found_at| found_at.age(at) < STARTING);
            if is_due || is_starting || one.namespace.name.is_empty() {
                let named = self.named(one, at);
                if named != *one.namespace {
                    one.namespace = Arc::new(named);
                }
            }
        }
    }

    /// Replaces the id of a container that a socket was made in by its name. That is the container of its namespace or of
    /// its owner: another one may have the same id.
    pub(super) fn name_containers(&mut self, sockets: &mut [Socket], at: Moment) {
        for socket in sockets.iter_mut() {
            let Some(id) = &socket.container else {
                continue;
            };
            let of_namespace = socket.namespace.as_ref();
            let of_namespace = of_namespace.and_then(|one| one.container.clone());
            let of_namespace = of_namespace.filter(|one| one.id.as_ref() == Some(id));
            let container = of_namespace.or_else(|| {
                let owner = socket.owner.present().first()?;
                self.containers.of_owner(owner, id, at)
            });
            if let Some(container) = container {
                socket.container = Some(container.name.clone());
            }
        }
    }

    fn named(&mut self, known: &Known, at: Moment) -> Namespace {
        let members = known
            .references
            .iter()
            .filter_map(|reference| match reference {
                Reference::Process(pid) | Reference::Thread { pid, .. } => Some(*pid),
                _ => None,
            });
        let members = background::by_age(members.take(MOST_COMPARED));
        let oldest = members.first().copied();
        // The processes of an engine may be in the namespace, too.
        let mut first = members.iter().take(MOST_READ);
        let container = first.find_map(|&pid| self.containers.of_process(pid, at));
        let name = container.as_ref().map(|container| container.name.clone());
        let name = name
            .or_else(|| mount_name(known))
            .or_else(|| unit(oldest?))
            .unwrap_or_else(|| by_process(known, oldest));
        Namespace {
            name,
            container,
            ..Namespace::clone(&known.namespace)
        }
    }
}

/// The name of the file that it is mounted on, if it is one of `ip netns`, or if no process is in it.
fn mount_name(known: &Known) -> Option<Text> {
    let has_process = matches!(known.references.first(), Some(Reference::Process(_)));
    let paths = known
        .references
        .iter()
        .filter_map(|reference| match reference {
            Reference::Mount { path, .. } => Some(path),
            _ => None,
        });
    let named = paths.clone().find_map(|path| netns_name(path));
    let other = || paths.clone().find(|_| !has_process)?.file_name();
    Some(Text::new(&named.or_else(other)?.to_string_lossy()))
}

/// The service of systemd that a process is in.
fn unit(pid: Pid) -> Option<Text> {
    let group = background::facts::cgroup_of(pid)?;
    let unit = placement::unit(&group)?;
    let is_service = unit.ends_with(".service") && !unit.starts_with("user@");
    is_service.then(|| Text::new(unit))
}

/// The first process in it, or else the one that keeps it, and the number: `nginx 4026532254`.
fn by_process(known: &Known, oldest: Option<Pid>) -> Text {
    let reference = || known.references.iter().find_map(Reference::pid);
    let pid = oldest.or_else(reference);
    let process = pid.and_then(background::serving);
    let name = process.map(|process| process.name.to_string());
    let number = known.namespace.inode.or(pid.map(u64::from));
    let parts = [name, number.map(|number| number.to_string())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    Text::new(&parts.join(" "))
}
