//! Programs that do not react to a signal: stopped, frozen, waiting in the kernel, TERM ignored or blocked,
//! first process of a pid namespace.

use crate::followed::follow_all;
use crate::processes::holder;
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage;
use crate::started::{Started, Undo, User, pid_of, signal};
use crate::support::wait_until;
use crate::traffic::{Protocol, wait_for_answer};

/// KILL to one process, as it may be written.
const KILL: &str = "^kill (-KILL|-SIGKILL|-9|-s KILL) {PID}$";

#[test]
fn unheard() {
    on_stage("signals::unheard", "supervisors", || {
        follow_all("signals", scenes());
    });
}

fn scenes() -> Vec<Scene> {
    vec![
        Scene::new("a stopped program (Ctrl-Z)", 8121)
            .run_by(User::Ann)
            .expects(
                "^(continue_then_end|end_hard)$",
                "^kill {PID}( &&|;) kill -(CONT|SIGCONT|s CONT) {PID}$|^kill (-KILL|-9) {PID}$",
                "kill {PID} && kill -CONT {PID}",
            )
            .never(&["^kill {PID}$"])
            .seen_outside()
            .set_up(|| {
                let server = holder(User::Ann, 8121, "");
                signal("STOP", server.pid()).unwrap();
                wait_for_state(server.pid(), 'T');
                held_by(server)
            }),
        Scene::new("a program that ignores TERM", 8122)
            .run_by(User::Ann)
            .expects("^end_hard$", KILL, "kill -KILL {PID}")
            .never(&["^kill {PID}$"])
            .seen_outside()
            .set_up(|| held_by(holder(User::Ann, 8122, "ignore"))),
        Scene::new("a program that blocks TERM", 8123)
            .run_by(User::Ann)
            .expects("^end_hard$", KILL, "kill -KILL {PID}")
            .never(&["^kill {PID}$"])
            .seen_outside()
            .set_up(|| held_by(holder(User::Ann, 8123, "block"))),
        Scene::new(
            "the first process of a pid namespace, without a handler",
            8124,
        )
        .expects("^end_hard$", KILL, "kill -KILL {PID}")
        .never(&["^kill {PID}$"])
        .seen_outside()
        .set_up(|| {
            let line = "unshare -pf --kill-child busybox httpd -f -p 8124 -h /run";
            let unshare = Started::new(User::Root, line);
            wait_for_answer(Protocol::Tcp, "127.0.0.1", 8124);
            let pid = pid_of("^busybox httpd -f -p 8124 -h /run$");
            SetUp::new().keep(unshare).names("PID", pid)
        }),
        Scene::new("a program that waits in the kernel (state D)", 8125)
            .run_by(User::Ann)
            .expects_sentence(".", "(?i)signal|kernel|I/O|state D", None)
            .never(&["^kill {PID}$"])
            .set_up(|| {
                let server = holder(User::Ann, 8125, "uninterruptible");
                wait_for_state(server.pid(), 'D');
                let (pid, child) = (server.pid(), "pkill -KILL -P");
                let undo = Undo(format!("{child} {pid}; kill -KILL {pid}"));
                held_by(server).keep(undo)
            }),
    ]
}

fn held_by(server: Started) -> SetUp {
    let pid = server.pid();
    SetUp::new().keep(server).names("PID", pid)
}

fn wait_for_state(pid: u32, state: char) {
    wait_until("its state", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.contains(&format!(") {state} "))
    });
}
