//! Retry loops, waiting for a port, ports of the environment, and listeners.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::program::built_static;
use crate::run::scene::{Binder, Report, code, run, stage, text};
use crate::support::wait_until;

fn binder() -> String {
    built_static("run/helpers/binder.c")
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_retry_loop_is_one_report_with_a_count() {
    stage(|| {
        let server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let (report, binder) = (Report::new(), binder());
        // Each attempt is a process of its own.
        let script = format!(
            "n=0; until [ \"$(echo tcp 127.0.0.1 3000 0 1 0 | {binder})\" = ok ]; do n=$((n + 1)); echo $n; done"
        );
        let options = ["--report", report.path().to_str().unwrap()];
        let mut child = run(&options, &["sh", "-c", &script]);
        let mut child = child
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        lines.by_ref().take(30).for_each(|line| drop(line.unwrap()));
        drop(server);
        let last = lines.last().map_or_else(|| "30".to_owned(), Result::unwrap);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 0);
        let count: u64 = last.parse().unwrap();
        let failures = report.of_kind("failure");
        assert_eq!(failures.len(), 1, "{failures:?}");
        let repeated = report.of_kind("repeated");
        assert_eq!(repeated.len(), 1, "{repeated:?}");
        assert_eq!(repeated[0]["id"], failures[0]["id"]);
        assert_eq!(
            (&repeated[0]["count"], &repeated[0]["succeeded"]),
            (&count.into(), &true.into())
        );
        let err = text(&output.stderr);
        assert_eq!(err.matches("can't bind").count(), 1, "{err}");
        assert!(
            err.contains(&format!("succeeded after {count} failures in ")),
            "{err}"
        );
    });
}

#[test]
fn a_loop_that_never_succeeds_has_its_count_at_the_end() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let report = Report::new();
        let script = format!(
            "for n in 1 2 3 4 5; do echo tcp 127.0.0.1 3000 0 1 0 | {}; done",
            binder()
        );
        let options = ["--report", report.path().to_str().unwrap()];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        assert_eq!(text(&output.stdout), "EADDRINUSE\n".repeat(5));
        assert_eq!(report.of_kind("failure").len(), 1);
        let repeated = report.of_kind("repeated");
        assert_eq!(
            (&repeated[0]["count"], &repeated[0]["succeeded"]),
            (&5.into(), &false.into())
        );
    });
}

#[test]
fn a_port_that_another_server_has_meanwhile_is_explained_again() {
    stage(|| {
        let mut binder = Binder::start(&[&binder()]);
        for _ in 0..2 {
            let server = TcpListener::bind("127.0.0.1:3000").unwrap();
            assert_eq!(binder.ask("tcp 127.0.0.1 3000 0 1 0"), "EADDRINUSE");
            let inode = binder.failure()["blockers"][0]["inode"].clone();
            assert!(inode.is_number());
            drop(server);
        }
    });
}

#[test]
fn two_hundred_processes_in_restart_loops_all_get_their_answers() {
    stage(|| {
        let (binder, report) = (binder(), Report::new());
        // Each binds the same port again and again, and keeps it for a moment if it gets it.
        let script = format!(
            "for n in $(seq 200); do \
               (for m in $(seq 10); do echo tcp 127.0.0.1 3000 0 1 0 | {binder}; done) & \
             done; wait"
        );
        let options = ["--quiet", "--report", report.path().to_str().unwrap()];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        assert_eq!(code(&output), 0);
        let answers = text(&output.stdout);
        assert_eq!(answers.lines().count(), 2000);
        assert!(
            answers
                .lines()
                .all(|line| line == "ok" || line == "EADDRINUSE")
        );
        let refused = answers.lines().filter(|line| *line == "EADDRINUSE").count();
        assert!(report.of_kind("failure").len() <= refused);
        // A moment later the supervisor is gone, too.
        wait_until("nothing is left", || {
            let processes = std::fs::read_dir("/proc").unwrap().flatten();
            let mut names =
                processes.filter_map(|one| std::fs::read_to_string(one.path().join("comm")).ok());
            !names.any(|name| name.starts_with("sockeye-run"))
        });
    });
}

