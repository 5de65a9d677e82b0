//! `sockeye free`: what is chosen, kept and handed over, asked of the kernel.

use std::collections::HashSet;
use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::background::Running;
use crate::program::built;
use crate::scene::{BINARY, Sockets, TempFile, sockeye, stage};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// The ports that were printed.
fn ports(args: &[&str]) -> Vec<u16> {
    let said = sockeye(&[&["free"], args].concat());
    assert_eq!((said.code, &*said.err), (0, ""), "{args:?}: {said:?}");
    said.out.lines().map(|line| line.parse().unwrap()).collect()
}

fn set(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{name}"), value).unwrap();
}

/// Binds every IPv4 address, with the option or without, and listens if that is TCP.
fn server(kind: Type, port: u16, reuses: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, kind, None)?;
    socket.set_reuse_address(reuses)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    if kind == Type::STREAM {
        socket.listen(1)?;
    }
    Ok(socket)
}

fn is_in_use(result: &std::io::Result<Socket>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::AddrInUse)
}

#[test]
fn the_kernel_chooses_a_port_that_every_address_and_both_protocols_have_free() {
    stage(|| {
        for port in (0..30).flat_map(|_| ports(&[])) {
            let _all = (
                TcpListener::bind(("0.0.0.0", port)).unwrap(),
                UdpSocket::bind(("0.0.0.0", port)).unwrap(),
                server_v6(Type::STREAM, port).unwrap(),
                server_v6(Type::DGRAM, port).unwrap(),
            );
        }
    });
}

fn server_v6(kind: Type, port: u16) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, kind, None)?;
    socket.set_only_v6(true)?;
    socket.bind(&SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

#[test]
fn of_a_range_the_first_is_taken_that_can_be_bound_as_asked() {
    stage(|| {
        let _sockets = Sockets::open();
        for (args, expected) in [
            (&["8079-8085"][..], 8079),
            (&["8080-8085"], 8082),
            (&["5353-5360"], 5355),
            (&["-t", "5353-5360"], 5353),
            (&["-u", "5353-5360"], 5355),
            (&["5353-5360/tcp"], 5353),
            (&["-u", "8080-8085"], 8080),
            (&["-4", "8081-8085"], 8081),
            (&["-6", "8080-8085"], 8080),
            (&["127.0.0.2:8080-8085"], 8080),
            (&["localhost:8080-8085"], 8082),
            (&["[::1]:8080-8085"], 8080),
            (&["8082"], 8082),
        ] {
            assert_eq!(ports(args), [expected], "{args:?}");
        }
    });
}

#[test]
fn the_kernel_chooses_on_one_address_too() {
    stage(|| {
        for (place, family) in [
            ("127.0.0.1:0", "-4"),
            ("[::1]:0", "-6"),
            ("localhost:0", "-t"),
        ] {
            let kept = Running::sockeye(&["free", "--hold", "-t", place]);
            let port = kept.port().to_string();
            let said = sockeye(&["list", family, &format!(":{port}")]);
            assert_eq!(said.code, 0, "{said:?}");
        }
        assert_eq!(ports(&["0"]).len(), 1);
        assert_eq!(ports(&["0/udp"]).len(), 1);
    });
}

#[test]
fn none_is_exit_code_1_and_says_who_has_them() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["free", "8080-8081"]);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        let pid = std::process::id();
        assert!(
            said.err.contains("8080: in use, tcp 127.0.0.1:8080 LISTEN"),
            "{said:?}"
        );
        assert!(said.err.contains(&format!("({pid})")), "{said:?}");
        assert!(
            said.err
                .ends_with("sockeye: no port of 8080-8081 is free\n"),
            "{said:?}"
        );
    });
}

#[test]
fn several_are_held_until_all_are_found() {
    stage(|| {
        let _sockets = Sockets::open();
        assert_eq!(ports(&["--count", "3", "8079-8083"]), [8079, 8082, 8083]);
        let many = ports(&["-n", "2000"]);
        assert_eq!(many.iter().collect::<HashSet<_>>().len(), 2000);
        let said = sockeye(&["free", "-n", "4", "8079-8083"]);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        assert!(
            said.err
                .contains("3 of the 4 ports wanted can be had of 8079-8083"),
            "{said:?}"
        );
    });
}

