//! Going to a port, following changes, and pinned ports with their alerts on the terminal.

use std::process::Command;

use sockeye::keymap::Key;

use crate::live::scene::{BINARY, Holder, Live, TempDir, at, listener, listeners, stage};
use crate::support::pty::Pty;

/// The program with this file of settings, on a terminal of this kind, reading every 100 ms.
fn live_on(settings: &str, env: &[(&str, &str)]) -> (Live, TempDir) {
    let dir = TempDir::new();
    let file = dir.path().join("settings.toml");
    std::fs::write(&file, format!("interval = '100ms'\n{settings}")).unwrap();
    let args = ["--config", file.to_str().unwrap()];
    let live = Live {
        pty: Pty::spawn(BINARY, &args, (110, 30), env),
    };
    live.wait_for_table();
    (live, dir)
}

#[test]
fn g_and_digits_go_to_a_port() {
    stage(|| {
        let _open = listeners(&[3000, 8080, 8443, 9000]);
        let mut live = Live::start(&[]);
        live.wait_for_ports(&[3000, 8080, 8443, 9000]);
        live.press("j");
        live.wait_for_selection(8080);
        for (key, port) in [("g", 3000), ("8", 8080), ("4", 8443), ("\x7f", 8080)] {
            live.press(key);
            live.wait_for_selection(port);
        }
        live.press("\x7f9");
        live.wait_for_selection(9000);
        live.press("9");
        live.wait_for_text("go to port 99   no port starts with 99; 3000 is the next");
        live.pty.send_key(Key::Esc);
        live.wait_for_selection(8080);
        // In the opposite order, and with a filter that hides it.
        live.press("Sg8080j");
        live.wait_for_selection(3000);
        live.press("/!:8080\rg8080");
        live.wait_for_text("8080 is not shown: Enter shows it");
        live.press("\r");
        live.wait_for_ports(&[9000, 8443, 8080, 3000]);
        live.wait_for_selection(8080);
    });
}

#[test]
fn the_cursor_follows_what_happens() {
    stage(|| {
        let _open = listeners(&[3000, 9000]);
        let mut live = Live::start(&[]);
        live.press("F");
        live.wait_for_text("following");
        let opened = listener(&at(8080));
        live.wait_for_selection(8080);
        let _other = listener(&at(8443));
        live.wait_for_selection(8443);
        drop(opened);
        live.wait_for_selection(8080);
        live.press("k");
        live.wait_without("following");
        live.wait_for_selection(3000);
        let _last = listener(&at(8500));
        live.wait_for_row(8500, |row| row.starts_with('+'));
        live.wait_for_selection(3000);
    });
}

#[test]
fn a_pinned_port_that_closes_and_opens_is_shown_and_rings() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&["--linger", "1m"]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("m");
        live.wait_for_text("pinned 8080");
        live.wait_for_row(8080, |row| row.starts_with(" *"));
        live.wait_for_a_reading();
        assert!(!live.pty.raw().contains('\x07'));
        let told = format!("8080 closed: was sleep({})", holder.pid());
        holder.end();
        live.wait_for_text(&told);
        live.pty.wait_for_raw("\x07");
        let bells = |live: &Live| live.pty.raw().matches('\x07').count();
        assert_eq!(bells(&live), 1);
        let again = listener(&at(8080));
        let screen = live.wait_for_text("8080 opened: program");
        let opened = screen.find("8080 opened");
        assert!(
            screen.contains(" · ") && opened < screen.find(&told),
            "{screen}"
        );
        assert_eq!(bells(&live), 2);
        live.press("k");
        live.wait_without("8080 opened");
        live.wait_for_row(8080, |row| row.starts_with("+*"));
        // Watched no longer.
        live.press("m");
        live.wait_for_text("unpinned 8080");
        drop(again);
        live.wait_for_row(8080, |row| row.starts_with("- "));
        assert_eq!(bells(&live), 2);
    });
}

