//! Parses the systemd unit and the container from the path of a control group. Pure.
//!
//! The innermost unit or container counts: a service of a user manager is inside `user@1000.service`, which is less
//! interesting.

use super::proc::mounts;
use crate::model::Text;

/// Unit types that hold processes (`systemd.unit(5)`); a slice only groups others.
const UNIT_SUFFIXES: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

/// Prefixes that container engines put before a 64-digit id in the name of a scope.
const ENGINE_PREFIXES: [&str; 5] = ["docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-"];

/// Length of a container's full id, and of its short form in the engines' output.
const ID: usize = 64;
const SHORT_ID: usize = 12;

/// Where in the system something runs.
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
        let innermost = || path.rsplit('/').filter(|component| !component.is_empty());
        Self {
            unit: innermost().find_map(unit).map(|unit| Text::new(&unit)),
            container: innermost()
                .find_map(container)
                .or_else(|| lxc_old(path))
                .map(|container| Text::new(&container)),
        }
    }
}

fn unit(component: &str) -> Option<String> {
    // systemd puts `_` before a name that a controller's file could have.
    let name = component.strip_prefix('_').unwrap_or(component);
    let has_type = |suffix: &str| name.len() > suffix.len() && name.ends_with(suffix);
    let is_unit = UNIT_SUFFIXES.into_iter().any(has_type);
    is_unit.then(|| unescape(name))
}

fn container(component: &str) -> Option<String> {
    let stem = component.strip_suffix(".scope").unwrap_or(component);
    let id = ENGINE_PREFIXES
        .iter()
        .find_map(|engine| stem.strip_prefix(engine))
        .unwrap_or(stem);
    if is_id(id) {
        return Some(id[..SHORT_ID].to_owned());
    }
    let machine = component
        .strip_prefix("machine-")
        .and_then(|rest| rest.strip_suffix(".scope"));
    let nspawn = component
        .strip_prefix("systemd-nspawn@")
        .and_then(|rest| rest.strip_suffix(".service"));
    let lxc = component.strip_prefix("lxc.payload.");
    machine
        .or(nspawn)
        .or(lxc)
        .filter(|name| !name.is_empty())
        .map(unescape)
}

/// The layout of LXC before 4.0: `/lxc/NAME`.
fn lxc_old(path: &str) -> Option<String> {
    let mut components = path.trim_start_matches('/').split('/');
    let name = components
        .next()
        .filter(|&first| first == "lxc")
        .and(components.next())?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn is_id(text: &str) -> bool {
    text.len() == ID
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Undoes systemd's `\x2d` for a dash and the like (`systemd-escape(1)`).
pub(super) fn unescape(name: &str) -> String {
    let name = mounts::unescape(name.as_bytes(), b"\\x", 2, 16);
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// Path, unit, container; `ID` stands for an id.
    const CASES: &[(&str, Option<&str>, Option<&str>)] = &[
        ("", None, None),
        ("/", None, None),
        ("init.scope", Some("init.scope"), None),
        ("/system.slice/nginx.service", Some("nginx.service"), None),
        (
            "/system.slice/nginx.service/worker",
            Some("nginx.service"),
            None,
        ),
        ("/system.slice", None, None),
        ("/system.slice/dbus.socket", Some("dbus.socket"), None),
        (
            "/system.slice/my\\x2dapp.service",
            Some("my-app.service"),
            None,
        ),
        (
            "/system.slice/system-getty.slice/getty@tty1.service",
            Some("getty@tty1.service"),
            None,
        ),
        ("/system.slice/_cpu.service", Some("cpu.service"), None),
        ("/system.slice/.service", None, None),
        (
            "/user.slice/user-1000.slice/session-3.scope",
            Some("session-3.scope"),
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service",
            Some("web.service"),
            None,
        ),
        (
            "/system.slice/docker-ID.scope",
            Some("docker-ID.scope"),
            Some("0123456789ab"),
        ),
        ("/docker/ID", None, Some("0123456789ab")),
        (
            "/docker/ID/system.slice/cron.service",
            Some("cron.service"),
            Some("0123456789ab"),
        ),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ID.scope",
            Some("cri-containerd-ID.scope"),
            Some("0123456789ab"),
        ),
        (
            "/kubepods/besteffort/pod12-34/ID",
            None,
            Some("0123456789ab"),
        ),
        (
            "/kubepods.slice/crio-ID.scope",
            Some("crio-ID.scope"),
            Some("0123456789ab"),
        ),
        (
            "/machine.slice/libpod-ID.scope/container",
            Some("libpod-ID.scope"),
            Some("0123456789ab"),
        ),
        (
            "/machine.slice/libpod-conmon-ID.scope",
            Some("libpod-conmon-ID.scope"),
            None,
        ),
        (
            "/machine.slice/machine-my\\x2dbox.scope",
            Some("machine-my-box.scope"),
            Some("my-box"),
        ),
        (
            "/machine.slice/systemd-nspawn@web.service/payload",
            Some("systemd-nspawn@web.service"),
            Some("web"),
        ),
        (
            "/lxc.payload.web/system.slice/ssh.service",
            Some("ssh.service"),
            Some("web"),
        ),
        ("/lxc/web", None, Some("web")),
        ("/docker/0123456789ABCDEF", None, None),
        (
            "/system.slice/a\\x1bb.service",
            Some("a\\x1bb.service"),
            None,
        ),
        ("/system.slice/a\\x+1.service", Some("a\\x+1.service"), None),
        (
            "/system.slice/a\\xzz\\x.service",
            Some("a\\xzz\\x.service"),
            None,
        ),
    ];

    #[test]
    fn paths_mean_units_and_containers() {
        for (path, unit, container) in CASES {
            let placement = Placement::of(&path.replace("ID", ID));
            let unit = unit.map(|unit| unit.replace("ID", ID));
            assert_eq!(placement.unit.as_deref(), unit.as_deref(), "unit of {path}");
            assert_eq!(
                placement.container.as_deref(),
                *container,
                "container of {path}"
            );
        }
    }

    /// As `unit_name_escape` of systemd does it: a slash becomes a dash, and what a unit's name can't have,
    /// or has for something else, `\x` and two digits.
    fn escape(name: &str) -> String {
        let escaped = |byte: u8| match byte {
            b'/' => "-".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("\\x{byte:02x}"),
        };
        name.bytes().map(escaped).collect()
    }

    proptest::proptest! {
        #[test]
        fn what_systemd_escapes_reads_back(name in r"[a-z0-9_.:\\ x\-+@é]{0,12}") {
            proptest::prop_assert_eq!(unescape(&escape(&name)), name);
        }
    }
}
