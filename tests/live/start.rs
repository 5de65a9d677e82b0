//! What the program shows when it starts.

use std::net::UdpSocket;

use socket2::Type;

use crate::live::scene::{
    BINARY, Holder, Live, at, bound, connection, listener, listeners, row, stage,
};
use crate::support::pty::Pty;

#[test]
fn the_first_screen_shows_port_state_and_process() {
    stage(|| {
        let holder = Holder::of(listeners(&[8080]));
        let live = Live::start(&[]);
        let row = live.wait_for_row(8080, |row| row.contains("LISTEN"));
        assert!(row.contains("127.0.0.1"), "{row}");
        assert!(row.contains("sleep"), "{row}");
        assert!(row.contains(&holder.pid().to_string()), "{row}");
    });
}

#[test]
fn what_is_there_at_the_start_carries_no_mark_and_is_no_event() {
    stage(|| {
        let listening = listener(&at(8080));
        let _connection = connection(&listening);
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let mut live = Live::start(&["-a"]);
        live.wait_for_row(5353, |row| row.contains("UNCONN"));
        let _later = listener(&at(9000));
        let screen = live.wait_for("a new row", |screen| row(screen, 9000).is_some());
        let marked = screen
            .lines()
            .filter(|line| line.starts_with(['+', '~', '-']));
        assert_eq!(marked.count(), 1, "{screen}");
        live.press("e");
        let screen = live.wait_for_text("events · 1 ");
        assert!(screen.contains("+ tcp 127.0.0.1:9000"), "{screen}");
    });
}

#[test]
fn the_header_counts_every_kind() {
    stage(|| {
        let first = listener(&at(8080));
        let _second = listener("[::1]:8080");
        let _connection = connection(&first);
        drop(connection(&first));
        let _bound = bound(Type::STREAM, &at(8600));
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        let live = Live::start(&[]);
        let counts = "2 listening  2 connected  1 time-wait  1 bound  1 udp";
        live.wait_for_text(counts);
        // What listens or is bound is shown; the rest is counted.
        live.wait_for_ports(&[5353, 8080, 8080, 8600]);
    });
}

#[test]
fn a_filter_on_the_command_line_is_in_force_from_the_start() {
    stage(|| {
        let _open = listeners(&[8080, 8443, 9000]);
        let live = Live::start(&[":8000-8999", "!8443"]);
        let screen = live.wait_for_ports(&[8080]);
        assert!(screen.contains("filter :8000-8999 !8443"), "{screen}");
    });
}

#[test]
fn a_mistyped_command_is_refused_in_a_terminal_too() {
    stage(|| {
        let mut pty = Pty::spawn(BINARY, &["chek", "8080"], (110, 30), &[]);
        assert_eq!(pty.wait_exit(), 2);
        assert!(pty.raw().contains("did you mean `sockeye check`?"));
        // The same word as a filter.
        Live::start(&["--", "chek"]).wait_for_text("filter chek");
    });
}

#[test]
fn options_narrow_the_table() {
    stage(|| {
        let _v4 = listener(&at(8080));
        let _v6 = listener("[::1]:8081");
        let _udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
        for (option, expected) in [
            ("-t", vec![8080, 8081]),
            ("-u", vec![5353]),
            ("-4", vec![5353, 8080]),
            ("-6", vec![8081]),
        ] {
            Live::start(&[option]).wait_for_ports(&expected);
        }
    });
}

#[test]
fn a_recording_from_a_pipe_is_shown_and_keys_come_from_the_terminal() {
    stage(|| {
        let path = std::env::temp_dir().join(format!("sockeye-piped-{}", std::process::id()));
        let path = path.to_str().unwrap();
        {
            let _open = listeners(&[8080, 9000]);
            let args = ["list", "-a", "--record", path];
            let status = std::process::Command::new(BINARY).args(args).output();
            assert!(status.unwrap().status.success());
        }
        let script = format!("cat '{path}' | '{BINARY}' --interval 100ms --replay -");
        let mut live = Live::start_as("sh", (110, 30), &["-c", &script]);
        live.wait_for_ports(&[8080, 9000]);
        live.wait_for_text("replay of standard input");
        live.press("/:9000\r");
        live.wait_for_ports(&[9000]);
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
        std::fs::remove_file(path).unwrap();
        // A terminal is no recording.
        let mut pty = Pty::spawn(BINARY, &["--replay", "-"], (110, 30), &[]);
        assert_eq!(pty.wait_exit(), 2);
        assert!(pty.raw().contains("standard input is a terminal"));
    });
}
