//! A port of an LXC container that has the machine's own network.

use crate::followed::follow_all;
use crate::image::tar;
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage;
use crate::started::{Undo, User, sh};
use crate::traffic::{Protocol, wait_for_answer};

#[test]
fn in_the_hosts_network() {
    on_stage("lxc::in_the_hosts_network", "podman", || {
        let harmful = [r"\bkill\b"];
        let stop = |name: &str, pre: &str| format!("^{pre}lxc-stop (-n |--name[ =])?{name}$");
        let scenes = vec![
            Scene::new("an LXC container in the host's network", 8301)
                .expects("^stop_container$", &stop("box", ""), "lxc-stop -n box")
                .behind("kind", "^container$")
                .behind("name", "^box$")
                .behind("engine", "^lxc$")
                .never(&harmful)
                .seen_outside()
                .set_up(|| boxed("box", 8301)),
            Scene::new("the same, by a user who can't see its processes", 8302)
                .run_by(User::Ann)
                .expects_sentence("^end_process$", "sudo sockeye check 8302", None)
                .never(&harmful)
                .set_up(|| boxed("crate", 8302)),
        ];
        follow_all("lxc", scenes);
    });
}

/// A container of this name whose server listens on a port, and another one that lives on.
fn boxed(name: &'static str, port: u16) -> SetUp {
    let set_up = SetUp::new().keep(container(name, port));
    let other = container(&format!("{name}-other"), port + 50);
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    let state = format!("lxc-info -sH -n {name}-other");
    let runs = move || {
        let output = User::Root.shell(&state).output().unwrap();
        output.stdout.starts_with(b"RUNNING")
    };
    set_up.keep(other).lives("the other container", runs)
}

fn container(name: &str, port: u16) -> Undo {
    let folder = format!("/var/lib/lxc/{name}");
    sh(&format!(
        "mkdir -p {folder}/rootfs && tar -C {folder}/rootfs -xf {}",
        tar()
    ));
    let config = format!(
        "lxc.rootfs.path = dir:{folder}/rootfs\n\
         lxc.net.0.type = none\n\
         lxc.init.cmd = /serve\n\
         lxc.uts.name = {name}\n\
         lxc.signal.halt = SIGTERM\n\
         lxc.environment = PORT={port}\n"
    );
    std::fs::write(format!("{folder}/config"), config).unwrap();
    let undo = Undo(format!("lxc-stop -k -n {name}"));
    sh(&format!("lxc-start -n {name}"));
    undo
}
