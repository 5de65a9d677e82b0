//! `sockeye check`: targets, exit codes, and what is printed where.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::cli::scene::{BINARY, Said, Sockets, TempFile, sockeye, stage};
use crate::schema::{hold, valid};

/// The first line of each verdict: `8080: in use`.
fn outcomes(out: &str) -> Vec<&str> {
    let is_outcome = |line: &&str| !line.starts_with(' ') && !line.is_empty();
    out.lines().filter(is_outcome).collect()
}

#[test]
fn the_code_says_whether_every_target_can_be_bound() {
    stage(|| {
        let _sockets = Sockets::open();
        for (targets, code) in [
            (&["81"][..], 0),
            (&["81", "82/udp", "8080/udp"], 0),
            (&["8080"], 1),
            (&["81", "8080"], 1),
            (&["192.0.2.1:81"], 1),
        ] {
            let said = sockeye(&[&["check"], targets].concat());
            assert_eq!(said.code, code, "{targets:?}: {said:?}");
            let quiet = sockeye(&[&["check", "--quiet"], targets].concat());
            assert_eq!((quiet.code, &*quiet.out, &*quiet.err), (code, "", ""));
        }
    });
}

#[test]
fn a_verdict_is_printed_in_sentences_without_colours_into_a_pipe() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["check", "8080"]);
        assert_eq!(said.err, "");
        assert!(said.out.starts_with("8080: in use\n"), "{said:?}");
        assert!(said.out.contains("listens on 127.0.0.1:8080"), "{said:?}");
        let pid = std::process::id();
        assert!(said.out.contains(&format!("kill {pid}")), "{said:?}");
        assert!(!said.out.contains('\x1b'), "{said:?}");
    });
}

#[test]
fn a_range_is_one_verdict_for_each_port() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["check", "8079-8081", "https"]);
        let expected = ["8079: free", "8080: in use", "8081: in use", "443: free"];
        assert_eq!(outcomes(&said.out), expected, "{said:?}");
        let said = sockeye(&["check", "3000-3003"]);
        let expected = ["3000: free", "3001: free", "3002: free", "3003: free"];
        assert_eq!(outcomes(&said.out), expected);
        // The namespaces of other tests, where there was no time for all of them.
        let is_gap = |line: &&str| line.ends_with("network namespaces were not looked into.");
        let rest = said.out.lines().skip(expected.len());
        let rest: Vec<_> = rest
            .filter(|line| !is_gap(line) && !line.is_empty())
            .collect();
        assert!(rest.is_empty(), "{rest:?}");
    });
}

#[test]
fn a_range_is_answered_as_its_ports_are_one_by_one() {
    stage(|| {
        let _sockets = Sockets::open();
        let judged = |target: &str| -> Vec<Value> {
            let said = sockeye(&["check", "--json", target]);
            let targets = valid(&said.out)["targets"].take();
            let Value::Array(targets) = targets else {
                panic!("{said:?}");
            };
            let told = [
                "target", "verdict", "cause", "summary", "probes", "profiles", "notes",
            ];
            let of = |one: &Value| told.map(|key| one[key].clone()).to_vec().into();
            targets.iter().map(of).collect()
        };
        for protocol in ["", "/udp"] {
            let together = judged(&format!("8075-8085{protocol}"));
            let apart = (8075..=8085).flat_map(|port| judged(&format!("{port}{protocol}")));
            assert_eq!(together, apart.collect::<Vec<_>>());
        }
    });
}

#[test]
fn options_narrow_protocol_and_family() {
    stage(|| {
        let _sockets = Sockets::open();
        for (args, expected) in [
            (&["-u", "5353"][..], &["5353/udp: in use"][..]),
            (&["-t", "-u", "5353"], &["5353: free", "5353/udp: in use"]),
            (&["-u", "5353/tcp"], &["5353: free"]),
            (&["-4", "8081"], &["0.0.0.0:8081: free"]),
            (&["-6", "8081"], &["[::]:8081: in use"]),
            (&["-6", "localhost:8080"], &["[::1]:8080: free"]),
            (&["localhost:8080"], &["localhost:8080: in use"]),
        ] {
            let said = sockeye(&[&["check"], args].concat());
            assert_eq!(outcomes(&said.out), expected, "{args:?}");
        }
    });
}