#[test]
fn a_stable_port_is_chosen_with_its_reasons() {
    stage(|| {
        set("ipv4/ip_local_reserved_ports", "20001-20002");
        set("ipv4/ip_local_port_range", "20004 20010");
        let _held = TcpListener::bind("127.0.0.1:20000").unwrap();
        let elsewhere = elsewhere(20_003);
        let said = sockeye(&["free", "--stable", "20000-20020"]);
        assert_eq!((said.code, &*said.out), (0, "20011\n"), "{said:?}");
        let lines: Vec<_> = said.err.lines().collect();
        assert!(lines[0].starts_with("sockeye: 20000: in use, tcp 127.0.0.1:20000 LISTEN"));
        let reserved = "sockeye: 20001-20002: set aside in net.ipv4.ip_local_reserved_ports";
        assert_eq!(lines[1], reserved);
        let other = format!(
            "sockeye: 20003: [::]:20003 is in use in the network namespace of sleep({})",
            elsewhere.pid()
        );
        assert_eq!(lines[2], other);
        assert_eq!(
            lines[3],
            "sockeye: 20004-20010: in the ephemeral range 20004–20010: the kernel may give it to an \
             outgoing connection"
        );
        assert_eq!(lines.len(), 4, "{said:?}");
        let said = sockeye(&["free", "--stable", "8080-8085"]);
        assert_eq!((said.code, &*said.out), (0, "8082\n"), "{said:?}");
        assert!(
            said.err.contains("8080: registered for http-alt"),
            "{said:?}"
        );
        let said = sockeye(&["free", "--stable", "1000-1030"]);
        assert!(
            said.err
                .contains("takes a privilege, as every port below 1024"),
            "{said:?}"
        );
        let said = sockeye(&["free", "--stable"]);
        assert!(
            said.out.trim().parse::<u16>().unwrap() >= 10_000,
            "{said:?}"
        );
    });
}

/// A process in another network namespace that listens on this port.
fn elsewhere(port: u16) -> Running {
    let port = port.to_string();
    let mut command = Command::new("unshare");
    command.args(["-n", BINARY, "free", "-t", &port, "--", "sleep", "60"]);
    let running = Running::start(&mut command);
    let comm = format!("/proc/{}/comm", running.pid());
    wait_until("sleep", || std::fs::read(&comm).unwrap() == b"sleep\n");
    running
}

#[test]
fn for_want_of_a_better_one_a_worse_is_taken_and_that_is_told() {
    stage(|| {
        set("ipv4/ip_local_reserved_ports", "100");
        let said = sockeye(&["free", "--stable", "40000-40001"]);
        assert_eq!((said.code, &*said.out), (0, "40000\n"), "{said:?}");
        assert!(
            said.err
                .contains("40000 is taken for want of a better one: in the ephemeral range"),
            "{said:?}"
        );
        let command = "sysctl net.ipv4.ip_local_reserved_ports=100,40000";
        assert!(said.err.contains(command), "{said:?}");
    });
}

#[test]
fn json_tells_the_same() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["free", "--json", "-t", "8080-8085"]);
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        let free: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(free["schema"], 1);
        assert_eq!(free["ports"], serde_json::json!([8082]));
        assert_eq!(free["protocols"], serde_json::json!(["tcp"]));
        assert_eq!(free["settled_for"], serde_json::json!([]));
        let passed = free["passed_over"].as_array().unwrap();
        assert_eq!(passed.len(), 2, "{free}");
        assert_eq!(
            (&passed[0]["first"], &passed[0]["last"]),
            (&8080.into(), &8080.into())
        );
        assert_eq!(passed[0]["code"], "in_use");
        assert!(
            passed[0]["message"]
                .as_str()
                .unwrap()
                .contains("127.0.0.1:8080")
        );
        let said = sockeye(&["free", "--json", "8080"]);
        assert_eq!(said.code, 1);
        let free: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(free["ports"], serde_json::json!([]));
    });
}

