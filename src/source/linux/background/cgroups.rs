//! Parses container, unit and user from the path of a control group. Pure.

use crate::model::Engine;
use crate::source::linux::placement::unescape;

/// Length of a container's id.
pub(super) const ID: usize = 64;

/// A container that a control group belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) engine: Engine,
    /// The 64 digits of an id, or a name.
    pub(super) id: String,
}

/// The outermost container of a group, as this machine's engine runs that one.
pub(super) fn container(path: &str) -> Option<Group> {
    let mut before = "";
    components(path).find_map(|component| {
        let found = named(component).or_else(|| bare(before, component, path));
        before = component;
        let (engine, id) = found?;
        Some(Group { engine, id })
    })
}

/// Parses a component that includes the engine's name.
fn named(component: &str) -> Option<(Engine, String)> {
    const PREFIXES: [(&str, Engine); 7] = [
        ("docker-", Engine::Docker),
        ("libpod-payload-", Engine::Podman),
        ("libpod-conmon-", Engine::Podman),
        ("libpod-", Engine::Podman),
        ("cri-containerd-", Engine::Kubernetes),
        ("crio-", Engine::Kubernetes),
        ("nerdctl-", Engine::Nerdctl),
    ];
    let stem = component.strip_suffix(".scope").unwrap_or(component);
    let of_engine = PREFIXES.iter().find_map(|&(prefix, engine)| {
        let id = stem.strip_prefix(prefix).filter(|id| is_id(id))?;
        Some((engine, id.to_owned()))
    });
    let lxc = || {
        Some((
            Engine::Lxc,
            component.strip_prefix("lxc.payload.")?.to_owned(),
        ))
    };
    let nspawn = || {
        let name = between(component, "systemd-nspawn@", ".service");
        let name = name.or_else(|| between(component, "machine-", ".scope"))?;
        Some((Engine::Nspawn, unescape(name)))
    };
    of_engine.or_else(lxc).or_else(nspawn)
}

/// Parses an id whose parent component is the engine's name.
fn bare(before: &str, component: &str, path: &str) -> Option<(Engine, String)> {
    let engine = match before {
        "docker" => Engine::Docker,
        "lxc" => Engine::Lxc,
        _ if path.contains("kubepods") => Engine::Kubernetes,
        _ => return None,
    };
    let is_name = engine == Engine::Lxc || is_id(component);
    is_name.then(|| (engine, component.to_owned()))
}

/// The innermost service, scope or socket unit of a group, as systemd spells it.
pub(super) fn unit(path: &str) -> Option<String> {
    let is_unit = |name: &&str| {
        let kinds = [".service", ".scope", ".socket"];
        let is_of = |kind: &&str| name.strip_suffix(kind).is_some_and(|stem| !stem.is_empty());
        kinds.iter().any(is_of)
    };
    let name = path.rsplit('/').find(is_unit)?;
    // systemd puts `_` before a name that a controller's file could have.
    Some(name.strip_prefix('_').unwrap_or(name).to_owned())
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

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

fn between<'a>(component: &'a str, prefix: &str, suffix: &str) -> Option<&'a str> {
    component.strip_prefix(prefix)?.strip_suffix(suffix)
}

fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == ID && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME_ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_container_is_found_in_the_path_of_each_engine() {
        for (path, engine, id) in [
            ("/docker/ID", Engine::Docker, "ID"),
            ("/system.slice/docker-ID.scope", Engine::Docker, "ID"),
            ("/docker/ID/system.slice/cron.service", Engine::Docker, "ID"),
            ("/libpod_parent/libpod-ID", Engine::Podman, "ID"),
            (
                "/machine.slice/libpod-ID.scope/container",
                Engine::Podman,
                "ID",
            ),
            (
                "/system.slice/web.service/libpod-payload-ID",
                Engine::Podman,
                "ID",
            ),
            ("/kubepods/besteffort/pod1/ID", Engine::Kubernetes, "ID"),
            (
                "/kubepods.slice/x.slice/cri-containerd-ID.scope",
                Engine::Kubernetes,
                "ID",
            ),
            (
                "/lxc.payload.web/system.slice/ssh.service",
                Engine::Lxc,
                "web",
            ),
            ("/lxc/web", Engine::Lxc, "web"),
            (
                "/machine.slice/machine-my\\x2dbox.scope",
                Engine::Nspawn,
                "my-box",
            ),
            (
                "/machine.slice/systemd-nspawn@a\\x5cb\\x40c.service",
                Engine::Nspawn,
                "a\\b@c",
            ),
            (
                "/machine.slice/systemd-nspawn@web.service",
                Engine::Nspawn,
                "web",
            ),
        ] {
            let found = container(&path.replace("ID", SOME_ID)).unwrap();
            assert_eq!(found.engine, engine, "{path}");
            assert_eq!(found.id, id.replace("ID", SOME_ID), "{path}");
        }
        for path in [
            "/",
            "/system.slice/nginx.service",
            "/docker/0123",
            "/system.slice/docker.service",
        ] {
            assert_eq!(container(path), None, "{path}");
        }
    }

    #[test]
    fn the_unit_is_the_innermost_and_a_manager_is_not_inside_itself() {
        let path = "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service";
        assert_eq!(unit(path).as_deref(), Some("web.service"));
        assert_eq!(user_manager(path), Some(1000));
        let session = "/user.slice/user-1000.slice/session-3.scope";
        assert_eq!(
            (unit(session).as_deref(), user_manager(session)),
            (Some("session-3.scope"), None)
        );
        assert_eq!(
            user_manager("/user.slice/user-1000.slice/user@1000.service"),
            None
        );
        assert_eq!(unit("/system.slice"), None);
    }

    #[test]
    fn a_group_below_a_user_s_is_of_that_user() {
        for (path, uid) in [
            (
                "/user.slice/user-7.slice/user@7.service/app.slice/docker-ID.scope",
                Some(7),
            ),
            (
                "/user.slice/user-7.slice/session-1.scope/docker-ID.scope",
                Some(7),
            ),
            ("/system.slice/docker-ID.scope", None),
            ("/docker/ID/user.slice/user-7.slice/x.scope", None),
        ] {
            assert_eq!(container_user(&path.replace("ID", SOME_ID)), uid, "{path}");
        }
    }
}