#[test]
fn a_wrong_target_is_one_line_and_nothing_is_tested() {
    for (target, says) in [
        ("99999", "99999: not a port (0–65535)"),
        ("0", "0: port 0 can't be tested; use 1–65535"),
        (
            "nginx",
            "nginx: not a port (8080), a range (3000-3010) or a service (https)",
        ),
        ("80/sctp", "sctp: unknown protocol; use tcp or udp"),
        (
            "example.org:80",
            "example.org: names aren't looked up; use an address",
        ),
        ("\x1b[2J", "not a port"),
    ] {
        let said = sockeye(&["check", "81", target]);
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(
            said.err.contains(says) && !said.err.contains('\x1b'),
            "{said:?}"
        );
    }
    let said = sockeye(&["check"]);
    assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
    let said = sockeye(&["check", "--jsn", "81"]);
    assert!(said.err.contains("'--json'"), "{said:?}");
}

#[test]
fn a_recording_has_no_ports_to_test() {
    let file = TempFile::containing("empty.jsonl", "");
    for option in ["--replay", "--record"] {
        let said = sockeye(&["check", option, file.path(), "81"]);
        assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
    }
}

/// The code is that of a script whose pipes fail with their first command.
#[test]
fn the_exit_code_does_not_depend_on_the_reader() {
    stage(|| {
        let _sockets = Sockets::open();
        let code = |check: &str, reader: &str| {
            let script = format!("set -o pipefail; '{BINARY}' check {check} | {reader}");
            let output = Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(output.stderr, b"", "{script}");
            output.status.code().unwrap()
        };
        for reader in ["head -0", "true", "head -1 >/dev/null", "exec <&-"] {
            for form in ["", "--json ", "--quiet "] {
                assert_eq!(code(&format!("{form}8080"), reader), 1, "{form}{reader}");
                assert_eq!(code(&format!("{form}81"), reader), 0, "{form}{reader}");
            }
        }
        // The last of several, long after the reader went.
        assert_eq!(code("7700-7719 8080", "true"), 1);
    });
}

#[test]
fn a_closed_pipe_ends_quietly() {
    stage(|| {
        let mut child = Command::new(BINARY)
            .args(["check", "1-400"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
    });
}

#[test]
fn no_descriptors_is_a_test_that_failed_and_no_verdict_on_the_port() {
    stage(|| {
        let command = format!("ulimit -n 4; exec '{BINARY}' check --json 81");
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        hold(&text);
        assert!(text.contains(r#""cause":"probe_failed""#), "{text}");
        assert!(text.contains("(EMFILE)"), "{text}");
    });
}

/// A range is surveyed before it is bound: a port that was bound in between, and lets others bind beside
/// it, must not pass for a free one.
#[test]
fn a_port_that_is_bound_while_a_range_is_tested_is_seen() {
    stage(|| {
        let reusing = |port: u16, listens: bool| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_reuse_address(true).unwrap();
            let address: SocketAddr = format!("0.0.0.0:{port}").parse().unwrap();
            socket.bind(&address.into()).unwrap();
            if listens {
                socket.listen(1).unwrap();
            }
            socket
        };
        for round in 0..8 {
            let mut check = Command::new(BINARY);
            check
                .args(["check", "--json", "21000-21120"])
                .stdout(Stdio::piped());
            let check = check.spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5 + 8 * round));
            // The higher one first: a reader of the lower one could have seen the higher.
            let _both = (21_010..21_120)
                .step_by(10)
                .map(|port| (reusing(port + 1, false), reusing(port, true)))
                .collect::<Vec<_>>();
            let output = check.wait_with_output().unwrap();
            let told = Said::of(output).json();
            let targets = told["targets"].as_array().unwrap();
            for pair in targets.windows(2) {
                if pair[0]["port"].as_u64().unwrap() % 10 == 0 && pair[0]["verdict"] == "in_use" {
                    assert_eq!(pair[1]["servers"]["plain"], "refused", "{:#}", pair[1]);
                }
            }
        }
    });
}

/// They take a line each, and what is unknown about them is printed once.
#[test]
fn what_is_unknown_about_free_ports_is_printed_at_the_end() {
    stage(|| {
        let mut check = Command::new("setpriv");
        check.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        let output = check.args(["check", "8001-8003"]).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(
            out.starts_with("8001: free\n8002: free\n8003: free\n\n"),
            "{out}"
        );
        let told = "  not known: packet redirects can only be read by root.\n";
        assert_eq!(out.matches(told).count(), 1, "{out}");
    });
}

#[test]
fn retry_leaves_a_settled_answer_alone() {
    stage(|| {
        let _taken = TcpListener::bind("127.0.0.1:8080").unwrap();
        let said = sockeye(&["check", "--retry", "8080"]);
        assert_eq!((said.code, outcomes(&said.out)), (1, vec!["8080: in use"]));
    });
}
