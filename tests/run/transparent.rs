//! Exit code, signals, job control and streams are the program's own; what happens when one of the three processes is
//! killed.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::built_static;
use crate::run::scene::{BINARY, code, run, stage, text};
use crate::support::pty::{Pty, is_available};
use crate::support::wait_until;

fn sh(script: &str) -> Command {
    run(&[], &["sh", "-c", script])
}

#[test]
fn the_exit_code_is_that_of_the_program() {
    for expected in [0, 1, 2, 7, 126, 255] {
        let output = sh(&format!("exit {expected}")).output().unwrap();
        assert_eq!((code(&output), output.stderr.len()), (expected, 0));
    }
}

#[test]
fn a_signal_that_ends_the_program_ends_the_command_too() {
    for signal in [
        Signal::TERM,
        Signal::KILL,
        Signal::SEGV,
        Signal::USR1,
        Signal::HUP,
    ] {
        let output = sh(&format!("kill -{} $$", signal.as_raw()))
            .output()
            .unwrap();
        assert_eq!(output.status.signal(), Some(signal.as_raw()), "{output:?}");
    }
}

#[test]
fn a_program_that_does_not_exist_or_can_not_be_executed_has_the_codes_of_a_shell() {
    let output = run(&[], &["./no-such-program"]).output().unwrap();
    assert_eq!(code(&output), 127);
    assert!(
        text(&output.stderr).starts_with("sockeye: ./no-such-program: "),
        "{output:?}"
    );
    let output = run(&[], &["/etc"]).output().unwrap();
    assert_eq!(code(&output), 126);
}

#[test]
fn a_script_without_an_interpreter_is_run_by_the_shell() {
    let script = std::env::temp_dir().join(format!("sockeye-script-{}", std::process::id()));
    std::fs::write(&script, "echo $1; exit 3\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = run(&[], &[script.to_str().unwrap(), "argument"]).output();
    std::fs::remove_file(script).unwrap();
    let output = output.unwrap();
    assert_eq!(
        (code(&output), text(&output.stdout)),
        (3, "argument\n".into())
    );
}

#[test]
fn a_signal_to_the_command_reaches_the_program() {
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::USR1, "USR1"),
        (Signal::HUP, "HUP"),
    ] {
        let script =
            format!("trap 'echo {name}; exit 9' {name}; echo ready; while :; do sleep 0.01; done");
        let mut child = sh(&script).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut ready = [0; 6];
        out.read_exact(&mut ready).unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let rest = whole(out);
        assert_eq!((rest.trim(), child.wait().unwrap().code()), (name, Some(9)));
    }
}

#[test]
fn an_ignored_signal_stays_ignored_and_the_mask_stays_too() {
    let script = "grep -E 'SigIgn|SigBlk' /proc/self/status";
    let below = |prefix: &str| {
        let script = format!("trap '' HUP TERM; exec {prefix} sh -c \"{script}\"");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        text(&output.stdout)
    };
    let plain = below("");
    assert!(plain.contains("4001\n"), "{plain}");
    assert_eq!(below(&format!("{BINARY} run --")), plain);
}

#[test]
fn the_program_has_the_streams_and_descriptors_that_it_would_have_and_nobody_else_keeps_them() {
    // The other end of descriptor 7 sees that the program closes it, though it goes on.
    let inner = "cat; echo out; echo err >&2; echo seven >&7; exec 7>&- >&- 2>&-; read line <&8";
    let outer = format!(
        "cd $TMPDIR; mkfifo seven eight; {BINARY} run -- sh -c '{inner}' 7>seven 8<>eight <<<input >out 2>err & \
         cat seven; echo closed; echo end >eight; wait; cat out err"
    );
    stage(|| {
        let output = Command::new("bash").args(["-c", &outer]).output().unwrap();
        let expected = "seven\nclosed\ninput\nout\nerr\n";
        assert_eq!(text(&output.stdout), expected, "{output:?}");
    });
}

#[test]
fn standard_output_ends_when_the_program_closes_it() {
    let mut child = run(&[], &["sh", "-c", "echo line; exec >&-; read end"]);
    let mut child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(whole(child.stdout.take().unwrap()), "line\n");
    child.stdin.take().unwrap().write_all(b"end\n").unwrap();
    assert!(child.wait().unwrap().success());
}

