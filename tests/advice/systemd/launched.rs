//! Servers in the group of a service that only launched them: of cron, of at, of the ssh server.

use super::{is_active, sh, waited, web};
use crate::scene::{Scene, SetUp};
use crate::ssh::{prepare, remote};
use crate::started::{Undo, User, by, pid_of};

/// Starts the services that launch what the scenes are about.
pub fn services() -> Vec<Undo> {
    prepare();
    let job = format!("@reboot root nohup {} >/dev/null 2>&1 &\n", web(8461));
    std::fs::write("/etc/cron.d/web", job).unwrap();
    // The same server with sessions of systemd's.
    let config = std::fs::read_to_string("/etc/ssh/sshd_config").unwrap();
    let config = config.replace("UsePAM no", "UsePAM yes\nPort 2222");
    std::fs::write("/etc/ssh/sshd_pam", config).unwrap();
    sh("systemd-run --quiet --unit ssh-pam /usr/sbin/sshd -D -f /etc/ssh/sshd_pam");
    sh(
        "rm -f /run/crond.reboot; systemctl start systemd-user-sessions.service cron.service atd.service ssh.service",
    );
    Vec::new()
}

pub fn scenes() -> Vec<Scene> {
    let scene = |what, port| {
        Scene::new(what, port)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .never(&[r"(cron|atd|ssh|ssh-pam)\.service|scope|user@"])
            .seen_outside()
    };
    vec![
        scene("a server left running by a cron job", 8461).set_up(|| left(8461, "cron.service")),
        scene("a server left running by an at job", 8462).set_up(|| {
            sh(&format!(
                "echo 'nohup {} >/dev/null 2>&1 &' | at now 2>/dev/null",
                web(8462)
            ));
            left(8462, "atd.service")
        }),
        scene("a server left running by an ssh session", 8463)
            .run_by(User::Ann)
            .set_up(|| {
                by(
                    User::Ann,
                    &remote(&format!("nohup {} >/dev/null 2>&1 </dev/null &", web(8463))),
                );
                left(8463, "ssh.service")
            }),
        scene("a server left running by a login session", 8464)
            .run_by(User::Ann)
            .set_up(|| {
                let line = format!("nohup {} >/dev/null 2>&1 </dev/null &", web(8464));
                by(
                    User::Ann,
                    &remote(&line).replacen("ssh ", "ssh -p 2222 ", 1),
                );
                left(8464, "ssh-pam.service")
            }),
    ]
}

/// The server, once it is there without its parent.
fn left(port: u16, unit: &'static str) -> SetUp {
    let set_up = waited(SetUp::new(), port);
    let pid = pid_of(&format!("^{}$", web(port)));
    let set_up = set_up.names("PID", pid).keep(Undo(format!("kill {pid}")));
    set_up.lives(unit, is_active(unit))
}
