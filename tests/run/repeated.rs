//! Retry loops, waiting for a port, ports of the environment, and listeners.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::built_static;
use crate::run::scene::{BINARY, Binder, Report, code, run, stage, text};
use crate::schema::valid;
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
            err.contains(&format!(
                " can bind 127.0.0.1:3000 now, after {count} failures of several processes in "
            )),
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

/// The error named `sockeye free 3001`, which prints 3001: the port was free but for the other variable.
#[test]
fn a_port_for_two_variables_is_bad_usage() {
    stage(|| {
        let options = ["--port-env", "A=3001", "--port-env"];
        let output = run(&[&options[..], &["B=3001"]].concat(), &["echo", "started"])
            .output()
            .unwrap();
        assert_eq!((code(&output), text(&output.stdout)), (2, String::new()));
        let says = "sockeye: --port-env B=3001: 3001 is already that of --port-env A\n";
        assert_eq!(text(&output.stderr), says);
        // Two addresses have the port each, and of a range another port is chosen.
        for second in ["B=127.0.0.2:3001", "B=3001-3002"] {
            let options = ["--port-env", "A=127.0.0.1:3001", "--port-env", second];
            let output = run(&options, &["echo", "started"]).output().unwrap();
            assert_eq!(text(&output.stdout), "started\n", "{output:?}");
        }
    });
}

/// The count was ascribed to the first process, which had failed once.
#[test]
fn failures_of_several_processes_are_those_of_their_program() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let line = "tcp 127.0.0.1 3000 0 1 0";
        let binder = binder();
        let several = format!("for n in 1 2 3; do echo {line} | {binder}; done");
        let single = format!("for n in 1 2 3; do echo {line}; done | {binder}");
        for (script, is_of_several) in [(several, true), (single, false)] {
            let report = Report::new();
            let options = ["--report", report.path().to_str().unwrap()];
            let output = run(&options, &["sh", "-c", &script]).output().unwrap();
            let err = text(&output.stderr);
            let last = err.lines().last().unwrap();
            let pid = &report.of_kind("failure")[0]["pid"];
            let repeated = &report.of_kind("repeated")[0];
            let expected = if is_of_several {
                assert!(repeated["pid"].is_null(), "{repeated}");
                "sockeye: binder can't bind 127.0.0.1:3000: 3 failures of several processes in "
                    .to_owned()
            } else {
                assert_eq!(&repeated["pid"], pid);
                format!("sockeye: binder ({pid}) can't bind 127.0.0.1:3000: 3 failures in ")
            };
            assert!(last.starts_with(&expected), "{err}");
        }
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
                .any(|line| line.contains(" now, after 1 failure in ")),
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
fn an_alarm_and_a_stop_end_the_waiting_too() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let built = built_static("run/helpers/handler.c");
        let built = built.to_str().unwrap();
        let output = run(&["--wait", "10m"], &[built, "alarm"]).output().unwrap();
        assert_eq!(text(&output.stdout), "EADDRINUSE\nhandled\n");
        let mut child = run(&["--wait", "10m", "--quiet"], &[built]);
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let program = || {
            let comms = std::fs::read_dir("/proc").unwrap().flatten();
            let mut paths = comms.map(|one| one.path());
            let name = |path: &std::path::Path| std::fs::read_to_string(path.join("comm"));
            paths.find(|path| name(path).is_ok_and(|name| name == "handler\n"))
        };
        let stat = || program().and_then(|path| std::fs::read_to_string(path.join("wchan")).ok());
        wait_until("it waits for its answer", || {
            stat().is_some_and(|place| place.contains("seccomp"))
        });
        let pid = program().unwrap();
        let pid: i32 = pid.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        kill_process(pid, Signal::TSTP).unwrap();
        wait_until("it stops", || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            stat.is_ok_and(|stat| stat.contains(") T "))
        });
        kill_process(pid, Signal::CONT).unwrap();
        // It stopped with the command, which goes on with it.
        kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
        assert!(child.wait().unwrap().success());
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

/// The fix killed the supervisor, which ended the program below it too, and did not name that.
#[test]
fn a_port_that_is_kept_for_the_program_is_freed_by_the_end_of_the_program() {
    stage(|| {
        let kept = ["--port-env", "PORT=3000"];
        let mut child = run(&kept, &["sleep", "600"]).spawn().unwrap();
        let check = || {
            let mut check = Command::new(BINARY);
            let output = check.args(["check", "--json", "3000"]).output().unwrap();
            let checked = valid(&text(&output.stdout));
            checked["targets"][0]["remedies"][0].clone()
        };
        // At first two processes have the port.
        wait_until("it is kept by the supervisor alone", || {
            let text = check()["text"].clone();
            text.as_str()
                .is_some_and(|text| text.starts_with("End sleep ("))
        });
        let refused = Command::new(BINARY)
            .args(["end", "--yes", "3000"])
            .output()
            .unwrap();
        assert!(
            text(&refused.stdout).contains("not ended: End sleep ("),
            "{refused:?}"
        );
        let command = check()["command"].as_str().unwrap().to_owned();
        assert!(
            command.starts_with("kill ") && !command.contains('-'),
            "{command}"
        );
        let killed = Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(killed.success());
        assert!(!child.wait().unwrap().success());
        wait_until("the port is free", || {
            TcpListener::bind("127.0.0.1:3000").is_ok()
        });
    });
}

