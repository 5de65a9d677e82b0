//! Marked rows of real processes, and one question to end several.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::live::outcomes::named;
use crate::live::scene::{Holder, Live, at, listener, stage};

fn server(port: u16) -> Holder {
    Holder::of([listener(&at(port))])
}

fn start(ports: &[u16]) -> Live {
    let live = Live::start(&[]);
    live.wait_for_ports(ports);
    live
}

#[test]
fn two_marked_servers_are_ended_by_one_question_and_no_other() {
    stage(|| {
        let mut ended = [server(8080), server(8081)];
        let mut others = [server(8082), server(8083)];
        let mut live = start(&[8080, 8081, 8082, 8083]);
        live.press("  ");
        live.wait_for_text("2 marked");
        live.wait_for_row(8081, |row| row.contains('✓'));
        live.press("K");
        live.wait_for_words("Send SIGTERM to 2 processes?");
        for one in &ended {
            live.wait_for_words(&format!("sleep ({})", one.pid()));
        }
        live.press("y");
        live.wait_for_words("; ports 8080 and 8081 are free");
        for one in &mut ended {
            assert_eq!(one.wait_for_signal(), Some(Signal::TERM));
        }
        for port in [8080, 8081] {
            TcpListener::bind(("127.0.0.1", port)).unwrap();
        }
        for one in &mut others {
            assert!(one.is_running());
        }
        live.wait_for_row(8080, |row| row.starts_with('-'));
        live.wait_for_row(8082, |row| !row.contains('✓'));
    });
}

#[test]
fn on_a_group_one_question_ends_all_its_processes() {
    stage(|| {
        let mut ended = [server(8080), server(8081)];
        let mut live = Live::start(&["--group", "state"]);
        live.wait_for("the group with its program", |screen| {
            let mut lines = screen.lines();
            lines.any(|line| line.contains(" ▸ LISTEN") && line.contains("sleep"))
        });
        live.press(" ");
        live.wait_for_text("2 marked");
        live.wait_for_text("✓▸ LISTEN");
        live.press("\x1b");
        live.wait_without("2 marked");
        live.press("K");
        live.wait_for_words("Send SIGTERM to 2 processes?");
        live.press("y");
        live.wait_for_words("; ports 8080 and 8081 are free");
        for one in &mut ended {
            assert_eq!(one.wait_for_signal(), Some(Signal::TERM));
        }
    });
}

#[test]
fn marks_stay_at_their_sockets_while_others_come_and_go() {
    stage(|| {
        let _marked = server(8081);
        let mut live = start(&[8081]);
        live.press(" ");
        live.wait_for_row(8081, |row| row.contains('✓'));
        let _before = server(8080);
        live.wait_for_row(8080, |row| !row.contains('✓'));
        live.wait_for_row(8081, |row| row.contains('✓'));
        live.press("/:8080\r");
        live.wait_for_ports(&[8080]);
        live.wait_for_text("1 marked");
        live.press("\x1b");
        live.wait_for_row(8081, |row| row.contains('✓'));
        live.press("\x1b");
        live.wait_without("1 marked");
    });
}

#[test]
fn what_still_runs_is_named_beside_what_exited() {
    stage(|| {
        let mut ended = server(8080);
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' TERM; exec sleep 1000"]);
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        let mut stubborn = Holder::run(shell, [listener(&at(8081))]);
        let mut live = start(&[8080, 8081]);
        live.wait_for_row(8081, |row| row.contains("sleep"));
        live.press("VK");
        live.wait_for_words("It ignores SIGTERM; SIGKILL ends it.");
        live.press("y");
        let words = format!(
            "port 8080 is free; sleep ({}) still running after 3 s: it ignores SIGTERM; SIGKILL ends it",
            stubborn.pid()
        );
        let screen = live.wait_for_words(&words);
        assert!(screen.contains("1 of 2 exited"), "{screen}");
        assert_eq!(ended.wait_for_signal(), Some(Signal::TERM));
        assert!(stubborn.is_running());
    });
}

/// Even if the yes comes before anything is known about the processes.
#[test]
fn a_proxy_of_a_container_among_marked_rows_gets_no_signal() {
    stage(|| {
        let proxy = "-proto tcp -host-ip 127.0.0.1 -host-port 8080 -container-ip 172.17.0.2 -container-port 80";
        let mut proxy = named("docker-proxy", proxy);
        let mut ended = server(8081);
        let mut live = start(&[8080, 8081]);
        live.press("VKy");
        let words = format!("({}) listens on port 8080.", proxy.pid());
        live.wait_for_words(&words);
        live.wait_for_words("These get no signal:");
        live.wait_for_words("It is the proxy of a container");
        // The other process is looked up by itself.
        live.wait_without("finding out what depends");
        assert!(ended.is_running());
        live.press("y");
        live.wait_for_words("port 8081 is free");
        assert_eq!(ended.wait_for_signal(), Some(Signal::TERM));
        assert!(proxy.is_running());
    });
}