/// Both would succeed if they bound with `SO_REUSEADDR`, as long as neither listens.
#[test]
fn two_hundred_at_once_never_get_the_same_port() {
    stage(|| {
        for range in [&[][..], &["20000-20300"], &["-t"], &["-u"]] {
            let args = [&["free", "--hold"], range].concat();
            let all: Vec<_> = (0..200).map(|_| Running::sockeye(&args)).collect();
            let ports: HashSet<u16> = all.iter().map(Running::port).collect();
            assert_eq!(ports.len(), 200, "{range:?}");
            for one in all {
                let ended = one.close();
                assert_eq!((ended.code, &*ended.err), (Some(0), ""));
            }
            for port in ports {
                drop(server(Type::STREAM, port, false).unwrap());
                drop(server(Type::DGRAM, port, false).unwrap());
            }
        }
    });
}

#[test]
fn a_kept_port_is_for_servers_that_set_the_option_and_for_nobody_else() {
    stage(|| {
        let kept = Running::sockeye(&["free", "--hold"]);
        let port = kept.port();
        assert!(is_in_use(&server(Type::STREAM, port, false)));
        let refused = TcpStream::connect(("127.0.0.1", port)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = server(Type::STREAM, port, true).unwrap();
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        drop(taken);
        never_chosen(Type::STREAM, port);
        let said = sockeye(&["free", &port.to_string()]);
        assert_eq!(said.code, 1, "{said:?}");
        let ended = kept.close();
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    });
}

/// The kernel chooses from five ports, this one in their middle, for sockets with the option and without.
fn never_chosen(kind: Type, port: u16) {
    set(
        "ipv4/ip_local_port_range",
        &format!("{} {}", port - 2, port + 2),
    );
    for reuses in [true, false].repeat(200) {
        let chosen = server(kind, 0, reuses).unwrap();
        let chosen = chosen.local_addr().unwrap().as_socket().unwrap().port();
        assert_ne!(chosen, port);
    }
}

/// A UDP socket that is bound receives at once: shared, it took every datagram from a server that set
/// `SO_REUSEPORT` as well.
#[test]
fn udp_is_kept_only_where_it_is_asked_for_and_then_from_everybody() {
    stage(|| {
        let kept = Running::sockeye(&["free", "--hold"]);
        let port = kept.port();
        let udp = server(Type::DGRAM, port, false).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"?", ("127.0.0.1", port)).unwrap();
        let mut text = [std::mem::MaybeUninit::uninit(); 1];
        assert_eq!(udp.recv(&mut text).unwrap(), 1);
        drop((udp, kept));
        let kept = Running::sockeye(&["free", "--hold", "-u"]);
        let port = kept.port();
        assert!(is_in_use(&server(Type::DGRAM, port, true)));
        never_chosen(Type::DGRAM, port);
    });
}

#[test]
fn a_hold_without_an_input_says_that_it_holds_nothing() {
    stage(|| {
        let mut free = Command::new(BINARY);
        free.args(["free", "--hold", "20000"]).stdin(Stdio::null());
        let output = free.output().unwrap();
        let told = b"sockeye: standard input is closed already, so the port is not kept\n";
        assert_eq!(
            (output.status.code(), &*output.stdout),
            (Some(0), &b"20000\n"[..])
        );
        assert_eq!(output.stderr, told);
    });
}

#[test]
fn a_kernel_that_has_none_left_is_told() {
    stage(|| {
        set("ipv4/ip_local_port_range", "20000 20003");
        let said = sockeye(&["free", "-t", "-n", "5"]);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        let told = "sockeye: 4 of the 5 ports wanted can be had: the kernel has none left to choose from \
                    (net.ipv4.ip_local_port_range)\n";
        assert_eq!(said.err, told);
    });
}

