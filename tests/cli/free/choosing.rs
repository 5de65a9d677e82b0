//! Which port is chosen, and what is said of the others.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::process::{Command, Stdio};

use socket2::{Domain, Socket, Type};

use super::{ports, set};
use crate::cli::background::Running;
use crate::cli::scene::{BINARY, Sockets, sockeye, stage};
use crate::support::wait_until;

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
fn the_first_port_of_a_range_that_can_be_bound_is_chosen() {
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
fn several_stay_bound_until_all_are_found() {
    stage(|| {
        let _sockets = Sockets::open();
        assert_eq!(ports(&["--count", "3", "8079-8083"]), [8079, 8082, 8083]);
        let many = ports(&["-n", "2000"]);
        assert_eq!(many.iter().collect::<HashSet<_>>().len(), 2000);
        let said = sockeye(&["free", "-n", "4", "8079-8083"]);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        assert!(
            said.err.contains("only 3 of 4 ports of 8079-8083 are free"),
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
        // Without root not every namespace can be read, and the output says so.
        let is_reason = |line: &&str| !line.starts_with("sockeye: not known: ");
        let lines: Vec<_> = said.err.lines().filter(is_reason).collect();
        assert!(lines[0].starts_with("sockeye: 20000: in use, tcp 127.0.0.1:20000 LISTEN"));
        let reserved = "sockeye: 20001-20002: set aside in net.ipv4.ip_local_reserved_ports";
        assert_eq!(lines[1], reserved);
        let other = format!(
            "sockeye: 20003: [::]:20003 is in use in another network namespace, by sleep({})",
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
                .contains("needs a privilege, as does every port below 1024"),
            "{said:?}"
        );
        let said = sockeye(&["free", "--stable"]);
        assert!(
            said.out.trim().parse::<u16>().unwrap() >= 10_000,
            "{said:?}"
        );
    });
}

#[test]
fn a_port_that_browsers_refuse_is_skipped_or_reported() {
    stage(|| {
        let said = sockeye(&["free", "--stable", "6665-6671"]);
        let line = "sockeye: 6665-6669: browsers refuse to connect to it\n";
        assert_eq!((said.code, &*said.out), (0, "6670\n"), "{said:?}");
        assert!(said.err.contains(line), "{said:?}");
        // If requested it is chosen, with a note.
        let said = sockeye(&["free", "6000-6010"]);
        let note = "sockeye: note: 6000: browsers refuse to connect to it\n";
        assert_eq!((said.code, &*said.out, &*said.err), (0, "6000\n", note));
        let said = sockeye(&["free", "-u", "6000-6010"]);
        assert_eq!((said.code, &*said.out, &*said.err), (0, "6000\n", ""));
        let said = sockeye(&["free", "6001-6010"]);
        assert_eq!((said.code, &*said.out, &*said.err), (0, "6001\n", ""));
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
fn the_second_best_port_is_chosen_with_a_note() {
    stage(|| {
        set("ipv4/ip_local_reserved_ports", "100");
        let said = sockeye(&["free", "--stable", "40000-40001"]);
        assert_eq!((said.code, &*said.out), (0, "40000\n"), "{said:?}");
        assert!(
            said.err
                .contains("40000 is chosen as there is nothing better: in the ephemeral range"),
            "{said:?}"
        );
        let command = "sysctl net.ipv4.ip_local_reserved_ports=100,40000";
        assert!(said.err.contains(command), "{said:?}");
    });
}

#[test]
fn json_has_the_same() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["free", "--json", "-t", "8080-8085"]);
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        let free = said.json();
        assert_eq!(free["schema"], 2);
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
        assert_eq!(passed[0]["pids"], serde_json::json!([std::process::id()]));
        let said = sockeye(&["free", "--json", "8080"]);
        assert_eq!(said.code, 1);
        let free = said.json();
        assert_eq!(free["ports"], serde_json::json!([]));
    });
}

#[test]
fn quiet_prints_nothing_and_sets_the_exit_code() {
    stage(|| {
        let _sockets = Sockets::open();
        for (range, code) in [("8080-8085", 0), ("8080", 1)] {
            let said = sockeye(&["free", "-q", range]);
            assert_eq!((said.code, &*said.out, &*said.err), (code, "", ""));
        }
    });
}

#[test]
fn a_kernel_without_ports_is_reported() {
    stage(|| {
        set("ipv4/ip_local_port_range", "20000 20003");
        let said = sockeye(&["free", "-t", "-n", "5"]);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        let told = "sockeye: only 4 of 5 ports are free: the kernel has no ports left to choose from \
                    (net.ipv4.ip_local_port_range)\n";
        assert_eq!(said.err, told);
    });
}

#[test]
fn what_is_unknown_about_a_stable_port_is_reported() {
    stage(|| {
        let mut free = Command::new("setpriv");
        free.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        let output = free
            .args(["free", "--stable", "23460-23461"])
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"23460\n", "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        let told = "sockeye: not known: packet redirects can only be read by root\n";
        assert_eq!(err.matches(told).count(), 1, "{err}");
    });
}

/// A rule that names no port takes the packets of every one.
#[test]
fn a_redirected_port_is_passed_over() {
    stage(|| {
        let load = |rule: &str| {
            let rules = format!(
                "flush ruleset; table ip t {{ chain pre {{ type nat hook prerouting priority -100; {rule}; }}; }}"
            );
            let nft = format!("PATH=$PATH:/usr/sbin:/sbin nft '{rules}'");
            let made = Command::new("sh").args(["-c", &nft]).status().unwrap();
            made.success()
        };
        if !load("tcp dport 23450 dnat to 10.88.0.2:80") {
            assert!(!crate::support::is_required("netns"), "nft is required");
            eprintln!("NOT RUN: nft can't make a redirect here");
            return;
        }
        let said = sockeye(&["free", "--stable", "23450-23451"]);
        assert_eq!((said.code, &*said.out), (0, "23451\n"), "{said:?}");
        let why = "incoming packets for it go to 10.88.0.2:80, to which this machine has no route \
                   (nftables ip t pre)";
        assert!(said.err.contains(why), "{said:?}");
        assert!(load(
            "ip saddr != 10.0.0.0/8 meta l4proto tcp redirect to :9"
        ));
        let said = sockeye(&["free", "--stable", "23450-23451"]);
        assert_eq!((said.code, &*said.out), (0, "23450\n"), "{said:?}");
        let why =
            "incoming packets for it that do not come from 10.0.0.0/8 and are IPv4 go to port 9";
        assert!(said.err.contains(why), "{said:?}");
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
fn wrong_usage_is_one_line_and_nothing_is_bound() {
    stage(|| {
        for (args, says) in [
            (&["99999"][..], "99999: not a port (0–65535)"),
            (&["3000-"], "a range has two ends"),
            (&["3010-3000"], "did you mean 3000-3010?"),
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
fn a_lack_of_descriptors_is_not_a_verdict_on_the_ports() {
    stage(|| {
        let command = format!("ulimit -n 4; exec '{BINARY}' free 20000-20010");
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.contains("EMFILE"), "{err}");
    });
}

#[test]
fn a_missing_privilege_is_reported() {
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
fn a_reader_that_is_gone_is_not_an_error() {
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