#[test]
fn no_free_port_and_wrong_variables_are_said_before_anything_starts() {
    stage(|| {
        let _taken = TcpListener::bind("0.0.0.0:3000").unwrap();
        for (option, expected, says) in [
            (
                "PORT=3000",
                1,
                "PORT=3000: no port can be had; `sockeye free 3000` says why",
            ),
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
        assert_eq!(freed[0]["sent"][0]["pids"][0], other.id());
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

/// A server in another session and folder, which is of no project.
fn stranger(port: u16) -> std::process::Child {
    let serve = format!(
        "import socket,sys\ns = socket.create_server(('127.0.0.1', {port}))\nprint(flush=True)\nsys.stdin.read()"
    );
    let mut server = std::process::Command::new("setsid");
    let server = server.args(["python3", "-c", &serve]).current_dir("/");
    let mut server = server
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Read::read(server.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    server
}

#[test]
fn nothing_of_another_session_and_project_is_ended_first() {
    stage(|| {
        let (binder, report) = (binder(), Report::new());
        let mut server = stranger(3000);
        let script = format!("echo tcp 127.0.0.1 3000 0 1 0 | {binder}");
        let options = ["--free-first", "--report", report.path().to_str().unwrap()];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        assert_eq!(text(&output.stdout), "EADDRINUSE\n", "{output:?}");
        assert_eq!(report.of_kind("freed")[0]["outcome"], "refused");
        assert!(server.try_wait().unwrap().is_none());
        drop(server.stdin.take());
        server.wait().unwrap();
    });
}

/// Its tests were taken for binds of the program: a server was ended by `check`, and held back by `--wait`.
#[test]
fn tests_of_sockeye_itself_below_it_are_only_tests() {
    stage(|| {
        let server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let script = format!(
            "{0} check -q 3000; echo check $?; {0} free 3000-3001; {0} check -q 3001; echo $?",
            crate::run::scene::BINARY
        );
        let options = ["--free-first", "--wait", "10m", "--port-env", "PORT=3001"];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        // 3001 is kept for the program, and is so afterwards.
        assert_eq!(text(&output.stdout), "check 1\n1\n", "{output:?}");
        let err = text(&output.stderr);
        assert!(!err.contains("can't bind"), "{err}");
        drop(server);
    });
}

#[test]
fn only_the_ports_that_are_named_are_freed_first_and_each_once() {
    stage(|| {
        let (binder, report) = (binder(), Report::new());
        let mut servers = [3000, 3001].map(|port| {
            let mut other = std::process::Command::new(&binder);
            let other = other.stdin(Stdio::piped()).stdout(Stdio::piped());
            let other = other.spawn().unwrap();
            writeln!(other.stdin.as_ref().unwrap(), "tcp 127.0.0.1 {port} 0 1 0").unwrap();
            wait_until("it listens", || {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
            other
        });
        // The third bind fails as the second one did, and is of the failure with its id.
        let script = format!(
            "(for port in 3000 3001 3000; do echo tcp 127.0.0.1 $port 0 1 0; done) | {binder}; \
             echo tcp 127.0.0.1 3001 0 1 0 | {binder}"
        );
        let options = [
            "--free-first=3001",
            "--report",
            report.path().to_str().unwrap(),
        ];
        let output = run(&options, &["sh", "-c", &script]).output().unwrap();
        assert_eq!(
            text(&output.stdout),
            "EADDRINUSE\nok\nEADDRINUSE\nok\n",
            "{output:?}"
        );
        let freed = report.of_kind("freed");
        assert_eq!((freed.len(), &freed[0]["id"]), (1, &2.into()), "{freed:?}");
        let repeated = report.of_kind("repeated");
        assert!(
            repeated
                .iter()
                .any(|one| one["id"] == 1 && one["count"] == 2),
            "{repeated:?}"
        );
        assert!(servers[0].try_wait().unwrap().is_none());
        assert!(!servers[1].wait().unwrap().success());
        servers[0].kill().unwrap();
        servers[0].wait().unwrap();
    });
}

/// Its end waited for the time that freeing a port may take.
#[test]
fn a_program_that_is_killed_while_its_port_is_freed_has_ended() {
    stage(|| {
        let mut server = TcpListener::bind("127.0.0.1:3000").map(Some).unwrap();
        // A `TIME_WAIT` of a socket without `SO_REUSEADDR`, which lasts a minute.
        let client = TcpStream::connect("127.0.0.1:3000").unwrap();
        drop(server.as_ref().unwrap().accept().unwrap());
        drop(client);
        server.take();
        let script = format!("echo tcp 127.0.0.1 3000 0 0 0 | {}", binder());
        let mut child = run(&["--free-first"], &["sh", "-c", &script]);
        let mut child = child.stderr(Stdio::piped()).spawn().unwrap();
        let err = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut err = std::io::BufRead::lines(err).map(Result::unwrap);
        assert!(err.any(|line| line.contains("can't bind")));
        let began = std::time::Instant::now();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert!(!child.wait().unwrap().success());
        // It would take 15 s; half of that is far from both.
        assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    });
}
