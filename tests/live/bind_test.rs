//! The bind test on the screen.

use sockeye::app::Key;

use crate::scene::{Holder, Live, at, listener, stage};

/// The answers of one address: with `SO_REUSEADDR`, without.
fn answers(screen: &str, address: &str) -> Option<(String, String)> {
    let line = screen
        .lines()
        .find(|line| line.trim_start_matches(['│', ' ']).starts_with(address))?;
    let mut words = line
        .trim_matches(['│', ' '])
        .strip_prefix(address)?
        .split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}

#[test]
fn a_taken_port_is_refused_and_its_holder_named() {
    stage(|| {
        let holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("b");
        let screen = live.wait_for_text("EADDRINUSE");
        assert!(screen.contains("bind test · tcp 8080"), "{screen}");
        // Where SO_REUSEADDR does not help, there is no need to try without it.
        let refused = Some(("EADDRINUSE".to_owned(), "–".to_owned()));
        assert_eq!(answers(&screen, "0.0.0.0"), refused, "{screen}");
        let screen = live.wait_for_text("1 row of the table holds this port:");
        let holding = format!("tcp 127.0.0.1:8080  LISTEN  sleep({})", holder.pid());
        assert!(screen.contains(&holding), "{screen}");
    });
}

#[test]
fn a_typed_port_that_is_free_can_be_bound() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.press("B");
        live.wait_for_text("bind test of port:");
        live.press("8080\r");
        let screen = live.wait_for_text("with SO_REUSEADDR");
        let ok = Some(("ok".to_owned(), "ok".to_owned()));
        assert_eq!(answers(&screen, "0.0.0.0"), ok, "{screen}");
        live.wait_for_text("no row of the table holds this port");
        // Its own sockets were never seen as anybody's.
        live.wait_for_a_reading();
        live.pty.send_key(Key::Esc);
        live.wait_without("bind test ·");
    });
}

#[test]
fn r_asks_again() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.press("B8080\r");
        live.wait_for("ok", |screen| {
            answers(screen, "127.0.0.1").is_some_and(|(with, _)| with == "ok")
                || answers(screen, "0.0.0.0").is_some_and(|(with, _)| with == "ok")
        });
        let taken = listener("0.0.0.0:8080");
        live.press("r");
        live.wait_for_text("EADDRINUSE");
        live.wait_for_text("1 row of the table holds this port:");
        drop(taken);
        live.press("r");
        live.wait_without("EADDRINUSE");
    });
}

#[test]
fn a_wrong_target_is_one_line_and_the_text_stays() {
    stage(|| {
        let mut live = Live::start(&[]);
        for (typed, told) in [
            ("99999", "99999: "),
            ("3000-3010", "one port is tested at a time"),
        ] {
            live.press("B");
            live.wait_for_text("bind test of port:");
            live.press(typed);
            live.press("\r");
            live.wait_for_text(told);
            live.wait_for_text(&format!("bind test of port: {typed}"));
            live.pty.send_key(Key::Esc);
            live.wait_without("bind test of port:");
        }
    });
}

#[test]
fn a_free_port_near_the_selected_one_is_found() {
    stage(|| {
        let _taken = crate::scene::listeners(&[8080, 8081]);
        let mut live = Live::start(&[]);
        live.wait_for_selection(8080);
        live.press("f");
        live.wait_for_text("8082 is free: bound on every address, TCP and UDP");
    });
}
