//! What comes of an end: the process is gone and the port free, it is back, it still runs, others keep the port;
//! and what takes more than one key. With real processes.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::live::scene::{BINARY, Holder, Live, at, connection, listener, stage};
use crate::support::wait_until;

/// A shell that runs this script, `$0` being sockeye, with a listener on 8080 if it is to have one.
fn shell(script: &str, has_listener: bool) -> Holder {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, BINARY]);
    // What outlives it must not keep the test's output open.
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    Holder::run(shell, has_listener.then(|| listener(&at(8080))))
}

/// A program of this name with these arguments that waits for its end and has a listener on 8080.
pub(super) fn named(name: &str, arguments: &str) -> Holder {
    let mut shell = Command::new("sh");
    shell.arg0(name).args(["-c", "read end"]);
    shell.args(arguments.split(' '));
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    Holder::run(shell, [listener(&at(8080))])
}

/// The screen's words, however they are broken into lines.
fn flat(screen: &str) -> String {
    let words = screen.split(|c: char| c.is_whitespace() || "│┌┐└┘─┃".contains(c));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

impl Live {
    pub(super) fn wait_for_words(&self, words: &str) -> String {
        self.wait_for(words, |screen| flat(screen).contains(words))
    }
}

fn start() -> Live {
    let live = Live::start(&[]);
    live.wait_for_row(8080, |row| row.starts_with([' ', '+']));
    live
}

#[test]
fn a_process_that_exits_leaves_the_port_free_and_that_is_said_after_a_look() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = start();
        live.press("Ky");
        let who = format!("sleep ({}) exited", holder.pid());
        live.wait_for_words(&who);
        live.wait_for_words("checking whether something restarts it…");
        assert_eq!(holder.wait_for_signal(), Some(Signal::TERM));
        let screen = live.wait_for_words("; port 8080 is free");
        assert!(flat(&screen).contains(&who), "{screen}");
    });
}

#[test]
fn a_process_that_is_started_again_is_back_and_its_parent_can_be_ended_too() {
    stage(|| {
        let script = "while :; do \"$0\" free 8080 -- sleep 1000; done";
        let mut shell = shell(script, false);
        let mut live = start();
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("K");
        let again = format!("({}) starts it again, unless it ends too.", shell.pid());
        live.wait_for_words(&again);
        live.press("y");
        live.wait_for_words("back as ");
        let screen = live.wait_for_words("keeps it down");
        let by = format!("({}): `kill {} ", shell.pid(), shell.pid());
        assert!(flat(&screen).contains(&by), "{screen}");
        assert!(shell.is_running());
        // The next snapshot marks the row of the ended process as closed.
        live.wait_for_a_reading();
        live.press("K");
        live.wait_for_words(&again);
        live.press("a");
        live.wait_for_words(&format!("({}) too]", shell.pid()));
        live.press("y");
        live.wait_for_words("port 8080 is free");
        assert_eq!(shell.wait_for_signal(), Some(Signal::TERM));
    });
}

#[test]
fn a_process_that_ignores_the_signal_still_runs_and_why_is_said() {
    stage(|| {
        let mut holder = shell("trap '' TERM; exec sleep 1000", true);
        let mut live = start();
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("K");
        live.wait_for_words("It ignores SIGTERM; SIGKILL ends it.");
        live.press("y");
        let words = format!(
            "sleep ({}) still running after 3 s: it ignores SIGTERM; SIGKILL ends it",
            holder.pid()
        );
        live.wait_for_words(&words);
        assert!(holder.is_running());
        live.press("Kssssy");
        live.wait_for_words("port 8080 is free");
        assert_eq!(holder.wait_for_signal(), Some(Signal::KILL));
    });
}

#[test]
fn a_stopped_process_is_continued_after_the_signal() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let pid = Pid::from_raw(holder.pid().cast_signed()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        let stat = format!("/proc/{}/stat", holder.pid());
        wait_until("a stopped process", || {
            std::fs::read_to_string(&stat).unwrap().contains(") T ")
        });
        let mut live = start();
        live.press("K");
        live.wait_for_words("It is stopped: it handles the signal when it is continued");
        live.press("y");
        live.wait_for_words("port 8080 is free");
        assert_eq!(holder.wait_for_signal(), Some(Signal::TERM));
    });
}

