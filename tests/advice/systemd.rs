//! Ports of services: units of the system's manager and of a user's, where systemd is the first process.

mod launched;
mod services;
mod sockets;
mod users;

use std::process::{Command, Stdio};

use crate::followed::{follow_all, follow_families};
use crate::scene::SetUp;
use crate::stage::{PATH, SOCKEYE, on_stage_with_systemd};
use crate::started::{Started, Undo, User, sh};
use crate::support::pty::Pty;
use crate::support::wait_until;
use crate::traffic::{Protocol, wait_for_answer};

/// What ends a process alone, so that its unit starts it again.
const KILL: &str = r"^(sudo )?kill\b";

#[test]
fn units() {
    on_stage_with_systemd("systemd::units", || {
        follow_families(vec![
            ("systemd", services::plain()),
            ("systemd-special", services::special()),
            ("systemd-sockets", sockets::scenes()),
        ]);
    });
}

#[test]
fn launched_by_units() {
    on_stage_with_systemd("systemd::launched_by_units", || {
        let _services = launched::services();
        follow_all("systemd-launched", launched::scenes());
    });
}

#[test]
fn units_of_users() {
    on_stage_with_systemd("systemd::units_of_users", || {
        users::manager();
        follow_all("systemd-user", users::scenes());
    });
}

/// The command of another user than the one at the terminal: `sudo` has one to type a password at.
#[test]
fn by_sudo_on_a_terminal() {
    on_stage_with_systemd("systemd::by_sudo_on_a_terminal", || {
        let set_up = served("t1.service", 8451, "Restart=always\nRestartSec=0.1\n");
        let end = |options: &str| format!("exec {SOCKEYE} end {options} 8451");
        // Without a terminal it is refused, and says what to type.
        let output = User::Ann
            .shell(&end("--yes"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{out}");
        assert!(
            out.contains("root has to do it: sudo sockeye end 8451"),
            "{out}"
        );
        assert!(is_active("t1.service")());
        let line = end("");
        let ann = [
            "--reuid",
            "ann",
            "--regid",
            "ann",
            "--init-groups",
            "sh",
            "-c",
            &line,
        ];
        let mut pty = Pty::spawn("setpriv", &ann, (120, 40), &[("PATH", PATH)]);
        pty.wait_for_text("run: sudo systemctl stop t1.service");
        pty.wait_for_text("Do this? [y/N]");
        pty.send("y\r");
        assert_eq!(pty.wait_exit(), 0, "{}", pty.screen_text());
        pty.wait_for_text("8451: free; done by `sudo systemctl stop t1.service`");
        assert!(!is_active("t1.service")());
        set_up.end();
    });
}

/// A unit of the system's manager, started; it ends with the scene.
fn started(name: &str, text: &str) -> Undo {
    let undo = loaded(name, text);
    sh(&format!("systemctl start {name}"));
    undo
}

/// The same, not yet started.
fn loaded(name: &str, text: &str) -> Undo {
    std::fs::write(format!("/run/systemd/system/{name}"), text).unwrap();
    sh("systemctl daemon-reload");
    let stop = format!("systemctl --no-block stop {name}; systemctl kill -s KILL {name}");
    Undo(format!("{stop}; systemctl stop {name}"))
}

/// The text of a service, with further lines in its section.
fn service(command: &str, lines: &str) -> String {
    format!("[Service]\nExecStart={command}\n{lines}")
}

fn web(port: u16) -> String {
    format!("busybox httpd -f -p {port} -h /")
}

fn waited(set_up: SetUp, port: u16) -> SetUp {
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    set_up
}

/// A service of a web server.
fn served(name: &str, port: u16, lines: &str) -> SetUp {
    let unit = started(name, &service(&web(port), lines));
    waited(SetUp::new().keep(unit), port)
}

fn main_pid(unit: &str) -> u32 {
    sh(&format!("systemctl show --property MainPID --value {unit}"))
        .parse()
        .unwrap()
}

fn is_active(unit: &'static str) -> impl Fn() -> bool + Send {
    move || sh(&format!("systemctl is-active {unit} || true")) == "active"
}

/// A client that connects every third of a second.
fn knocker(line: &str) -> Started {
    Started::new(
        User::Root,
        &format!("sh -c 'while sleep 0.3; do {line}; done'"),
    )
}

/// The service of the package, as it is: with its limits it still finds the owners of all users' sockets.
#[test]
fn keeps_the_history() {
    on_stage_with_systemd("systemd::keeps_the_history", || {
        let unit = include_str!("../../assets/sockeye.service");
        let unit = unit.replace("/usr/bin/sockeye", SOCKEYE);
        // Most of /var/lib is the machine's; this is the stage's.
        let unit = unit.replace("StateDirectory=sockeye", "StateDirectory=systemd/sockeye");
        let folder = "/var/lib/systemd/sockeye";
        let _recorder = started("sockeye.service", &unit);
        let _server = served("h1.service", 8481, "User=ann\n");
        let who = || {
            let mut command = Command::new(SOCKEYE);
            let output = command
                .args(["who", "8481", "--json", "--dir", folder])
                .output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        };
        wait_until("its owner is known", || who().contains("\"pids\":["));
        let found = who();
        for part in [
            "\"user\":\"ann\"",
            "\"unit\":\"h1.service\"",
            "\"owner\":\"known\"",
        ] {
            assert!(found.contains(part), "{part}: {found}");
        }
        sh("systemctl stop sockeye.service");
        let failed = sh("systemctl is-failed sockeye.service || true");
        assert_eq!(failed, "inactive", "it ends cleanly");
    });
}