/// All of a stream, until every process has closed its other end.
fn whole(mut stream: impl std::io::Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The pids of the supervisor of `of` and of its program.
fn below(of: u32) -> (Pid, Pid) {
    let child = |of: u32| {
        let list = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).ok()?;
        list.split_whitespace().next()?.parse::<u32>().ok()
    };
    let mut found = None;
    wait_until("the program runs", || {
        found = child(of).and_then(|supervisor| Some((supervisor, child(supervisor)?)));
        found.is_some()
    });
    let (supervisor, program) = found.unwrap();
    let pid = |raw: u32| Pid::from_raw(raw.cast_signed()).unwrap();
    (pid(supervisor), pid(program))
}

#[test]
fn binds_go_on_and_are_explained_when_the_command_is_killed() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let binder = built_static("run/helpers/binder.c");
        let mut child = run(&[], &[binder.to_str().unwrap()]);
        let mut child = child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        below(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        for port in [3000, 3001] {
            writeln!(input, "tcp 127.0.0.1 {port} 0 1 0").unwrap();
        }
        drop(input);
        let out = whole(child.stdout.take().unwrap());
        let err = whole(child.stderr.take().unwrap());
        assert_eq!(out, "EADDRINUSE\nok\n");
        assert!(err.contains("can't bind 127.0.0.1:3000"), "{err}");
    });
}

#[test]
fn the_program_is_ended_when_its_supervisor_is_killed() {
    stage(|| {
        let mut child =
            sh("trap 'echo ended; exit' TERM; echo ready; while :; do sleep 0.01; done");
        let mut child = child
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut ready = [0; 6];
        out.read_exact(&mut ready).unwrap();
        let (supervisor, _) = below(child.id());
        kill_process(supervisor, Signal::KILL).unwrap();
        let rest = whole(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!((rest.as_str(), code(&output)), ("ended\n", 2));
        let err = text(&output.stderr);
        assert!(err.contains("supervisor was killed"), "{err}");
    });
}

#[test]
fn what_the_program_leaves_behind_can_still_bind_and_the_supervisor_ends_with_it() {
    stage(|| {
        let binder = built_static("run/helpers/binder.c");
        let fifo = std::env::temp_dir().join("fifo");
        let script = format!(
            "mkfifo {0}; setsid {1} >{0}.out 2>/dev/null 0<>{0} & echo $!",
            fifo.display(),
            binder.display()
        );
        let output = sh(&script).output().unwrap();
        assert_eq!(code(&output), 0);
        let left = text(&output.stdout).trim().parse().unwrap();
        let mut input = std::fs::File::options().write(true).open(&fifo).unwrap();
        writeln!(input, "tcp 127.0.0.1 3000 0 1 0").unwrap();
        let answer = fifo.with_extension("out");
        wait_until("it binds", || {
            std::fs::read_to_string(&answer).is_ok_and(|answer| answer == "ok\n")
        });
        assert_eq!(supervisors(), 1);
        kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).unwrap();
        wait_until("the supervisor ends", || supervisors() == 0);
    });
}

/// How many processes of this pid namespace are supervisors.
fn supervisors() -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let names = processes.filter_map(|one| std::fs::read_to_string(one.path().join("comm")).ok());
    names.filter(|name| name == "sockeye-run\n").count()
}

#[test]
fn a_run_below_a_run_says_once_that_the_outer_one_explains() {
    stage(|| {
        let _server = TcpListener::bind("127.0.0.1:3000").unwrap();
        let binder = built_static("run/helpers/binder.c");
        let script = format!(
            "echo tcp 127.0.0.1 3000 0 1 0 | {BINARY} run -- {}; exit 4",
            binder.display()
        );
        let output = sh(&script).output().unwrap();
        assert_eq!(
            (code(&output), text(&output.stdout)),
            (4, "EADDRINUSE\n".into())
        );
        let err = text(&output.stderr);
        assert_eq!(err.matches("can't bind").count(), 1, "{err}");
        assert_eq!(err.matches("outer `sockeye run`").count(), 1, "{err}");
    });
}

