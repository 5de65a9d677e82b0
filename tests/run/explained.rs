//! What is said about a call that fails, and what is not.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use socket2::{Domain, Socket, Type};

use crate::program::built_static;
use crate::run::scene::{BINARY, Binder, Report, code, run, stage, text};
use crate::support::netns::{has_users, in_netns_with_users};
use crate::support::wait_until;

fn binder() -> Binder {
    let built = built_static("run/helpers/binder.c");
    Binder::start(&[built.to_str().unwrap()])
}

#[test]
fn standard_error_says_what_failed_why_and_how_to_free_the_port() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let built = built_static("run/helpers/binder.c");
        let script = format!(
            "echo tcp 127.0.0.1 3000 0 1 0 | {}; exit 7",
            built.display()
        );
        let output = run(&[], &["sh", "-c", &script]).output().unwrap();
        assert_eq!(code(&output), 7);
        assert_eq!(text(&output.stdout), "EADDRINUSE\n");
        let err = text(&output.stderr);
        let pid = std::process::id();
        assert!(err.starts_with("sockeye: binder ("), "{err}");
        assert!(
            err.contains(") can't bind 127.0.0.1:3000 (EADDRINUSE)\n"),
            "{err}"
        );
        assert!(err.contains(&format!("(pid {pid}, ")), "{err}");
        assert!(err.contains("listens on 127.0.0.1:3000.\n"), "{err}");
        assert!(err.contains(&format!("\n      kill {pid}\n")), "{err}");
    });
}

#[test]
fn a_program_whose_binds_succeed_is_left_alone() {
    stage(|| {
        let built = built_static("run/helpers/binder.c");
        let script = format!("echo tcp 127.0.0.1 3000 0 1 0 | {}", built.display());
        let output = run(&[], &["sh", "-c", &script]).output().unwrap();
        assert_eq!((code(&output), text(&output.stdout)), (0, "ok\n".into()));
        assert_eq!(text(&output.stderr), "");
    });
}

#[test]
fn an_address_that_is_not_of_this_host_is_explained() {
    stage(|| {
        let mut binder = binder();
        assert_eq!(binder.ask("tcp 203.0.113.1 3000 0 1 0"), "EADDRNOTAVAIL");
        let failure = binder.failure();
        assert_eq!(failure["cause"], "address_not_local");
        assert_eq!(failure["verdict"], "unavailable");
        assert_eq!(failure["socket"]["address"], "203.0.113.1");
    });
}

#[test]
fn a_privileged_port_is_explained_to_a_program_without_the_right() {
    in_netns_with_users(
        "run::explained::a_privileged_port_is_explained_to_a_program_without_the_right",
        || {
            if !has_users() {
                return;
            }
            let built = built_static("run/helpers/binder.c");
            let script = format!(
                "echo tcp 127.0.0.1 80 0 1 0 | setpriv --reuid 65534 --clear-groups {} run -- {}",
                crate::run::scene::BINARY,
                built.display()
            );
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(text(&output.stdout), "EACCES\n", "{output:?}");
            let err = text(&output.stderr);
            assert!(err.contains("Port 80 is privileged"), "{err}");
        },
    );
}

/// A process that gave up its rights has the port refused, though its supervisor could bind it.
#[test]
fn a_program_that_gave_up_its_rights_gets_its_own_answer() {
    in_netns_with_users(
        "run::explained::a_program_that_gave_up_its_rights_gets_its_own_answer",
        || {
            if !has_users() {
                return;
            }
            let built = built_static("run/helpers/binder.c");
            let script = format!(
                "echo tcp 127.0.0.1 80 0 1 0 | setpriv --reuid 65534 --clear-groups {}",
                built.display()
            );
            let output = run(&[], &["sh", "-c", &script]).output().unwrap();
            assert_eq!(text(&output.stdout), "EACCES\n");
            let err = text(&output.stderr);
            assert_eq!(err.lines().count(), 1, "{err}");
            assert!(err.contains("has other rights than sockeye"), "{err}");
        },
    );
}

