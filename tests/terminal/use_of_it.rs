//! While the program runs: modes, input, size, and silence.

use std::time::Duration;

use sockeye::keymap::Key;
use vt100::{MouseProtocolEncoding, MouseProtocolMode};

use crate::support::pty::is_available;
use crate::terminal::program::start;

#[test]
fn the_terminal_is_taken_in_all_its_modes() {
    if !is_available("the_terminal_is_taken_in_all_its_modes") {
        return;
    }
    let pty = start();
    let screen = pty.screen();
    assert!(screen.alternate_screen());
    assert!(screen.hide_cursor());
    assert!(screen.bracketed_paste());
    // Presses, releases and the wheel, and motion only while a button is down.
    assert_eq!(
        screen.mouse_protocol_mode(),
        MouseProtocolMode::ButtonMotion
    );
    assert_eq!(screen.mouse_protocol_encoding(), MouseProtocolEncoding::Sgr);
    assert!(!pty.raw().contains("\x1b[6n"), "it asks for the cursor");
}

#[test]
fn keys_mouse_and_paste_arrive() {
    if !is_available("keys_mouse_and_paste_arrive") {
        return;
    }
    let mut pty = start();
    for (key, shown) in [
        (Key::Up, "Key(Up)"),
        (Key::BackTab, "Key(BackTab)"),
        (Key::Ctrl('c'), "Key(Ctrl('c'))"),
        (Key::Enter, "Key(Enter)"),
        (Key::Esc, "Key(Esc)"),
        (Key::PageDown, "Key(PageDown)"),
        (Key::Char('ü'), "Key(Char('ü'))"),
    ] {
        pty.send_key(key);
        pty.wait_for_text(shown);
    }
    pty.hold(7, 3);
    pty.wait_for_text("Click { column: 7, row: 3 }");
    pty.drag_on((9, 5));
    pty.wait_for_text("Drag { column: 9, row: 5 }");
    pty.release(9, 5);
    pty.wait_for_text("Release");
    pty.wheel_up(0, 0);
    pty.wait_for_text("WheelUp { column: 0, row: 0 }");
    pty.wheel_down(1, 2);
    pty.wait_for_text("WheelDown { column: 1, row: 2 }");
    pty.paste("q\nq");
    pty.wait_for_text("Paste(\"q\\nq\")");
}

#[test]
fn a_new_size_is_drawn_whole() {
    if !is_available("a_new_size_is_drawn_whole") {
        return;
    }
    let mut pty = start();
    pty.resize(70, 5);
    pty.wait_for_text("70x5 Resized { width: 70, height: 5 }");
    pty.resize(25, 3);
    let screen = pty.wait_for_text("25x3 Resized");
    assert!(screen.contains("unchanged"), "{screen}");
}

#[test]
fn a_draw_that_changes_nothing_writes_nothing() {
    if !is_available("a_draw_that_changes_nothing_writes_nothing") {
        return;
    }
    let mut pty = start();
    // The second key shows that the first one's draw is done.
    pty.send("n");
    pty.send("x");
    pty.wait_for_text("Key(Char('x'))");
    let frames = |pty: &crate::support::pty::Pty| pty.raw().matches("\x1b[?2026h").count();
    assert_eq!(frames(&pty), 2, "ready and x, nothing for n");
    pty.send("n");
    assert_eq!(pty.bytes_written_during(Duration::from_millis(300)), 0);
}