#[test]
fn ctrl_z_stops_it_for_the_shell_and_fg_continues_it() {
    const NAME: &str = "ctrl_z_stops_it_for_the_shell_and_fg_continues_it";
    if !is_available(NAME) {
        return;
    }
    let mut pty = Pty::spawn("bash", &["--norc", "-i"], (80, 24), &[("PS1", "prompt> ")]);
    pty.wait_for_text("prompt>");
    let script = "trap \"echo continued\" CONT; trap \"echo interrupted; exit 5\" INT; echo ready; while :; do sleep 0.01; done";
    // Not `sh`: dash starts `sleep` by vfork(2), and does not stop if that is stopped before it is executed.
    pty.send(&format!("{BINARY} run -- bash -c '{script}'\r"));
    pty.wait_for("it runs", |screen| screen.contains("\nready"));
    pty.send("\u{1a}");
    pty.wait_for_text("Stopped");
    pty.send("fg\r");
    pty.wait_for("it goes on", |screen| screen.contains("\ncontinued"));
    pty.send("\u{3}");
    pty.wait_for("it ends", |screen| screen.contains("^Cinterrupted"));
    pty.send("echo code $?\r");
    pty.wait_for_text("code 5");
    pty.send("exit\r");
    pty.wait_exit();
}

#[test]
fn an_interactive_program_has_the_terminal_to_itself() {
    const NAME: &str = "an_interactive_program_has_the_terminal_to_itself";
    if !is_available(NAME) {
        return;
    }
    let mut pty = Pty::spawn(
        BINARY,
        &["run", "--", "bash", "--norc", "-i"],
        (80, 24),
        &[("PS1", "inner> ")],
    );
    pty.wait_for_text("inner>");
    // Job control works below it.
    // Another process of the machine may sleep as long.
    let time = format!("100.{}", std::process::id());
    pty.send(&format!("sleep {time}\r"));
    let command = format!("sleep\0{time}\0");
    wait_until("it runs", || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines = processes.filter_map(|one| std::fs::read(one.path().join("cmdline")).ok());
        lines.any(|line| line == command.as_bytes())
    });
    pty.send("\u{1a}");
    pty.wait_for_text("Stopped");
    pty.send("kill %1; wait; echo then $((6 * 7))\r");
    pty.wait_for_text("then 42");
    pty.send("exit 6\r");
    assert_eq!(pty.wait_exit(), 6);
}

/// The report of the stop was read after it was continued, and stopped the job again.
#[test]
fn a_job_that_is_stopped_and_continued_at_once_goes_on() {
    stage(|| {
        let program = "trap : CONT; echo ready; sleep 0.3; echo done";
        let mut shell = Command::new("bash");
        let script = format!(
            "set -m; {BINARY} run -- bash -c '{program}' & sleep 0.1; \
             for n in 1 2 3 4 5; do kill -STOP %1; kill -CONT %1; done; wait %1; echo code $?"
        );
        let output = shell.args(["-c", &script]).output().unwrap();
        assert_eq!(text(&output.stdout), "ready\ndone\ncode 0\n");
    });
}

/// Its own signal ended nothing there, and it called abort(3).
#[test]
fn as_the_first_process_of_a_container_its_exit_code_names_the_signal() {
    stage(|| {
        let mut first = Command::new("unshare");
        let first = first.args(["--pid", "--fork", "--mount-proc", BINARY, "run", "--"]);
        let output = first.args(["sh", "-c", "kill -TERM $$"]).output().unwrap();
        assert_eq!(code(&output), 128 + 15, "{output:?}");
    });
}

/// `LISTEN_PID` was that of `sockeye run`, so the program did not take the sockets.
#[test]
fn sockets_that_are_handed_over_are_those_of_the_program() {
    stage(|| {
        let mut free = Command::new(BINARY);
        let free = free.args(["free", "3000-3999", "--", BINARY, "run", "--"]);
        let output = free.args(["sh", "-c", "echo $LISTEN_PID $$"]).output();
        let said = text(&output.unwrap().stdout);
        let (given, own) = said.trim().split_once(' ').unwrap();
        assert_eq!(given, own);
    });
}

#[test]
fn what_the_supervisor_lacks_is_no_fault_of_the_program() {
    stage(|| {
        let script = format!("mount -t tmpfs none /proc && exec {BINARY} run -- echo started");
        let mut inside = Command::new("unshare");
        let output = inside.args(["-m", "sh", "-c", &script]).output().unwrap();
        assert_eq!((code(&output), output.stdout.len()), (2, 0), "{output:?}");
        let err = text(&output.stderr);
        assert!(err.starts_with("sockeye: CMD was not started"), "{err}");
    });
}
