//! The bind test on the screen.

use std::net::TcpStream;

use sockeye::keymap::Key;

use crate::live::scene::{Holder, Live, at, bound, listener, stage};
use socket2::Type;

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

/// The screen without its borders and with its lines joined, so that a sentence is found whole.
fn flat(screen: &str) -> String {
    let lines = screen.lines().map(|line| line.trim_matches(['│', ' ']));
    let words = lines.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

impl Live {
    /// Waits until this sentence is on the screen, in any number of lines.
    fn wait_for_sentence(&self, sentence: &str) -> String {
        self.wait_for(sentence, |screen| flat(screen).contains(sentence))
    }
}

#[test]
fn a_taken_port_is_refused_and_its_holder_named() {
    stage(|| {
        let holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start_in((138, 40), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("b");
        let pid = holder.pid();
        live.wait_for_sentence("0.0.0.0 and 127.0.0.1 refused");
        live.press("a");
        let screen = live.wait_for_sentence("Node, Java, Go");
        assert!(
            flat(&screen).contains("listens on 127.0.0.1:8080"),
            "{screen}"
        );
        assert!(screen.contains("bind test · tcp 8080"), "{screen}");
        assert!(screen.contains("✗ in use"), "{screen}");
        assert!(screen.contains(&format!("sleep (pid {pid}")), "{screen}");
        // Where SO_REUSEADDR does not help, there is no need to try without it.
        let refused = Some(("EADDRINUSE".to_owned(), "–".to_owned()));
        assert_eq!(answers(&screen, "0.0.0.0"), refused, "{screen}");
        let holding = format!("tcp 127.0.0.1:8080  LISTEN  sleep({pid})");
        assert!(screen.contains(&holding), "{screen}");
        assert!(
            screen.contains(&format!("End sleep ({pid}): kill {pid}")),
            "{screen}"
        );
        let node = flat(&screen).contains("Node, Java, Go [::] dual-stack refused");
        assert!(node, "{screen}");
    });
}

#[test]
fn a_typed_port_that_is_free_can_be_bound() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.press("B");
        live.wait_for_text("bind test of port:");
        live.press("8080\r");
        live.wait_for_text("✓ free");
        live.press("a");
        let screen = live.wait_for_text("with SO_REUSEADDR");
        // Where nothing is in the way no bind is made without the option.
        let ok = Some(("ok".to_owned(), "(ok)".to_owned()));
        assert_eq!(answers(&screen, "0.0.0.0"), ok, "{screen}");
        // The sockets of the test itself are never in the table.
        live.wait_for_a_reading();
        live.pty.send_key(Key::Esc);
        live.wait_without("bind test ·");
    });
}

#[test]
fn r_tests_again() {
    stage(|| {
        let mut live = Live::start(&[]);
        live.press("B8080\r");
        live.wait_for_text("✓ free");
        let taken = listener("0.0.0.0:8080");
        live.press("r");
        live.wait_for_text("✗ in use");
        live.wait_for_sentence("listens on 0.0.0.0:8080");
        drop(taken);
        live.press("r");
        live.wait_for_text("✓ free");
    });
}

/// An orphan in `FIN_WAIT2` is kept for `tcp_fin_timeout`, which a test can set; a `TIME_WAIT`
/// can't be shortened.
#[test]
fn a_watch_counts_down_and_rings_when_the_port_is_free() {
    stage(|| {
        std::fs::write("/proc/sys/net/ipv4/tcp_fin_timeout", "3").unwrap();
        let listening = listener(&at(8080));
        let _client = TcpStream::connect(at(8080)).unwrap();
        drop(listening.accept().unwrap());
        drop(listening);
        let mut live = Live::start(&[]);
        live.press("B8080\r");
        live.wait_for_sentence("still closing on 127.0.0.1:8080");
        live.press("w");
        live.wait_for_text("· watching");
        assert!(!live.pty.raw().contains('\x07'), "it rang too early");
        live.wait_for_text("8080 is free");
        live.pty.wait_for_raw("\x07");
        live.wait_for_text("✓ free");
        live.wait_without("· watching");
    });
}

#[test]
fn only_what_ends_by_itself_is_watched() {
    stage(|| {
        let _taken = listener(&at(8080));
        let mut live = Live::start(&[]);
        live.press("B8080\r");
        live.wait_for_text("✗ in use");
        live.press("w");
        live.wait_for_text("does not end by itself");
    });
}

#[test]
fn ending_what_has_the_port_shows_it_become_free() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&[]);
        live.press("B8080\r");
        live.wait_for_sentence("listens on 127.0.0.1:8080");
        live.press("K");
        live.wait_for_sentence("It listens on port 8080.");
        live.press("y");
        live.wait_for_text("8080 is free");
        live.wait_for_text("✓ free");
        assert_eq!(
            holder.wait_for_signal(),
            Some(rustix::process::Signal::TERM)
        );
    });
}

#[test]
fn the_socket_in_the_way_can_be_gone_to_and_its_command_copied() {
    stage(|| {
        let _other = listener(&at(9000));
        // One that only BOUND rows show, and that the filter hides.
        let holder = Holder::of([bound(Type::STREAM, &at(8080))]);
        let mut live = Live::start(&[":9000"]);
        live.wait_for_ports(&[9000]);
        live.press("B8080\r");
        live.wait_for_sentence("has bound 127.0.0.1:8080 without listening");
        live.press("J");
        live.wait_for_selection(8080);
        live.press("c");
        live.wait_for_text(&format!("kill {}", holder.pid()));
        live.press("\r");
        live.wait_for_text(&format!("copied kill {}", holder.pid()));
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
        let _taken = crate::live::scene::listeners(&[8080, 8081]);
        let mut live = Live::start(&[]);
        live.wait_for_selection(8080);
        live.press("f");
        live.wait_for_text("8082 is free (a test bind of TCP and UDP on every address worked)");
    });
}

/// The kernel reports the end of each socket; those of the test's own binds were shown as short-lived ones.
#[test]
fn the_binds_of_a_test_are_no_events() {
    stage(|| {
        let _open = listener(&at(8080));
        let mut live = Live::start_in((138, 40), &["--interval=100ms"]);
        live.wait_for_row(8080, |_| true);
        live.press("b");
        live.wait_for_sentence("0.0.0.0 and 127.0.0.1 refused");
        live.pty.send_key(Key::Esc);
        live.wait_without("bind test ·");
        // A short-lived socket of another program comes after them.
        drop(bound(Type::DGRAM, &at(5353)));
        live.press("e");
        let screen = live.wait_for("the event", |screen| screen.contains("5353"));
        let short = screen
            .lines()
            .filter(|line| line.contains("opened and closed"));
        assert_eq!(short.count(), 1, "{screen}");
    });
}
