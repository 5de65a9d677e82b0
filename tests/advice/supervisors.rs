//! Ports of what a supervisor starts again: supervisord, pm2, runit and its like, watchers, loops, masters.

mod daemons;
mod masters;
mod node;
mod parents;

use std::path::Path;

use crate::followed::{follow_all, follow_families};
use crate::scene::SetUp;
use crate::stage::on_stage;
use crate::started::{User, by, pid_of, sh};
use crate::traffic::{Protocol, wait_for_answer};

/// What ends a process alone, so that it comes back.
const KILL: &str = r"^(sudo )?kill\b";

#[test]
fn daemons() {
    on_stage("supervisors::daemons", "supervisors", || {
        follow_families(vec![
            ("supervisors", daemons::of_supervisord()),
            ("supervisors-folders", daemons::of_folders()),
        ]);
    });
}

#[test]
fn of_node() {
    on_stage("supervisors::of_node", "supervisors", || {
        tools();
        let _pm2 = node::pm2();
        follow_all("supervisors-node", node::scenes());
    });
}

#[test]
fn parents() {
    on_stage("supervisors::parents", "supervisors", || {
        tools();
        follow_families(vec![
            ("supervisors-parents", parents::scenes()),
            ("supervisors-parents-others", parents::others()),
            ("supervisors-masters", masters::scenes()),
        ]);
    });
}

/// Puts what `.ci/advice` prepared below `target/advice` where every user finds it, in a login shell too.
fn tools() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let tools = target.join("advice").display().to_string();
    sh(&format!(
        "mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
         for tool in pm2 nodemon forever; do ln -s {tools}/node_modules/.bin/$tool /usr/local/bin; done
         for tool in honcho gunicorn uvicorn; do ln -s {tools}/venv/bin/$tool /usr/local/bin; done
         pm2 --version && nodemon --version && forever --version && honcho --version && gunicorn --version"
    ));
}

fn web(port: u16) -> String {
    format!("busybox httpd -f -p {port} -h /")
}

/// The pid of the web server on a port.
fn web_pid(port: u16) -> u32 {
    pid_of(&format!("^{}$", web(port)))
}

fn waited(set_up: SetUp, port: u16) -> SetUp {
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    set_up
}

/// Whether something answers on a port of another app of the same supervisor.
fn answers(port: u16) -> impl Fn() -> bool + Send {
    move || !crate::traffic::answer_here(Protocol::Tcp, [127, 0, 0, 1].into(), port).is_empty()
}

/// Writes a file that belongs to a user.
fn write(user: User, path: &str, text: &str) {
    std::fs::write(path, text).unwrap();
    by(
        User::Root,
        &format!("chown {0}:{0} {path}; chmod +x {path}", user.name()),
    );
}
