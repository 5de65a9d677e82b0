//! Going to a port, and following what happens.

use crate::app::tests::*;

fn is_following(desk: &Desk) -> bool {
    let view = desk.view();
    let mut spans = view.header.iter().chain(&view.header_right);
    spans.any(|span| span.text.trim() == "following")
}

// Going to a port.

#[test]
fn g_goes_to_the_first_row_at_once_and_digits_to_a_port_as_they_are_typed() {
    let mut desk = Desk::with_ports(&[22, 80, 443, 8080, 8443]);
    desk.press("Gg");
    assert_eq!(desk.selected_port(), Some(22));
    assert!(footer(&desk).contains("go to port "));
    for (digit, port) in [("8", 80), ("4", 8443), ("4", 8443), ("3", 8443)] {
        desk.press(digit);
        assert_eq!(desk.selected_port(), Some(port), "{digit}");
    }
    assert!(footer(&desk).contains("go to port 8443"));
    desk.key(Key::Enter);
    assert_eq!(
        (desk.mode(), desk.selected_port()),
        (Mode::Table, Some(8443))
    );
}

#[test]
fn a_port_is_found_whatever_the_order() {
    for order in ["", "S", "sj\n", "sj\nS", "sjj\n"] {
        let mut desk = Desk::with_ports(&[22, 80, 443, 8080, 8443]);
        for c in order.chars() {
            desk.key(if c == '\n' { Key::Enter } else { Key::Char(c) });
        }
        desk.press("g808");
        assert_eq!(desk.selected_port(), Some(8080), "{order}");
    }
}

#[test]
fn where_no_port_begins_so_the_next_above_is_taken_and_that_is_said() {
    let mut desk = Desk::with_ports(&[22, 80, 8080]);
    desk.press("g99");
    assert_eq!(desk.selected_port(), Some(8080));
    assert!(footer(&desk).contains("no port starts with 99; 8080 is the next"));
    desk.press("9");
    assert_eq!(desk.selected_port(), Some(8080));
    desk.press("99");
    assert!(
        footer(&desk).contains("no port starts with 99999"),
        "{}",
        footer(&desk)
    );
    assert_eq!(desk.selected_port(), Some(8080), "the cursor stays");
    desk.press("9");
    assert!(
        footer(&desk).contains("go to port 99999 "),
        "a port has five digits"
    );
}

#[test]
fn backspace_takes_a_digit_back_and_esc_the_whole_way() {
    let mut desk = Desk::with_ports(&[22, 80, 443, 8080]);
    desk.press("jj");
    desk.press("g80");
    assert_eq!(desk.selected_port(), Some(80));
    desk.press("8");
    assert_eq!(desk.selected_port(), Some(8080));
    desk.key(Key::Backspace);
    assert_eq!(desk.selected_port(), Some(80));
    for _ in 0..3 {
        desk.key(Key::Backspace);
    }
    assert_eq!(desk.selected_port(), Some(22), "no digit is the first row");
    desk.key(Key::Esc);
    assert_eq!(
        (desk.mode(), desk.selected_port()),
        (Mode::Table, Some(443))
    );
}

#[test]
fn any_other_key_ends_it_and_acts_as_in_the_table() {
    let mut desk = Desk::with_ports(&[22, 80, 443]);
    desk.press("g80j");
    assert_eq!(
        (desk.mode(), desk.selected_port()),
        (Mode::Table, Some(443))
    );
    desk.press("g8/");
    assert_eq!(desk.mode(), Mode::Prompt);
    desk.key(Key::Esc);
    desk.press("Ggg");
    assert_eq!(
        (desk.mode(), desk.selected_port()),
        (Mode::Digits, Some(22))
    );
    assert_eq!(desk.key(Key::Ctrl('c')), [Effect::End(Exit::Quit)]);
    // A click, too.
    let (column, row) = (40, 4);
    desk.send(Msg::Input(Input::Mouse(Mouse::Click { column, row })));
    assert_eq!((desk.mode(), desk.selected_port()), (Mode::Table, Some(80)));
}

#[test]
fn the_digits_of_views_are_a_port_only_right_after_g() {
    let mut desk = Desk::with_ports(&[22, 80, 443]);
    desk.press("g4");
    assert_eq!(desk.selected_port(), Some(443));
    assert_eq!(desk.app.rows.criteria.tab, Tab::All);
    desk.key(Key::Enter);
    desk.press("1");
    assert_eq!(desk.app.rows.criteria.tab, Tab::Listening);
    desk.key(Key::Home);
    desk.press("3");
    assert_eq!(
        desk.app.rows.criteria.tab,
        Tab::All,
        "Home waits for no digits"
    );
}

#[test]
fn a_port_that_is_not_shown_is_said_to_be_and_enter_shows_it() {
    let mut desk = Desk::with_ports(&[22, 80, 8080]);
    desk.press("/!:8080");
    desk.key(Key::Enter);
    desk.press("g808");
    assert!(!footer(&desk).contains("not shown"));
    desk.press("0");
    assert!(footer(&desk).contains("8080 is not shown: Enter shows it"));
    desk.key(Key::Enter);
    assert_eq!(desk.selected_port(), Some(8080));
    assert!(footer(&desk).contains("U restores it"));
}

