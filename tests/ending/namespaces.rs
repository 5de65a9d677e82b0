//! A `/proc` that belongs to another pid namespace than the program: its pids are not ours.

use std::process::{Command, Stdio};

use crate::ending::scene::{Server, choose_next_pid, end, listener, refusal, seen};
use crate::support::netns::stage;

const STEP: &str = "SOCKEYE_TEST_BELOW";

/// Runs this test again in a pid namespace below this one, with the `/proc` that is mounted here.
fn run_below(test: &str) {
    let output = Command::new("unshare")
        .args(["-pf", "--kill-child"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("ending::{test}"),
            "--nocapture",
            "--test-threads=1",
        ])
        .env(STEP, test)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("1 passed"), "{out}{err}");
}

fn is_below() -> bool {
    std::env::var_os(STEP).is_some()
}

/// One of our own has the very number: it is not hit.
#[test]
fn a_process_of_the_namespace_above_is_out_of_reach_and_no_stranger_is_hit() {
    if is_below() {
        let above = seen();
        choose_next_pid(above.process().unwrap().pid);
        let mut stranger = Server::with(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        assert_eq!(stranger.pid(), above.process().unwrap().pid, "here");
        let told = refusal(&above);
        assert!(told.contains("in another pid namespace"), "{told}");
        assert!(stranger.answers());
        return;
    }
    stage(|| {
        let mut server = Server::with(listener());
        run_below(
            "namespaces::a_process_of_the_namespace_above_is_out_of_reach_and_no_stranger_is_hit",
        );
        assert!(server.answers());
    });
}

#[test]
fn a_process_of_our_own_is_signalled_by_the_number_that_it_has_above() {
    if is_below() {
        let mut server = Server::with(listener());
        let ours = seen();
        assert_ne!(ours.process().unwrap().pid, server.pid(), "above");
        let (succeeded, message) = end(&ours);
        assert!(succeeded, "{message}");
        assert!(server.wait_for_signal().is_some());
        return;
    }
    stage(|| {
        run_below("namespaces::a_process_of_our_own_is_signalled_by_the_number_that_it_has_above");
    });
}
