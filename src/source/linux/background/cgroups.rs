//! What the path of a control group says: which container, which unit, and of whose manager. Pure.

use super::super::placement::unescape;
use crate::model::Engine;

/// Length of a container's id.
const ID: usize = 64;

/// A container that a control group belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) engine: Engine,
    /// The 64 digits of an id, or a name.
    pub(super) id: String,
}

/// The container of a group: the outermost, as that is the one that this machine's engine runs.
pub(super) fn container(path: &str) -> Option<Group> {
    let mut before = "";
    for component in path.split('/').filter(|component| !component.is_empty()) {
        if let Some(group) = named(component).or_else(|| bare(before, component, path)) {
            return Some(group);
        }
        before = component;
    }
    None
}

/// A component that says by itself which engine it belongs to.
fn named(component: &str) -> Option<Group> {
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
        Some(Group {
            engine,
            id: id.to_owned(),
        })
    });
    let machine = |engine, name: &str| Group {
        engine,
        id: name.to_owned(),
    };
    let lxc = component
        .strip_prefix("lxc.payload.")
        .map(|name| machine(Engine::Lxc, name));
    let nspawn = component
        .strip_prefix("systemd-nspawn@")
        .and_then(|rest| rest.strip_suffix(".service"))
        .or_else(|| stem.strip_prefix("machine-").filter(|_| stem != component))
        .map(|name| machine(Engine::Nspawn, &unescape(name)));
    of_engine.or(lxc).or(nspawn)
}

/// A component that is an id, below one that names the engine.
fn bare(before: &str, component: &str, path: &str) -> Option<Group> {
    let engine = match before {
        "docker" => Engine::Docker,
        "lxc" => Engine::Lxc,
        _ if path.contains("kubepods") => Engine::Kubernetes,
        _ => return None,
    };
    let is_name = engine == Engine::Lxc || is_id(component);
    is_name.then(|| Group {
        engine,
        id: component.to_owned(),
    })
}

/// The innermost service, scope or socket unit of a group, as systemd spells it.
pub(super) fn unit(path: &str) -> Option<String> {
    let mut components = path.rsplit('/');
    let is_unit = |name: &&str| {
        let kinds = [".service", ".scope", ".socket"];
        kinds
            .iter()
            .any(|kind| name.len() > kind.len() && name.ends_with(kind))
    };
    let name = components.find(is_unit)?;
    // systemd puts `_` before a name that a controller's file could have.
    Some(name.strip_prefix('_').unwrap_or(name).to_owned())
}

/// The uid of the user whose manager a group is below: `…/user@1000.service/app.slice/web.service`.
pub(super) fn user_manager(path: &str) -> Option<u32> {
    let mut components = path.split('/');
    let below = components.find_map(|component| {
        let rest = component.strip_prefix("user@")?;
        rest.strip_suffix(".service")?.parse().ok()
    })?;
    components.next().is_some().then_some(below)
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
}
