//! Parses the systemd unit, the container and the user from the path of a control group. Pure.

use super::proc::mounts;
use crate::model::{Engine, Text};

/// Unit types that hold processes (`systemd.unit(5)`); a slice only groups others.
const UNIT_SUFFIXES: &[&str] = &[".service", ".scope", ".socket", ".mount", ".swap"];

/// Those that may hold a server: the helper of a mount belongs to the unit above, such as a user manager.
const SERVER_SUFFIXES: &[&str] = &[".service", ".scope", ".socket"];

/// Prefixes that container engines put before an id in the name of a group.
const ENGINE_PREFIXES: [(&str, Engine); 7] = [
    ("docker-", Engine::Docker),
    (PODMAN_PAYLOAD, Engine::Podman),
    (PODMAN_MONITOR, Engine::Podman),
    ("libpod-", Engine::Podman),
    ("cri-containerd-", Engine::Kubernetes),
    ("crio-", Engine::Kubernetes),
    ("nerdctl-", Engine::Nerdctl),
];
const PODMAN_PAYLOAD: &str = "libpod-payload-";
const PODMAN_MONITOR: &str = "libpod-conmon-";

/// Length of a container's full id, and of its short form in the engines' output.
const ID: usize = 64;
pub(crate) const SHORT_ID: usize = 12;

/// Where in the system something runs, as the table shows it. The innermost unit and container count: a service of a
/// user manager is inside `user@1000.service`, which is less interesting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placement {
    /// systemd unit, such as `nginx.service`.
    pub(crate) unit: Option<Text>,
    /// Container: the short id or the name.
    pub(crate) container: Option<Text>,
}

impl Placement {
    /// Parses the path of a cgroup below the root of its tree.
    pub(crate) fn of(path: &str) -> Self {
        let container = |component: &str| {
            let stem = component.strip_suffix(".scope").unwrap_or(component);
            if is_id(stem) {
                return Some(Text::new(short(stem)));
            }
            let is_podman_s_own =
                stem.starts_with(PODMAN_PAYLOAD) || stem.starts_with(PODMAN_MONITOR);
            let group = named(component).filter(|_| !is_podman_s_own)?;
            let name = match group.engine {
                Engine::Lxc => unescape(&group.id),
                Engine::Nspawn => group.id,
                _ => short(&group.id).to_owned(),
            };
            (!name.is_empty()).then(|| Text::new(&name))
        };
        // The layout of LXC before 4.0: `/lxc/NAME`.
        let old_lxc = || {
            let mut components = components(path);
            let is_lxc = components.next() == Some("lxc");
            components.next().filter(|_| is_lxc).map(Text::new)
        };
        Self {
            unit: innermost(path, UNIT_SUFFIXES).map(|unit| Text::new(&unescape(unit))),
            container: components(path).rev().find_map(container).or_else(old_lxc),
        }
    }
}

/// A container that a control group belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) engine: Engine,
    /// The 64 digits of an id, or a name.
    pub(super) id: String,
}

/// The outermost container of a group, as this machine's engine runs that one.
pub(super) fn container(path: &str) -> Option<Group> {
    // An id or name alone is below a group that is called like the engine.
    let bare = |before: &str, component: &str| {
        let engine = match before {
            "docker" => Engine::Docker,
            "lxc" => Engine::Lxc,
            _ if path.contains("kubepods") => Engine::Kubernetes,
            _ => return None,
        };
        let id = component.to_owned();
        (engine == Engine::Lxc || is_id(component)).then_some(Group { engine, id })
    };
    let mut before = "";
    components(path).find_map(|component| {
        let found = named(component).or_else(|| bare(before, component));
        before = component;
        found
    })
}

/// Parses a component that includes the engine's name.
fn named(component: &str) -> Option<Group> {
    let stem = component.strip_suffix(".scope").unwrap_or(component);
    let of_engine = |&(prefix, engine): &(&str, Engine)| {
        let id = stem.strip_prefix(prefix).filter(|id| is_id(id))?.to_owned();
        Some(Group { engine, id })
    };
    let by_name = || {
        let nspawn = between(component, "systemd-nspawn@", ".service");
        let nspawn = nspawn.or_else(|| between(component, "machine-", ".scope"));
        let (engine, id) = match component.strip_prefix("lxc.payload.") {
            Some(name) => (Engine::Lxc, name.to_owned()),
            None => (Engine::Nspawn, unescape(nspawn?)),
        };
        Some(Group { engine, id })
    };
    ENGINE_PREFIXES.iter().find_map(of_engine).or_else(by_name)
}

/// The innermost unit of a group that may hold a server, as systemd spells it.
pub(super) fn unit(path: &str) -> Option<&str> {
    innermost(path, SERVER_SUFFIXES)
}

/// The innermost unit of one of these types.
fn innermost<'a>(path: &'a str, suffixes: &[&str]) -> Option<&'a str> {
    components(path).rev().find_map(|component| {
        // systemd puts `_` before a name that a controller's file could have.
        let name = component.strip_prefix('_').unwrap_or(component);
        let has_type = |suffix: &&str| name.len() > suffix.len() && name.ends_with(suffix);
        suffixes.iter().any(has_type).then_some(name)
    })
}

/// The uid of the user manager above a group: `…/user@1000.service/app.slice/web.service`.
pub(super) fn user_manager(path: &str) -> Option<u32> {
    let mut components = path.split('/');
    let of_manager = |component| between(component, "user@", ".service")?.parse().ok();
    let uid = components.find_map(of_manager)?;
    components.next().is_some().then_some(uid)
}

/// The user whose groups contain a container's group: `user-UID.slice` or `user@UID.service`. A user inside the
/// container does not count.
pub(super) fn container_user(path: &str) -> Option<u32> {
    let mut before = String::new();
    for component in components(path) {
        before = format!("{before}/{component}");
        if container(&before).is_some() {
            return None;
        }
        let uid = between(component, "user@", ".service");
        let uid = uid.or_else(|| between(component, "user-", ".slice"));
        if let Some(uid) = uid.and_then(|uid| uid.parse().ok()) {
            return Some(uid);
        }
    }
    None
}

/// The group that a container's group is in.
pub(super) fn container_parent(path: &str) -> Option<String> {
    let mut before = String::new();
    for component in components(path) {
        let with = format!("{before}/{component}");
        if container(&with).is_some() {
            return Some(before);
        }
        before = with;
    }
    None
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

fn between<'a>(component: &'a str, prefix: &str, suffix: &str) -> Option<&'a str> {
    component.strip_prefix(prefix)?.strip_suffix(suffix)
}

fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == ID && text.bytes().all(is_digit)
}

/// The first digits of an id, as the engines' tools print it; a name of another length stays whole.
pub(super) fn short(id: &str) -> &str {
    let digits = id.get(..SHORT_ID).filter(|_| id.len() == ID);
    digits.unwrap_or(id)
}

/// Undoes systemd's `\x2d` for a dash and the like (`systemd-escape(1)`).
fn unescape(name: &str) -> String {
    let name = mounts::unescape(name.as_bytes(), b"\\x", 2, 16);
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests;
