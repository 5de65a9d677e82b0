//! Ports that ssh forwards and the logins that go with them: an ssh server on loopback, ann's keys.

use std::process::Command;

use crate::followed::follow_families;
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage;
use crate::started::{Started, Undo, User, by, pid_of, sh};
use crate::support::wait_until;

/// How ann's clients connect.
const OPTIONS: &str = "-o StrictHostKeyChecking=no -o BatchMode=yes -o ExitOnForwardFailure=yes";

/// What ends a login, or the server.
const ENDS: [&str; 2] = [r"\bkill\b", "ssh.service"];

#[test]
fn forwards() {
    on_stage("ssh::forwards", "supervisors", || {
        prepare();
        let _server = Started::logged(User::Root, "sshd", "/usr/sbin/sshd -D -e");
        wait_until("the ssh server", || listens(22));
        follow_families(vec![("ssh", tunnels()), ("ssh-logins", logins())]);
    });
}

/// Keys and a configuration of the ssh server's.
pub fn prepare() {
    // An account without a password counts as locked.
    sh("mkdir -p /run/sshd; ssh-keygen -A >/dev/null; usermod -p '*' ann");
    let config = "PasswordAuthentication no\nUsePAM no\nPidFile none\n";
    std::fs::write("/etc/ssh/sshd_config", config).unwrap();
    by(
        User::Ann,
        "mkdir -m 700 .ssh; ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
         cp .ssh/id_ed25519.pub .ssh/authorized_keys",
    );
}

/// The line that runs one by ssh as ann.
pub fn remote(line: &str) -> String {
    format!("ssh {OPTIONS} ann@127.0.0.1 '{line}'")
}

fn listens(port: u16) -> bool {
    !sh(&format!("ss -Hltn 'sport = :{port}'")).is_empty()
}

/// Forwards without a login.
fn tunnels() -> Vec<Scene> {
    let scene = |what, port| {
        Scene::new(what, port)
            .expects("^close_forward$", "^kill {PID}$", "kill {PID}")
            .never(&["KILL", "ssh.service"])
            .seen_outside()
    };
    let client = |port: u16, options: &str| {
        let set_up = SetUp::new().keep(ssh(options, port, ""));
        with_server(set_up.names("PID", holder(port)))
    };
    vec![
        scene("a tunnel of ssh -N -L", 8601)
            .run_by(User::Ann)
            .behind("kind", "^ssh_forward$")
            .set_up(move || client(8601, "-N -L 8601:127.0.0.1:9")),
        scene("a proxy of ssh -N -D", 8602)
            .run_by(User::Ann)
            .behind("kind", "^ssh_forward$")
            .set_up(move || client(8602, "-N -D 8602")),
        scene(
            "a port that a client without a login forwards here (ssh -N -R)",
            8603,
        )
        .behind("kind", "^ssh_session$")
        .set_up(move || client(8603, "-N -R 8603:127.0.0.1:9")),
    ]
}