#[test]
fn a_port_of_another_view_or_protocol_is_shown_too() {
    let client = Socket {
        remote: Some(Endpoint::new("127.0.0.1".parse().unwrap(), 9)),
        state: State::Established,
        ..listener(20)
    };
    for hide in ["1", "t"] {
        let mut desk = Desk::new();
        desk.read(&[listener(10), client.clone()]);
        desk.press(hide);
        desk.press("g20");
        assert!(footer(&desk).contains("20 is not shown"), "{hide}");
        desk.key(Key::Enter);
        assert_eq!(desk.selected_port(), Some(20), "{hide}");
    }
}

#[test]
fn pasted_digits_are_a_port_and_other_text_is_none() {
    let mut desk = Desk::with_ports(&[22, 80, 8080]);
    desk.press("g");
    desk.send(Msg::Input(Input::Paste(" 8080\n".into())));
    assert_eq!(desk.selected_port(), Some(8080));
    desk.press("g");
    desk.send(Msg::Input(Input::Paste("qKy".into())));
    assert_eq!(
        (desk.mode(), desk.selected_port()),
        (Mode::Digits, Some(22))
    );
}

#[test]
fn a_table_without_rows_can_be_gone_through() {
    let mut desk = Desk::with_ports(&[]);
    desk.press("g80");
    assert!(footer(&desk).contains("no port starts with 80"));
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Table);
}

// Following.

#[test]
fn the_cursor_follows_the_newest_event_until_it_is_moved() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("F");
    assert!(is_following(&desk));
    assert_eq!(desk.selected_port(), Some(10), "nothing has happened yet");
    desk.wait(SECOND).read_ports(&[10, 15, 20, 30]);
    assert_eq!(desk.selected_port(), Some(15));
    desk.wait(SECOND).read_ports(&[10, 15, 20, 30]);
    assert_eq!(desk.selected_port(), Some(15), "nothing new");
    desk.settle_on(&[10, 15, 20]);
    assert_eq!(desk.selected_port(), Some(30), "it closed");
    desk.press("k");
    assert!(!is_following(&desk));
    desk.wait(SECOND).read_ports(&[10, 15, 20, 40]);
    assert_eq!(desk.selected_port(), Some(20));
}

#[test]
fn to_follow_begins_with_the_newest_event_there_was() {
    let mut desk = Desk::with_ports(&[10, 30]);
    desk.wait(SECOND).read_ports(&[10, 20, 30]);
    desk.wait(SECOND).read_ports(&[10, 20, 30]);
    assert_eq!(desk.selected_port(), Some(10));
    desk.press("F");
    assert_eq!(desk.selected_port(), Some(20));
    desk.press("F");
    assert!(!is_following(&desk));
}

#[test]
fn what_is_not_shown_is_not_followed() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("/:10 | :20 | :25");
    desk.key(Key::Enter);
    desk.press("F");
    desk.wait(SECOND).read_ports(&[10, 20, 30]);
    assert_eq!(desk.selected_port(), Some(10));
    // The newest that is shown.
    desk.wait(SECOND).read_ports(&[10, 20, 25, 30, 35]);
    assert_eq!(desk.selected_port(), Some(25));
    assert!(is_following(&desk));
}

#[test]
fn the_events_are_scrolled_to_the_newest_while_it_is_followed() {
    let many: Vec<u16> = (1000..1100).collect();
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).read_ports(&many);
    desk.press("e]]]");
    assert_ne!(desk.app.dock.scroll, 0);
    desk.press("F");
    assert_eq!(desk.app.dock.scroll, 0);
    desk.press("]");
    assert!(!is_following(&desk), "who scrolls reads older ones");
}

#[test]
fn a_move_by_mouse_or_to_a_port_ends_following_too() {
    let click = Mouse::Click { column: 40, row: 4 };
    let wheel = Mouse::WheelDown { column: 40, row: 4 };
    for mouse in [click, wheel] {
        let mut desk = Desk::with_ports(&[10, 20, 30]);
        desk.press("F");
        desk.send(Msg::Input(Input::Mouse(mouse)));
        assert!(!is_following(&desk), "{mouse:?}");
    }
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND)
        .read_ports(&(1000..1100).collect::<Vec<_>>());
    desk.press("eF");
    let area = desk.view().scrollbars[1].area;
    let (column, row) = (area.x, area.y + area.height - 1);
    desk.send(Msg::Input(Input::Mouse(Mouse::Click { column, row })));
    assert!(!is_following(&desk), "the scrollbar of the events");
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("Fg");
    assert!(!is_following(&desk));
}

#[test]
fn it_says_that_it_follows_on_a_small_terminal_too() {
    let mut desk = Desk::with_ports(&[10]);
    let (width, height) = (40, 10);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.press("F");
    assert!(is_following(&desk));
}