#[test]
fn a_pinned_port_that_another_process_takes_over_is_shown() {
    stage(|| {
        let mut old = Holder::of([listener(&at(8080))]);
        // The next reading is far enough away for the address to change hands in between.
        let mut live = Live::start_as(BINARY, (150, 30), &[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("m");
        live.wait_for_text("pinned 8080");
        let (from, to) = (old.pid(), std::process::id());
        old.end();
        let _new = listener(&at(8080));
        let screen = live.wait_for_text("8080 changed its owner: ");
        assert!(screen.contains(&format!("sleep({from}) → ")), "{screen}");
        assert!(screen.contains(&format!("({to})")), "{screen}");
        live.pty.wait_for_raw("\x07");
    });
}

#[test]
fn connections_to_a_watched_port_ring_no_bell() {
    stage(|| {
        let listening = listener(&at(8080));
        let mut live = Live::start(&[]);
        live.press("m");
        live.wait_for_text("pinned 8080");
        let connected = crate::live::scene::connection(&listening);
        live.wait_for_text("2 connected");
        drop(connected);
        live.wait_without("connected");
        live.wait_for_a_reading();
        assert!(!live.pty.raw().contains('\x07'));
    });
}

/// A name with escape sequences in it, and one that is a command to `ConEmu`, behind a digit.
const HOSTILE: &str = "\x1b]0;x\x07;9;4;1";

/// The name as it is shown, and without what would end an argument.
const TOLD: &str = r"\x1b]0,x\x07,9,4,1";

fn hostile_holder() -> Holder {
    let mut shell = Command::new("sh");
    let script = "printf %s \"$0\" > /proc/$$/comm; read -r _";
    shell.args(["-c", script, HOSTILE]);
    Holder::run(shell, [listener(&at(8080))])
}

/// Closes a pinned port whose process has a hostile name; returns all output to the terminal, and the pid.
fn told_of_a_hostile_name(notify: &str, env: &[(&str, &str)]) -> (String, u32) {
    let mut holder = hostile_holder();
    let (mut live, _dir) = live_on(&format!("notify = '{notify}'"), env);
    live.wait_for_row(8080, |row| row.contains(r"\x1b]0;x\x07;"));
    live.press("m");
    live.wait_for_text("pinned 8080");
    holder.end();
    live.wait_for_text(r"8080 closed: was \x1b]0;x\x07;9;4;1(");
    live.press("q");
    live.pty.wait_exit();
    (live.raw_without_query(), holder.pid())
}

#[test]
fn a_desktop_notification_uses_the_terminal_s_own_sequence_and_contains_no_other() {
    stage(|| {
        let tmux = [
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/tmux-0/default,1,0"),
        ];
        for (env, begins, ends) in [
            (&[][..], "\x1b]9;sockeye: ", "\x1b\\"),
            (&[("TERM", "foot")], "\x1b]777;notify;sockeye;", "\x1b\\"),
            (&tmux, "\x1bPtmux;\x1b\x1b]9;sockeye: ", "\x1b\x1b\\\x1b\\"),
        ] {
            let (raw, pid) = told_of_a_hostile_name("desktop", env);
            let notice = format!("{begins}8080 closed: was {TOLD}({pid}){ends}");
            assert!(raw.contains(&notice), "{notice:?} in {raw:?}");
            assert_eq!(raw.matches("\x1b]").count(), 1, "{raw:?}");
            assert!(!raw.contains('\x07'), "{raw:?}");
        }
    });
}

#[test]
fn both_rings_and_notifies_and_none_does_neither() {
    stage(|| {
        let (raw, _) = told_of_a_hostile_name("both", &[]);
        assert!(raw.contains("\x1b]9;sockeye: 8080 closed"), "{raw:?}");
        assert_eq!(raw.matches('\x07').count(), 1, "{raw:?}");
        let (raw, _) = told_of_a_hostile_name("none", &[]);
        assert!(!raw.contains("\x1b]") && !raw.contains('\x07'), "{raw:?}");
    });
}
