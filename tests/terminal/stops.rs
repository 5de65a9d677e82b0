//! Ctrl-Z, `fg`, and SIGSTOP, which the program can't handle.

use rustix::process::Signal;

use crate::support::pty::is_available;
use crate::terminal::program::{start, start_in_shell};

#[test]
fn control_z_gives_the_terminal_to_the_shell_and_fg_brings_the_picture_back() {
    if !is_available("control_z_gives_the_terminal_to_the_shell") {
        return;
    }
    let script = "\"$0\" \"$@\"; echo stopped; read line; echo \"got $line\"; fg";
    let mut pty = start_in_shell(script);
    pty.send("x");
    let before = pty.wait_for_text("Key(Char('x'))");
    pty.send("\x1a");
    pty.wait_for_text("stopped");
    let screen = pty.screen();
    assert!(!screen.alternate_screen());
    assert!(!screen.hide_cursor());
    // The shell reads a line as from any terminal: echoed, and ended by Enter.
    pty.send("hello\r");
    pty.wait_for("the picture as it was", |screen| screen == before);
    let raw = pty.raw();
    assert!(raw.contains("got hello"), "{raw:?}");
    assert!(pty.screen().alternate_screen());
    assert!(pty.screen().hide_cursor());
    pty.send("q");
    assert_eq!(pty.wait_exit(), 0);
    assert!(!pty.screen().alternate_screen());
}

#[test]
fn control_z_without_a_shell_is_no_trap() {
    if !is_available("control_z_without_a_shell_is_no_trap") {
        return;
    }
    let mut pty = start();
    pty.send("\x1a");
    pty.wait_for_raw("\x1b[?1049l");
    pty.send("x");
    pty.wait_for_text("Key(Char('x'))");
    assert!(pty.screen().alternate_screen());
}

#[test]
fn after_a_stop_without_warning_the_picture_is_drawn_again() {
    if !is_available("after_a_stop_without_warning_the_picture_is_drawn_again") {
        return;
    }
    let mut pty = start();
    let before = pty.screen_text();
    let pictures = |raw: String| raw.matches("unchanged").count();
    assert_eq!(pictures(pty.raw()), 1);
    pty.kill(Signal::STOP);
    pty.kill(Signal::CONT);
    pty.wait_for_raw("\x1b[?47h");
    pty.send("x");
    pty.wait_for_text("Key(Char('x'))");
    assert_eq!(pictures(pty.raw()), 2);
    assert!(before.contains("unchanged"));
    pty.send("q");
    assert_eq!(pty.wait_exit(), 0);
    assert_eq!(pty.raw().matches("\x1b[?1049h").count(), 1);
}
