//! Supervisors that run as daemons: supervisord, runit, daemontools, s6.

use super::{KILL, answers, waited, web, write};
use crate::processes::helper;
use crate::scene::{Scene, SetUp};
use crate::started::{Started, User, pid_of, sh};

/// supervisord's.
pub fn of_supervisord() -> Vec<Scene> {
    let scene = |what, port, command: &str| {
        let expected = format!("^{command}$");
        Scene::new(what, port)
            .expects("^stop_app$", &expected, command)
            .never(&[KILL])
            .seen_outside()
    };
    vec![
        scene(
            "a program of supervisord",
            8501,
            "supervisorctl -s unix:///var/run/supervisor.sock stop web",
        )
        .kept_by("kind", "^supervisord$")
        .set_up(|| {
            let text = program("web", &web(8501)) + &program("other", &web(8591));
            sh("mkdir -p /var/log/supervisor");
            std::fs::write("/etc/supervisor/conf.d/stage.conf", text).unwrap();
            let daemon = Started::new(User::Root, "supervisord -n");
            waited(waited(SetUp::new().keep(daemon), 8501), 8591)
                .lives("its other program", answers(8591))
        }),
        scene(
            "a user's program in a group of root's supervisord",
            8502,
            "sudo supervisorctl -c /run/stage/groups.conf stop shop:api",
        )
        .run_by(User::Ann)
        .set_up(|| {
            let text = format!(
                "{}user=ann\n[group:shop]\nprograms=api\n",
                program("api", &web(8502))
            );
            supervisord(User::Root, "/run/stage/groups", 8502, &text)
        }),
        scene(
            "a program of the user's own supervisord",
            8503,
            "supervisorctl -c /home/ann/own.conf stop web",
        )
        .run_by(User::Ann)
        .set_up(|| {
            supervisord(
                User::Ann,
                "/home/ann/own",
                8503,
                &program("web", &web(8503)),
            )
        }),
        Scene::new("a program of another user's supervisord", 8504)
            .expects(
                "^stop_app$",
                "^runuser -l ann -c 'supervisorctl -c /home/ann/other.conf stop web'$",
                "runuser -l ann -c 'supervisorctl -c /home/ann/other.conf stop web'",
            )
            .never(&[KILL])
            .seen_outside()
            .set_up(|| {
                supervisord(
                    User::Ann,
                    "/home/ann/other",
                    8504,
                    &program("web", &web(8504)),
                )
            }),
        Scene::new("a program of supervisord that ignores SIGTERM", 8505)
            .run_by(User::Ann)
            .expects(
                "^stop_app$",
                "^supervisorctl -c /home/ann/deaf.conf stop web & sleep 1; kill -KILL {PID}$",
                "supervisorctl -c /home/ann/deaf.conf stop web & sleep 1; kill -KILL {PID}",
            )
            .never(&[KILL])
            .seen_outside()
            .set_up(|| {
                let command = format!("python3 {} 8505 ignore", helper("holder.py"));
                let text = program("web", &command);
                let set_up = supervisord(User::Ann, "/home/ann/deaf", 8505, &text);
                set_up.names("PID", pid_of("holder.py 8505 ignore$"))
            }),
    ]
}

/// Those that keep a folder of services.
pub fn of_folders() -> Vec<Scene> {
    let scene = |what, port, command: &str| {
        let expected = format!("^{command}$");
        Scene::new(what, port)
            .expects("^stop_app$", &expected, command)
            .never(&[KILL])
            .seen_outside()
    };
    vec![
        scene(
            "a service of runit",
            8506,
            "sv down /run/stage/runit/web-8506",
        )
        .kept_by("kind", "^runit$")
        .set_up(|| services("runit", "runsvdir -P", 8506)),
        scene(
            "a service of daemontools",
            8507,
            "svc -d /run/stage/daemontools/web-8507",
        )
        .kept_by("kind", "^daemontools$")
        .set_up(|| services("daemontools", "svscan", 8507)),
        scene("a service of s6", 8508, "s6-svc -d /run/stage/s6/web-8508")
            .kept_by("kind", "^s6$")
            .set_up(|| services("s6", "s6-svscan", 8508)),
        Scene::new("a service of inetd", 8510)
            .expects_sentence("^change_config$", "kill -HUP", Some("^kill [0-9]+$"))
            .never(&[KILL])
            .set_up(|| {
                let line = "0.0.0.0:8510 stream tcp nowait root /bin/echo echo hello\n";
                std::fs::write("/run/stage/inetd.conf", line).unwrap();
                let inetd = Started::new(User::Root, "inetd -i /run/stage/inetd.conf");
                let pid = inetd.pid();
                let set_up = SetUp::new().keep(inetd).names("PID", pid);
                waited(set_up.lives_on("inetd", pid), 8510)
            }),
        scene(
            "a service of runit that ignores SIGTERM",
            8509,
            "sv down /run/stage/deaf/web-8509; kill -KILL {PID}",
        )
        .set_up(|| {
            let command = format!("python3 {} 8509 ignore", helper("holder.py"));
            let set_up = folders("deaf", "runsvdir -P", 8509, &command);
            let pid = pid_of("holder.py 8509 ignore$");
            set_up.names("PID", pid)
        }),
    ]
}

fn program(name: &str, command: &str) -> String {
    format!("[program:{name}]\ncommand={command}\nautorestart=true\n")
}

/// supervisord with a config and a socket of its own.
fn supervisord(user: User, path: &str, port: u16, programs: &str) -> SetUp {
    let text = format!(
        "[unix_http_server]\nfile={path}.sock\n[supervisord]\nlogfile={path}.log\npidfile={path}.pid\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://{path}.sock\n{programs}"
    );
    write(user, &format!("{path}.conf"), &text);
    let daemon = Started::new(user, &format!("supervisord -n -c {path}.conf"));
    waited(SetUp::new().keep(daemon), port)
}

fn services(name: &str, scanner: &str, port: u16) -> SetUp {
    folders(name, scanner, port, &web(port))
}

/// A folder of two services, as runit, daemontools and s6 all take it.
fn folders(name: &str, scanner: &str, port: u16, command: &str) -> SetUp {
    let folder = format!("/run/stage/{name}");
    for (service, command) in [("web", command), ("other", &web(port + 80))] {
        let service = format!("{service}-{port}");
        sh(&format!("mkdir -p {folder}/{service}"));
        let script = format!("#!/bin/sh\nexec {command}\n");
        write(User::Root, &format!("{folder}/{service}/run"), &script);
    }
    let daemon = Started::new(User::Root, &format!("{scanner} {folder}"));
    let undo = crate::started::Undo(format!(
        "pkill -f '(runsv|supervise) (web|other)-{port}$'; pkill -f 'httpd -f -p {}'",
        port + 80
    ));
    let set_up = waited(
        waited(SetUp::new().keep(undo).keep(daemon), port),
        port + 80,
    );
    set_up.lives("the other service", answers(port + 80))
}
