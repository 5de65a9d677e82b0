//! The container of a process, kept from one snapshot to the next: the engines' files are read only for new ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Containers;
use super::monitor::Monitor;
use crate::model::{Behind, Container, Moment, Pid, Protocol, Text};
use crate::source::linux::background::facts::{self, Facts};
use crate::source::linux::placement::{self, short};
use crate::source::users::Users;

/// A container is read again after this time, as it may be renamed.
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// How long a container counts as starting, and after what time it is read again until then.
const STARTING: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The containers that were read, by id.
#[derive(Default)]
pub(crate) struct ContainerNames {
    users: Users,
    by_id: HashMap<String, Known>,
    by_short_id: HashMap<Text, String>,
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
        let group = placement::container(&Facts::of(pid)?.cgroup);
        let known = group.as_ref().and_then(|group| self.by_id.get(&group.id));
        if let Some(known) = known
            && known.is_valid(at)
        {
            return known.container.clone();
        }
        let found_at = known.map_or(at, |known| known.found_at);
        let line = facts::line_of(pid);
        let mut containers = Containers::new((Protocol::Tcp, 0), &mut self.users);
        let Some(group) = group else {
            // Without a manager of groups, podman makes none for the container of an ordinary user.
            let monitor = line.iter().skip(1).find_map(Monitor::of)?;
            return described(&containers.of_monitor(&monitor, None)).map(Arc::new);
        };
        let behind = containers.of_process(&line);
        let container = behind.as_ref().and_then(described).map(Arc::new);
        let short_id = Text::new(short(&group.id));
        self.by_short_id.insert(short_id, group.id.clone());
        let known = Known {
            found_at,
            read_at: at,
            container: container.clone(),
        };
        self.by_id.insert(group.id, known);
        container
    }

    /// The container with the short id that control groups have, if it was read.
    pub(crate) fn by_short_id(&self, id: &Text) -> Option<&Arc<Container>> {
        self.by_id
            .get(self.by_short_id.get(id)?)?
            .container
            .as_ref()
    }

    /// Whether it was read, though nothing may be known of it.
    pub(crate) fn knows(&self, id: &Text) -> bool {
        self.by_short_id.contains_key(id)
    }

    /// Forgets what was read long ago.
    pub(crate) fn forget_old(&mut self, at: Moment) {
        self.by_id
            .retain(|_, known| known.read_at.age(at) < REREAD_AFTER);
        let by_id = &self.by_id;
        self.by_short_id.retain(|_, id| by_id.contains_key(id));
    }
}

/// A container as the table names it; `None` if nothing is known of it. The name of another user's container is followed by
/// that user, as anybody may give one the name of root's.
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
