//! How what opens, changes and closes is shown.

use std::time::Duration;

use crate::live::scene::{
    BINARY, GREEN, Holder, Live, RED, YELLOW, at, cell_of, colour_of, connection, line_of,
    listener, ports, stage,
};
use crate::support::wait_until;

/// So wide that the state has room for the one before, beside the long name and command line of the test.
const WIDE: (u16, u16) = (200, 30);

#[test]
fn a_new_listener_is_marked_green_until_the_highlight_ends() {
    stage(|| {
        let _old = listener(&at(8000));
        let live = Live::start(&["--highlight", "1500ms"]);
        let _new = listener(&at(8080));
        live.wait_for_row(8080, |row| row.starts_with('+'));
        live.wait_for_cells("a green mark and port", |screen| {
            colour_of(screen, 8080, "+") == Some(GREEN)
                && colour_of(screen, 8080, "8080") == Some(GREEN)
        });
        live.wait_for_row(8080, |row| row.starts_with(' ') && row.contains("LISTEN"));
        live.wait_for_cells("a port like any other", |screen| {
            colour_of(screen, 8080, "8080") == Some(vt100::Color::Default)
        });
    });
}

#[test]
fn a_closed_listener_is_marked_red_lingers_and_goes() {
    stage(|| {
        let _stays = listener(&at(8000));
        let closes = listener(&at(8080));
        let live = Live::start(&["--linger", "1500ms"]);
        live.wait_for_row(8080, |row| row.starts_with(' '));
        drop(closes);
        live.wait_for_row(8080, |row| row.starts_with('-') && row.contains("closed"));
        live.wait_for_cells("a red mark", |screen| {
            let colours = ["-", "8080", "closed"].map(|text| colour_of(screen, 8080, text));
            let other = Some(vt100::Color::Default);
            colours == [Some(RED), other, other]
        });
        live.wait_for_ports(&[8000]);
        live.wait_for_text("1 listening");
    });
}

#[test]
fn a_closed_row_is_not_counted_while_it_lingers() {
    stage(|| {
        let closes = listener(&at(8080));
        let live = Live::start(&["--linger", "1m"]);
        live.wait_for_text("1 listening");
        drop(closes);
        live.wait_for_row(8080, |row| row.contains("closed"));
        live.wait_for_text("0 listening");
    });
}

#[test]
fn a_port_that_closes_and_opens_again_is_marked_again() {
    stage(|| {
        let first = listener(&at(8080));
        let mut live = Live::start(&["--linger", "1m", "--highlight", "1m"]);
        live.wait_for_row(8080, |row| row.starts_with(' '));
        drop(first);
        live.wait_for_row(8080, |row| row.starts_with('-'));
        let _again = listener(&at(8080));
        let row = live.wait_for_row(8080, |row| row.starts_with('+'));
        assert!(row.contains("LISTEN"), "{row}");
        live.wait_for_ports(&[8080]);
        live.press("e");
        let screen = live.wait_for_text("events · 2 ");
        let lines: Vec<_> = screen
            .lines()
            .filter(|line| line.contains("tcp 127.0.0.1:8080"))
            .collect();
        assert!(
            lines[0].contains("+ tcp 127.0.0.1:8080 opened LISTEN"),
            "{screen}"
        );
        assert!(
            lines[1].contains("- tcp 127.0.0.1:8080 closed LISTEN"),
            "{screen}"
        );
    });
}

#[test]
fn a_state_change_is_one_row_with_old_and_new() {
    stage(|| {
        let listening = listener(&at(8080));
        let (client, _server) = connection(&listening);
        let far = format!(" :{} → program-", client.local_addr().unwrap().port());
        let mut live = Live::start_in(WIDE, &["state:established | state:close_wait"]);
        // With a known background the row under the cursor keeps the colours of what changed.
        live.pty.wait_for_raw("\x1b]11;?\x1b\\");
        live.pty.send_bytes(b"\x1b]11;rgb:0000/0000/0000\x1b\\");
        live.wait_for_row(8080, |row| row.contains("ESTABLISHED"));
        drop(client);
        let row = live.wait_for_row(8080, |row| row.contains("ESTAB → CLOSE_WAIT"));
        assert!(row.starts_with('~'), "{row}");
        assert!(row.contains(&far), "{row}");
        live.wait_for_cells("a yellow mark and state", |screen| {
            colour_of(screen, 8080, "~") == Some(YELLOW)
                && colour_of(screen, 8080, "ESTAB →") == Some(YELLOW)
        });
        // One row: the other end of the connection has another port, and has left the filter.
        live.wait_for_ports(&[8080]);
    });
}