#[test]
fn a_bind_waits_for_its_port_and_then_succeeds() {
    stage(|| {
        let server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let mut child = run(&["--wait", "20s"], &[&binder()]);
        let child = child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "tcp 127.0.0.1 3000 0 1 0").unwrap();
        // Its own listening socket comes from the same call.
        let mut err =
            std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        err.by_ref()
            .find(|line| {
                line.as_ref()
                    .unwrap()
                    .contains("Waiting for the port, up to 20s.")
            })
            .unwrap()
            .unwrap();
        drop(server);
        wait_until("it listens", || {
            TcpStream::connect("127.0.0.1:3000").is_ok()
        });
        drop(input);
        let rest: Vec<String> = err.map(Result::unwrap).collect();
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stdout), "ok\n");
        assert!(
            rest.iter()
                .any(|line| line.contains("succeeded after 1 failure in ")),
            "{rest:?}"
        );
    });
}

#[test]
fn a_bind_that_waits_in_vain_fails_as_it_would_have() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let script = format!("echo tcp 127.0.0.1 3000 0 1 0 | {}", binder());
        let output = run(&["--wait", "100ms"], &["sh", "-c", &script])
            .output()
            .unwrap();
        assert_eq!(text(&output.stdout), "EADDRINUSE\n");
    });
}

#[test]
fn a_handled_signal_reaches_a_program_whose_bind_waits() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let built = built_static("run/helpers/handler.c");
        let mut child = run(&["--wait", "10m"], &[built.to_str().unwrap()]);
        let mut child = child
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut err =
            std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        err.by_ref()
            .find(|line| line.as_ref().unwrap().contains("Waiting for the port"))
            .unwrap()
            .unwrap();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (text(&output.stdout).as_str(), code(&output)),
            ("EADDRINUSE\nhandled\n", 0)
        );
    });
}

