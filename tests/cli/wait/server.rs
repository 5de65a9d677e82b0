//! `wait --by` and `--project`: only that server counts, and only if no client gets another one.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Command, Stdio};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::{goes_on, wait};
use crate::cli::background::Running;
use crate::cli::holder::{Holder, listener};
use crate::cli::scene::{BINARY, Said, sockeye, stage};
use crate::program::built;
use crate::support::wait_until;

/// A server on 8080 of every IPv4 address, and its pid.
fn server(name: &str) -> Running {
    let mut command = Command::new(built("cli/helpers/named.c"));
    let server = Running::start(command.arg(name).env("PORT", "8080"));
    server.line();
    server
}

/// A shell that starts such a server when it gets a line, and stays its parent.
fn late_server() -> Running {
    let mut shell = Command::new("sh");
    shell.args(["-c", "read -r _; \"$0\" late; :"]);
    shell.arg(built("cli/helpers/named.c")).env("PORT", "8080");
    Running::start(&mut shell)
}

/// What `wait` says, which gives up at once.
fn said(args: &[&str]) -> Said {
    sockeye(&[&["wait", "--timeout=0s"], args].concat())
}

fn match_of(args: &[&str]) -> Value {
    let told = said(&[&["--json"], args].concat());
    let json = told.json();
    let is_it = json["targets"][0]["server"] == "expected";
    assert_eq!((told.code == 0, &json["happened"]), (is_it, &is_it.into()));
    json["targets"][0]["server"].clone()
}

#[test]
fn another_server_is_reported_once_and_that_of_the_process_is_waited_for() {
    stage(|| {
        let (other, mut late) = (server("other"), late_server());
        let by = late.pid().to_string();
        let waiting = wait(&["8080", "--by", &by]);
        goes_on(&waiting);
        let pid = other.pid();
        other.signal(rustix::process::Signal::TERM);
        other.end();
        goes_on(&waiting);
        late.write("\n");
        late.line();
        let line = waiting.line();
        assert!(line.starts_with("8080: listening since "), "{line}");
        assert!(line.contains("named("), "{line}");
        let ended = waiting.end();
        let said = format!(
            "sockeye: 8080: named ({pid}) listens on 0.0.0.0:8080, not sh ({by}); still waiting\n"
        );
        assert_eq!((ended.code, ended.err), (Some(0), said));
    });
}

#[test]
fn a_wrong_server_is_no_success_and_named_at_the_end() {
    stage(|| {
        let (server, other) = (server("one"), Holder::called("other", &[]));
        let (pid, by) = (server.pid(), other.pid().to_string());
        let told = said(&["8080", "--by", &by]);
        let line = format!(
            "sockeye: timed out: 8080: named ({pid}) listens on 0.0.0.0:8080, not other ({by})\n"
        );
        assert_eq!((told.code, &*told.out, &*told.err), (1, "", &*line));
        let json = said(&["8080", "--by", &by, "--json"]).json();
        let expected = serde_json::json!({
            "pid": other.pid(), "name": "other", "project": null, "ended": false,
        });
        assert_eq!(json["by"], expected);
        let target = &json["targets"][0];
        assert_eq!(target["server"], "another");
        assert_eq!(target["holders"][0]["pids"][0], pid);
        assert!(target["summary"].as_str().unwrap().contains("not other"));
        let told = said(&["8080", "--by", &by, "-q"]);
        assert_eq!((told.code, &*told.out, &*told.err), (1, "", ""));
        assert_eq!(match_of(&["8080", "--by", &pid.to_string()]), "expected");
        let json = said(&["8080", "--json"]).json();
        assert_eq!(
            (&json["by"], &json["targets"][0]["server"]),
            (&Value::Null, &Value::Null)
        );
    });
}

