//! Units, containers and users in the paths of control groups.

use super::*;

const SOME_ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Path, unit, container; `ID` is replaced by an id.
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
    ("/lxc.payload.my\\x2dbox", None, Some("my-box")),
    ("/lxc.payload.ID", None, Some(SOME_ID)),
    ("/lxc.payload.", None, None),
    (
        "/machine.slice/machine-.scope",
        Some("machine-.scope"),
        None,
    ),
    (
        "/machine.slice/machine-ID.scope",
        Some("machine-ID.scope"),
        Some(SOME_ID),
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/mnt.mount",
        Some("mnt.mount"),
        None,
    ),
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
        let placement = Placement::of(&path.replace("ID", SOME_ID));
        let unit = unit.map(|unit| unit.replace("ID", SOME_ID));
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
    assert_eq!(unit(path), Some("web.service"));
    assert_eq!(user_manager(path), Some(1000));
    let session = "/user.slice/user-1000.slice/session-3.scope";
    assert_eq!(
        (unit(session), user_manager(session)),
        (Some("session-3.scope"), None)
    );
    assert_eq!(
        user_manager("/user.slice/user-1000.slice/user@1000.service"),
        None
    );
    assert_eq!(unit("/system.slice"), None);
    let helper = "/user.slice/user-1000.slice/user@1000.service/app.slice/mnt.mount";
    assert_eq!(unit(helper), Some("user@1000.service"));
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
