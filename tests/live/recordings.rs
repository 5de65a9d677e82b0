//! A recording in the table: its own time, and never to be mistaken for now.

use crate::live::scene::{BINARY, Live, TempDir, stage};
use crate::support::connections::Connections;
use crate::support::pty::Pty;

/// A snapshot with listeners on these ports, so many seconds after the first.
fn snapshot(second: i64, ports: &[u16]) -> String {
    let wall = jiff::Timestamp::from_second(1_795_822_085 + second).unwrap();
    let socket = |port| {
        format!(
            r#"{{"protocol":"tcp","local":{{"address":"127.0.0.1","port":{port}}},"state":"LISTEN","owner":"none"}}"#
        )
    };
    let sockets: Vec<_> = ports.iter().map(socket).collect();
    format!(
        r#"{{"schema":1,"taken_at":{{"steady":{{"secs":{},"nanos":0}},"wall":"{wall}"}},"sockets":[{}],"processes":[],"problems":[]}}"#,
        second + 7,
        sockets.join(",")
    ) + "\n"
}

/// Shows a recording whose port 9000 opens in its second snapshot, four hours before its last one.
fn shown(folder: &TempDir, size: (u16, u16), interval: &str) -> Live {
    let snapshots = [
        (0, &[8080][..]),
        (1, &[8080, 9000]),
        (14_401, &[8080, 9000]),
    ];
    let lines = snapshots.map(|(second, ports)| snapshot(second, ports));
    let path = folder.path().join("night.jsonl");
    std::fs::write(&path, lines.concat()).unwrap();
    let args = ["--interval", interval, "--replay", path.to_str().unwrap()];
    let live = Live {
        pty: Pty::spawn(BINARY, &args, size, &[("TZ", "UTC")]),
    };
    live.wait_for_text("REPLAY");
    live
}

#[test]
fn ages_are_those_of_the_recording_and_its_end_does_not_change() {
    stage(|| {
        let folder = TempDir::new();
        let live = shown(&folder, (110, 30), "100ms");
        live.wait_for_text("REPLAY 2026-11-28 03:28:06 · 3 of 3 · ended");
        live.wait_for_row(9000, |row| row.contains(" 4h"));
        let time = std::time::Duration::from_millis(500);
        assert_eq!(live.pty.bytes_written_during(time), 0);
    });
}

#[test]
fn date_position_and_end_stand_reversed_at_every_width() {
    stage(|| {
        let folder = TempDir::new();
        for (size, badge) in [
            ((160, 45), "REPLAY 2026-11-28 03:28:06 · 3 of 3 · ended"),
            ((80, 24), "REPLAY 2026-11-28 03:28:06 · 3 of 3 · ended"),
            ((40, 10), "REPLAY 2026-11-28 03:28:06 3/3 ended"),
            ((24, 5), "REPLAY 3/3 ended"),
        ] {
            let live = shown(&folder, size, "100ms");
            let screen = live.wait_for_text(badge);
            let header = screen.lines().next().unwrap();
            let at = header.find("REPLAY").unwrap();
            let column = u16::try_from(header[..at].chars().count()).unwrap();
            let cells = badge.chars().count();
            for column in column..column + u16::try_from(cells).unwrap() {
                assert!(live.pty.cell(0, column).inverse(), "{column}: {header}");
            }
        }
    });
}

#[test]
fn a_paused_recording_is_stepped_through_with_r() {
    stage(|| {
        let folder = TempDir::new();
        let mut live = shown(&folder, (110, 30), "1h");
        live.wait_for_text("23:28:05 · 1 of 3");
        live.press("p");
        live.wait_for_text("23:28:05 · 1 of 3 · paused");
        live.press("r");
        live.wait_for_text("23:28:06 · 2 of 3 · paused");
        live.wait_for_row(9000, |row| row.starts_with('+') && row.contains(" 0s"));
        live.press("r");
        live.wait_for_text("03:28:06 · 3 of 3 · ended");
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_recording_that_may_not_grow_further_ends_and_the_table_goes_on() {
    stage(|| {
        let folder = TempDir::new();
        let path = folder.path().join("full.seg");
        // 4 KiB: SIGXFSZ would end the program with the terminal in its modes.
        let limited = ["-c", "ulimit -f 8; exec \"$0\" \"$@\"", BINARY];
        let args = ["--record", path.to_str().unwrap(), "--interval", "100ms"];
        let _connections = Connections::begin();
        let mut live = Live::start_by("sh", &limited, (110, 30), &args);
        live.wait_for_text("the recording has ended: ");
        live.wait_for_a_reading();
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_recording_is_sought_back_and_forth_and_played_on() {
    stage(|| {
        let folder = TempDir::new();
        let mut live = shown(&folder, (110, 30), "200ms");
        live.wait_for_text("· ended");
        live.press("{");
        live.wait_for_text("REPLAY 2026-11-27 23:28:05 · paused");
        live.wait_for_ports(&[8080]);
        live.press(".");
        live.wait_for_text("REPLAY 2026-11-27 23:28:06 · paused");
        live.wait_for_ports(&[8080, 9000]);
        live.press("@1h\r");
        live.wait_for_text("REPLAY 2026-11-28 02:28:06");
        live.press("{");
        live.wait_for_ports(&[8080]);
        live.press("p");
        live.wait_for_text("· ended");
        live.wait_for_ports(&[8080, 9000]);
    });
}