#[test]
fn the_end_of_the_process_ends_waiting_at_once() {
    stage(|| {
        let other = Holder::called("other", &[]);
        let by = other.pid().to_string();
        let waiting = wait(&["8080", "--by", &by]);
        goes_on(&waiting);
        drop(other);
        let ended = waiting.end();
        let said = format!("sockeye: other ({by}) has ended: 8080: nothing is listening\n");
        assert_eq!((ended.code, ended.err), (Some(1), said));
        let told = sockeye(&["wait", "8080", "--by", &by]);
        let line = format!("sockeye: there is no process {by}: 8080: nothing is listening\n");
        assert_eq!((told.code, &*told.out, &*told.err), (1, "", &*line));
        let json = sockeye(&["wait", "8080", "--by", &by, "--json"]).json();
        let expected = serde_json::json!({
            "pid": by.parse::<u32>().unwrap(), "name": null, "project": null, "ended": true,
        });
        assert_eq!((&json["by"], &json["happened"]), (&expected, &false.into()));
        // The port was not looked at, and read as if nothing listened.
        let _server = TcpListener::bind("127.0.0.1:8080").unwrap();
        let json = sockeye(&["wait", "8080", "--by", &by, "--json"]).json();
        assert_eq!(json["targets"][0]["server"], "another");
    });
}

#[test]
fn a_process_that_its_parent_has_not_reaped_has_ended() {
    stage(|| {
        let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        wait_until("its end", || {
            std::fs::read_to_string(&stat).unwrap().contains(") Z ")
        });
        let told = sockeye(&["wait", "8080", "--by", &child.id().to_string()]);
        assert_eq!(told.code, 1, "{told:?}");
        child.wait().unwrap();
    });
}

#[test]
fn only_a_server_of_the_project_counts() {
    stage(|| {
        let top = std::env::temp_dir().canonicalize().unwrap();
        let folder = |name: &str| {
            std::fs::create_dir_all(top.join(name).join("src")).unwrap();
            std::fs::create_dir_all(top.join(name).join(".git")).unwrap();
            top.join(name).to_str().unwrap().to_owned()
        };
        let (shop, blog) = (folder("shop"), folder("blog"));
        let mut command = Command::new(built("cli/helpers/named.c"));
        command.arg("shop").env("PORT", "8080");
        let server = Running::start(command.current_dir(format!("{shop}/src")));
        server.line();
        for path in [
            shop.clone(),
            format!("{shop}/src"),
            format!("{blog}/../shop"),
        ] {
            assert_eq!(
                match_of(&["8080", "--project", &path]),
                "expected",
                "{path}"
            );
        }
        let told = said(&["8080", "--project", &blog]);
        let line = format!(
            "sockeye: timed out: 8080: named ({}) of {shop} listens on 0.0.0.0:8080, not a process of {blog}\n",
            server.pid()
        );
        assert_eq!((told.code, &*told.err), (1, &*line));
        let json = said(&["8080", "--project", &blog, "--json"]).json();
        assert_eq!(json["by"]["project"], blog);
    });
}

/// Node listens on `::1` for `localhost`, others on `127.0.0.1`: a client tries one after the other.
#[test]
fn a_server_is_not_it_if_a_client_may_get_another() {
    stage(|| {
        let own = listener("127.0.0.1:8080");
        let holder = Holder::called("own", &[&own]);
        drop(own);
        let by = holder.pid().to_string();
        let is = |target: &str| match_of(&[target, "--by", &by]);
        assert_eq!(is("8080"), "expected");
        let other = TcpListener::bind("[::1]:8080").unwrap();
        assert_eq!(
            (is("localhost:8080"), is("8080")),
            ("several".into(), "several".into())
        );
        assert_eq!(
            (is("127.0.0.1:8080"), is("[::1]:8080")),
            ("expected".into(), "another".into())
        );
        let told = said(&["localhost:8080", "--by", &by]);
        assert_eq!(told.code, 1);
        let line = format!("own ({by}) listens, but ");
        assert!(told.err.contains(&line), "{told:?}");
        let line = " listens on [::1]:8080, which a client may get instead\n";
        assert!(told.err.ends_with(line), "{told:?}");
        assert_eq!(match_of(&["-4", "8080", "--by", &by]), "expected");
        drop(other);
        let _other = TcpListener::bind("127.0.0.2:8080").unwrap();
        assert_eq!(
            (is("8080"), is("localhost:8080")),
            ("several".into(), "expected".into())
        );
    });
}

