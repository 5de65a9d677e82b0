//! Masters of workers that share a listener.

use super::waited;
use crate::processes::helper;
use crate::scene::{Scene, SetUp};
use crate::started::{Started, User, pids};
use crate::support::wait_until;

pub fn scenes() -> Vec<Scene> {
    let scene = |what, port| {
        Scene::new(what, port)
            .run_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .never(&["KILL", "-9"])
            .seen_outside()
    };
    let folder = helper("");
    let uvicorn =
        format!("uvicorn --app-dir {folder} applications:asgi --host 0.0.0.0 --no-access-log");
    let (workers, reload) = (uvicorn.clone(), uvicorn);
    vec![
        scene("gunicorn and its workers", 8561).set_up(move || {
            let line = format!("gunicorn --chdir {folder} applications:wsgi -w 2 -b 0.0.0.0:8561");
            master(User::Ann, &line, 8561, "gunicorn .*:8561", 3)
        }),
        scene("uvicorn and its workers", 8562).set_up(move || {
            let line = format!("{workers} --port 8562 --workers 2");
            master(User::Ann, &line, 8562, "uvicorn .*--port 8562", 1)
        }),
        scene("uvicorn --reload", 8563).set_up(move || {
            let line = format!("{reload} --port 8563 --reload --reload-dir /home/ann");
            master(User::Ann, &line, 8563, "uvicorn .*--port 8563", 1)
        }),
        Scene::new("a Python program whose children have its listener", 8564)
            .run_by(User::Ann)
            .expects("^end_processes$", "^kill {PID} {A} {B}$", "kill {PID} {A} {B}")
            .never(&["^kill {PID}$"])
            .seen_outside()
            .set_up(|| {
                let command = format!("python3 {} workers 8564", helper("parents.py"));
                let set_up = master(User::Ann, &command, 8564, "parents.py workers 8564$", 3);
                let all = pids("parents.py workers 8564$");
                set_up.names("A", all[1]).names("B", all[2])
            }),
        Scene::new("PHP-FPM and its workers", 8565)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .seen_outside()
            .set_up(|| {
                let text = "[global]\nerror_log = /dev/null\n[www]\nuser = ann\nlisten = 0.0.0.0:8565\n\
                            pm = static\npm.max_children = 2\n";
                std::fs::write("/run/stage/fpm.conf", text).unwrap();
                let fpm = crate::started::sh("ls /usr/sbin/php-fpm* | head -1");
                let server = Started::new(User::Root, &format!("{fpm} -F -n -y /run/stage/fpm.conf"));
                wait_until("its workers", || pids("^php-fpm: pool www$").len() == 2);
                let pid = server.pid();
                SetUp::new().keep(server).names("PID", pid)
            }),
    ]
}

/// A master, once as many processes of its command line are there.
fn master(user: User, line: &str, port: u16, command: &str, count: usize) -> SetUp {
    let server = Started::new(user, line);
    let pid = server.pid();
    let set_up = waited(SetUp::new().keep(server), port);
    wait_until("its workers", || pids(command).len() >= count);
    set_up.names("PID", pid)
}
