//! Ends that are carried out, and what is seen of the ports afterwards.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::cli::end::scene::{Server, came_of, end, only};
use crate::cli::holder::listener;
use crate::cli::scene::{TempFile, sockeye, stage};

/// A UDP socket.
fn udp(address: &str) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

#[test]
fn the_owner_gets_sigterm_and_the_port_can_be_bound() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let mut server = Server::plain(&[&socket]);
        drop(socket);
        let pid = server.pid();
        let said = end("8080 --yes");
        assert_eq!(said.code, 0, "{said:?}");
        let start = format!("8080: free; sleep ({pid}) exited ");
        assert!(said.out.starts_with(&start), "{said:?}");
        assert!(
            said.err.contains(&format!("sent SIGTERM to sleep ({pid})")),
            "{said:?}"
        );
        TcpListener::bind("0.0.0.0:8080").unwrap();
        server.wait();
    });
}

#[test]
fn the_result_as_json_has_the_verdict_before_and_each_signal() {
    stage(|| {
        let socket = listener("127.0.0.1:8080");
        let server = Server::plain(&[&socket]);
        drop(socket);
        let said = end("8080 --yes --json");
        let target = only(&said);
        let pids = json!([server.pid()]);
        assert_eq!((said.code, &said.json()["free"]), (0, &json!(true)));
        assert_eq!(target["before"]["cause"], "listener");
        assert_eq!(target["fix"], "end_process");
        assert_eq!(
            target["planned"],
            json!([{"kind": "signal", "signal": "TERM", "pids": pids}])
        );
        assert_eq!(target["sent"], json!([{"signal": "TERM", "pids": pids}]));
        assert_eq!(
            (&target["ended"]["pids"], &target["outcome"]),
            (&pids, &json!("free"))
        );
    });
}

#[test]
fn a_port_that_is_free_needs_nothing() {
    stage(|| {
        let said = end("8080 --yes");
        assert_eq!(
            (said.code, &*said.out, &*said.err),
            (0, "8080: free already\n", "")
        );
        let said = end("8080 --dry-run");
        assert_eq!((said.code, &*said.out), (0, "8080: free already\n"));
    });
}

#[test]
fn a_process_with_several_of_the_ports_gets_one_signal() {
    stage(|| {
        let sockets = ["127.0.0.1:8080", "[::1]:8081"].map(listener);
        let datagrams = udp("127.0.0.1:8082");
        let server = Server::plain(&[&sockets[0], &sockets[1], &datagrams]);
        drop((sockets, datagrams));
        let said = end("8080-8081 8082/udp 8083 --yes --json");
        assert_eq!(said.code, 0, "{said:?}");
        let whole = said.json();
        let outcomes: Vec<_> = whole["targets"].as_array().unwrap().iter().collect();
        let outcomes: Vec<_> = outcomes.iter().map(|one| &one["outcome"]).collect();
        assert_eq!(outcomes, ["free", "free", "free", "nothing_to_do"]);
        let sent = said.err.matches("sent SIGTERM").count();
        assert_eq!(
            (sent, &whole["targets"][2]["sent"][0]["pids"]),
            (1, &json!([server.pid()]))
        );
        UdpSocket::bind("0.0.0.0:8082").unwrap();
    });
}

#[test]
fn a_master_ends_with_its_workers() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        // Without a handler none ends the others.
        let mut master = Server::run(&[&socket], "sleep 600 & sleep 600 & echo ready; wait");
        drop(socket);
        let said = end("8080 --yes");
        assert_eq!(said.code, 0, "{said:?}");
        master.wait();
        TcpListener::bind("0.0.0.0:8080").unwrap();
    });
}

#[test]
fn a_loop_that_restarts_the_server_ends_with_it() {
    stage(|| {
        // `socat` and the like are not needed: a listener that is inherited by each round would stay open.
        let python = "import socket,time; s=socket.socket(); s.setsockopt(1,2,1); s.bind(('', 8080)); \
                      s.listen(); print('ready', flush=True); time.sleep(600)";
        let script = format!("while true; do python3 -c \"{python}\"; sleep 0.2; done");
        let mut server = Server::run(&[], &script);
        let said = end("8080 --yes");
        assert_eq!(said.code, 0, "{said:?}");
        server.wait();
        TcpListener::bind("0.0.0.0:8080").unwrap();
    });
}

/// A server that starts a new one of itself when it ends: nothing shows that before.
#[test]
fn what_returns_is_named() {
    stage(|| {
        let python = "import os,signal,socket,sys,time
def serve():
    s=socket.socket(); s.setsockopt(1,2,1); s.bind(('', 8080)); s.listen(); return s
def again(*_):
    global s
    s.close()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid(); time.sleep(0.3); s=serve(); time.sleep(600); os._exit(0)
s=serve()
signal.signal(signal.SIGTERM, again)
print('ready', flush=True)
while True: time.sleep(600)";
        let mut server = Server::start(&[], Command::new("setsid").args(["python3", "-c", python]));
        let said = end("8080 --yes --json");
        let target = came_of(&said, 1, "back");
        assert_eq!(target["ended"]["pids"], json!([server.pid()]));
        assert_eq!(target["back"]["same_program"], true);
        server.wait();
        let text = end("8080 --yes");
        assert_eq!(text.code, 0, "the second one has no handler: {text:?}");
    });
}