#[test]
fn twins_on_one_port_are_not_it() {
    stage(|| {
        let twin = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_reuse_port(true).unwrap();
            let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
            socket.bind(&address.into()).unwrap();
            socket.listen(8).unwrap();
            socket
        };
        let (own, other) = (twin(), twin());
        let holder = Holder::called("own", &[&own]);
        drop(own);
        let by = holder.pid().to_string();
        assert_eq!(match_of(&["127.0.0.1:8080", "--by", &by]), "several");
        drop(other);
        assert_eq!(match_of(&["127.0.0.1:8080", "--by", &by]), "expected");
    });
}

/// The kernel prefers the socket that is bound to the very address.
#[test]
fn a_more_specific_listener_of_another_takes_its_clients() {
    stage(|| {
        let on = |address: &str| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_reuse_port(true).unwrap();
            let address: SocketAddr = address.parse().unwrap();
            socket.bind(&address.into()).unwrap();
            socket.listen(8).unwrap();
            socket
        };
        let own = on("0.0.0.0:8080");
        let holder = Holder::called("own", &[&own]);
        drop(own);
        let by = holder.pid().to_string();
        let _other = on("127.0.0.1:8080");
        for (target, expected) in [
            ("localhost:8080", "another"),
            ("127.0.0.1:8080", "another"),
            ("127.0.0.2:8080", "expected"),
            ("0.0.0.0:8080", "several"),
            ("8080", "several"),
        ] {
            assert_eq!(match_of(&[target, "--by", &by]), expected, "{target}");
        }
    });
}

/// The rules of a container that publishes the port: its clients on this machine never get the server.
#[test]
fn a_server_whose_clients_a_rule_sends_elsewhere_is_not_it() {
    stage(|| {
        let rules = "flush ruleset; table ip t { chain out { type nat hook output priority -100; \
                     tcp dport 8080 dnat to 127.0.0.1:9; }; }";
        let nft = format!("PATH=$PATH:/usr/sbin:/sbin nft '{rules}'");
        let server = server("one");
        let by = server.pid().to_string();
        assert_eq!(match_of(&["8080", "--by", &by]), "expected");
        if !Command::new("sh")
            .args(["-c", &nft])
            .status()
            .unwrap()
            .success()
        {
            assert!(!crate::support::is_required("netns"), "nft is required");
            eprintln!("NOT RUN: nft can't make a redirect here");
            return;
        }
        assert_eq!(match_of(&["8080", "--by", &by]), "several");
        let told = said(&["8080", "--by", &by]);
        let line = format!("8080: named ({by}) listens, but packets from this machine for it");
        assert!(told.code == 1 && told.err.contains(&line), "{told:?}");
        assert!(
            told.err
                .ends_with(" go to 127.0.0.1:9 (nftables ip t out)\n"),
            "{told:?}"
        );
    });
}

#[test]
fn one_of_several_owners_of_a_listener_is_enough() {
    stage(|| {
        let shared = listener("127.0.0.1:8080");
        let first = Holder::called("first", &[&shared]);
        let second = Holder::called("second", &[&shared]);
        drop(shared);
        for holder in [&first, &second] {
            assert_eq!(
                match_of(&["8080", "--by", &holder.pid().to_string()]),
                "expected"
            );
        }
        let third = Holder::called("third", &[]);
        assert_eq!(
            match_of(&["8080", "--by", &third.pid().to_string()]),
            "another"
        );
        // All of them descend from this process.
        assert_eq!(
            match_of(&["8080", "--by", &std::process::id().to_string()]),
            "expected"
        );
    });
}

#[test]
fn each_of_several_ports_has_to_be_of_the_server() {
    stage(|| {
        let own = [listener("127.0.0.1:8080"), listener("127.0.0.1:8081")];
        let holder = Holder::called("own", &[&own[0], &own[1]]);
        drop(own);
        let other = TcpListener::bind("127.0.0.1:8082").unwrap();
        let by = holder.pid().to_string();
        assert_eq!(said(&["8080-8081", "--by", &by]).code, 0);
        let told = said(&["8080-8082", "--by", &by]);
        assert_eq!((told.code, told.err.lines().count()), (1, 1), "{told:?}");
        assert!(told.err.contains("timed out: 8082: "), "{told:?}");
        drop(other);
        let told = said(&["8080-8082", "--by", &by]);
        assert!(
            told.err.ends_with("8082: nothing is listening\n"),
            "{told:?}"
        );
    });
}