#[test]
fn a_port_is_chosen_and_kept_until_the_program_binds_it() {
    stage(|| {
        let script = format!(
            "echo $PORT $ADMIN; read line; echo tcp 0.0.0.0 $PORT 0 0 0 | {}",
            binder()
        );
        let options = ["--port-env", "PORT=3000-3010", "--port-env", "ADMIN"];
        let _taken = TcpListener::bind("0.0.0.0:3000").unwrap();
        let mut child = run(&options, &["sh", "-c", &script]);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut out =
            std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let ports = out.next().unwrap().unwrap();
        let (port, admin) = ports.split_once(' ').unwrap();
        assert_eq!(port, "3001");
        assert!(admin.parse::<u16>().is_ok_and(|port| port > 0), "{ports}");
        // No other program gets it, with or without SO_REUSEADDR.
        assert!(TcpListener::bind("127.0.0.1:3001").is_err());
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        // A server without SO_REUSEADDR gets it, too.
        assert_eq!(out.next().unwrap().unwrap(), "ok");
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn no_free_port_and_wrong_variables_are_said_before_anything_starts() {
    stage(|| {
        let _taken = TcpListener::bind("0.0.0.0:3000").unwrap();
        for (option, expected, says) in [
            ("PORT=3000", 1, "no port of 3000 is free"),
            ("3000", 2, "not the name of a variable"),
            ("PORT=x", 2, "--port-env PORT: x: not a port"),
        ] {
            let output = run(&["--port-env", option], &["echo", "started"])
                .output()
                .unwrap();
            assert_eq!(
                (code(&output), output.stdout.len()),
                (expected, 0),
                "{option}"
            );
            assert!(text(&output.stderr).contains(says), "{output:?}");
        }
    });
}

#[test]
fn the_listeners_are_listed_at_the_end_and_what_is_left_behind() {
    stage(|| {
        let (report, binder) = (Report::new(), binder());
        let script = format!(
            "echo tcp 127.0.0.1 3000 0 1 0 | {binder}; \
             (echo tcp 127.0.0.1 3001 0 1 0; sleep 1000) 2>/dev/null | setsid {binder} >/dev/null 2>&1 & \
             until ss -Hltn | grep -q :3001; do :; done; \
             echo udp 127.0.0.1 5300 0 0 0 | {binder}"
        );
        let options = ["--listeners", "--report", report.path().to_str().unwrap()];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        let err = text(&output.stderr);
        for line in [
            "\n  127.0.0.1:3000  binder (",
            "\n  127.0.0.1:3001  binder (",
            "\n  127.0.0.1:5300/udp  binder (",
        ] {
            assert!(err.contains(line), "{err}");
        }
        let (_, left) = err.split_once("still open").unwrap();
        assert!(left.contains("\n  127.0.0.1:3001  binder ("), "{err}");
        assert!(!left.contains(":3000"), "{err}");
        let listeners = report.of_kind("listener");
        let left: Vec<_> = listeners
            .iter()
            .filter(|one| one["left_behind"] == true)
            .collect();
        assert_eq!((listeners.len(), left.len()), (3, 1));
        let pid = left[0]["left_to"][0]["pid"].as_i64().unwrap();
        assert_eq!(left[0]["pid"], pid);
        kill_process(
            Pid::from_raw(pid.try_into().unwrap()).unwrap(),
            Signal::KILL,
        )
        .unwrap();
    });
}

#[test]
fn what_is_in_the_way_is_ended_first_and_the_bind_succeeds() {
    stage(|| {
        let (binder, report) = (binder(), Report::new());
        let mut other = std::process::Command::new(&binder);
        let other = other.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut other = other.spawn().unwrap();
        let mut input = other.stdin.take().unwrap();
        writeln!(input, "tcp 127.0.0.1 3000 0 1 0").unwrap();
        wait_until("it listens", || {
            TcpStream::connect("127.0.0.1:3000").is_ok()
        });
        let script = format!("echo tcp 127.0.0.1 3000 0 1 0 | {binder}");
        let options = ["--free-first", "--report", report.path().to_str().unwrap()];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        assert_eq!(text(&output.stdout), "ok\n", "{output:?}");
        let err = text(&output.stderr);
        assert!(
            err.contains(&format!("sent SIGTERM to binder ({})", other.id())),
            "{err}"
        );
        let freed = report.of_kind("freed");
        assert_eq!(
            (&freed[0]["free"], &freed[0]["id"]),
            (&true.into(), &1.into())
        );
        assert_eq!(freed[0]["sent"][0]["to"][0], other.id());
        assert!(!other.wait().unwrap().success());
    });
}

#[test]
fn nothing_that_the_program_started_itself_is_ended_and_nothing_of_others() {
    stage(|| {
        let (binder, report) = (binder(), Report::new());
        // Its own first server has the port.
        let script = format!(
            "(echo tcp 127.0.0.1 3000 0 1 0; sleep 1000) 2>/dev/null | {binder} >/dev/null 2>&1 & \
             until ss -Hltn | grep -q :3000; do :; done; \
             echo tcp 127.0.0.1 3000 0 1 0 | {binder}; ss -Hltn | grep -c :3000; kill $(pidof sleep)"
        );
        let options = ["--free-first", "--report", report.path().to_str().unwrap()];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        assert_eq!(text(&output.stdout), "EADDRINUSE\n1\n", "{output:?}");
        let freed = report.of_kind("freed");
        assert_eq!(
            (&freed[0]["free"], &freed[0]["outcome"]),
            (&false.into(), &"refused".into())
        );
        assert!(
            freed[0]["message"]
                .as_str()
                .unwrap()
                .contains("was started by this run")
        );
    });
}
