//! Going back in time, with real sockets.

use std::time::Duration;

use rustix::process::Signal;

use crate::cli::background::Running;
use crate::cli::scene::sockeye;
use crate::live::scene::{
    Live, TempDir, after_it_closed, at, cell_of, listener, ports, row, stage,
};
use crate::support::wait_until;

#[test]
fn a_closed_listener_is_there_again_with_its_process_and_gone_after_it() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_text("AT ");
        live.wait_for_row(8080, |row| row.contains("LISTEN") && row.contains("sleep"));
        live.press("}");
        let is_closed = |screen: &str| row(screen, 8080).is_none_or(|row| row.starts_with('-'));
        live.wait_for("its end", is_closed);
        live.press("0");
        live.wait_without("AT ");
        live.wait_for_ports(&[8000]);
    });
}

#[test]
fn the_last_change_of_a_port_is_found_from_its_row() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("G");
        live.wait_for_selection(8080);
        live.press(">");
        live.wait_for_row(8080, |row| row.starts_with('-') && row.contains("closed"));
        live.press(">");
        live.wait_for_text("no later change of port 8080 in the history");
        live.press("<");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.wait_for_selection(8080);
    });
}

#[test]
fn filter_groups_and_details_work_there_and_actions_do_not() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("/:8080\r");
        live.wait_for_ports(&[8080]);
        for key in ["K", "b", "f", "O"] {
            live.press(key);
            live.wait_for_text("; actions are disabled; 0 returns to now");
            live.press("j");
            live.wait_without("actions are disabled");
        }
        live.press("\r");
        live.wait_for_text("sleep 1000");
        live.press("\r");
        live.wait_without("details");
        live.press("z");
        live.wait_for_text("▸ sleep");
    });
}

#[test]
fn the_live_table_goes_on_meanwhile() {
    stage(|| {
        let _stays = listener(&at(8000));
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        let _new = listener(&at(9090));
        std::thread::sleep(Duration::from_millis(500));
        assert!(!ports(&live.pty.screen_text()).contains(&9090));
        live.press("0");
        live.wait_for_ports(&[8000, 9090]);
    });
}

#[test]
fn the_moment_is_reversed_and_a_typed_time_is_gone_to() {
    stage(|| {
        let mut live = after_it_closed(&[]);
        live.press("@");
        live.wait_for_text("go to time:");
        live.press("3x");
        live.wait_for_text("`3x` isn't a time");
        live.press("\x15start\r");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.wait_for_cells("a reversed moment", |screen| {
            let (_, columns) = screen.size();
            (0..columns).any(|x| {
                screen
                    .cell(0, x)
                    .is_some_and(|cell| cell.contents() == "A" && cell.inverse())
            })
        });
        assert!(cell_of(&live.pty.screen(), 8080, "LISTEN").is_some());
    });
}

#[test]
fn at_rest_a_moment_writes_nothing() {
    stage(|| {
        let mut live = after_it_closed(&[]);
        live.press("{");
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        let time = Duration::from_secs(1);
        assert_eq!(live.pty.bytes_written_during(time), 0);
    });
}

/// A history in which port 8080 was open at the time that is returned, and closed before the recorder ended.
fn stored(folder: &TempDir) -> String {
    let folder = folder.path().to_str().unwrap();
    let record = [
        "record",
        "--interval=100ms",
        "--min-free=0",
        "--dir",
        folder,
    ];
    let recorder = Running::sockeye(&record);
    let port = listener(&at(8080));
    let has = |words: &[&str]| {
        let said = sockeye(&[&["who", "8080", "--dir", folder], words].concat());
        said.code == 0
    };
    wait_until("the open port", || has(&["--since=1m", "--until=now"]));
    let time = jiff::Timestamp::now().to_string();
    drop(port);
    let ended = || {
        let said = sockeye(&["who", "8080", "--json", "--until=now", "--dir", folder]);
        said.json()["holders"][0]["ended"] == "closed"
    };
    // The time that is shown is a whole second, of which the last snapshot counts.
    std::thread::sleep(Duration::from_millis(1100));
    wait_until("its end", ended);
    recorder.signal(Signal::TERM);
    recorder.end();
    time
}

#[test]
fn the_table_begins_at_a_time_of_the_stored_history_and_returns_to_now() {
    stage(|| {
        let _stays = listener(&at(8000));
        let folder = TempDir::new();
        let time = stored(&folder);
        let path = folder.path().to_str().unwrap();
        let mut live = Live::start(&["--dir", path, "--at", &time]);
        live.wait_for_text("AT ");
        live.wait_for_ports(&[8000, 8080]);
        live.press("0");
        live.wait_without("AT ");
        live.wait_for_ports(&[8000]);
        // Back before the first snapshot of the table, and from there to the next change.
        live.press("{");
        live.wait_for_text("AT ");
        live.press("}");
        live.wait_for_ports(&[8000]);
        live.press(&format!("@{time}\r"));
        live.wait_for_ports(&[8000, 8080]);
    });
}

#[test]
fn a_time_that_no_history_has_is_an_error_before_there_is_a_screen() {
    stage(|| {
        let folder = TempDir::new();
        let _time = stored(&folder);
        let path = folder.path().to_str().unwrap();
        let in_a_terminal = |args: &[&str]| {
            let mut live = Live::begun(args);
            let code = live.pty.wait_exit();
            (code, live.pty.screen_text().trim_end().to_owned())
        };
        for (args, says) in [
            (
                &["--at", "3am", "--dir", "/nonexistent"][..],
                "no history in /nonexistent",
            ),
            (&["--dir", "/nonexistent"], "no history in /nonexistent"),
            (
                &["--at", "2001-01-01 00:00", "--dir", path],
                "is before the history, which begins",
            ),
            (&["--at", "2h", "--replay", "/dev/null"], "read twice"),
            (&["--at", "2h", "--linear"], "--linear"),
            (&["--at", "2h", "list"], "after the command"),
            (&["--dir", path, "--replay", path], "leave one out"),
        ] {
            let (code, screen) = in_a_terminal(args);
            assert_eq!(code, 2, "{screen}");
            assert!(screen.replace('\n', "").contains(says), "{says}: {screen}");
            assert_eq!(screen.matches("sockeye:").count(), 1, "{screen}");
        }
    });
}

#[test]
fn a_recording_begins_at_a_time_of_it() {
    stage(|| {
        let folder = TempDir::new();
        let time = stored(&folder);
        let path = folder.path().to_str().unwrap();
        let live = Live::begun(&["--replay", path, "--at", &time]);
        live.wait_for_text("paused");
        live.wait_for_ports(&[8080]);
    });
}
