//! Containers that a systemd unit runs, as quadlet, `podman generate systemd` and hand-made units do: ended
//! by their engine they come back, or leave the unit failed.

use std::sync::Mutex;

use crate::followed::{follow_all, follow_alone};
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage_with_systemd;
use crate::started::{User, by, sh};
use crate::support::wait_until;
use crate::traffic::{Protocol, wait_for_answer};
use crate::{docker, podman};

#[test]
fn of_podman() {
    on_stage_with_systemd("units::of_podman", || {
        sh("loginctl enable-linger ann");
        wait_until("ann's service manager", || {
            let running = "systemctl --user -M ann@ show-environment";
            User::Root.shell(running).output().unwrap().status.success()
        });
        podman::engine(&[User::Root, User::Ann]);
        follow_all("units", scenes());
    });
}

/// What ends the container or its helper and not the unit.
const HARMFUL: [&str; 2] = [r"\bkill\b", "podman stop"];

fn scenes() -> Vec<Scene> {
    vec![
        Scene::new("root's quadlet", 8401)
            .expects("^stop_unit$", r"^systemctl stop web(\.service)?$", "systemctl stop web")
            .behind("kind", "^container$")
            .kept_by("kind", "^systemd$")
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| quadlet(User::Root, "web", 8401)),
        Scene::new("a user's quadlet", 8402)
            .run_by(User::Ann)
            .expects(
                "^stop_unit$",
                r"^systemctl --user stop web2(\.service)?$",
                "systemctl --user stop web2",
            )
            .never(&HARMFUL)
            .never(&["sudo"])
            .seen_outside()
            .set_up(|| quadlet(User::Ann, "web2", 8402)),
        Scene::new("a user's quadlet, by root", 8403)
            .expects(
                "^stop_unit$",
                r"^systemctl (--user -M ann@(\.host)?|-M ann@(\.host)? --user) stop web3(\.service)?$",
                "systemctl --user -M ann@ stop web3",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| quadlet(User::Ann, "web3", 8403)),
        Scene::new("a unit of `podman generate systemd`", 8404)
            .expects(
                "^stop_unit$",
                r"^systemctl stop container-made(\.service)?$",
                "systemctl stop container-made",
            )
            .never(&HARMFUL)
            .seen_outside()
            .set_up(|| {
                sh("podman create --name made -p 8404:80 localhost/site && \
                    podman generate systemd --name --restart-policy always made \
                      >/run/systemd/system/container-made.service");
                started(User::Root, "container-made", 8404)
            }),
    ]
}

/// A unit that runs `docker run` in the foreground: stopped by Docker, the container comes back.
#[test]
fn of_docker() {
    on_stage_with_systemd("units::of_docker", || {
        let _engine = docker::engine("");
        let _other = docker::container("other", "", "");
        let scene = Scene::new("a container that a systemd unit runs by `docker run`", 8411)
            .expects(
                "^stop_unit$",
                r"^systemctl stop shop(\.service)?$",
                "systemctl stop shop",
            )
            .kept_by("kind", "^systemd$")
            .never(&["^docker stop", "docker\\.service"])
            .seen_outside()
            .set_up(|| {
                let unit = "[Service]\nRestart=always\nRestartSec=100ms\n\
                    ExecStart=docker run --rm --name shop -p 8411:80 site\n";
                std::fs::write("/run/systemd/system/shop.service", unit).unwrap();
                sh("systemctl daemon-reload && systemctl start shop");
                wait_for_answer(Protocol::Tcp, "127.0.0.1", 8411);
                SetUp::new().lives("the other container", docker::runs("other"))
            });
        follow_alone("units-docker", 0, scene);
    });
}

/// A unit as quadlet writes it for a container that publishes a port.
fn quadlet(user: User, name: &str, port: u16) -> SetUp {
    let folder = match user {
        User::Root => "/run/systemd/system".to_owned(),
        user => format!("/home/{}/.config/systemd/user", user.name()),
    };
    by(user, &format!("mkdir -p {folder}"));
    // An ordinary user has no groups of the first version to split.
    let is_first = std::path::Path::new("/sys/fs/cgroup/systemd").exists();
    let groups = if is_first && user != User::Root {
        "enabled"
    } else {
        "split"
    };
    let run = format!(
        "podman run --name=systemd-%N --cidfile=%t/%N.cid --replace --rm --log-driver none \
         --cgroups={groups} --sdnotify=conmon -d -p {port}:80 localhost/site"
    );
    let unit = format!(
        "[Service]\nRestart=always\nEnvironment=PODMAN_SYSTEMD_UNIT=%n\nKillMode=mixed\nDelegate=yes\n\
         Type=notify\nNotifyAccess=all\nSyslogIdentifier=%N\nExecStart={run}\n\
         ExecStop=podman rm -f -i --cidfile=%t/%N.cid\nExecStopPost=-podman rm -f -i --cidfile=%t/%N.cid\n"
    );
    let path = format!("{folder}/{name}.service");
    std::fs::write(&path, unit).unwrap();
    started(user, name, port)
}

/// Starts a unit of a user's and waits for its server.
fn started(user: User, name: &str, port: u16) -> SetUp {
    // A manager that loads its units anew hangs up on others that ask it to.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let control = match user {
        User::Root => "systemctl",
        _ => "systemctl --user",
    };
    by(
        user,
        &format!("{control} daemon-reload && {control} start {name}"),
    );
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    podman::with_other(SetUp::new(), user)
}
