//! Units of ann's own manager, checked by her, by root and by another user.

use super::sockets::activated;
use super::{KILL, service, waited, web};
use crate::scene::{Scene, SetUp};
use crate::started::{Undo, User, by, pid_of, sh};
use crate::support::wait_until;

/// Starts ann's manager, as a login does.
pub fn manager() {
    sh("loginctl enable-linger ann; systemctl start user@20001.service");
    wait_until("ann's manager", || {
        let is_running = "systemctl --user is-active default.target";
        User::Ann
            .shell(is_running)
            .output()
            .unwrap()
            .status
            .success()
    });
}

/// What ends the manager or leaves it listening.
const HARMFUL: [&str; 3] = [KILL, r"user@20001", r"^(sudo )?systemctl stop"];

pub fn scenes() -> Vec<Scene> {
    let own = "systemctl --user stop";
    let of_ann = "systemctl --user -M ann@ stop";
    let scene = |what, port, code, command: String| {
        let expected = format!("^{command}$");
        Scene::new(what, port)
            .expects(code, &expected, &command)
            .never(&HARMFUL)
            .seen_outside()
    };
    vec![
        scene(
            "a service of the user's own manager",
            8441,
            "^stop_unit$",
            format!("{own} u1.service"),
        )
        .run_by(User::Ann)
        .set_up(|| served("u1.service", 8441)),
        scene(
            "a service of another user's manager",
            8442,
            "^stop_unit$",
            format!("{of_ann} u2.service"),
        )
        .set_up(|| served("u2.service", 8442)),
        scene(
            "a socket unit of the user's own manager",
            8443,
            "^stop_socket_unit$",
            format!("{own} u3.socket"),
        )
        .run_by(User::Ann)
        .set_up(|| listening("u3", 8443)),
        scene(
            "a socket unit of another user's manager",
            8444,
            "^stop_socket_unit$",
            format!("{of_ann} u4.socket"),
        )
        .set_up(|| listening("u4", 8444)),
        scene(
            "a socket unit and service of the user's own manager",
            8445,
            "^stop_socket_unit$",
            format!("{own} u5.socket u5.service"),
        )
        .run_by(User::Ann)
        .set_up(|| waited(listening("u5", 8445), 8445)),
        scene(
            "a socket unit and service of another user's manager",
            8446,
            "^stop_socket_unit$",
            format!("{of_ann} u6.socket u6.service"),
        )
        .set_up(|| waited(listening("u6", 8446), 8446)),
    ]
}

/// A unit of ann's that ends with the scene.
fn loaded(name: &str, text: &str) -> Undo {
    std::fs::create_dir_all("/run/systemd/user").unwrap();
    std::fs::write(format!("/run/systemd/user/{name}"), text).unwrap();
    by(User::Ann, "systemctl --user daemon-reload");
    Undo(format!(
        "runuser -u ann -- env XDG_RUNTIME_DIR=/run/user/20001 systemctl --user stop {name}"
    ))
}

fn with_manager(set_up: SetUp) -> SetUp {
    set_up.lives_on("the user's manager", pid_of("systemd --user$"))
}

fn served(name: &str, port: u16) -> SetUp {
    let unit = loaded(
        name,
        &service(&web(port), "Restart=always\nRestartSec=0.1\n"),
    );
    by(User::Ann, &format!("systemctl --user start {name}"));
    with_manager(waited(SetUp::new().keep(unit), port))
}

fn listening(name: &str, port: u16) -> SetUp {
    let unit = loaded(&format!("{name}.service"), &activated(port));
    let socket = loaded(
        &format!("{name}.socket"),
        &format!("[Socket]\nListenStream={port}\n"),
    );
    by(User::Ann, &format!("systemctl --user start {name}.socket"));
    with_manager(SetUp::new().keep(unit).keep(socket))
}
