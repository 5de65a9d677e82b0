//! The mouse, as a terminal reports it, on everything that is not a row, a heading or a view; and the
//! palette.

use std::time::Duration;

use sockeye::keymap::Key;

use crate::live::scene::{
    FIRST_ROW, Holder, Live, at, line, listener, listeners, place_of, ports, stage,
};
use crate::support::wait_until;

/// Longer than the program takes to write a frame.
const FRAME: Duration = Duration::from_millis(20);

/// Clicks on the first cell of this text, once it is there in a whole frame: of half a frame the rest is still the one
/// before, in which a hint may have another place.
fn click_on(live: &mut Live, text: &str) {
    live.wait_for_text(text);
    let mut place = None;
    wait_until("the text has its place", || {
        let (before, screen) = (place, live.pty.screen());
        place = place_of(&screen, text);
        let is_settled = live.pty.bytes_written_during(FRAME) == 0;
        is_settled && place.is_some() && place == before
    });
    let (x, y) = place.unwrap();
    live.pty.click(x, y);
}

#[test]
fn a_click_on_a_hint_does_what_its_key_does() {
    stage(|| {
        let _open = listeners(&[8080]);
        let mut live = Live::start(&[]);
        click_on(&mut live, "e events");
        live.wait_for_text("┌ events");
        click_on(&mut live, "e close");
        live.wait_without("┌ events");
        click_on(&mut live, "b bind test");
        live.wait_for_text("in the way");
        click_on(&mut live, "c copy");
        live.wait_for_text("┌ copy");
        click_on(&mut live, "Esc close");
        live.wait_without("┌ copy");
        live.wait_for_text("w watch");
        click_on(&mut live, "Esc close");
        live.wait_without("bind test ·");
        live.wait_for_text("p pause");
        click_on(&mut live, "q quit");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}

#[test]
fn a_click_on_a_choice_takes_it_and_one_beside_the_menu_closes_it() {
    stage(|| {
        let _open = listeners(&[8080]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("c");
        live.wait_for_text("┌ copy");
        live.pty.click(1, 1);
        live.wait_without("┌ copy");
        live.press("c");
        click_on(&mut live, "curl http://127.0.0.1:8080/");
        live.wait_for_text("copied curl http://127.0.0.1:8080/ to the clipboard");
        // `curl http://127.0.0.1:8080/` in base64.
        live.pty
            .wait_for_raw("\x1b]52;c;Y3VybCBodHRwOi8vMTI3LjAuMC4xOjgwODAv");
    });
}

#[test]
fn two_clicks_on_a_row_open_its_details() {
    stage(|| {
        let _open = listeners(&[8080, 8081]);
        let mut live = Live::start(&[]);
        live.wait_for_ports(&[8080, 8081]);
        live.pty.click(20, FIRST_ROW + 1);
        live.wait_for_selection(8081);
        assert!(!live.pty.screen_text().contains("┌ details"));
        live.pty.click(20, FIRST_ROW);
        live.pty.click(20, FIRST_ROW);
        live.wait_for_text("┌ details");
        live.wait_for_selection(8080);
    });
}

#[test]
fn a_click_on_the_filter_edits_it() {
    stage(|| {
        let _open = listeners(&[8080, 9090]);
        let mut live = Live::start(&[":8080"]);
        live.wait_for_ports(&[8080]);
        click_on(&mut live, "filter :8080");
        live.wait_for_text("Enter confirm");
        live.pty.send_key(Key::Ctrl('u'));
        live.press(":9090\r");
        live.wait_for_ports(&[9090]);
    });
}

#[test]
fn the_scrollbar_is_dragged_and_let_go() {
    stage(|| {
        let all: Vec<u16> = (8000..8100).collect();
        let _open = listeners(&all);
        let mut live = Live::start(&[]);
        live.wait_for("the first rows", |screen| {
            ports(screen).first() == Some(&8000)
        });
        let bar = 109;
        live.wait_for_cells("the scrollbar", |screen| {
            line(screen, FIRST_ROW).ends_with('┃')
        });
        live.pty.drag((bar, FIRST_ROW), (bar, 15));
        live.wait_for("rows from the middle", |screen| {
            ports(screen)
                .first()
                .is_some_and(|port| (8030..8050).contains(port))
        });
        // Off the bar and beyond the end of the screen.
        live.pty.drag_on((40, 29));
        live.wait_for("the last rows", |screen| {
            ports(screen).last() == Some(&8099)
        });
        live.pty.release(40, 29);
        live.pty.drag_on((bar, FIRST_ROW));
        live.pty.wheel_up(5, 10);
        live.wait_for_selection(8074 - 3);
        // A click in its trough goes there.
        live.pty.click(bar, FIRST_ROW);
        live.wait_for("the first rows", |screen| {
            ports(screen).first() == Some(&8000)
        });
    });
}

/// Clicks twice at once on the first cell of this text, once it is there.
fn double_click_on(live: &mut Live, text: &str) {
    live.wait_for_text(text);
    let (x, y) = place_of(&live.pty.screen(), text).unwrap();
    live.pty.double_click(x, y);
}

#[test]
fn a_click_on_yes_ends_a_process_and_one_on_no_does_not() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("K");
        live.wait_for_text("Send SIGTERM to");
        click_on(&mut live, "n no");
        live.wait_without("Send SIGTERM to");
        assert!(holder.is_running());
        // So soon after another click none says yes; this one has had none before it.
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live.press("K");
        live.wait_for_text("Send SIGTERM to");
        click_on(&mut live, "y yes");
        assert_eq!(
            holder.wait_for_signal(),
            Some(rustix::process::Signal::TERM)
        );
    });
}

/// For a protected process the yes of the first question is where the second question has its no.
#[test]
fn of_two_clicks_at_once_the_second_answers_no_question() {
    stage(|| {
        let mut holder = Holder::of([listener(&at(8080))]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("sleep"));
        double_click_on(&mut live, "K end");
        click_on(&mut live, "n no");
        live.wait_without("Send SIGTERM to");
        assert!(holder.is_running());
    });
    stage(|| {
        // This test has it, and sockeye is its child.
        let _open = listeners(&[8080]);
        let mut live = Live::start(&[]);
        live.wait_for_row(8080, |row| row.contains("LISTEN"));
        live.press("K");
        double_click_on(&mut live, "y yes");
        // What is pressed after them is dealt with after them.
        live.press("p");
        live.wait_for_text("Y yes, end it");
        click_on(&mut live, "n no");
        live.wait_without("Y yes, end it");
    });
}

#[test]
fn the_palette_finds_an_action_and_does_it() {
    stage(|| {
        let _open = listeners(&[8080]);
        let mut live = Live::start(&[]);
        live.press(":");
        live.wait_for_text("┌ actions");
        live.press("journal nothing");
        live.wait_for_text("no matching action");
        live.pty.send_key(Key::Ctrl('u'));
        live.press("events");
        live.wait_without("previous view");
        live.press("\r");
        live.wait_for_text("┌ events");
        live.press(":help");
        live.wait_without("previous view");
        click_on(&mut live, "this help");
        live.wait_for_text("┌ help");
        live.press("q:");
        live.wait_for_text("┌ actions");
        live.pty.send_key(Key::Esc);
        live.wait_without("┌ actions");
    });
}