#[test]
fn what_could_not_be_found_out_about_a_stable_port_is_told() {
    stage(|| {
        let mut free = Command::new("setpriv");
        free.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        let output = free
            .args(["free", "--stable", "20000-20001"])
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"20000\n", "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        let told = "sockeye: not known: packet redirects can only be read by root\n";
        assert_eq!(err.matches(told).count(), 1, "{err}");
    });
}

#[test]
fn who_closes_standard_error_gets_the_port_all_the_same() {
    stage(|| {
        let _held = TcpListener::bind("127.0.0.1:20000").unwrap();
        for redirect in ["2>/dev/full", "2>&-"] {
            let script = format!("'{BINARY}' free --stable 20000-20001 {redirect}");
            let output = Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(
                (output.status.code(), &*output.stdout),
                (Some(0), &b"20001\n"[..])
            );
        }
    });
}

#[test]
fn a_signal_ends_it_with_its_code_and_nothing_stays_bound() {
    use rustix::process::Signal;
    stage(|| {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let kept = Running::sockeye(&["free", "--hold", "-n", "3"]);
            let ports = [kept.port(), kept.port(), kept.port()];
            kept.signal(signal);
            let ended = kept.end();
            assert_eq!((ended.code, &*ended.err), (Some(code), ""));
            for port in ports {
                server(Type::STREAM, port, false).unwrap();
            }
        }
    });
}

/// What the server of these tests said of itself, by name.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("{name}=")).unwrap();
    rest.split('=')
        .next()
        .unwrap()
        .rsplit_once(' ')
        .map_or(rest, |(value, _)| value)
}

#[test]
fn a_command_gets_the_listening_socket_itself() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let taking = taking.to_str().unwrap();
        let inherited = inherited(taking);
        let mut command = Command::new(BINARY);
        command
            .args(["free", "--", taking, "http://[::1]:{}/", "{}{}"])
            .env("LISTEN_FDNAMES", "somebody-elses")
            .env("LISTEN_PIDFDID", "1")
            .env("LISTEN_FDS", "5");
        let server = Running::start(&mut command);
        let line = server.line();
        let port: u16 = field(&line, "port").parse().unwrap();
        let pid = server.pid().to_string();
        assert_eq!(field(&line, "pid"), pid, "{line}");
        assert_eq!(field(&line, "listen_pid"), pid);
        assert_eq!(field(&line, "listen_fds"), "1");
        assert_eq!(field(&line, "names"), "-");
        assert_eq!(
            field(&line, "words"),
            format!("http://[::1]:{port}/,{port}{port}")
        );
        assert_eq!((field(&line, "type"), field(&line, "listens")), ("1", "1"));
        let mut open = inherited;
        open.insert(3);
        assert_eq!(descriptors(&line), open, "{line}");
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello\n");
        assert_eq!(server.end().code, Some(7), "its exit code is ours");
    });
}

/// What is open in a program that the test itself starts.
fn inherited(taking: &str) -> HashSet<u32> {
    descriptors(&Running::start(&mut Command::new(taking)).line())
}

fn descriptors(line: &str) -> HashSet<u32> {
    let open = field(line, "open").split_whitespace();
    open.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn descriptor_3_is_the_socket_whatever_it_was_before() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let script = format!(
            "exec 3</dev/null 4</dev/null; exec '{BINARY}' free -- '{}'",
            taking.display()
        );
        let line = Running::start(Command::new("sh").args(["-c", &script])).line();
        assert_eq!(field(&line, "listens"), "1", "{line}");
    });
}

/// Its leftovers had the option set, so it may start again beside them; who only wants a number is told
/// that the port is not free.
#[test]
fn what_the_server_leaves_behind_does_not_keep_it_from_starting_again() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let taking = taking.to_str().unwrap();
        for _ in 0..3 {
            let server = Running::sockeye(&["free", "20500", "--", taking]);
            server.line();
            let mut client = TcpStream::connect("127.0.0.1:20500").unwrap();
            // The server closes first, so the leftover is its own.
            client.read_to_string(&mut String::new()).unwrap();
            assert_eq!(server.end().code, Some(7));
        }
        assert_eq!(sockeye(&["free", "20500"]).code, 1);
        let kept = Running::sockeye(&["free", "20501", "--hold"]);
        kept.port();
        let said = sockeye(&["free", "20501", "--", "true"]);
        assert_eq!(said.code, 1, "what somebody keeps is not taken: {said:?}");
    });
}

