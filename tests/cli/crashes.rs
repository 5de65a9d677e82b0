//! A crash is one line and a documented exit code. The crashes are real panics, which only a debug build
//! can be requested.
#![cfg(debug_assertions)]

use std::process::{Command, Output};

use serde_json::Value;

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, Sockets, stage};

fn with_fault(fault: &str, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).env("SOCKEYE_FAULT", fault);
    command
}

#[test]
fn a_crash_of_a_command_is_one_line_and_exit_code_101() {
    stage(|| {
        let mut list = with_fault("tracker", &["list"]);
        let Output { status, stderr, .. } = list.env_remove("RUST_BACKTRACE").output().unwrap();
        let err = String::from_utf8(stderr).unwrap();
        assert_eq!(
            (status.code(), err.lines().count()),
            (Some(101), 1),
            "{err}"
        );
        let told = "sockeye: it crashed: SOCKEYE_FAULT is set (src/runtime/fault.rs:";
        assert!(err.starts_with(told), "{err}");
        assert!(
            err.ends_with("; this is a bug, please report it\n"),
            "{err}"
        );
        let list = list.env("RUST_BACKTRACE", "1").output().unwrap();
        let err = String::from_utf8(list.stderr).unwrap();
        assert!(
            err.lines().count() > 10,
            "a backtrace where that is wanted: {err}"
        );
    });
}

#[test]
fn watch_goes_on_after_a_reading_that_crashed_and_says_so_once() {
    stage(|| {
        let args = ["watch", "--interval", "100ms", "--for", "4s"];
        let watch = Running::start(&mut with_fault("reading=2..4", &args));
        let opened = Sockets::open();
        let lines: Vec<_> = (0..5).map(|_| watch.line()).collect();
        assert!(lines.iter().any(|line| line.contains("8080")), "{lines:?}");
        drop(opened);
        let ended = watch.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let told = "sockeye: taking a snapshot crashed: SOCKEYE_FAULT is set";
        assert_eq!(ended.err.matches(told).count(), 1, "{ended:?}");
    });
}

#[test]
fn each_reading_that_failed_is_a_gap_of_the_stream() {
    stage(|| {
        let _sockets = Sockets::open();
        let args = ["watch", "--json", "--interval", "50ms", "--for", "4s"];
        let ended = Running::start(&mut with_fault("reading=2..4", &args)).end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let lines = ended
            .rest
            .iter()
            .map(|line| serde_json::from_str(line).unwrap());
        let lines: Vec<Value> = lines.collect();
        let gaps = lines.iter().filter(|line| line["code"] == "failed");
        let gaps: Vec<_> = gaps.collect();
        assert_eq!(gaps.len(), 3, "{lines:?}");
        for gap in gaps {
            assert_eq!(
                gap["since"], lines[0]["at"],
                "the last reading before: {gap}"
            );
            let why = gap["message"].as_str().unwrap();
            assert!(why.starts_with("taking a snapshot crashed: "), "{gap}");
        }
    });
}
