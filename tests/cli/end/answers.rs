//! The question on a terminal, and what may happen while it is open.

use std::net::TcpListener;

use crate::cli::end::scene::Server;
use crate::cli::holder::listener;
use crate::cli::scene::{BINARY, stage};
use crate::support::netns::stage_with_pids;
use crate::support::pty::{Pty, is_available};

const SIZE: (u16, u16) = (160, 40);

/// The program in a terminal, once it has shown its question.
fn question(words: &[&str]) -> Pty {
    let pty = Pty::spawn(BINARY, &[&["end"], words].concat(), SIZE, &[]);
    pty.wait_for_text("Do this? [y/N]");
    pty
}

/// Runs a test where there is a pty.
fn stage_with_pty<Body: FnOnce()>(body: Body) {
    if is_available("the question of end") {
        body();
    }
}

/// A server on the port, with the test's own listener closed.
fn server() -> Server {
    let socket = listener("0.0.0.0:8080");
    Server::plain(&[&socket])
}

#[test]
fn the_question_says_who_it_is_and_what_is_done() {
    stage(|| {
        stage_with_pty(|| {
            let mut server = server();
            let mut pty = question(&["8080"]);
            let screen = pty.screen_text();
            let pid = server.pid();
            assert!(screen.contains("8080: in use"), "{screen}");
            assert!(screen.contains(&format!("sleep (pid {pid}")), "{screen}");
            assert!(screen.contains("`sleep 600` in `"), "{screen}");
            assert!(
                screen.contains(&format!("send SIGTERM to sleep ({pid})")),
                "{screen}"
            );
            pty.send("n\r");
            assert_eq!(pty.wait_exit(), 1);
            let screen = pty.screen_text();
            assert!(
                screen.contains("8080: in use; not confirmed, nothing was done"),
                "{screen}"
            );
            assert!(server.is_running());
        });
    });
}

#[test]
fn only_yes_confirms() {
    stage(|| {
        stage_with_pty(|| {
            let mut server = server();
            // The last one is the end of the input.
            for answer in ["\r", "no\r", "yess\r", "\u{4}"] {
                let mut pty = question(&["8080"]);
                pty.send(answer);
                assert_eq!(pty.wait_exit(), 1, "{answer:?}");
            }
            assert!(server.is_running());
            let mut pty = question(&["8080"]);
            pty.send("Y\r");
            assert_eq!(pty.wait_exit(), 0, "{}", pty.screen_text());
            server.wait();
        });
    });
}

#[test]
fn an_interrupt_at_the_question_ends_nothing() {
    stage(|| {
        stage_with_pty(|| {
            let mut server = server();
            let mut pty = question(&["8080"]);
            pty.send("\u{3}");
            assert_eq!(pty.wait_signal(), "Interrupt");
            assert!(server.is_running());
        });
    });
}

#[test]
fn a_server_that_has_ended_meanwhile_needs_nothing() {
    stage(|| {
        stage_with_pty(|| {
            let server = server();
            let mut pty = question(&["8080"]);
            drop(server);
            pty.send("y\r");
            assert_eq!(pty.wait_exit(), 0, "{}", pty.screen_text());
            pty.wait_for_text("8080: free");
        });
    });
}

#[test]
fn another_server_that_has_the_port_meanwhile_stays() {
    stage(|| {
        stage_with_pty(|| {
            drop({
                let first = server();
                let mut pty = question(&["8080"]);
                drop(first);
                let mut second = server();
                pty.send("y\r");
                assert_eq!(pty.wait_exit(), 1, "{}", pty.screen_text());
                pty.wait_for_text("its owner has changed meanwhile");
                assert!(second.is_running());
                second
            });
            TcpListener::bind("0.0.0.0:8080").unwrap();
        });
    });
}

/// The pid alone would be the same.
#[test]
fn another_process_with_the_same_pid_stays() {
    stage_with_pids(|| {
        stage_with_pty(|| {
            let mut first = server();
            let pid = first.pid();
            let mut pty = question(&["8080"]);
            first.kill();
            let socket = listener("0.0.0.0:8080");
            std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
            let mut second = Server::plain(&[&socket]);
            drop(socket);
            assert_eq!(second.pid(), pid, "the kernel gives the pid again");
            pty.send("y\r");
            assert_eq!(pty.wait_exit(), 1, "{}", pty.screen_text());
            assert!(second.is_running());
        });
    });
}
