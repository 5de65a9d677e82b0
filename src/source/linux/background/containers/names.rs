//! The container of a process, kept from one snapshot to the next: the engines' files are read only for new ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Containers;
use super::group_user::group_user;
use super::monitor::Monitor;
use super::state::Docker;
use crate::model::{Behind, Container, Moment, Pid, Process, Text};
use crate::source::linux::background::facts;
use crate::source::linux::placement::{self, short};
use crate::source::users::Users;

/// A container is read again after this time, as it may be renamed.
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// How long a container counts as starting, and after what time it is read again until then.
const STARTING: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A container's full id or name, and the user whose groups it is among (`None`: root's). A user may call a group like that
/// of root's container.
type Key = (String, Option<u32>);

/// The containers that were read.
#[derive(Default)]
pub(crate) struct ContainerNames {
    users: Users,
    known: HashMap<Key, Known>,
    /// The container that each process was in, by its pid and start.
    of_owner: HashMap<(Pid, Option<u64>), Key>,
    /// Root's Docker, as it was read for a snapshot with several containers.
    docker: Option<(Moment, Docker)>,
}

/// A container as it was last read.
struct Known {
    found_at: Moment,
    read_at: Moment,
    container: Option<Arc<Container>>,
}

impl Known {
    /// Whether it need not be read again: an engine describes a container a moment after it has started it.
    fn is_valid(&self, at: Moment) -> bool {
        let is_complete = self
            .container
            .as_ref()
            .is_some_and(|one| one.image.is_some());
        let is_starting = self.found_at.age(at) < STARTING;
        is_complete || !is_starting || self.read_at.age(at) < RETRY_AFTER
    }
}

impl ContainerNames {
    /// The container that a process is in; `None` as well for the one that this program is in.
    pub(crate) fn of_process(&mut self, pid: Pid, at: Moment) -> Option<Arc<Container>> {
        if let Some(key) = key(&facts::cgroup_of(pid)?) {
            return self.of_key(key, pid, at);
        }
        // Without a manager of groups, podman makes none for the container of an ordinary user.
        let line = facts::line_of(pid);
        let monitor = line.iter().skip(1).find_map(Monitor::of)?;
        let mut containers = Containers::for_names(&mut self.users);
        described(&containers.of_monitor(&monitor, None)).map(Arc::new)
    }

    /// The container of a group that this process is in.
    fn of_key(&mut self, key: Key, pid: Pid, at: Moment) -> Option<Arc<Container>> {
        let known = self.known.get(&key);
        if let Some(known) = known
            && known.is_valid(at)
        {
            return known.container.clone();
        }
        let found_at = known.map_or(at, |known| known.found_at);
        let mut containers = Containers::for_names(&mut self.users);
        let docker = self.docker.take().filter(|(read_at, _)| *read_at == at);
        containers.docker = docker.map(|(_, docker)| docker);
        let behind = containers.of_process(&facts::line_of(pid));
        self.docker = containers.docker.take().map(|docker| (at, docker));
        let container = behind.as_ref().and_then(described).map(Arc::new);
        let known = Known {
            found_at,
            read_at: at,
            container: container.clone(),
        };
        self.known.insert(key, known);
        container
    }

    /// The container that a socket was made in, whose group has this short id, if its owner is in it.
    pub(crate) fn of_owner(
        &mut self,
        owner: &Process,
        id: &Text,
        at: Moment,
    ) -> Option<Arc<Container>> {
        let process = (owner.pid, owner.started_at_tick);
        let known = self.of_owner.get(&process);
        if known.is_none() {
            let key = key(&facts::cgroup_of(owner.pid)?)?;
            self.of_owner.insert(process, key);
        }
        let key = self.of_owner.get(&process)?;
        if short(&key.0) != &**id {
            return None;
        }
        match self.known.get(key).filter(|known| known.is_valid(at)) {
            Some(known) => known.container.clone(),
            None => self.of_key(key.clone(), owner.pid, at),
        }
    }

    /// Forgets what was read long ago.
    pub(crate) fn forget_old(&mut self, at: Moment) {
        self.known
            .retain(|_, known| known.read_at.age(at) < REREAD_AFTER);
        let known = &self.known;
        self.of_owner.retain(|_, key| known.contains_key(key));
    }
}

/// The container of a process in this group.
fn key(cgroup: &str) -> Option<Key> {
    let group = placement::container(cgroup)?;
    Some((group.id, group_user(cgroup)))
}

/// A container as the table names it; `None` if nothing is known of it. The name of another user's container is followed by
/// that user, as any user may give one the name of root's.
pub(crate) fn described(behind: &Behind) -> Option<Container> {
    let with_user = |name: Text| match &behind.user {
        Some(user) => Text::new(&format!("{name} ({user})")),
        None => name,
    };
    let name = behind.name.clone().or_else(|| behind.id.clone())?;
    Some(Container {
        engine: behind.engine,
        id: behind.id.clone(),
        name: with_user(name),
        image: behind.image.clone(),
        project: behind.project.clone(),
        service: behind.service.clone(),
        pod: behind.pod.clone().map(with_user),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user made a group `docker-ID.scope` with the id of root's container, and its sockets got that one's name.
    #[test]
    fn a_user_s_group_with_the_id_of_root_s_container_is_another_container() {
        let id = "0123456789abcdef".repeat(4);
        let root_s = key(&format!("/system.slice/docker-{id}.scope")).unwrap();
        let below = "/user.slice/user-1000.slice/user@1000.service";
        let user_s = key(&format!("{below}/docker-{id}.scope")).unwrap();
        assert_eq!((&root_s.0, root_s.1), (&id, None));
        assert_eq!((&user_s.0, user_s.1), (&id, Some(1000)));
        assert_eq!(key("/system.slice/nginx.service"), None);
    }
}
