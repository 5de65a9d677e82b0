//! `sockeye wait`: when it returns, with which code, and what it says.

mod server;

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::cli::background::Running;
use crate::cli::scene::{sockeye, stage};
use crate::schema::first_process;
use crate::support::wait_until;

const FAST: &str = "--interval=50ms";

fn wait(args: &[&str]) -> Running {
    Running::sockeye(&[&["wait", FAST], args].concat())
}

/// This process as the program names it.
fn own_name() -> String {
    let program = std::env::current_exe().unwrap();
    let name = program.file_name().unwrap().to_string_lossy();
    format!("{name}({})", std::process::id())
}

/// `since 2026-01-02 12:04:31` without the time.
fn timeless(text: &str) -> String {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").unwrap();
    time.replace(text, "TIME").into_owned()
}

/// It is still waiting some looks later.
fn goes_on(waiting: &Running) {
    std::thread::sleep(Duration::from_millis(200));
    assert!(waiting.is_running());
}

/// What `wait 8080 --for free` prints when our listener goes while it waits, once that contains `owner`. On a busy
/// machine the listener may go before the first look has found whose it is: the program can't know then, and it is tried
/// again.
fn line_when_freed(args: &[&str], owner: &str) -> String {
    let mut line = String::new();
    wait_until("an answer with the owner", || {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let waiting = wait(&[&["8080", "--for", "free"], args].concat());
        goes_on(&waiting);
        drop(listener);
        line = waiting.line();
        let ended = waiting.end();
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
        line.contains(owner)
    });
    line
}

#[test]
fn wait_returns_at_once_if_it_is_true_already_and_waits_for_a_listener_by_default() {
    stage(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let said = sockeye(&["wait", "8081", "--for", "free"]);
        assert_eq!((said.code, &*said.out, &*said.err), (0, "8081: free\n", ""));
        let said = sockeye(&["wait", "8080"]);
        let expected = format!(
            "8080: listening: tcp 127.0.0.1:8080 LISTEN {}\n",
            own_name()
        );
        assert_eq!((said.code, said.out, &*said.err), (0, expected, ""));
    });
}

#[test]
fn it_returns_when_the_port_is_free_and_says_who_had_it() {
    stage(|| {
        let line = line_when_freed(&[], &own_name());
        let expected = format!(
            "8080: free since TIME, before: tcp 127.0.0.1:8080 LISTEN {}",
            own_name()
        );
        assert_eq!(timeless(&line), expected);
        // A bind succeeds: that is what free means.
        TcpListener::bind("0.0.0.0:8080").unwrap();
    });
}

/// No row of the table listens, and still no server could start.
#[test]
fn leftovers_that_refuse_a_bind_are_waited_for() {
    stage(|| {
        std::fs::write("/proc/sys/net/ipv4/tcp_fin_timeout", "1").unwrap();
        let listener =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let at: std::net::SocketAddr = "127.0.0.1:8080".parse().unwrap();
        listener.bind(&at.into()).unwrap();
        listener.listen(1).unwrap();
        let client = TcpStream::connect(at).unwrap();
        // The server closes first and the client does not: an orphan in FIN_WAIT2 stays for a while.
        drop(listener.accept().unwrap());
        drop(listener);
        wait_until("the orphan", || {
            sockeye(&["list", "state:fin_wait2"]).code == 0
        });
        let waiting = wait(&["8080", "--for", "free"]);
        let line = waiting.line();
        assert!(line.contains("free since"), "{line}");
        assert!(line.contains("before: tcp 127.0.0.1:8080"), "{line}");
        assert!(line.contains("FIN_WAIT2"), "{line}");
        drop(client);
        TcpListener::bind("0.0.0.0:8080").unwrap();
    });
}

#[test]
fn it_returns_when_a_listener_covers_the_address() {
    stage(|| {
        for (target, others, covering) in [
            ("8080", &[][..], "127.0.0.1:8080"),
            (
                "127.0.0.1:8080",
                &["127.0.0.2:8080", "[::1]:8080"],
                "0.0.0.0:8080",
            ),
            ("localhost:8080", &["127.0.0.2:8080"], "[::1]:8080"),
            ("0.0.0.0:8080", &["127.0.0.1:8080"], "[::]:8080"),
        ] {
            let waiting = wait(&[target, "--for", "listening"]);
            let mut listeners: Vec<_> = Vec::new();
            for other in others {
                listeners.push(TcpListener::bind(other).unwrap());
            }
            goes_on(&waiting);
            if covering == "0.0.0.0:8080" || covering == "[::]:8080" {
                listeners.clear();
            }
            listeners.push(TcpListener::bind(covering).unwrap());
            let line = waiting.line();
            let start = format!("{target}: listening since TIME: tcp");
            assert!(timeless(&line).starts_with(&start), "{line}");
            assert!(line.contains(&own_name()), "{line}");
            assert_eq!(waiting.end().code, Some(0));
        }
    });
}