#[test]
fn of_udp_a_command_gets_the_bound_socket() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let server = Running::sockeye(&["free", "-u", "--", taking.to_str().unwrap()]);
        let line = server.line();
        assert_eq!((field(&line, "type"), field(&line, "listens")), ("2", "0"));
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port: u16 = field(&line, "port").parse().unwrap();
        client.send_to(b"?", ("127.0.0.1", port)).unwrap();
        let mut text = [0; 6];
        client.recv(&mut text).unwrap();
        assert_eq!(&text, b"hello\n");
        assert_eq!(server.end().code, Some(7));
    });
}

#[test]
fn a_command_that_can_not_be_started_is_one_line_and_its_code() {
    stage(|| {
        for (command, code) in [("/no/such\x1b[2Jcommand", 127), ("/", 126)] {
            for hold in [&[][..], &["--hold"]] {
                let said = sockeye(&[&["free"], hold, &["--", command]].concat());
                assert_eq!((said.code, &*said.out), (code, ""), "{said:?}");
                assert_eq!(said.err.lines().count(), 1, "{said:?}");
                assert!(said.err.contains(&command[..1]), "{said:?}");
                assert!(!said.err.contains('\x1b'), "{said:?}");
            }
        }
    });
}

#[test]
fn a_port_is_kept_until_the_command_ends() {
    stage(|| {
        let script = "echo $PORT {} ${LISTEN_FDS-none}; read -r _; exit 9";
        let mut command = Command::new(BINARY);
        command
            .args(["free", "--hold", "--", "sh", "-c", script])
            .env("LISTEN_FDS", "1");
        let kept = Running::start(&mut command);
        let line = kept.line();
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!((words[0], words[2]), (words[1], "none"), "{line}");
        let port: u16 = words[0].parse().unwrap();
        assert!(is_in_use(&server(Type::STREAM, port, false)));
        drop(server(Type::STREAM, port, true).unwrap());
        assert_eq!(kept.close().code, Some(9));
        server(Type::STREAM, port, false).unwrap();
    });
}

#[test]
fn a_signal_reaches_the_command_that_is_then_waited_for() {
    use rustix::process::Signal;
    stage(|| {
        let script =
            "trap 'echo told; exit 5' TERM INT USR1; echo $$; while :; do sleep 0.02; done";
        for signal in [Signal::INT, Signal::TERM, Signal::USR1] {
            let kept = Running::sockeye(&["free", "--hold", "--", "sh", "-c", script]);
            let child = kept.line();
            kept.signal(signal);
            let ended = kept.end();
            assert_eq!((ended.code, &*ended.err), (Some(5), ""), "its own code");
            assert_eq!(ended.rest, ["told"]);
            let process = format!("/proc/{child}");
            assert!(!std::path::Path::new(&process).exists(), "it was reaped");
        }
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::KILL, 137)] {
            let kept =
                Running::sockeye(&["free", "--hold", "--", "sh", "-c", "echo; exec sleep 60"]);
            kept.line();
            if signal == Signal::KILL {
                let said = Command::new("pkill")
                    .args(["-9", "-P", &kept.pid().to_string()])
                    .status();
                assert!(said.unwrap().success());
            } else {
                kept.signal(signal);
            }
            assert_eq!(
                kept.end().code,
                Some(code),
                "the signal that ended the command"
            );
        }
    });
}

