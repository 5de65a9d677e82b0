//! Ports of plain programs: started by hand, masters and workers, several of them, an ancestor.

use std::path::Path;
use std::process::Command;

use crate::followed::follow_all;
use crate::scene::{Scene, SetUp};
use crate::stage::on_stage;
use crate::started::{Started, Undo, User, by, is_alive, pid_of, pids, sh, signal};
use crate::support::wait_until;
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
            .run_by(User::Ann)
            .expects("^end_process$", "^kill {PID}$", "kill {PID}")
            .never(&["sudo", "KILL"])
            .seen_outside()
            .set_up(|| server(User::Ann, 8101)),
        Scene::new("another user's program", 8102)
            .run_by(User::Ann)
            .expects_sentence("^end_process$", "sudo sockeye check 8102", None)
            .never(&["KILL"])
            .set_up(|| server(User::Bob, 8102)),
        Scene::new("an ancestor of the shell that runs sockeye", 8103)
            .run_by(User::Ann)
            .expects_sentence(".", ".", None)
            .never(&[r"\bkill\b"])
            .set_up(under_an_agent),
        Scene::new("a master and its workers (nginx)", 8104)
            .expects(
                "^(end_process|stop_app)$",
                "^kill {PID}$|^nginx .*-s (quit|stop)",
                "kill {PID}",
            )
            .never(&["^kill (-KILL|-9) {PID}$"])
            .seen_outside()
            .set_up(|| {
                let nginx = nginx(8104);
                let pid = nginx.pid();
                SetUp::new().keep(nginx).names("PID", pid)
            }),
        Scene::new("the workers of a master that was killed", 8105)
            .expects(
                "^end_processes$",
                "^kill ({A} {B}|{B} {A})$",
                "kill {A} {B}",
            )
            .seen_outside()
            .set_up(|| {
                let nginx = nginx(8105);
                let workers = workers(8105, nginx.pid());
                signal("KILL", nginx.pid()).unwrap();
                let master = nginx.pid();
                wait_until("the master's end", || !is_alive(master));
                let set_up = SetUp::new()
                    .keep(nginx)
                    .keep(Undo(format!("kill {} {}", workers[0], workers[1])));
                set_up.names("A", workers[0]).names("B", workers[1])
            }),
        Scene::new("two programs on one port, two addresses", 8106)
            .expects(
                "^end_processes$",
                "^kill ({A} {B}|{B} {A})$",
                "kill {A} {B}",
            )
            .never(&["^kill {A}$", "^kill {B}$"])
            .seen_outside()
            .set_up(|| two(8106, "address=127.0.0.1", "address=192.0.2.1")),
        Scene::new("two programs that share a port by SO_REUSEPORT", 8107)
            .expects(
                "^end_processes$",
                "^kill ({A} {B}|{B} {A})$",
                "kill {A} {B}",
            )
            .never(&["^kill {A}$", "^kill {B}$"])
            .seen_outside()
            .set_up(|| two(8107, "share", "share")),
        Scene::new(
            "a server and another program that inherited its listener",
            8108,
        )
        .expects(
            "^end_processes$",
            "^kill ({A} {B}|{B} {A})$",
            "kill {A} {B}",
        )
        .never(&["^kill {A}$"])
        .seen_outside()
        .set_up(|| {
            let server = holder(User::Root, 8108, "heir");
            let heir = pid_of("^sleep 1000$");
            let set_up = SetUp::new().names("A", server.pid()).names("B", heir);
            set_up.keep(server)
        }),
        Scene::new("PostgreSQL with a client, by its user", 8109)
            .run_by(User::Ann)
            .expects(
                "^(stop_app|end_process)$",
                "pg_ctl .*stop|pg_ctl stop|^kill -(s )?(SIG)?INT {PID}$",
                "kill -INT {PID}",
            )
            .never(&["^kill {PID}$", "KILL", "-9"])
            .seen_outside()
            .set_up(|| postgres(8109)),
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

