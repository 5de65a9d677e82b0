//! Ports of services of the system's manager.

use std::process::Command;

use super::{KILL, is_active, loaded, main_pid, served, service, started, waited, web};
use crate::processes::helper;
use crate::scene::{Scene, SetUp};
use crate::started::{Undo, User, pid_of, sh};
use crate::support::wait_until;
use crate::traffic::{Protocol, wait_for_answer};

/// Services that a stop of theirs, and of what starts them, ends.
pub fn plain() -> Vec<Scene> {
    let always = "Restart=always\nRestartSec=0.1\n";
    vec![
        Scene::new("a service with Restart=always", 8401)
            .expects(
                "^stop_unit$",
                "^systemctl stop s1.service$",
                "systemctl stop s1.service",
            )
            .never(&[KILL])
            .kept_by("kind", "^systemd$")
            .kept_by("restarts", "^yes$")
            .seen_outside()
            .set_up(move || served("s1.service", 8401, always)),
        Scene::new("a service whose server is a child of its shell", 8402)
            .run_by(User::Ann)
            .expects(
                "^stop_unit$",
                "^sudo systemctl stop s2.service$",
                "sudo systemctl stop s2.service",
            )
            .never(&[KILL])
            .kept_by("name", "^s2.service$")
            .seen_outside()
            .set_up(move || {
                let command = format!("sh -c '{}; true'", web(8402));
                let unit = started("s2.service", &service(&command, always));
                waited(SetUp::new().keep(unit), 8402)
            }),
        Scene::new("a service that a path unit starts again", 8403)
            .expects(
                "^stop_unit$",
                "^systemctl stop s3.path s3.service$",
                "systemctl stop s3.path s3.service",
            )
            .never(&[KILL, "^systemctl stop s3.service$"])
            .seen_outside()
            .set_up(|| {
                let path = loaded("s3.path", "[Path]\nPathExists=/etc\n");
                let unit = loaded("s3.service", &service(&web(8403), ""));
                sh("systemctl start s3.path");
                waited(SetUp::new().keep(unit).keep(path), 8403)
            }),
        Scene::new("a service that a timer starts again", 8404)
            .expects(
                "^stop_unit$",
                "^systemctl stop s4.timer s4.service$",
                "systemctl stop s4.timer s4.service",
            )
            .never(&[KILL, "^systemctl stop s4.service$"])
            .seen_outside()
            .set_up(|| {
                let timer = "[Timer]\nOnActiveSec=0\nOnUnitInactiveSec=1\nAccuracySec=100ms\n";
                let timer = loaded("s4.timer", timer);
                let unit = loaded("s4.service", &service(&web(8404), ""));
                sh("systemctl start s4.timer");
                waited(SetUp::new().keep(unit).keep(timer), 8404)
            }),
    ]
}

/// Services that need more than a stop, or none.
pub fn special() -> Vec<Scene> {
    let always = "Restart=always\nRestartSec=0.1\n";
    vec![
        Scene::new("a KillMode=process service whose child has the port", 8405)
            .expects(
                "^stop_unit$",
                "^systemctl stop s5.service; kill {PID}$",
                "systemctl stop s5.service; kill {PID}",
            )
            .never(&[KILL, "^systemctl stop s5.service$"])
            .seen_outside()
            .set_up(|| {
                let command = format!("sh -c '{} & wait'", web(8405));
                let unit = started("s5.service", &service(&command, "KillMode=process\nRestart=always\n"));
                let set_up = waited(SetUp::new().keep(unit), 8405);
                let pid = pid_of(&format!("^{}$", web(8405)));
                set_up.names("PID", pid).keep(Undo(format!("kill -KILL {pid}")))
            }),
        Scene::new("a service that ignores SIGTERM", 8406)
            .expects(
                "^stop_unit$",
                "^systemctl --no-block stop s6.service; systemctl kill -s KILL s6.service$",
                "systemctl --no-block stop s6.service; systemctl kill -s KILL s6.service",
            )
            .never(&[KILL, "^systemctl stop s6.service$"])
            .seen_outside()
            .set_up(move || {
                let command = format!("python3 {} 8406 ignore", helper("holder.py"));
                let unit = started("s6.service", &service(&command, always));
                waited(SetUp::new().keep(unit), 8406)
            }),
        Scene::new("two services on two addresses of one port", 8407)
            .expects(
                "^stop_unit$",
                "^systemctl stop (s7a.service s7b.service|s7b.service s7a.service)$",
                "systemctl stop s7a.service s7b.service",
            )
            .never(&[KILL, "^systemctl stop s7..service$"])
            .seen_outside()
            .set_up(move || {
                let at = |address: &str| format!("busybox httpd -f -p {address}:8407 -h /");
                let one = started("s7a.service", &service(&at("127.0.0.1"), always));
                let other = started("s7b.service", &service(&at("192.0.2.1"), always));
                wait_for_answer(Protocol::Tcp, "192.0.2.1", 8407);
                waited(SetUp::new().keep(one).keep(other), 8407)
            }),
        Scene::new("a service of nginx: a master and its workers", 8408)
            .run_by(User::Ann)
            .expects("^stop_unit$", "^sudo systemctl stop s8.service$", "sudo systemctl stop s8.service")
            .never(&[KILL])
            .seen_outside()
            .set_up(move || {
                let config = "/run/stage/s8.conf";
                let text = "pid /run/stage/s8.pid;\nworker_processes 2;\nerror_log /dev/null;\ndaemon off;\n\
                            events {}\nhttp { access_log off; server { listen 8408; } }\n";
                std::fs::write(config, text).unwrap();
                let unit = started("s8.service", &service(&format!("nginx -c {config}"), always));
                waited(SetUp::new().keep(unit), 8408)
            }),
        Scene::new("the machine's resolver as a service", 53)
            .expects_sentence("^bind_other_address$", "resolves names", Some("systemctl stop s10.service"))
            .never(&[r"\bkill\b", "systemctl stop"])
            .set_up(|| {
                std::fs::write("/etc/resolv.conf", "nameserver 127.0.0.1\n").unwrap();
                let command = "dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --user=root";
                let unit = started("s10.service", &service(command, "Restart=always\n"));
                wait_until("its port", || sh("ss -Hltn 'sport = :53'").contains(":53"));
                let set_up = SetUp::new().keep(unit).names("PID", main_pid("s10.service"));
                set_up.lives("the resolver", is_active("s10.service"))
            }),
        Scene::new("the service whose shell runs sockeye", 8409)
            .expects_sentence(".", "(?i)session|port", Some("systemctl stop s9.service"))
            .never(&[r"\bkill\b", "systemctl stop"])
            .set_up(agent),
    ]
}

/// A service that runs what is typed into it.
fn agent() -> SetUp {
    let fifo = "/run/stage/s9";
    sh(&format!("mkfifo {fifo} {fifo}.out"));
    let command = format!("python3 {} 8409 agent {fifo}", helper("holder.py"));
    let unit = started("s9.service", &service(&command, "Restart=always\n"));
    let shell = move |line: &str| {
        let mut command = Command::new("sh");
        let script = format!("printf '%s\\n' \"$0\" >{fifo}; cat {fifo}.out");
        command.args(["-c", &script, line]);
        command
    };
    wait_until("its port", || {
        sh("ss -Hltn 'sport = :8409'").contains("8409")
    });
    let set_up = SetUp::new().keep(unit).by_shell(shell);
    let set_up = set_up.names("PID", main_pid("s9.service"));
    set_up.lives("the service", is_active("s9.service"))
}