#[test]
fn a_state_is_shown_alone_when_its_highlight_ends() {
    stage(|| {
        let listening = listener(&at(8080));
        let (client, _server) = connection(&listening);
        let live = Live::start_in(WIDE, &["--highlight", "1500ms", "state:close_wait"]);
        drop(client);
        live.wait_for_row(8080, |row| row.contains("ESTAB → CLOSE_WAIT"));
        live.wait_for_row(8080, |row| {
            row.starts_with(' ') && !row.contains("→ CLOSE_WAIT")
        });
        live.wait_for_cells("a CLOSE_WAIT that is too young for red", |screen| {
            colour_of(screen, 8080, "CLOSE_WAIT") == Some(vt100::Color::Default)
        });
    });
}

#[test]
fn a_time_wait_says_whose_it_was() {
    stage(|| {
        let listening = listener(&at(8080));
        let (client, server) = connection(&listening);
        let near = client.local_addr().unwrap().port();
        let live = Live::start_in(WIDE, &["-a", "--highlight", "1500ms"]);
        let own = format!("was {}", std::process::id());
        live.wait_for_row(near, |row| row.contains("ESTABLISHED"));
        drop(client);
        drop(server);
        let row = live.wait_for_row(near, |row| row.contains("→ TIME_WAIT"));
        assert!(row.starts_with('~'), "{row}");
        let row = live.wait_for_row(near, |row| row.contains("TIME_WAIT") && !row.contains('→'));
        assert!(row.contains(&own) && row.contains("was program-"), "{row}");
        live.wait_for_cells("a dim row", |screen| {
            cell_of(screen, near, "TIME_WAIT").is_some_and(|cell| cell.dim())
        });
    });
}

#[test]
fn a_listener_that_another_process_takes_over_is_one_row_with_old_and_new() {
    stage(|| {
        let mut old = Holder::of([listener(&at(8080))]);
        // The next reading is far enough away for the address to change hands in between.
        let mut live = Live::start_as(BINARY, (150, 30), &["--highlight", "1m"]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        old.end();
        let _new = listener(&at(8080));
        // The process column is as wide as the names need: the previous one is in the events.
        let is_taken_over = |row: &str| row.starts_with('~') && row.contains("program-");
        let row = live.wait_for_row(8080, is_taken_over);
        let pids = format!("{} → {}", old.pid(), std::process::id());
        assert!(row.contains(&pids), "{row}");
        live.wait_for_ports(&[8080]);
        live.press("e");
        live.wait_for_text("events · 1 ");
        live.wait_for_text("~ tcp 127.0.0.1:8080 new owner sleep(");
    });
}

#[test]
fn a_blink_between_two_readings_closes_nothing() {
    stage(|| {
        let _old = listener(&at(8080));
        let live = Live::start(&[]);
        live.wait_for_ports(&[8080]);
        // Opened and closed again and again: one row is of all that were in no snapshot, and each snapshot may have met one
        // that was open.
        let deadline = std::time::Instant::now() + Duration::from_millis(1500);
        wait_until("the end of the blinking", || {
            drop(listener(&at(9000)));
            let screen = live.pty.screen_text();
            let blinking = ports(&screen).iter().filter(|&&port| port == 9000).count();
            assert!(blinking <= 8, "{screen}");
            std::time::Instant::now() > deadline
        });
        live.wait_for_cells("the old row", |screen| line_of(screen, 8080).is_some());
        live.wait_for_row(8080, |row| row.starts_with(' '));
    });
}