/// Forwards that a login carries.
fn logins() -> Vec<Scene> {
    let scene = |what, port, says: &str| {
        Scene::new(what, port)
            .expects_sentence("^close_forward$", says, Some(r"^(sudo )?kill [0-9]+$"))
            .never(&ENDS)
    };
    let login = |port: u16, options: &str| {
        let client = ssh(options, port, &format!("exec sleep {port}"));
        let pid = client.pid();
        pid_of(&format!("^sleep {port}$"));
        with_server(SetUp::new().keep(client).lives_on("the login", pid))
    };
    vec![
        scene("a forward of a session (ssh -L)", 8611, "~C.*-KL 8611")
            .run_by(User::Ann)
            .set_up(move || login(8611, "-tt -L 8611:127.0.0.1:9")),
        scene(
            "a port that a session forwards here (ssh -R)",
            8612,
            "~C.*-KR 8612",
        )
        .set_up(move || login(8612, "-tt -R 8612:127.0.0.1:9")),
        scene(
            "the same for the session that runs sockeye, as root by sudo",
            8613,
            "~C.*-KR 8613",
        )
        .set_up(|| own_session(8613, "sudo", "")),
        Scene::new(
            "the same for the session that runs sockeye, as an ordinary user",
            8614,
        )
        .run_by(User::Ann)
        .expects_sentence(".", "allowed to see|~C", None)
        .never(&ENDS)
        .set_up(|| own_session(8614, "", "")),
        scene(
            "the same, with sockeye in tmux inside that session",
            8615,
            "~C.*-KR 8615",
        )
        .set_up(|| own_session(8615, "sudo", "tmux -L own new-session -d")),
        Scene::new("the master of shared connections (ControlMaster)", 8616)
            .run_by(User::Ann)
            .expects_sentence("^close_forward$", "-O cancel", Some("^kill [0-9]+$"))
            .never(&ENDS)
            .set_up(|| {
                let options = "-M -S /home/ann/mux -N -L 8616:127.0.0.1:9";
                let master = ssh(options, 8616, "");
                let other = Started::new(
                    User::Ann,
                    "ssh -S /home/ann/mux -tt ann@127.0.0.1 sleep 1000",
                );
                let pid = other.pid();
                let set_up = SetUp::new().keep(master).keep(other);
                with_server(set_up.lives_on("a session that goes through it", pid))
            }),
        Scene::new("the port of the ssh server itself", 22)
            .expects_sentence("^other_port$", "(?i)logins", Some("^kill [0-9]+$"))
            .never(&ENDS)
            .set_up(|| with_server(SetUp::new())),
    ]
}

/// A client of ann's, once its forward is there.
fn ssh(options: &str, port: u16, command: &str) -> Started {
    let line = format!("ssh {OPTIONS} {options} ann@127.0.0.1 {command}");
    let client = Started::logged(User::Ann, &format!("ssh-{port}"), &line);
    wait_until(&line, || listens(port));
    client
}

fn with_server(set_up: SetUp) -> SetUp {
    let server = pid_of(r"^sshd: /usr/sbin/sshd -D -e \[listener\]");
    let set_up = set_up.names("SSHD", server);
    set_up.lives_on("the ssh server", server)
}

/// The pid of the process that listens on a port.
fn holder(port: u16) -> u32 {
    let line = sh(&format!("ss -Hltnp 'sport = :{port}' | head -1"));
    let pid = line.split("pid=").nth(1).unwrap();
    pid.split(',').next().unwrap().parse().unwrap()
}

/// A session that forwards the port here, in which every line is run, by `sudo` or below `launcher`.
fn own_session(port: u16, sudo: &str, launcher: &str) -> SetUp {
    let fifo = format!("/home/ann/own-{port}");
    by(User::Ann, &format!("mkfifo {fifo} {fifo}.out"));
    let text = format!("while line=$(cat {fifo}); do {sudo} sh -c \"$line\" >{fifo}.out; done\n");
    std::fs::write(format!("{fifo}.sh"), text).unwrap();
    let wait = if launcher.is_empty() {
        ""
    } else {
        "; sleep 1000"
    };
    let client = ssh(
        &format!("-R {port}:127.0.0.1:9"),
        port,
        &format!("'{launcher} sh {fifo}.sh{wait}'"),
    );
    let pid = client.pid();
    let undo = Undo(format!("pkill -f {fifo}.sh; pkill -f 'tmux -L own'"));
    let shell = move |line: &str| {
        let mut command = Command::new("sh");
        let script = format!("printf '%s\\n' \"$0\" >{fifo}; cat {fifo}.out");
        command.args(["-c", &script, line]);
        command
    };
    let set_up = SetUp::new().keep(undo).keep(client).by_shell(shell);
    with_server(set_up.lives_on("the login that runs sockeye", pid))
}
