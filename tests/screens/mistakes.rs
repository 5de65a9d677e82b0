//! Mistakes of port monitors; each test is named after one.

use std::time::Duration;

use sockeye::app::Effect;
use sockeye::keymap::Key;
use sockeye::model::{Owner, Socket, State};

use super::canvas::{Canvas, Theme};
use super::scenes::{answer, bind_test_stage, busy, busy_stage};
use super::stage::{Stage, abandoned, connection, known, listener, process, udp};

/// These sockets on a terminal of 80 columns and 24 rows.
fn shown(sockets: &[Socket]) -> Canvas {
    let mut stage = Stage::new(80, 24);
    stage.read(sockets);
    Canvas::of(&stage, Theme::PLAIN)
}

#[test]
fn sockets_without_a_readable_pid_are_shown_and_say_why() {
    let no_owner = |port: u16, owner| Socket {
        user: Some("root".into()),
        uid: Some(0),
        owner,
        ..listener(&format!("0.0.0.0:{port}"), u32::from(port), Owner::None)
    };
    let canvas = shown(&[
        no_owner(7001, Owner::Hidden),
        no_owner(7002, Owner::Kernel),
        no_owner(7003, Owner::None),
    ]);
    let hidden = canvas.line_with("7001");
    assert!(hidden.contains("hidden") && hidden.contains("root"));
    assert!(canvas.line_with("7002").contains("kernel"));
    assert!(canvas.line_with("7003").contains('–'));
}

#[test]
fn time_wait_does_not_vanish_with_its_process() {
    let nginx = process(812, "nginx", "root", Duration::from_hours(1));
    let open = connection(
        "10.0.0.7:443",
        "10.0.0.9:51314",
        State::Established,
        1,
        known(&[&nginx]),
    );
    let mut stage = Stage::new(80, 24);
    stage.read(std::slice::from_ref(&open));
    stage
        .wait_secs(1)
        .read(&[abandoned(&open, State::TimeWait)]);
    stage.wait_secs(60);
    let line = Canvas::of(&stage, Theme::PLAIN).line_with("TIME_WAIT");
    assert!(line.contains("443") && line.contains("nginx"), "{line}");
}

/// `(PID 0)`, `-1` and `0` are not process ids.
#[test]
fn an_unknown_pid_is_a_word_and_never_a_zero() {
    let canvas = shown(&[
        Socket {
            queue: None,
            ..listener("0.0.0.0:7001", 1, Owner::Hidden)
        },
        Socket {
            queue: None,
            ..listener("0.0.0.0:7003", 3, Owner::None)
        },
    ]);
    for port in ["7001", "7003"] {
        let line = canvas.line_with(port);
        let words: Vec<_> = line.split_whitespace().collect();
        assert!(!words.contains(&"0") && !line.contains("PID"), "{line}");
    }
}

#[test]
fn two_loopback_addresses_with_one_port_are_distinguishable() {
    let owner = |pid| known(&[&process(pid, "app", "ann", Duration::from_hours(1))]);
    let canvas = shown(&[
        listener("127.0.0.1:631", 1, owner(1)),
        listener("127.0.0.2:631", 2, owner(2)),
    ]);
    canvas.line_with("127.0.0.1 ");
    canvas.line_with("127.0.0.2 ");
}

#[test]
fn loopback_v6_is_written_short() {
    let canvas = shown(&[listener("[::1]:5432", 1, Owner::None)]);
    assert!(canvas.line_with("5432").contains(" ::1 "));
}

#[test]
fn udp_is_not_called_listening() {
    let canvas = shown(&[
        udp("0.0.0.0:5353", None, 1, Owner::None),
        udp("10.0.0.7:40000", Some("10.0.0.1:53"), 2, Owner::None),
    ]);
    assert!(canvas.line_with("5353").contains("UNCONN"));
    assert!(canvas.line_with("40000").contains("ESTABLISHED"));
    assert!(!canvas.text().contains("LISTEN"));
    assert!(canvas.lines()[0].contains("0 listening"));
}

