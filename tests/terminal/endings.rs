//! However the program ends, the terminal is as it was, and what is to be read can be read.

use rustix::process::Signal;
use sockeye::keymap::Key;

use crate::support::pty::{Pty, is_available};
use crate::terminal::program::{start, start_in_shell, start_with};

/// What must have been written to leave everything that was entered.
const LEAVING: [&str; 6] = [
    "\x1b[?1000l",
    "\x1b[?1002l",
    "\x1b[?1006l",
    "\x1b[?2004l",
    "\x1b[?1049l",
    "\x1b[?25h",
];

/// Every mode was left, and left once.
fn assert_restored(pty: &Pty) {
    let raw = pty.raw();
    for sequence in LEAVING {
        assert_eq!(raw.matches(sequence).count(), 1, "{sequence:?} in {raw:?}");
    }
    let screen = pty.screen();
    assert!(!screen.alternate_screen());
    assert!(!screen.hide_cursor());
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    if !is_available("quitting_leaves_the_terminal_as_it_was") {
        return;
    }
    // `stty -g` prints all modes of the terminal in one word.
    let mut pty = start_in_shell("stty -g; \"$0\" \"$@\"; stty -g");
    pty.send("q");
    assert_eq!(pty.wait_exit(), 0);
    assert_restored(&pty);
    let screen = pty.screen_text();
    let is_modes = |line: &&str| line.len() > 30 && line.split(':').count() > 10;
    let text = screen.replace('\n', "");
    assert!(text.contains("the end"), "{screen}");
    let raw = pty.raw();
    let modes: Vec<_> = raw.lines().map(str::trim).filter(is_modes).collect();
    assert_eq!(modes.len(), 2, "{raw:?}");
    assert_eq!(modes[0], modes[1]);
}

#[test]
fn a_panic_is_printed_on_the_restored_terminal() {
    if !is_available("a_panic_is_printed_on_the_restored_terminal") {
        return;
    }
    let mut pty = start();
    pty.send("p");
    assert_eq!(pty.wait_exit(), 101);
    assert_restored(&pty);
    let raw = pty.raw();
    let (picture, after) = raw.split_once("\x1b[?1049l").unwrap();
    assert!(!picture.contains("main broke"), "{picture:?}");
    assert!(after.contains("main broke"), "{after:?}");
}

#[test]
fn a_crashed_worker_is_one_line_on_the_restored_terminal() {
    if !is_available("a_crashed_worker_is_one_line_on_the_restored_terminal") {
        return;
    }
    let mut pty = start();
    pty.send("w");
    assert_eq!(pty.wait_exit(), 101);
    assert_restored(&pty);
    let raw = pty.raw();
    let (picture, after) = raw.split_once("\x1b[?1049l").unwrap();
    assert!(!picture.contains("it broke"), "{picture:?}");
    let expected = "the collector thread crashed: it broke (tests/terminal/program.rs:";
    assert!(after.contains(expected), "{after:?}");
    assert!(!after.contains("backtrace"), "{after:?}");
}

#[test]
fn a_signal_ends_it_with_its_exit_code() {
    if !is_available("a_signal_ends_it_with_its_exit_code") {
        return;
    }
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let mut pty = start();
        pty.kill(signal);
        assert_eq!(pty.wait_exit(), code);
        assert_restored(&pty);
    }
}

#[test]
fn a_terminal_that_is_gone_ends_it_even_without_a_signal() {
    if !is_available("a_terminal_that_is_gone_ends_it_even_without_a_signal") {
        return;
    }
    let mut pty = start_with(&[("IGNORE_HUP", "1")]);
    pty.hang_up(Key::Char('x'));
    assert_eq!(pty.wait_exit(), 99);
}