#[test]
fn of_two_bound_sockets_the_second_can_not_listen_and_that_is_explained() {
    stage(|| {
        let (mut binder, bound) = (binder(), shared(3000));
        // Bound beside the other one; the other one listens first.
        bound.listen(8).unwrap();
        assert_eq!(binder.ask("tcp 127.0.0.1 3000 0 1 0"), "EADDRINUSE");
        assert_eq!(binder.failure()["call"], "bind");
        let built = built_static("run/helpers/late_listener.c");
        let mut late = Binder::start(&[built.to_str().unwrap()]);
        let other = shared(3001);
        assert_eq!(late.ask("3001"), "bound");
        other.listen(8).unwrap();
        assert_eq!(late.ask("listen"), "EADDRINUSE");
        let failure = late.failure();
        assert_eq!(
            (&failure["call"], &failure["cause"]),
            (&"listen".into(), &"listener".into())
        );
        // Its own socket is not in its way.
        assert_eq!(
            failure["blockers"].as_array().unwrap().len(),
            1,
            "{failure}"
        );
        assert_eq!(failure["blockers"][0]["pids"][0], std::process::id());
        assert_eq!(late.ask("listen"), "EADDRINUSE");
    });
}

/// A socket with `SO_REUSEADDR`, bound and not listening.
fn shared(port: u16) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    let local: std::net::SocketAddr = ([127, 0, 0, 1], port).into();
    socket.bind(&local.into()).unwrap();
    socket
}

/// The fix was to end the program whose call failed, as if a stranger had the port.
#[test]
fn a_program_whose_own_socket_is_in_its_way_is_not_to_be_ended() {
    stage(|| {
        let built = built_static("run/helpers/twice.c");
        for (more, says) in [
            (None, "(pid "),
            (Some("udp"), ") has bound UDP 127.0.0.1:3000"),
        ] {
            let report = Report::new();
            let options = ["--report", report.path().to_str().unwrap()];
            let command: Vec<_> = built.to_str().into_iter().chain(more).collect();
            let output = run(&options, &command).output().unwrap();
            assert_eq!(text(&output.stdout), "EADDRINUSE\n");
            let err = text(&output.stderr);
            let itself = "  The program has the port itself: twice (pid ";
            assert!(err.contains(itself) && err.contains(says), "{err}");
            assert!(!err.contains("kill"), "{err}");
            let failure = &report.of_kind("failure")[0];
            let pid = &failure["pid"];
            assert_eq!(&failure["blockers"][0]["pids"][0], pid);
            let remedies = failure["remedies"].as_array().unwrap();
            let once = format!(
                "Have twice ({pid}) bind the port only once, or use another port for one of its sockets"
            );
            assert_eq!(remedies[0]["text"], once);
            assert!(
                remedies.iter().all(|one| one["command"].is_null()),
                "{remedies:?}"
            );
        }
    });
}

#[test]
fn udp_is_explained_too() {
    stage(|| {
        let (mut binder, _socket) = (binder(), UdpSocket::bind("0.0.0.0:5300").unwrap());
        assert_eq!(binder.ask("udp 127.0.0.1 5300 0 0 0"), "EADDRINUSE");
        let failure = binder.failure();
        assert_eq!(failure["cause"], "udp_socket");
        assert_eq!(failure["target"], "127.0.0.1:5300/udp");
    });
}

#[test]
fn of_two_holders_only_the_one_that_does_not_share_is_in_the_way_of_a_socket_that_does() {
    stage(|| {
        let with_option = |address: &str, reuse_port| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_reuse_port(reuse_port).unwrap();
            let local: std::net::SocketAddr = address.parse().unwrap();
            socket.bind(&local.into()).unwrap();
            socket.listen(8).unwrap();
            socket
        };
        let _twin = with_option("127.0.0.1:3000", true);
        let _alone = with_option("127.0.0.2:3000", false);
        let mut binder = binder();
        assert_eq!(binder.ask("tcp 0.0.0.0 3000 0 0 1"), "EADDRINUSE");
        let failure = binder.failure();
        let blockers = failure["blockers"].as_array().unwrap();
        assert_eq!(blockers.len(), 1, "{failure}");
        assert_eq!(blockers[0]["local"]["address"], "127.0.0.2");
    });
}

