//! The selected row, and ending its process.

use rustix::process::Signal;
use sockeye::keymap::Key;

use crate::live::scene::{FIRST_ROW, Holder, Live, at, listener, listeners, stage};

#[test]
fn the_selection_follows_its_socket_when_rows_open_and_close_above() {
    stage(|| {
        let _open = listeners(&[5000, 6000, 7000]);
        let mut live = Live::start(&[]);
        live.wait_for_selection(5000);
        live.press("j");
        live.wait_for_selection(6000);
        let above = listener(&at(4000));
        live.wait_for_ports(&[4000, 5000, 6000, 7000]);
        live.wait_for_selection(6000);
        drop(above);
        live.wait_for_row(4000, |row| row.starts_with('-'));
        live.wait_for_selection(6000);
        live.wait_for_ports(&[5000, 6000, 7000]);
        live.wait_for_selection(6000);
    });
}

#[test]
fn a_selected_port_that_closes_and_opens_stays_selected() {
    stage(|| {
        let _stays = listeners(&[5000, 7000]);
        let blinks = listener(&at(6000));
        let mut live = Live::start(&["--linger", "1m"]);
        live.press("j");
        live.wait_for_selection(6000);
        drop(blinks);
        live.wait_for_row(6000, |row| row.starts_with('-'));
        live.wait_for_selection(6000);
        let _again = listener(&at(6000));
        live.wait_for_row(6000, |row| row.starts_with('+'));
        live.wait_for_selection(6000);
    });
}

#[test]
fn keys_clicks_and_the_wheel_move_it() {
    stage(|| {
        let ports: Vec<u16> = (8000..8060).collect();
        let _open = listeners(&ports);
        let mut live = Live::start(&[]);
        for (key, expected) in [
            (Key::Down, 8001),
            (Key::Char('j'), 8002),
            (Key::Char('k'), 8001),
            (Key::Char('G'), 8059),
            (Key::Up, 8058),
            (Key::Char('g'), 8000),
            (Key::End, 8059),
            (Key::Home, 8000),
            (Key::PageDown, 8025),
            (Key::PageUp, 8000),
        ] {
            live.pty.send_key(key);
            live.wait_for_selection(expected);
        }
        live.pty.click(20, FIRST_ROW + 4);
        live.wait_for_selection(8004);
        live.pty.wheel_down(20, 10);
        live.wait_for_selection(8007);
        live.pty.wheel_up(20, 10);
        live.wait_for_selection(8004);
    });
}

#[test]
fn k_never_ends_a_process() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("kkkyk");
        // `y` opens the copy menu: no question is open.
        live.wait_for_text("copy");
        assert!(!live.pty.screen_text().contains("End it"));
        live.pty.send_key(Key::Esc);
        live.wait_for_a_reading();
        assert!(holder.is_running());
    });
}

#[test]
fn ending_a_process_needs_a_confirmation_and_no_means_no() {
    stage(|| {
        let mut holder = Holder::of(listeners(&[8080, 8081]));
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        for no in ["n", "q", "\x1b"] {
            live.press("K");
            live.wait_for_text(&format!("sleep ({})", holder.pid()));
            live.wait_for_text("8080, 8081");
            live.wait_for_text("Send SIGTERM to");
            live.press(no);
            live.wait_without("Send SIG");
        }
        live.wait_for_a_reading();
        assert!(holder.is_running());
        live.wait_for_row(8080, |row| row.starts_with(' '));
    });
}

#[test]
fn yes_ends_the_process_with_term_and_its_rows_close() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&["--linger", "1m"]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("x");
        live.wait_for_text("Send SIGTERM to");
        live.press("y");
        assert_eq!(holder.wait_for_signal(), Some(Signal::TERM));
        live.wait_for_text(&format!("sleep ({}) exited", holder.pid()));
        live.wait_for_row(8080, |row| row.contains("closed"));
    });
}

#[test]
fn another_signal_can_be_chosen() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("K");
        for name in ["TERM", "INT", "HUP", "QUIT"] {
            live.wait_for_text(&format!("Send SIG{name} to"));
            live.press("s");
        }
        live.wait_for_text("Send SIGKILL to");
        live.press("y");
        assert_eq!(holder.wait_for_signal(), Some(Signal::KILL));
    });
}
