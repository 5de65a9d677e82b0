//! Ports of plain programs: started by hand, stopped, several of them.

use crate::followed::follow_all;
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage;
use crate::started::{Started, User};
use crate::traffic::{Protocol, wait_for_answer};

#[test]
fn plain() {
    on_stage("processes::plain", "supervisors", || {
        follow_all("processes", plain_scenes());
    });
}

fn plain_scenes() -> Vec<Scene> {
    vec![
        Scene::new("a program that was started by hand", 8101)
            .asked_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .never(&["sudo", "KILL"])
            .seen_outside()
            .set_up(|| server(User::Ann, 8101)),
        Scene::new("another user's program", 8102)
            .asked_by(User::Ann)
            .expects("^end_process$", "^sudo kill {PID}$", "sudo kill {PID}")
            .never(&["KILL"])
            .seen_outside()
            .set_up(|| server(User::Bob, 8102)),
    ]
}

/// A web server on a port, and another one of the same user that lives on.
fn server(user: User, port: u16) -> SetUp {
    let web = Started::new(user, &format!("busybox httpd -f -p {port} -h /"));
    let other = Started::new(user, &format!("busybox httpd -f -p {} -h /", port + 100));
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    let (pid, lives_on) = (web.pid(), other.pid());
    let set_up = SetUp::new().keep(web).keep(other);
    set_up
        .names("PID", pid)
        .lives_on("the user's other server", lives_on)
}