#[test]
fn udp_is_waited_for_too() {
    stage(|| {
        let waiting = wait(&["5353/udp", "--for", "listening"]);
        goes_on(&waiting);
        let socket = UdpSocket::bind("127.0.0.1:5353").unwrap();
        assert!(waiting.line().contains("udp 127.0.0.1:5353"));
        let waiting = wait(&["-u", "5353", "--for", "free"]);
        goes_on(&waiting);
        drop(socket);
        assert!(waiting.line().starts_with("5353/udp: free since"));
    });
}

#[test]
fn of_a_range_every_port_must_be_so() {
    stage(|| {
        let mut listeners: Vec<_> = (8080..8083)
            .map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap())
            .collect();
        let waiting = wait(&["8080-8082", "8083", "--for", "free"]);
        while listeners.pop().is_some() {
            if !listeners.is_empty() {
                goes_on(&waiting);
            }
        }
        let lines: Vec<_> = (0..4).map(|_| waiting.line()).collect();
        assert_eq!(lines[3], "8083: free");
        assert!(lines[0].starts_with("8080: free since"), "{lines:?}");
    });
}

#[test]
fn a_time_that_is_over_is_exit_code_1_and_says_what_is_missing() {
    stage(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let said = sockeye(&["wait", "8080", "--for", "free", "--timeout", "200ms"]);
        assert_eq!((said.code, &*said.out), (1, ""), "{said:?}");
        assert!(
            said.err.starts_with("sockeye: timed out: 8080: "),
            "{said:?}"
        );
        assert!(said.err.contains(" listens on 127.0.0.1:8080"), "{said:?}");
        let said = sockeye(&["wait", "192.0.2.1:80", "--for", "free", "--timeout", "0s"]);
        assert_eq!(said.code, 1);
        assert!(
            said.err.contains("192.0.2.1 is not an address of this"),
            "{said:?}"
        );
        let said = sockeye(&["wait", "8081", "--for", "listening", "--timeout", "0s"]);
        assert_eq!(
            (said.code, &*said.err),
            (1, "sockeye: timed out: 8081: nothing is listening\n")
        );
    });
}

/// Two descriptors for each port were too many, and a whole pass too long.
#[test]
fn a_range_of_thousands_is_waited_for_in_time_and_with_few_descriptors() {
    stage(|| {
        let _listener = TcpListener::bind("127.0.0.1:20000").unwrap();
        for what in ["free", "listening"] {
            let command = format!(
                "ulimit -n 64; exec '{}' wait 20000-29999 --for {what} --timeout 500ms",
                crate::cli::scene::BINARY
            );
            let began = std::time::Instant::now();
            let output = std::process::Command::new("bash")
                .args(["-c", &command])
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let err = String::from_utf8(output.stderr).unwrap();
            assert!(!err.contains("EMFILE"), "{err}");
            // Generous: it was more than a hundred seconds.
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{:?}",
                began.elapsed()
            );
        }
    });
}

/// Each look bound the ports that were free already, without the option where that seemed harmless.
#[test]
fn ports_that_are_free_are_left_alone_while_others_are_waited_for() {
    stage(|| {
        let _busy = UdpSocket::bind("127.0.0.1:20001").unwrap();
        let waiting = wait(&["20000-20001/udp", "--for", "free"]);
        let began = std::time::Instant::now();
        let (mut starts, mut failed) = (0, 0);
        while began.elapsed() < Duration::from_secs(2) {
            starts += 1;
            failed += u32::from(UdpSocket::bind("127.0.0.1:20000").is_err());
        }
        assert!(waiting.is_running());
        // The first test, which may have to ask twice; it was one for each of forty looks.
        assert!(failed < 10, "{failed} of {starts}");
    });
}

/// The second was looked at when the first had changed already.
#[test]
fn ports_that_are_never_so_at_the_same_time_are_not_so() {
    stage(|| {
        let bind = |port: u16| TcpListener::bind(("127.0.0.1", port)).unwrap();
        let mut held = bind(22_010);
        let waiting = wait(&["22010", "22011", "--for", "free", "--timeout", "2s"]);
        for turn in (0..).take_while(|_| waiting.is_running()) {
            // The new one before the old one goes.
            let next = bind(if turn % 2 == 0 { 22_011 } else { 22_010 });
            held = next;
            std::thread::sleep(Duration::from_millis(40));
        }
        drop(held);
        assert_eq!(waiting.end().code, Some(1));
    });
}

