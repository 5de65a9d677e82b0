//! A part of the program crashes: the rest goes on. The crashes are real panics, triggered by
//! `SOCKEYE_FAULT`, which only a debug build reads.
#![cfg(debug_assertions)]

use crate::live::scene::{BINARY, Holder, Live, at, listener, listeners, stage};
use crate::support::pty::Pty;

/// Starts the program with this fault, on a terminal wide enough for its messages.
fn with_fault(fault: &str) -> Live {
    let args = ["--interval", "100ms"];
    Live {
        pty: Pty::spawn(BINARY, &args, (200, 30), &[("SOCKEYE_FAULT", fault)]),
    }
}

#[test]
fn a_reading_that_crashes_is_one_line_until_the_next_one_succeeds() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = with_fault("reading=5..11");
        let told = "taking a snapshot crashed: SOCKEYE_FAULT is set (src/runtime/fault.rs:";
        let screen = live.wait_for_text(told);
        assert!(screen.contains("; trying again"), "{screen}");
        assert!(screen.contains("8080"), "the last table stays:\n{screen}");
        // The age of what is shown, and keys that answer meanwhile.
        live.wait_for_text("s ago");
        live.press("?");
        live.wait_for_text("bind test of any port");
        live.press("?");
        let _opened = listener(&at(9000));
        live.wait_for_row(9000, |row| row.starts_with('+'));
        live.wait_without("crashed");
        live.wait_without("s ago");
        live.press("e");
        let screen = live.wait_for_text("events · 1 ");
        assert!(screen.contains("+ tcp 127.0.0.1:9000"), "{screen}");
    });
}

#[test]
fn quitting_works_while_every_reading_crashes() {
    stage(|| {
        let mut live = with_fault("reading");
        live.wait_for_text("taking a snapshot crashed");
        live.press("\x03");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_comparison_that_crashes_begins_anew_and_the_table_lives_on() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let live = with_fault("tracker=4..5");
        live.wait_for_text("comparing two snapshots crashed: SOCKEYE_FAULT is set");
        live.wait_without("crashed");
        live.wait_for_row(8080, |row| row.starts_with(' ') && row.contains("sleep"));
        let _opened = listener(&at(9000));
        live.wait_for_row(9000, |row| row.starts_with('+'));
        live.wait_for_row(8080, |row| row.starts_with(' '));
    });
}

#[test]
fn a_job_that_crashes_is_reported_in_one_line() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        for (job, keys) in [
            ("bind test", "b"),
            ("free port", "f"),
            ("signal", "Ky"),
            ("writer", "w\r"),
        ] {
            let mut live = with_fault(&format!("{job}=1..1"));
            live.wait_for_row(8080, |row| row.contains("sleep"));
            live.press(keys);
            let screen = live.wait_for_text(&format!("{job} crashed: SOCKEYE_FAULT"));
            assert!(!screen.contains("testing…"), "{screen}");
            // The program goes on, and so does the next job.
            live.press("b");
            live.wait_for_text("✗ in use");
            live.press("q");
            assert_eq!(live.pty.wait_exit(), 0, "{job}");
        }
    });
}

#[test]
fn a_watched_bind_test_that_crashes_is_not_tried_for_ever() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let mut live = with_fault("bind test=2..2");
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("b");
        live.wait_for_text("✗ in use");
        live.press("b");
        let screen = live.wait_for_text("bind test crashed");
        assert!(
            screen.contains("✗ in use"),
            "the old answer stays:\n{screen}"
        );
        assert!(!screen.contains("testing…"), "{screen}");
        live.press("b");
        live.wait_without("bind test crashed");
        live.wait_for("an answer", |screen| {
            screen.contains("✗ in use") && !screen.contains("testing…")
        });
    });
}
