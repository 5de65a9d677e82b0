//! What sockeye depends on itself: pid 1, its ancestors and sockeye are not ended by a single key.
//!
//! A shell gets a listener (`sockeye free 8080 -- sh …`) and starts sockeye below it.

use crate::live::scene::{BINARY, Live, stage};

/// A shell with a listener on 8080 as its descriptor 3, which runs this script on sockeye (`$0`).
fn shell(before: &[&str], script: &str) -> Live {
    let shell = [BINARY, "free", "8080", "--", "sh", "-c", script, BINARY];
    let words = [before, &shell].concat();
    let live = Live::start_as(words[0], (110, 30), &words[1..]);
    live.wait_for_row(8080, |row| row.contains("sh") || row.contains("sockeye"));
    live
}

/// The shell alone has it; a signal that it handles ends it with 7 as soon as sockeye has ended.
const BELOW: &str = "trap 'exit 7' TERM; \"$0\" --interval 100ms 3<&-; exit 5";

fn quits_with(mut live: Live, code: u32) {
    live.press("q");
    assert_eq!(live.pty.wait_exit(), code);
}

#[test]
fn the_shell_that_sockeye_runs_in_is_not_ended_by_one_key_however_often() {
    stage(|| {
        let mut live = shell(&[], BELOW);
        live.press("K");
        live.wait_for_text("It is the parent of sockeye, which may end with it.");
        live.wait_for_text("You have to confirm twice.");
        live.press("yyyyyyyy");
        let screen = live.wait_for_text("Only a capital Y does.");
        assert!(screen.contains("Y yes, end it"), "{screen}");
        live.press("n");
        live.wait_without("capital Y");
        live.press("KY");
        live.wait_for_text("You have to confirm twice.");
        live.press("\x1b");
        live.wait_without("confirm twice");
        quits_with(live, 5);
    });
}

#[test]
fn the_shell_that_sockeye_runs_in_is_ended_by_two_keys() {
    stage(|| {
        let mut live = shell(&[], BELOW);
        live.press("Ky");
        live.wait_for_text("Only a capital Y does.");
        live.press("Y");
        live.wait_for_text("sent SIGTERM to sh (");
        quits_with(live, 7);
    });
}

#[test]
fn an_ancestor_further_up_is_guarded_as_well() {
    stage(|| {
        let nested =
            "trap 'exit 7' TERM; sh -c '\"$0\" --interval 100ms; exit 5' \"$0\" 3<&-; exit 6";
        let mut live = shell(&[], nested);
        live.press("K");
        live.wait_for_text("It is an ancestor of sockeye");
        live.press("y");
        live.wait_for_text("Only a capital Y does.");
        live.press("Y");
        live.wait_for_text("sent SIGTERM to sh (");
        quits_with(live, 7);
    });
}

#[test]
fn sockeye_that_inherited_a_socket_needs_two_confirmations_before_it_ends_itself() {
    stage(|| {
        let mut live = shell(&[], "exec \"$0\" --interval 100ms");
        live.press("K");
        live.wait_for_text("It is sockeye itself.");
        live.press("y");
        live.wait_for_text("Only a capital Y does.");
        live.press("Y");
        assert_eq!(live.pty.wait_exit(), 143, "as after any SIGTERM");
    });
}

const NAMESPACE: [&str; 4] = ["unshare", "-pf", "--mount-proc", "--kill-child"];

#[test]
fn pid_1_that_is_the_server_itself_can_be_ended_by_two_keys() {
    stage(|| {
        let mut live = shell(&NAMESPACE, BELOW);
        live.press("K");
        live.wait_for_text("It is pid 1: this system or container ends with it.");
        live.press("y");
        live.wait_for_text("Only a capital Y does.");
        live.press("Y");
        live.wait_for_text("sent SIGTERM to sh (1)");
        quits_with(live, 7);
    });
}

#[test]
fn what_pid_1_does_not_handle_is_said_to_be_dropped() {
    stage(|| {
        let mut live = shell(&NAMESPACE, "\"$0\" --interval 100ms 3<&-; exit 5");
        live.press("Ky");
        live.wait_for_text("Only a capital Y does.");
        live.press("Y");
        live.wait_for_text(
            "the kernel drops SIGTERM to sh (1): the first process gets only what it handles",
        );
        quits_with(live, 5);
    });
}

/// Of a worker and the shell above sockeye, the worker is meant.
#[test]
fn of_those_who_share_a_socket_the_worker_is_ended_and_not_the_shell() {
    stage(|| {
        let script = "sleep 1000 & \"$0\" --interval 100ms 3<&-; exit 5";
        let mut live = shell(&[], script);
        live.wait_for_row(8080, |row| row.contains("×2"));
        live.press("K");
        let screen = live.wait_for_text("sleep (");
        assert!(
            screen.contains("Another process keeps this socket."),
            "{screen}"
        );
        live.press("y");
        live.wait_for_text("exited");
        live.wait_for_row(8080, |row| !row.contains("×2"));
        quits_with(live, 5);
    });
}