/// At a terminal the command gets the key itself; a signal that somebody sends it gets from us.
#[test]
fn a_key_reaches_the_command_once_and_a_signal_too() {
    stage(|| {
        let script = "n=0; trap 'n=$((n+1)); echo got $n' INT; echo ready; \
                      while [ $n -lt 2 ]; do sleep 0.02; done; sleep 0.1; exit $n";
        let args = ["free", "--hold", "--", "sh", "-c", script];
        let mut pty = Pty::spawn(BINARY, &args, (80, 24), &[]);
        pty.wait_for_text("ready");
        pty.send("\x03");
        pty.wait_for_text("got 1");
        std::thread::sleep(std::time::Duration::from_millis(100));
        pty.kill(rustix::process::Signal::INT);
        pty.wait_for_text("got 2");
        assert_eq!(
            pty.wait_exit(),
            2,
            "three would be a key that was passed on"
        );
    });
}

/// A parent that ignores the end of its children has us lose the command's, unless we listen for it.
#[test]
fn a_parent_that_ignores_sigchld_does_not_cost_the_code() {
    stage(|| {
        let script = format!("trap '' CHLD; exec '{BINARY}' free --hold -- sh -c 'exit 3'");
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    });
}

#[test]
fn a_script_that_names_no_interpreter_is_run_by_the_shell() {
    use std::os::unix::fs::PermissionsExt as _;
    stage(|| {
        let script = TempFile::containing("script", "echo $PORT $1; exit 4\n");
        std::fs::set_permissions(script.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        for hold in [&[][..], &["--hold"]] {
            let args = [&["free", "20000"], hold, &["--", script.path(), "{}"]].concat();
            let said = sockeye(&args);
            assert_eq!((said.code, &*said.out), (4, "20000 20000\n"), "{said:?}");
        }
    });
}

/// As `nohup` and shells do it for jobs in the background.
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    stage(|| {
        let script = format!("trap '' INT; exec '{BINARY}' free --hold");
        let kept = Running::start(Command::new("sh").args(["-c", &script]));
        kept.port();
        kept.signal(rustix::process::Signal::INT);
        assert_eq!(kept.close().code, Some(0));
    });
}

#[test]
fn wrong_usage_is_one_line_and_nothing_is_bound() {
    stage(|| {
        for (args, says) in [
            (&["99999"][..], "99999: not a port (0–65535)"),
            (&["3000-"], "a range has two ends"),
            (&["3010-3000"], "the range runs backwards"),
            (&["-n", "0"], "0 is not in 1..=65535"),
            (
                &["-n", "2", "--", "true"],
                "--count 2: a command gets one port",
            ),
            (
                &["localhost:1-9", "--", "true"],
                "localhost is two addresses",
            ),
            (&["--json", "--", "true"], "'--json' cannot be used with"),
            (&["--hld"], "'--hold'"),
            (
                &["192.0.2.1:8000-8010"],
                "the address is not one of this machine",
            ),
        ] {
            let said = sockeye(&[&["free"], args].concat());
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert_eq!(said.err.lines().count(), 1, "{said:?}");
            assert!(said.err.contains(says), "{said:?}");
        }
    });
}

#[test]
fn no_descriptors_is_no_verdict_on_the_ports() {
    stage(|| {
        let command = format!("ulimit -n 4; exec '{BINARY}' free 20000-20010");
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("EMFILE"), "{err}");
    });
}

#[test]
fn a_privilege_that_is_missing_is_told() {
    stage(|| {
        let mut free = Command::new("setpriv");
        free.args([
            "--bounding-set=-all",
            "--inh-caps=-all",
            BINARY,
            "free",
            "81-82",
        ]);
        let output = free.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("81-82: may not be bound (EACCES)"), "{err}");
    });
}

#[test]
fn without_ipv6_a_port_is_chosen_all_the_same() {
    stage(|| {
        set("ipv6/conf/all/disable_ipv6", "1");
        assert_eq!(ports(&["20000-20010"]), [20_000]);
        assert_eq!(ports(&["localhost:20000-20010"]), [20_000]);
        assert_eq!(ports(&[]).len(), 1);
    });
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    stage(|| {
        let mut free = Command::new(BINARY);
        free.arg("free")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut free = free.spawn().unwrap();
        drop(free.stdout.take());
        let output = free.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    });
}