#[test]
fn of_a_master_and_its_workers_one_or_all_can_be_ended() {
    stage(|| {
        let script = "sleep 1000 & sleep 1000 & wait";
        let mut master = shell(script, true);
        let mut live = start();
        live.wait_for_row(8080, |row| row.contains("×3"));
        live.press("Ky");
        live.wait_for_words("but 2 other processes keep port 8080: sleep (");
        assert_eq!(master.wait_for_signal(), Some(Signal::TERM));
        live.wait_for_row(8080, |row| row.contains("×2"));
        live.press("Ka");
        live.wait_for_words("[all 2]");
        live.press("y");
        live.wait_for_words("exited");
        live.wait_for_words("port 8080 is free");
    });
}

#[test]
fn what_others_need_is_not_ended_by_one_key_however_fast_and_often() {
    let proxy =
        "-proto tcp -host-ip 127.0.0.1 -host-port 8080 -container-ip 172.17.0.2 -container-port 80";
    let monitor = "-n web --exit-dir /run/exits";
    for_each(&[
        ("docker-proxy", proxy, "is the proxy of a container"),
        ("conmon", monitor, "is the monitor of a container"),
        ("dockerd", "-H fd://", "is a container engine"),
        ("systemd", "--user", "is a manager of services"),
        ("supervisord", "-n", "is a supervisor"),
    ]);
}

fn for_each(guarded: &[(&str, &str, &str)]) {
    // The stage is named by the test's closure.
    let path = "outcomes::what_others_need_is_not_ended_by_one_key_however_fast_and_often";
    if !crate::support::pty::is_available(path) {
        return;
    }
    crate::support::netns::in_netns(path, || {
        for (name, arguments, words) in guarded {
            let mut holder = named(name, arguments);
            let mut live = start();
            live.press(&"Ky".repeat(20));
            live.press("xyxyyyyy");
            live.wait_for_words(words);
            live.press("n");
            live.wait_without(words);
            assert!(holder.is_running(), "{name}");
            live.press("b");
            live.wait_for_text("✗ in use");
            live.press(&"Ky".repeat(20));
            live.wait_for_words("Only a capital Y does.");
            assert!(holder.is_running(), "{name}");
            live.press("Y");
            live.wait_for_words("exited");
            assert_eq!(holder.wait_for_signal(), Some(Signal::TERM), "{name}");
        }
    });
}

/// A yes that is typed with the question, before anything could be read.
#[test]
fn an_early_yes_ends_an_ordinary_process() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = start();
        live.press("Ky");
        assert_eq!(holder.wait_for_signal(), Some(Signal::TERM));
        live.wait_for_words("port 8080 is free");
    });
}

#[test]
fn the_outcome_in_a_bind_test_is_shown_as_in_the_table_and_in_the_pane() {
    stage(|| {
        let holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start_in((80, 40), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("b");
        live.wait_for_text("✗ in use");
        live.press("Ky");
        live.wait_for_words(&format!("sleep ({}) exited", holder.pid()));
        live.wait_for_words("; port 8080 is free");
        live.wait_for_text("✓ free");
    });
}

#[test]
fn leftovers_of_a_process_that_exited_are_named() {
    stage(|| {
        let listening = listener(&at(8080));
        let (client, server) = connection(&listening);
        // The side that closes first waits.
        drop(server);
        drop(client);
        let _holder = Holder::of([listening]);
        let mut live = start();
        live.press("Ky");
        live.wait_for_words(
            "port 8080 is free for a server that sets SO_REUSEADDR: all that's left is 1 connection",
        );
    });
}

#[test]
fn the_question_takes_its_keys_with_a_bind_test_open_and_a_no_is_a_no() {
    stage(|| {
        let mut holder = named("dockerd", "-H fd://");
        let mut live = start();
        live.press("b");
        live.wait_for_text("✗ in use");
        for no in ["Kn", "Kyn", "KyKn", "Kan"] {
            live.press(no);
            live.wait_without("end a process");
        }
        assert!(holder.is_running());
    });
}