#[test]
fn a_process_that_ignores_sigterm_gets_sigkill_only_by_hard() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let mut server = Server::on_term(&[&socket], "");
        drop(socket);
        let said = end("8080 --yes");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            said.out.contains("add --hard to do it by SIGKILL"),
            "{said:?}"
        );
        assert!(server.is_running());
        let said = end("8080 --yes --hard");
        assert_eq!(said.code, 0, "{said:?}");
        server.wait();
    });
}

#[test]
fn a_process_that_takes_its_time_gets_sigkill_after_a_while_only_by_hard() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let mut server = Server::on_term(&[&socket], "echo handled");
        drop(socket);
        let said = end("8080 --yes --timeout 0.5 --json");
        let target = came_of(&said, 1, "still_running");
        assert!(
            target["why"].as_str().unwrap().contains("--hard"),
            "{target}"
        );
        assert_eq!(server.line(), "handled");
        assert!(server.is_running());
        let said = end("8080 --yes --timeout 1 --hard --json");
        let target = came_of(&said, 0, "free");
        assert_eq!(target["sent"][1]["signal"], "KILL");
        server.wait();
    });
}

/// A master that is killed alone leaves its workers with the port.
#[test]
fn by_hard_all_that_have_the_port_are_killed() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let script = "trap 'echo handled' TERM; bash -c 'trap : TERM; while :; do sleep 0.05; done' & \
                      sleep 0.2; echo ready; while :; do sleep 0.05; done";
        let mut server = Server::run(&[&socket], script);
        drop(socket);
        let said = end("8080 --yes --timeout 1 --hard");
        assert_eq!(said.code, 0, "{said:?}");
        server.wait();
        TcpListener::bind("0.0.0.0:8080").unwrap();
    });
}

#[test]
fn the_named_signal_is_sent_instead() {
    stage(|| {
        let socket = listener("0.0.0.0:8080");
        let script = "trap 'echo hup; exit' HUP; trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done";
        let mut server = Server::run(&[&socket], script);
        drop(socket);
        let said = end("8080 --yes --signal sighup");
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(server.line(), "hup");
    });
}

#[test]
fn a_service_of_runit_is_put_down_by_its_own_command() {
    stage(|| {
        let Ok(runsv) = which("runsv") else {
            println!("NOT RUN: no runit here");
            return;
        };
        let folder = TempFile::new("service");
        std::fs::create_dir_all(format!("{}/web", folder.path())).unwrap();
        let script = format!("{}/web/run", folder.path());
        let python = "import socket,time; s=socket.socket(); s.setsockopt(1,2,1); s.bind((\"\", 8080)); \
                      s.listen(); print(\"ready\", flush=True); time.sleep(600)";
        std::fs::write(&script, format!("#!/bin/sh\nexec python3 -c '{python}'\n")).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let web = format!("{}/web", folder.path());
        let mut command = Command::new("setsid");
        let server = Server::start(&[], command.args([&runsv, &web]));
        let said = end("8080 --yes --json");
        let target = came_of(&said, 0, "free");
        let command = format!("sv down {web}");
        assert_eq!(target["ran"], json!([{"command": command, "code": 0}]));
        assert_eq!(target["sent"], json!([]));
        drop(server);
        let _ = std::fs::remove_dir_all(folder.path());
    });
}

/// Where a program is.
fn which(name: &str) -> Result<String, ()> {
    let found = Command::new("which").arg(name).output().map_err(|_| ())?;
    let path = String::from_utf8(found.stdout).map_err(|_| ())?;
    let path = path.trim().to_owned();
    if path.is_empty() { Err(()) } else { Ok(path) }
}

#[test]
fn a_port_of_another_namespace_is_freed_there() {
    stage(|| {
        let here = listener("0.0.0.0:8080");
        let mut other = Server::plain(&[&here]);
        drop(here);
        let python = "import socket,time; s=socket.socket(); s.bind(('', 8080)); s.listen(); \
                      print('ready', flush=True); time.sleep(600)";
        let script = format!("ip link set lo up; exec python3 -c \"{python}\"");
        let mut command = Command::new("setsid");
        command.args(["unshare", "-n", "sh", "-c", &script]);
        let mut inside = Server::start(&[], &mut command);
        // The keeper has the namespace after the server's end.
        let pid = inside.pid().to_string();
        let mut keeper = Command::new("nsenter");
        keeper
            .args(["-t", &pid, "-n", "sleep", "600"])
            .stdin(Stdio::null());
        let mut keeper = keeper.spawn().unwrap();
        let said = end(&format!("-N {pid} 8080 --yes"));
        assert_eq!(said.code, 0, "{said:?}");
        inside.wait();
        assert!(other.is_running());
        keeper.kill().unwrap();
        keeper.wait().unwrap();
    });
}

#[test]
fn a_port_that_becomes_free_by_itself_is_waited_for() {
    stage(|| {
        std::fs::write("/proc/sys/net/ipv4/tcp_fin_timeout", "1").unwrap();
        let server = listener("127.0.0.1:8080");
        let client = std::net::TcpStream::connect("127.0.0.1:8080").unwrap();
        // The server closes first and the client does not: an orphan in FIN_WAIT2 stays for a while.
        drop(server.accept().unwrap());
        drop(server);
        crate::support::wait_until("the orphan", || {
            sockeye(&["list", "state:fin_wait2"]).code == 0
        });
        let said = end("8080 --yes --json");
        let target = came_of(&said, 0, "free");
        assert_eq!(target["sent"], json!([]));
        drop(client);
    });
}