#[test]
fn what_is_not_about_a_port_is_left_to_the_kernel() {
    stage(|| {
        let built = built_static("run/helpers/odd.c");
        let output = run(&[], &[built.to_str().unwrap()]).output().unwrap();
        let plain = std::process::Command::new(&built).output().unwrap();
        assert_eq!(text(&output.stdout), text(&plain.stdout));
        assert!(text(&output.stdout).contains("unix ok\n"), "{output:?}");
        assert_eq!(text(&output.stderr), "");
    });
}

#[test]
fn a_unix_socket_whose_path_is_in_use_is_said_once_with_the_command_that_explains_it() {
    const BINDS: &str = "
import os, socket, sys
os.chdir(sys.argv[1])
for name in ['app.sock', './app.sock', sys.argv[1] + '/app.sock', 'left over', 'new.sock']:
    try:
        socket.socket(socket.AF_UNIX).bind(name)
        print('ok')
    except OSError as error:
        print(error.strerror)
";
    stage(|| {
        let folder = std::env::temp_dir().join(format!("sockeye-unix-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name| folder.join(name).display().to_string();
        let _server = UnixListener::bind(path("app.sock")).unwrap();
        drop(UnixListener::bind(path("left over")).unwrap());
        let program = ["python3", "-c", BINDS, folder.to_str().unwrap()];
        let output = run(&[], &program).output().unwrap();
        let said = "Address already in use\n".repeat(4) + "ok\n";
        assert_eq!(text(&output.stdout), said);
        let err = text(&output.stderr);
        let lines: Vec<_> = err.lines().collect();
        assert_eq!(lines.len(), 2, "{err}");
        for (line, name) in lines.iter().zip(["app.sock", "left over"]) {
            let failed = format!("so bind(2) fails: {}. `sockeye check ", path(name));
            assert!(
                line.starts_with("sockeye: python3 ") && line.contains(&failed),
                "{line}"
            );
            let command = line.split('`').nth(1).unwrap();
            let command = command.replacen("sockeye", BINARY, 1);
            let checked = Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(code(&checked), 1, "{command}");
            let answer = text(&checked.stdout);
            let has_server = answer.contains(&format!("(pid {}", std::process::id()));
            assert_eq!(has_server, name == "app.sock", "{answer}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    });
}

/// It took 4 ms and no more until the program saw its error, and on a busy machine the owner was gone by then.
#[test]
fn the_owner_is_named_although_the_program_ends_it_as_soon_as_it_sees_the_error() {
    const PROGRAM: &str = "
import os, signal, socket, sys
for pid, port in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        socket.create_server(('127.0.0.1', int(port)))
    except OSError:
        os.kill(int(pid), signal.SIGKILL)
";
    stage(|| {
        let report = Report::new();
        // Many processes, among which the owner is searched for.
        let mut others: Vec<_> = (0..300).map(|_| sleeper()).collect();
        let built = built_static("run/helpers/binder.c");
        let mut servers: Vec<_> = (3000..3010).map(|port| server(&built, port)).collect();
        let mut program = vec!["python3".to_owned(), "-c".into(), PROGRAM.into()];
        for (server, port) in servers.iter().zip(3000..) {
            program.extend([server.id().to_string(), port.to_string()]);
        }
        let program: Vec<&str> = program.iter().map(String::as_str).collect();
        let options = ["--quiet", "--report", report.path().to_str().unwrap()];
        assert_eq!(code(&run(&options, &program).output().unwrap()), 0);
        let failures = report.of_kind("failure");
        assert_eq!(failures.len(), servers.len());
        for (failure, server) in failures.iter().zip(&servers) {
            assert_eq!(failure["explained_before_return"], true, "{failure}");
            assert_eq!(failure["blockers"][0]["pids"][0], server.id(), "{failure}");
        }
        for child in servers.iter_mut().chain(&mut others) {
            let _ = child.kill();
            child.wait().unwrap();
        }
    });
}

fn sleeper() -> Child {
    Command::new("sleep").arg("1000").spawn().unwrap()
}

fn server(binder: &Path, port: u16) -> Child {
    let mut server = Command::new(binder);
    let server = server.stdin(Stdio::piped()).stdout(Stdio::piped());
    let server = server.spawn().unwrap();
    writeln!(server.stdin.as_ref().unwrap(), "tcp 127.0.0.1 {port} 0 1 0").unwrap();
    wait_until("it listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    server
}