/// The path of a helper.
pub fn helper(name: &str) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advice/helpers");
    here.join(name).display().to_string()
}

/// A server of the helper `holder.py`, see there for the words.
pub fn holder(user: User, port: u16, words: &str) -> Started {
    let line = format!("python3 {} {port} {words}", helper("holder.py"));
    let started = Started::new(user, &line);
    let pid = started.pid();
    wait_until("the holder's socket", || has_port(pid, port));
    started
}

/// Whether `ss` says that the process has a socket on this port.
fn has_port(pid: u32, port: u16) -> bool {
    sh(&format!("ss -Hlntup 'sport = :{port}'")).contains(&format!("pid={pid},"))
}

fn two(port: u16, first: &str, second: &str) -> SetUp {
    let first = holder(User::Root, port, first);
    let second = holder(User::Root, port, second);
    let set_up = SetUp::new()
        .names("A", first.pid())
        .names("B", second.pid());
    set_up.keep(first).keep(second)
}

/// nginx with two workers.
fn nginx(port: u16) -> Started {
    let folder = format!("/run/stage/nginx-{port}");
    std::fs::create_dir_all(&folder).unwrap();
    let config = format!(
        "pid {folder}/pid;\nworker_processes 2;\nerror_log /dev/null;\ndaemon off;\nuser root;\n\
         events {{}}\nhttp {{ access_log off; server {{ listen {port}; listen [::]:{port}; }} }}\n"
    );
    std::fs::write(format!("{folder}/nginx.conf"), config).unwrap();
    let nginx = Started::new(User::Root, &format!("nginx -c {folder}/nginx.conf"));
    wait_for_answer(Protocol::Tcp, "127.0.0.1", port);
    workers(port, nginx.pid());
    nginx
}

/// The pids of its two workers.
fn workers(port: u16, master: u32) -> Vec<u32> {
    let has_master = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(&format!(" S {master} "))
    };
    let all = || pids("nginx: worker process").into_iter().filter(has_master);
    wait_until(&format!("workers on {port}"), || all().count() == 2);
    all().collect()
}

/// A database of ann's with a client that sleeps.
fn postgres(port: u16) -> SetUp {
    let bin = sh("ls -d /usr/lib/postgresql/*/bin | tail -1");
    by(
        User::Ann,
        &format!("{bin}/initdb -N -A trust -D /home/ann/pg"),
    );
    let options = format!("-D /home/ann/pg -p {port} -c listen_addresses='*' -k /tmp -F");
    let server = Started::new(User::Ann, &format!("{bin}/postgres {options}"));
    let connect = format!("psql -h /tmp -p {port} postgres -c");
    wait_until("the database", || {
        let select = format!("{connect} 'select 1'");
        User::Ann.shell(&select).output().unwrap().status.success()
    });
    let client = Started::new(User::Ann, &format!("{connect} 'select pg_sleep(600)'"));
    wait_until("the client's session", || {
        by(
            User::Ann,
            &format!("{connect} 'select query from pg_stat_activity'"),
        )
        .contains("pg_sleep(600)")
    });
    let pid = server.pid();
    SetUp::new().keep(server).keep(client).names("PID", pid)
}

/// A server of ann's that runs what is typed into it, as an editor or a terminal does.
fn under_an_agent() -> SetUp {
    let fifo = "/home/ann/lines";
    by(User::Ann, &format!("mkfifo {fifo} {fifo}.out"));
    let agent = holder(User::Ann, 8103, &format!("agent {fifo}"));
    let pid = agent.pid();
    let shell = move |line: &str| {
        let mut command = Command::new("sh");
        let script = format!("printf '%s\\n' \"$0\" >{fifo}; cat {fifo}.out");
        command.args(["-c", &script, line]);
        command
    };
    let set_up = SetUp::new().keep(agent).names("PID", pid);
    set_up.lives_on("the ancestor", pid).by_shell(shell)
}