#[test]
fn udp_sockets_count_the_same() {
    stage(|| {
        let other = UdpSocket::bind("127.0.0.1:8080").unwrap();
        let holder = Holder::called("own", &[]);
        let by = holder.pid().to_string();
        assert_eq!(match_of(&["8080/udp", "--by", &by]), "another");
        drop(other);
        let own = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        own.bind(&address.into()).unwrap();
        let holder = Holder::called("own", &[&own]);
        drop(own);
        assert_eq!(
            match_of(&["-u", "8080", "--by", &holder.pid().to_string()]),
            "expected"
        );
    });
}

/// Without the rights of the owner its descriptors can't be read.
#[test]
fn a_hidden_owner_is_unknown() {
    stage(|| {
        let server = server("one");
        let by = server.pid().to_string();
        let waited = |args: &[&str]| {
            let mut wait = assert_cmd::Command::new("setpriv");
            wait.args(["--bounding-set=-all", "--inh-caps=-all", BINARY, "wait"]);
            let output = wait.args(["8080", "--timeout=0s"]).args(args).output();
            Said::of(output.unwrap())
        };
        let told = waited(&["--by", &by]);
        let line = format!(
            "sockeye: timed out: 8080: whether it is named ({by}) is not known: tcp 0.0.0.0:8080 LISTEN root · hidden \
             (run with sudo)\n"
        );
        assert_eq!((told.code, &*told.out, &*told.err), (2, "", &*line));
        let json = waited(&["--project", ".", "--json"]);
        assert_eq!(
            (json.code, &json.json()["targets"][0]["server"]),
            (2, &"unknown".into())
        );
        drop(server);
        let told = waited(&["--by", &std::process::id().to_string()]);
        assert_eq!(told.code, 1, "nothing listens: {told:?}");
    });
}

#[test]
fn the_server_may_be_in_another_namespace() {
    stage(|| {
        let script = "ip link set lo up; exec \"$0\" inside";
        let mut command = Command::new("unshare");
        command.args(["-n", "sh", "-c", script]);
        command
            .arg(built("cli/helpers/named.c"))
            .env("PORT", "8080");
        let inside = Running::start(&mut command);
        inside.line();
        let outside = server("outside");
        let (inner, outer) = (inside.pid().to_string(), outside.pid().to_string());
        assert_eq!(
            match_of(&["-N", &inner, "8080", "--by", &inner]),
            "expected"
        );
        assert_eq!(match_of(&["-N", &inner, "8080", "--by", &outer]), "another");
        assert_eq!(match_of(&["8080", "--by", &inner]), "another");
        assert_eq!(
            match_of(&["-N", &inner, "8081", "--by", &inner]),
            Value::Null
        );
    });
}

/// Signals and the end of its process work there, too.
#[test]
fn the_pid_of_a_program_that_keeps_the_port_counts_for_its_command() {
    stage(|| {
        let named = built("cli/helpers/named.c");
        let named = named.to_str().unwrap();
        for hold in [&[][..], &["--hold"]] {
            let args = [&["free", "8080"], hold, &["--", named, "x"]].concat();
            let server = Running::sockeye(&args);
            server.line();
            assert_eq!(
                match_of(&["8080", "--by", &server.pid().to_string()]),
                "expected"
            );
            server.signal(rustix::process::Signal::TERM);
            server.end();
        }
    });
}

#[test]
fn wrong_usage_of_the_server_is_one_line() {
    for (args, says) in [
        (
            &["--by", "1", "--for", "free"][..],
            "--by is for a server that listens",
        ),
        (
            &["--project", ".", "--for", "free"],
            "--project is for a server that listens",
        ),
        (&["--by", "1", "--project", "."], "cannot be used with"),
        (&["--by", "x"], "'--by <PID>'"),
        (&["--by", "-1"], "'-1'"),
        (
            &["--project", "/no/such"],
            "--project /no/such: No such file or directory",
        ),
    ] {
        let told = sockeye(&[&["wait", "8080"], args].concat());
        assert_eq!((told.code, &*told.out), (2, ""), "{told:?}");
        assert_eq!(told.err.lines().count(), 1, "{told:?}");
        assert!(told.err.contains(says), "{told:?}");
    }
}