#[test]
fn a_client_socket_is_not_listed_as_listening() {
    let curl = process(9, "curl", "ann", Duration::from_secs(1));
    let mut stage = Stage::new(80, 24);
    stage.read(&[
        listener("0.0.0.0:80", 1, Owner::None),
        connection(
            "10.0.0.7:50022",
            "198.51.100.7:443",
            State::Established,
            2,
            known(&[&curl]),
        ),
    ]);
    stage.press("1");
    let canvas = Canvas::of(&stage, Theme::PLAIN);
    assert!(!canvas.text().contains("50022"));
    assert!(canvas.lines()[0].contains("1 listening"));
    stage.press("2");
    let canvas = Canvas::of(&stage, Theme::PLAIN);
    assert!(canvas.line_with("50022").contains("ESTABLISHED"));
}

/// Ports stay numbers while names are shown, and addresses are never names.
#[test]
fn names_never_hide_the_number_or_the_address() {
    for keys in ["", "n"] {
        let mut stage = busy_stage(80, 24);
        stage.press(keys);
        let canvas = Canvas::of(&stage, Theme::PLAIN);
        assert!(canvas.line_with("127.0.0.53").contains(" 53 "));
        assert!(!canvas.text().contains("localhost"));
    }
}

/// Rows with the same port keep their order, whatever the order of the snapshot, and the cursor keeps its row.
#[test]
fn rows_that_share_a_port_do_not_reshuffle_and_the_cursor_stays() {
    let mut sockets = busy();
    let mut stage = Stage::new(160, 45);
    stage.read(&sockets);
    stage.press("jjjjjjjjjj");
    let before = Canvas::of(&stage, Theme::PLAIN);
    for turn in 1..sockets.len() {
        sockets.rotate_left(turn);
        sockets.reverse();
        stage.wait(Duration::from_millis(10)).read(&sockets);
        assert_eq!(Canvas::of(&stage, Theme::PLAIN).buffer, before.buffer);
    }
}

#[test]
fn sockets_that_never_changed_are_never_marked_as_opened() {
    let mut stage = Stage::new(160, 45);
    for _ in 0..5 {
        let events = stage.wait_secs(1).read(&busy());
        assert!(events.is_empty(), "{events:?}");
    }
    let canvas = Canvas::of(&stage, Theme::PLAIN);
    let rows = &canvas.lines()[3..44];
    assert!(!rows.iter().any(|line| line.starts_with(['+', '~', '-'])));
}

#[test]
fn k_moves_up_and_never_ends_a_process() {
    let mut stage = busy_stage(80, 24);
    stage.press("G");
    for _ in 0..50 {
        assert_eq!(stage.press("k"), []);
    }
    assert!(stage.app.view(stage.now).overlay.is_none());
}

#[test]
fn ending_a_process_needs_confirmation_and_only_y_confirms() {
    for key in [Key::Enter, Key::Char('K'), Key::Char('Y'), Key::Char(' ')] {
        let mut stage = bind_test_stage(80, 24);
        assert_eq!(stage.press("K"), []);
        assert_eq!(stage.key(key), [], "{key}");
    }
    let mut stage = bind_test_stage(80, 24);
    let effects = stage.press("Ky");
    let [Effect::EndProcess(ending)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(ending.process().unwrap().pid, 40211);
    assert!(ending.process().unwrap().started_at.is_some() && !ending.sockets.is_empty());
}

/// The result is about the tested port, not the one now under the cursor.
#[test]
fn a_bind_test_shows_the_result_of_the_tested_port() {
    let mut stage = busy_stage(80, 24);
    let effects = stage.press("b");
    stage.press("jjj");
    let answer = answer(&stage, &effects);
    stage.send(answer);
    assert!(
        Canvas::of(&stage, Theme::PLAIN)
            .text()
            .contains("bind test · tcp 22")
    );
}