#[test]
fn every_target_is_looked_at_once_however_short_the_time() {
    stage(|| {
        let _both = [8000, 8001].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let at_once = |args: &[&str]| sockeye(&[&["wait", "--timeout", "0s"], args].concat()).code;
        assert_eq!(at_once(&["8000", "8001", "--for", "listening"]), 0);
        assert_eq!(at_once(&["9000-9100", "--for", "free"]), 0);
        assert_eq!(at_once(&["9000", "8001", "--for", "free"]), 1);
    });
}

#[test]
fn of_one_family_any_listener_of_it_will_do() {
    stage(|| {
        let _v4 = TcpListener::bind("127.0.0.1:8080").unwrap();
        let wait = |args: &[&str]| {
            let rest = ["--for", "listening", "--timeout", "0s"];
            sockeye(&[&["wait"], args, &rest].concat())
        };
        assert_eq!(wait(&["-4", "8080"]).code, 0);
        assert_eq!(wait(&["-6", "8080"]).code, 1);
        let said = wait(&["-4", "[::1]:8080"]);
        assert_eq!(said.code, 2);
        assert!(
            said.err
                .contains("[::1]:8080 is an IPv6 address, but -4 allows only IPv4"),
            "{said:?}"
        );
    });
}

#[test]
fn json_contains_the_owner_and_the_time() {
    stage(|| {
        let owner = format!("\"pids\":[{}]", std::process::id());
        let line = line_when_freed(&["--json"], &owner);
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&told["schema"], &told["for"], &told["happened"]),
            (&2.into(), &"free".into(), &true.into())
        );
        assert!(told["waited_ms"].as_u64().unwrap() > 0, "{told}");
        let target = &told["targets"][0];
        assert_eq!(target["target"], "8080");
        assert!(
            target["changed_at"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .is_ok()
        );
        assert_eq!(
            first_process(&told, &target["holders"][0])["pid"],
            std::process::id()
        );
        let said = sockeye(&[
            "wait",
            "8080",
            "--for",
            "listening",
            "--timeout=0s",
            "--json",
        ]);
        let told = said.json();
        assert_eq!(
            (
                said.code,
                &told["happened"],
                &told["targets"][0]["changed_at"]
            ),
            (1, &false.into(), &Value::Null)
        );
    });
}

#[test]
fn quiet_prints_nothing_and_sets_the_exit_code() {
    stage(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        for (wanted, code) in [("listening", 0), ("free", 1)] {
            let said = sockeye(&["wait", "-q", "8080", "--for", wanted, "--timeout=10ms"]);
            assert_eq!((said.code, &*said.out, &*said.err), (code, "", ""));
        }
    });
}

#[test]
fn where_waiting_can_not_help_it_says_so_at_once() {
    stage(|| {
        let mut wait = std::process::Command::new("setpriv");
        wait.args([
            "--bounding-set=-all",
            "--inh-caps=-all",
            crate::cli::scene::BINARY,
        ]);
        let output = wait.args(["wait", "81", "--for", "free"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(
            err.starts_with("sockeye: 81: waiting can't help: "),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
    });
}

/// It may come with a network that is not up yet.
#[test]
fn an_address_that_is_not_there_yet_is_waited_for() {
    stage(|| {
        let waiting = wait(&["192.0.2.1:8080", "--for", "free"]);
        goes_on(&waiting);
        let mut ip = std::process::Command::new("ip");
        let status = ip
            .args(["address", "add", "192.0.2.1/32", "dev", "lo"])
            .status()
            .unwrap();
        assert!(status.success());
        assert!(waiting.line().starts_with("192.0.2.1:8080: free since"));
    });
}

#[test]
fn signals_end_it_with_their_codes() {
    stage(|| {
        let _listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let waiting = wait(&["8080", "--for", "free"]);
            goes_on(&waiting);
            waiting.signal(signal);
            let ended = waiting.end();
            assert_eq!((ended.code, &*ended.err), (Some(code), ""));
        }
    });
}

#[test]
fn wrong_usage_is_one_line() {
    for (args, says) in [
        (
            &["99999", "--for", "free"][..],
            "99999: not a port (0–65535)",
        ),
        (&["--for", "free"], "<TARGET>"),
        (&["8080", "--for", "fre"], "'free'"),
        (
            &["8080", "--for", "free", "--timeout", "5x"],
            "isn't a duration",
        ),
        (&["8080", "--for", "free", "--timout", "5s"], "'--timeout'"),
        (
            &["8080", "--for", "free", "--replay", "x"],
            "a recording does not change",
        ),
    ] {
        let said = sockeye(&[&["wait"], args].concat());
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains(says), "{said:?}");
    }
}
